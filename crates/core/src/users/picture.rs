//! A picture that a person hands in of themselves. Its address, with a random name, is the `picture` claim; what
//! is not the picture is never kept ([`Picture`]). It goes when another is handed in, when another address is
//! chosen, and with the account.

use doorward_proto::{
    id::{Id, User as UserKind},
    time::Time,
};

use super::{User, sql};
use crate::{
    audit::{self, Event},
    branding::{Bounds, Picture},
    call::Call,
    db::Tx,
    outcome::{Code, Error, Result, refuse},
};

/// What a picture of a person may be.
pub const PICTURE: Bounds = Bounds { field: "picture", what: "A picture", bytes: 160 * 1024, pixels: 2048 };

/// Where pictures are, below the issuer.
pub const PICTURES: &str = "/pictures/";

struct Change {
    user: Id<UserKind>,
    picture: Option<Picture>,
    name: String,
    address: Option<String>,
    now: Time,
    event: Event,
}

/// Puts a picture in the place of the present one, or takes that away.
///
/// # Errors
/// `VersionMismatch` when the person was changed at the same moment.
pub async fn set_picture(call: &Call, user: Id<UserKind>, picture: Option<Picture>) -> Result<User> {
    let name = data_encoding::HEXLOWER.encode(&call.realm.env.bytes::<16>()?);
    let address = picture
        .as_ref()
        .map(|picture| format!("{}{PICTURES}{name}.{}", call.realm.issuer, picture.format.extension()));
    let event = Event::new(call, "user.updated")?.subject(user).fact("changed", vec!["picture"]);
    let ask = Change { user, picture, name, address, now: call.now, event };
    call.realm.db.write("users.set_picture", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Change {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<User> {
        let Some(mut user) = sql::find(tx, self.user).await? else { return refuse(Code::NotFound) };
        if user.is_anonymous {
            return Err(super::anonymous::forbidden().into());
        }
        sql::drop_picture(tx, self.user).await?;
        if let Some(picture) = &self.picture {
            sql::insert_picture(tx, (self.user, &self.name), picture, self.now).await?;
        }
        user.profile.picture.clone_from(&self.address);
        if sql::update(tx, &user, self.now).await?.is_none() {
            return refuse(Code::VersionMismatch);
        }
        tx.raise_changes().await?;
        audit::record(tx, &self.event).await?;
        sql::find(tx, self.user).await?.ok_or_else(|| Error::fault("the changed person is not there"))
    }
}

/// The picture of this name.
pub async fn picture(call: &Call, name: &str) -> Result<Option<Picture>> {
    let found = call.realm.db.read("users.picture", name.to_owned(), |tx, name| {
        Box::pin(async move { sql::picture(tx, name).await })
    });
    found.await
}
