//! The first administrator: by a one-time link printed at first start, or unattended.
//!
//! Both work only while there is no administrator, decided in the operation that makes one.

use std::{sync::Arc, time::Duration};

use doorward_proto::{
    id::{Id, User as UserKind},
    secret::{Opaque, SecretText},
};

use super::{Email, NewUser, PlatformRole, Prepared, insert, manage, sql};
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    credentials::{self, ACR, AMR, SignedIn},
    db::Tx,
    links::{self, NewLink, Presented, Purpose},
    orgs,
    outcome::{Code, Error, Result, refuse},
    realm::Realm,
    sessions::{self, Session, Start},
};

const LIVES: Duration = Duration::from_hours(24);

/// A link that makes the first administrator, for 24 hours; ends an earlier one. `None` when there is
/// an administrator.
pub async fn link(call: &Call) -> Result<Option<String>> {
    let (link, secret) = links::make(call, Purpose::SetUp, &(), LIVES)?;
    let made = call
        .realm
        .db
        .write("setup.link", link, |tx, link: &NewLink| {
            Box::pin(async move {
                if sql::has_administrator(tx).await? {
                    return Ok(false);
                }
                links::insert(tx, link).await?;
                Ok(true)
            })
        })
        .await?;
    Ok(made.then(|| Purpose::SetUp.address(call, &secret)))
}

/// Refuses a set-up link that does not work.
pub async fn check(call: &Call, link: &Opaque) -> Result<()> {
    links::look::<()>(call, Purpose::SetUp, link).await.map(|_| ())
}

/// Who becomes the first administrator.
#[derive(Debug, Clone)]
pub struct Administrator {
    /// The mail address; taken as proven.
    pub email: Email,
    /// The password.
    pub password: SecretText,
    /// The name, if given.
    pub name: Option<String>,
}

async fn prepare(call: &Call, who: Administrator) -> Result<Prepared> {
    let about: Vec<&str> = who.name.as_deref().into_iter().chain([who.email.address()]).collect();
    credentials::check(call, &who.password, &about).await?;
    let mut new = NewUser::new(who.email);
    new.email_verified = true;
    new.name = who.name;
    new.platform_role = PlatformRole::Administrator;
    new.password = Some(call.realm.passwords.make(&who.password).await?);
    new.joins = Some((call.realm.instance_org, orgs::OWNER.to_owned()));
    Prepared::new(call, new)
}

async fn make_first(tx: &mut Tx<'_>, new: &Prepared) -> Result<()> {
    tx.lock_exclusive(&[manage::ADMINISTRATORS]).await?;
    if sql::has_administrator(tx).await? {
        return refuse(Code::SetUpDone);
    }
    insert(tx, new).await
}

struct Complete {
    realm: Arc<Realm>,
    link: Presented,
    new: Prepared,
    start: Start,
    event: Event,
}

/// Uses a set-up link: makes the administrator and signs them in at this browser (`cookie` is the one it
/// presented).
pub async fn complete(
    call: &Call,
    link: &Opaque,
    who: Administrator,
    cookie: Option<&Opaque>,
) -> Result<SignedIn> {
    check(call, link).await?;
    let (start, new_cookie) = Start::new(call, cookie, ACR, AMR)?;
    let new = prepare(call, who).await?;
    let by = call.by(Actor::User { id: new.id(), session: start.id() });
    let event = Event::new(&by, "user.signed_in")?.subject(new.id()).fact("amr", AMR);
    let link = Presented::new(call, Purpose::SetUp, link);
    let ask = Complete { realm: Arc::clone(&call.realm), link, new, start, event };
    let session: Session = call
        .realm
        .db
        .write("setup.complete", ask, |tx, ask| {
            Box::pin(async move {
                ask.link.consume::<()>(tx, &ask.realm.vault).await?;
                make_first(tx, &ask.new).await?;
                let session = sessions::start(tx, ask.new.id(), &ask.start).await?;
                audit::record(tx, &ask.event).await?;
                Ok(session)
            })
        })
        .await?;
    Ok(SignedIn { cookie: new_cookie, session })
}

/// Unattended set-up: makes this administrator unless there is one. Answers the new one's id.
pub async fn ensure(call: &Call, who: Administrator) -> Result<Option<Id<UserKind>>> {
    let is_done = call
        .realm
        .db
        .read("setup.is_done", (), |tx, ()| Box::pin(async move { sql::has_administrator(tx).await }))
        .await?;
    if is_done {
        return Ok(None);
    }
    let new = prepare(call, who).await?;
    let id = new.id();
    let made = call
        .realm
        .db
        .write("setup.ensure", new, |tx, new| Box::pin(async move { make_first(tx, new).await }))
        .await;
    match made {
        Ok(()) => Ok(Some(id)),
        // Another node was quicker.
        Err(Error::Refused(refusal)) if refusal.code == Code::SetUpDone => Ok(None),
        Err(other) => Err(other),
    }
}
