//! Changing a password while signed in, and asking for the present one before what cannot be undone.

use doorward_proto::{
    id::{Id, Session, User},
    secret::SecretText,
    time::Time,
};

use super::{Hashed, policy, sql};
use crate::{
    audit::{self, Event, Refused},
    call::Call,
    links,
    mail::{self, NewMail, Recipient, Template},
    outcome::{Code, Error, Refusal, Result, refuse},
    sessions, throttle, users,
};

/// Asks the person's present password again. Wrong tries are slowed down for this person only.
pub async fn confirm(call: &Call, user: Id<User>, password: &SecretText) -> Result<()> {
    verified(call, user, password).await.map(|_| ())
}

/// The hash that the password was verified against. A refusal is recorded, once a minute. Once begun it
/// ends, as a sign-in does.
async fn verified(call: &Call, user: Id<User>, password: &SecretText) -> Result<Hashed> {
    let (own, password) = (call.clone(), password.clone());
    let outcome = tokio::spawn(async move { verify(&own, user, &password).await }).await?;
    if let Err(Error::Refused(refusal)) = &outcome {
        let what = Refused {
            event: "user.password_refused",
            route: "confirm",
            code: refusal.code,
            org: None,
            identity: user.to_string(),
        };
        audit::refused(call, what, |event| event.subject(user)).await?;
    }
    outcome
}

async fn verify(call: &Call, user: Id<User>, password: &SecretText) -> Result<Hashed> {
    let tried = throttle::confirm(call, user);
    let (taken, stored) = call
        .realm
        .db
        .write("credentials.confirm", (user, tried), |tx, (user, tried)| {
            Box::pin(async move { Ok((throttle::take(tx, tried).await?, sql::find(tx, *user).await?)) })
        })
        .await?;
    let judged = call.realm.passwords.verify(password, stored.as_ref()).await;
    if judged.as_ref().is_ok_and(|verified| !verified.is_right) {
        return Err(Refusal::new(Code::PasswordWrong).field("current_password").into());
    }
    // It was right, or the server had no time for it: nobody has guessed.
    call.realm
        .db
        .write("credentials.confirmed", taken, |tx, taken| {
            Box::pin(async move { throttle::give_back(tx, taken).await })
        })
        .await?;
    judged?;
    stored.ok_or_else(|| Refusal::new(Code::PasswordWrong).field("current_password").into())
}

struct Change {
    user: Id<User>,
    /// The session that stays, and the hash that must still be the present one.
    own: Option<(Id<Session>, Hashed)>,
    password: Hashed,
    mail: Option<NewMail>,
    event: Event,
    now: Time,
}

/// Changes one's own password. Every other session and every grant made outside this one ends.
pub async fn change(
    call: &Call,
    (user, session): (Id<User>, Id<Session>),
    current: &SecretText,
    new: &SecretText,
) -> Result<()> {
    let stored = verified(call, user, current).await?;
    replace(call, user, Some((session, stored)), new).await
}

/// Sets somebody's password, for administrators. Every session and grant of the person ends.
pub async fn set(call: &Call, user: Id<User>, new: &SecretText) -> Result<()> {
    replace(call, user, None, new).await
}

async fn replace(
    call: &Call,
    user: Id<User>,
    own: Option<(Id<Session>, Hashed)>,
    new: &SecretText,
) -> Result<()> {
    let person = users::get(call, user).await?;
    policy::check(call, new, &about(&person)).await?;
    let change = Change {
        user,
        own,
        password: call.realm.passwords.make(new).await?,
        mail: changed_mail(call, &person)?,
        event: Event::new(call, "user.password_changed")?.subject(user),
        now: call.now,
    };
    call.realm
        .db
        .write("credentials.change", change, |tx, ask| {
            Box::pin(async move {
                tx.lock_exclusive(&[&ask.user.to_string()]).await?;
                if users::find_in(tx, ask.user).await?.is_none() {
                    return refuse(Code::NotFound);
                }
                let keep = match &ask.own {
                    Some((session, expected)) => {
                        // Reset while this was under way: the newer one stays.
                        if sql::find(tx, ask.user).await?.as_ref() != Some(expected) {
                            return refuse(Code::PasswordWrong);
                        }
                        Some(*session)
                    }
                    None => None,
                };
                sql::store(tx, ask.user, &ask.password, ask.now).await?;
                sessions::end_all_of(tx, ask.user, keep, ask.now, "password_changed").await?;
                sessions::end_grants_of(tx, ask.user, keep, ask.now).await?;
                links::end_all_of(tx, ask.user, ask.now).await?;
                if let Some(mail) = &ask.mail {
                    mail::enqueue(tx, mail).await?;
                }
                audit::record(tx, &ask.event).await
            })
        })
        .await
}

/// What others know of a person, for the strength meter.
pub(super) fn about(person: &users::User) -> Vec<&str> {
    [&person.name, &person.username, &person.email].into_iter().flatten().map(String::as_str).collect()
}

/// Tells the person that the password was changed.
pub(super) fn changed_mail(call: &Call, person: &users::User) -> Result<Option<NewMail>> {
    let Some(email) = person.email.as_deref() else { return Ok(None) };
    let to = Recipient { user: Some(person.id), email, locale: person.locale.as_deref() };
    let (when, link) = (call.now.to_human(), format!("{}/forgot", call.realm.issuer));
    let parameters = [("when", when.as_str()), ("link", link.as_str())];
    mail::prepare(call, &to, Template::PasswordChanged, &parameters, None).map(Some)
}
