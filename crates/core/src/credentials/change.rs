//! Changing a password while signed in, and asking for the present one before what cannot be undone.

use doorward_proto::{
    id::{Id, Session, User},
    secret::SecretText,
    time::Time,
};

use super::{Hashed, policy, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    mail::{self, NewMail, Recipient, Template},
    outcome::{Code, Refusal, Result, refuse},
    sessions, throttle, users,
};

/// Asks the person's present password again. Wrong tries are slowed down for this person only.
pub async fn confirm(call: &Call, user: Id<User>, password: &SecretText) -> Result<()> {
    let tried = throttle::confirm(call, user);
    let stored = call
        .realm
        .db
        .write("credentials.confirm", (user, tried.clone()), |tx, (user, tried)| {
            Box::pin(async move {
                throttle::take(tx, tried).await?;
                sql::find(tx, *user).await
            })
        })
        .await?;
    if !call.realm.passwords.verify(password, stored.as_ref()).await?.is_right {
        return Err(Refusal::new(Code::PasswordWrong).field("current_password").into());
    }
    call.realm
        .db
        .write("credentials.confirmed", tried, |tx, tried| {
            Box::pin(async move { throttle::give_back(tx, tried).await })
        })
        .await
}

struct Change {
    user: Id<User>,
    keep: Option<Id<Session>>,
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
    confirm(call, user, current).await?;
    replace(call, user, Some(session), new).await
}

/// Sets somebody's password, for administrators. Every session and grant of the person ends.
pub async fn set(call: &Call, user: Id<User>, new: &SecretText) -> Result<()> {
    replace(call, user, None, new).await
}

async fn replace(call: &Call, user: Id<User>, keep: Option<Id<Session>>, new: &SecretText) -> Result<()> {
    let person = users::get(call, user).await?;
    policy::check(call, new, &about(&person)).await?;
    let change = Change {
        user,
        keep,
        password: call.realm.passwords.make(new).await?,
        mail: changed_mail(call, &person)?,
        event: Event::new(call, "user.password_changed")?.subject(user),
        now: call.now,
    };
    call.realm
        .db
        .write("credentials.change", change, |tx, ask| {
            Box::pin(async move {
                if users::find_in(tx, ask.user).await?.is_none() {
                    return refuse(Code::NotFound);
                }
                sql::store(tx, ask.user, &ask.password, ask.now).await?;
                sessions::end_all_of(tx, ask.user, ask.keep, ask.now, "password_changed").await?;
                sessions::end_grants_of(tx, ask.user, ask.keep, ask.now).await?;
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
