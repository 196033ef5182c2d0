//! Changing, suspending and ending accounts.

use std::time::Duration;

use doorward_proto::{
    id::{Id, User as UserKind},
    time::Time,
    zone::Zone,
};
use serde_json::{Map, Value as Json};

use super::{Email, PlatformRole, User, sql};
use crate::{
    announcements, api_keys,
    audit::{self, Event},
    call::Call,
    credentials,
    db::Tx,
    env::Env,
    jobs::{self, NewJob, Work},
    links,
    mail::{self, NewMail, Recipient, Template},
    orgs,
    outcome::{Code, Error, Refusal, Result, refuse},
    principals::{self, Status},
    providers, sessions,
};

/// Held by whatever may take an administrator away, so that the last one stays.
pub(super) const ADMINISTRATORS: &str = "doorward.administrators";

/// What shall change; `None` leaves a thing as it is, `Some(None)` takes it away.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Another mail address in the place of the present one, and whether it counts as proven.
    pub email: Option<(Email, bool)>,
    /// The full name.
    pub name: Option<Option<String>>,
    /// The user name.
    pub username: Option<Option<String>>,
    /// What the person may do to the platform.
    pub platform_role: Option<PlatformRole>,
    /// Names of roles.
    pub roles: Option<Vec<String>>,
    /// A merge patch (RFC 7396) on the standard claims.
    pub profile: Option<Map<String, Json>>,
    /// The language.
    pub locale: Option<Option<String>>,
    /// The time zone.
    pub zone: Option<Option<String>>,
    /// The version of the text by which the person agrees to be written to; `None` takes consent back.
    pub marketing_consent: Option<Option<String>>,
}

struct Update {
    env: Env,
    id: Id<UserKind>,
    expected: Option<i64>,
    change: Change,
    now: Time,
    event: Event,
}

/// Changes a person. With `expected`, only while the version is still that one.
pub async fn update(call: &Call, id: Id<UserKind>, expected: Option<i64>, change: Change) -> Result<User> {
    let event = Event::new(call, "user.updated")?.subject(id).fact("changed", changed(&change));
    let env = call.realm.env.clone();
    let ask = Update { env, id, expected, change, now: call.now, event };
    call.realm
        .db
        .write("users.update", ask, |tx, ask| {
            Box::pin(async move {
                let Some(before) = sql::find(tx, ask.id).await? else { return refuse(Code::NotFound) };
                if ask.expected.is_some_and(|version| version != before.version) {
                    return refuse(Code::VersionMismatch);
                }
                if before.is_anonymous {
                    return Err(super::anonymous::forbidden().into());
                }
                let after = applied(before.clone(), &ask.change, ask.now)?;
                if before.platform_role != after.platform_role {
                    // Before the administrators' lock, as everywhere.
                    tx.lock_exclusive(&[&ask.id.to_string()]).await?;
                    if after.platform_role == PlatformRole::User {
                        keep_an_administrator(tx, ask.id).await?;
                    }
                    principals::move_epoch(tx, &ask.env, ask.id).await?;
                }
                if let Some(name) = after.username.as_deref().map(str::to_lowercase)
                    && sql::username_taken(tx, &name, ask.id).await?
                {
                    return Err(username_taken());
                }
                if sql::update(tx, &after, ask.now).await?.is_none() {
                    return refuse(Code::VersionMismatch);
                }
                if after.profile.picture != before.profile.picture {
                    sql::drop_picture(tx, ask.id).await?;
                }
                if let Some((email, is_proven)) = &ask.change.email {
                    super::set_email(tx, ask.id, email, is_proven.then_some(ask.now), ask.now).await?;
                }
                tx.raise_changes().await?;
                audit::record(tx, &ask.event).await?;
                sql::find(tx, ask.id).await?.ok_or_else(|| Error::fault("the changed person is not there"))
            })
        })
        .await
}

fn username_taken() -> Error {
    Refusal::new(Code::Conflict).field("username").hint("The user name is taken").into()
}

fn changed(change: &Change) -> Vec<&'static str> {
    [
        ("email", change.email.is_some()),
        ("name", change.name.is_some()),
        ("username", change.username.is_some()),
        ("platform_role", change.platform_role.is_some()),
        ("roles", change.roles.is_some()),
        ("profile", change.profile.is_some()),
        ("locale", change.locale.is_some()),
        ("zone", change.zone.is_some()),
        ("marketing_consent", change.marketing_consent.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, is_changed)| is_changed.then_some(name))
    .collect()
}

fn applied(mut user: User, change: &Change, now: Time) -> Result<User> {
    if let Some(name) = &change.name {
        user.name = name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    }
    if let Some(username) = &change.username {
        user.username.clone_from(username);
    }
    if let Some(roles) = &change.roles {
        user.roles.clone_from(roles);
    }
    if let Some(locale) = &change.locale {
        user.locale.clone_from(locale);
    }
    if let Some(zone) = &change.zone {
        user.zone.clone_from(zone);
    }
    if let Some(patch) = &change.profile {
        user.profile = user.profile.merged(patch)?;
    }
    if let Some(consent) = &change.marketing_consent {
        user.marketing_consent_at = consent.as_ref().map(|_| now);
        user.marketing_consent_text.clone_from(consent);
    }
    user.platform_role = change.platform_role.unwrap_or(user.platform_role);
    check_texts(user.name.as_deref(), user.username.as_deref(), &user.roles)?;
    check_language(user.locale.as_deref(), user.zone.as_deref())?;
    Ok(user)
}

/// Refuses names that are too long, user names that look like addresses or ids, roles that would not
/// survive in a token.
pub(super) fn check_texts(name: Option<&str>, username: Option<&str>, roles: &[String]) -> Result<()> {
    let refused =
        |field, hint: &'static str| Err(Refusal::new(Code::RequestInvalid).field(field).hint(hint).into());
    if name.is_some_and(|name| name.len() > 255 || name.chars().any(char::is_control)) {
        return refused("name", "A name has at most 255 bytes and no control characters");
    }
    let is_username = |name: &str| {
        (2..=64).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            && name.parse::<Id<UserKind>>().is_err()
    };
    if username.is_some_and(|name| !is_username(name)) {
        return refused("username", "A user name has 2 to 64 of A-Z a-z 0-9 . _ -");
    }
    let is_role = |role: &String| {
        (1..=64).contains(&role.len())
            && role.chars().all(|c| c.is_ascii_alphanumeric() || "._:-".contains(c))
    };
    if roles.len() > 64 || !roles.iter().all(is_role) {
        return refused("roles", "At most 64 roles of A-Z a-z 0-9 . _ : -");
    }
    Ok(())
}

/// Refuses what is not a BCP 47 language or a time zone's name.
pub(super) fn check_language(locale: Option<&str>, zone: Option<&str>) -> Result<()> {
    if locale.is_some_and(|locale| locale.parse::<unic_langid::LanguageIdentifier>().is_err()) {
        return Err(Refusal::new(Code::RequestInvalid).field("locale").hint("Not a language").into());
    }
    if zone.is_some_and(|zone| Zone::find(zone).is_none()) {
        return Err(Refusal::new(Code::RequestInvalid).field("zone").hint("Not a time zone").into());
    }
    Ok(())
}

async fn keep_an_administrator(tx: &mut Tx<'_>, leaving: Id<UserKind>) -> Result<()> {
    tx.lock_exclusive(&[ADMINISTRATORS]).await?;
    if sql::other_administrator(tx, leaving).await? { Ok(()) } else { refuse(Code::LastAdministrator) }
}

struct StatusAsk {
    env: Env,
    id: Id<UserKind>,
    status: Status,
    now: Time,
    event: Event,
}

struct End {
    env: Env,
    id: Id<UserKind>,
    now: Time,
    event: Event,
    goodbye: Option<NewMail>,
    erase_again: NewJob,
}

/// Suspends a person: nothing can be issued to them, every session ends, everything issued before too.
pub async fn suspend(call: &Call, id: Id<UserKind>) -> Result<User> {
    set_status(call, id, Status::Suspended, "user.suspended").await
}

/// Lets a suspended person in again; sessions and tokens from before stay over.
pub async fn resume(call: &Call, id: Id<UserKind>) -> Result<User> {
    set_status(call, id, Status::Active, "user.resumed").await
}

async fn set_status(call: &Call, id: Id<UserKind>, status: Status, code: &'static str) -> Result<User> {
    let env = call.realm.env.clone();
    let ask = StatusAsk { env, id, status, now: call.now, event: Event::new(call, code)?.subject(id) };
    call.realm
        .db
        .write("users.set_status", ask, |tx, ask| {
            Box::pin(async move {
                // Whoever is just being signed in or issued something finishes first, or fails.
                tx.lock_exclusive(&[&ask.id.to_string()]).await?;
                let Some(user) = sql::find(tx, ask.id).await? else { return refuse(Code::NotFound) };
                if ask.status == Status::Suspended && user.platform_role == PlatformRole::Administrator {
                    keep_an_administrator(tx, ask.id).await?;
                }
                if principals::set_status(tx, &ask.env, ask.id, ask.status).await? {
                    sql::touch(tx, ask.id, ask.now).await?;
                    if ask.status == Status::Suspended {
                        sessions::end_all_of(tx, ask.id, None, ask.now, "suspended").await?;
                    }
                    audit::record(tx, &ask.event).await?;
                }
                sql::find(tx, ask.id).await?.ok_or_else(|| Error::fault("the person is not there"))
            })
        })
        .await
}

/// Deletes an account for good: it can never be used again, and what was personal is gone, in the
/// audit trail too. The id stays, so that what it did can still be told apart.
pub async fn end(call: &Call, id: Id<UserKind>) -> Result<()> {
    let person = super::get(call, id).await?;
    let goodbye = match person.email.as_deref() {
        Some(email) => {
            let to = Recipient { user: None, email, locale: person.locale.as_deref() };
            let when = call.now.to_human();
            Some(mail::prepare(call, &to, Template::AccountDeleted, &[("when", &when)], None)?)
        }
        None => None,
    };
    let ask = End {
        env: call.realm.env.clone(),
        id,
        now: call.now,
        event: Event::new(call, "user.ended")?.subject(id),
        goodbye,
        // What was under way while the account ended may still have written something personal.
        erase_again: NewJob::new(call, Work::EraseDetails(id), call.now + Duration::from_hours(1))?,
    };
    call.realm.db.write("users.end", ask, |tx, ask| Box::pin(async move { ask.run(tx).await })).await
}

impl End {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let (id, now) = (self.id, self.now);
        orgs::members::keep_owners(tx, id).await?;
        tx.lock_exclusive(&[&id.to_string()]).await?;
        let Some(user) = sql::find(tx, id).await? else { return refuse(Code::NotFound) };
        if user.platform_role == PlatformRole::Administrator {
            keep_an_administrator(tx, id).await?;
        }
        principals::set_status(tx, &self.env, id, Status::Ended).await?;
        sessions::end_all_of(tx, id, None, now, "deleted").await?;
        sessions::end_grants_of(tx, id, None, now).await?;
        sessions::forget_places(tx, id).await?;
        credentials::remove_all(tx, id).await?;
        api_keys::remove_all_of(tx, id).await?;
        providers::forget(tx, id).await?;
        links::end_all_of(tx, id, now).await?;
        mail::remove_all_of(tx, id).await?;
        announcements::forget(tx, id).await?;
        orgs::close_personal(tx, &self.env, id, now).await?;
        sql::drop_picture(tx, id).await?;
        sql::anonymise(tx, id, now).await?;
        if let Some(mail) = &self.goodbye {
            mail::enqueue(tx, mail).await?;
        }
        jobs::enqueue(tx, &self.erase_again).await?;
        audit::record(tx, &self.event).await?;
        audit::erase(tx, id, now).await
    }
}

/// Takes back a person's consent to be written to; answers whether there was one.
pub(crate) async fn withdraw_consent(tx: &mut Tx<'_>, id: Id<UserKind>, now: Time) -> Result<bool> {
    sql::withdraw_consent(tx, id, now).await
}
