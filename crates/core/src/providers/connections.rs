//! The sign-ins elsewhere that a person has linked.

use doorward_proto::{
    id::{self, Id, Org, User},
    time::Time,
};

use super::sql;
use crate::{
    audit::{self, Event},
    call::Call,
    credentials,
    db::Tx,
    mail::{self, NewMail, Recipient, Template},
    outcome::{Code, Result, refuse},
    users,
};

/// A linked sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The provider.
    pub provider: Id<id::Provider>,
    /// Its name in addresses.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Whether it can be used now.
    pub is_enabled: bool,
    /// The mail address that the provider named last.
    pub email: Option<String>,
    /// Since when.
    pub linked_at: Time,
    /// When it was used last.
    pub last_used_at: Time,
}

/// The linked sign-ins of a person.
pub async fn connections(call: &Call, user: Id<User>) -> Result<Vec<Connection>> {
    call.realm
        .db
        .read("providers.of_user", user, |tx, user| Box::pin(async move { sql::of_user(tx, *user).await }))
        .await
}

/// Tells a person of a sign-in elsewhere that was linked or unlinked.
pub(super) async fn told(
    call: &Call,
    user: Id<User>,
    name: &str,
    template: Template,
) -> Result<Option<NewMail>> {
    let Some(person) = users::find(call, user).await? else { return Ok(None) };
    let Some(email) = person.email.as_deref() else { return Ok(None) };
    let to = Recipient { user: Some(user), email, locale: person.locale.as_deref() };
    let (when, link) = (call.now.to_human(), format!("{}/account/security", call.realm.issuer));
    let parameters = [("when", when.as_str()), ("link", link.as_str()), ("name", name)];
    mail::prepare(call, &to, template, &parameters, None).map(Some)
}

struct Disconnect {
    user: Id<User>,
    provider: Id<id::Provider>,
    mail: Option<NewMail>,
    event: Event,
}

/// Unlinks a provider from the account, and tells its person by mail.
///
/// # Errors
/// `NotFound`; `LastSignIn` where nothing else is left to sign in with.
pub async fn disconnect(call: &Call, user: Id<User>, provider: Id<id::Provider>) -> Result<()> {
    let event = Event::new(call, "user.disconnected")?.subject(user).fact("provider", provider.to_string());
    let known = connections(call, user).await?;
    let Some(linked) = known.into_iter().find(|one| one.provider == provider) else {
        return refuse(Code::NotFound);
    };
    let mail = told(call, user, &linked.name, Template::SignInUnlinked).await?;
    let ask = Disconnect { user, provider, mail, event };
    call.realm
        .db
        .write("providers.disconnect", ask, |tx, ask| {
            Box::pin(async move {
                // Two at once must not each find the other's way still there.
                tx.lock_exclusive(&[&ask.user.to_string()]).await?;
                let all = sql::of_user(tx, ask.user).await?;
                if !all.iter().any(|one| one.provider == ask.provider) {
                    return refuse(Code::NotFound);
                }
                let has_another = all.iter().any(|one| one.provider != ask.provider && one.is_enabled);
                if !has_another && !credentials::has_password_in(tx, ask.user).await? {
                    return refuse(Code::LastSignIn);
                }
                sql::unlink(tx, ask.user, ask.provider).await?;
                if let Some(mail) = &ask.mail {
                    mail::enqueue(tx, mail).await?;
                }
                audit::record(tx, &ask.event).await
            })
        })
        .await
}

/// Takes the providers of an organisation away, when it ends.
pub(crate) async fn forget_org(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    sql::delete_of(tx, org).await.map(drop)
}

/// Takes every linked sign-in of a person away, when the account ends.
pub(crate) async fn forget(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    sql::forget(tx, user).await
}
