//! A forgotten password: a link by mail, which works once, sets a new one and ends everything that was
//! open under the old one. Asking tells nobody whether the address is known.

use std::{sync::Arc, time::Duration};

use doorward_proto::{
    id::{Id, User},
    secret::{Opaque, SecretText},
};
use serde::{Deserialize, Serialize};

use super::{Hashed, SignedIn, change, policy, sign_in, sql};
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    links::{self, NewLink, Presented, Purpose},
    mail::{self, NewMail, Recipient, Template},
    outcome::{Code, Result, refuse},
    principals::{self, Status},
    realm::Realm,
    sessions::{self, Session, Start},
    throttle::{self, Try},
    users::{self, Email},
};

/// An answer takes this long, whether or not there was a mail to write.
const ANSWER: Duration = Duration::from_millis(100);

/// What a reset link holds.
#[derive(Serialize, Deserialize)]
struct Payload {
    email: String,
    next: Option<String>,
}

struct Forgot {
    email: Email,
    from: Try,
    to: Try,
    link: NewLink,
    mail: NewMail,
    event: Event,
}

/// Somebody says that they forgot the password of this address's account. Always granted, except where
/// one address asks for too much mail. `next` is where the person goes afterwards.
pub async fn forgot(call: &Call, email: Email, locale: Option<&str>, next: Option<String>) -> Result<()> {
    send(call, (email, Template::ResetPassword), locale, next).await
}

/// Mails a person the link to a new password, because an administrator wants that.
///
/// # Errors
/// `RateLimited` where one address asks for too much mail.
pub async fn offer(call: &Call, email: Email, locale: Option<&str>) -> Result<()> {
    send(call, (email, Template::ResetOffered), locale, None).await
}

/// Mails whoever an administrator has made an account for the link to choose its first password.
///
/// # Errors
/// `RateLimited` where one address asks for too much mail.
pub async fn welcome(call: &Call, email: Email, locale: Option<&str>) -> Result<()> {
    send(call, (email, Template::AccountMade), locale, None).await
}

async fn send(
    call: &Call,
    (email, template): (Email, Template),
    locale: Option<&str>,
    next: Option<String>,
) -> Result<()> {
    let began = call.realm.env.monotonic();
    let lives = call.realm.settings.mail.link_ttl;
    let payload = Payload { email: email.folded().to_owned(), next };
    let (link, secret) = links::make(call, Purpose::Reset, &payload, lives)?;
    let (address, minutes) = (Purpose::Reset.address(call, &secret), links::minutes(lives));
    let parameters = [("link", address.as_str()), ("minutes", minutes.as_str())];
    let to = Recipient::stranger(&email, locale);
    let mail = mail::prepare(call, &to, template, &parameters, Some(call.now + lives))?;
    let ask = Forgot {
        from: throttle::mail_from(call),
        to: throttle::mail_to(call, Purpose::Reset, email.folded()),
        email,
        link,
        mail,
        event: Event::new(call, "user.reset_asked")?,
    };
    ask.run(call).await?;
    let took = call.realm.env.monotonic().saturating_sub(began);
    call.realm.env.pause(ANSWER.saturating_sub(took)).await;
    Ok(())
}

impl Forgot {
    async fn run(self, call: &Call) -> Result<()> {
        call.realm
            .db
            .write("credentials.forgot", self, |tx, ask| {
                Box::pin(async move {
                    throttle::take(tx, &ask.from).await?;
                    if !throttle::allows(tx, &ask.to).await? {
                        return Ok(());
                    }
                    let Some(user) = users::find_by_identifier(tx, ask.email.folded()).await? else {
                        return Ok(());
                    };
                    let principal = principals::find(tx, user).await?;
                    if principal.is_none_or(|principal| principal.status != Status::Active) {
                        return Ok(());
                    }
                    links::insert(tx, &ask.link.clone().of(user)).await?;
                    mail::enqueue(tx, &ask.mail.clone().about(user)).await?;
                    audit::record(tx, &ask.event.clone().subject(user)).await
                })
            })
            .await
    }
}

/// The answer to a reset link.
#[derive(Debug, Clone)]
pub struct Reset {
    /// The link's secret.
    pub link: Opaque,
    /// The new password.
    pub password: SecretText,
    /// The cookie that the browser presented.
    pub cookie: Option<Opaque>,
}

struct Complete {
    realm: Arc<Realm>,
    link: Presented,
    user: Id<User>,
    email: Email,
    password: Hashed,
    mail: Option<NewMail>,
    start: Start,
    events: [Event; 2],
}

/// Whether a reset link works still, and the address that it was mailed to; refuses when it does not. For the
/// page behind it.
pub async fn check_reset(call: &Call, link: &Opaque) -> Result<String> {
    links::look::<Payload>(call, Purpose::Reset, link).await.map(|(_, payload)| payload.email)
}

/// Sets the new password: every session, grant and token of the person ends, and a new session begins
/// here. Answers where to go. A password that may not be set leaves the link as it was.
pub async fn reset(call: &Call, ask: Reset) -> Result<(SignedIn, Option<String>)> {
    let (user, payload) = links::look::<Payload>(call, Purpose::Reset, &ask.link).await?;
    let Some(user) = user else { return refuse(Code::LinkInvalid) };
    let Some(person) = users::find(call, user).await? else { return refuse(Code::LinkInvalid) };
    policy::check(call, &ask.password, &change::about(&person)).await?;
    let (start, cookie) = Start::new(call, ask.cookie.as_ref(), sign_in::ACR, sign_in::AMR)?;
    let by = call.by(Actor::User { id: user, session: start.id() });
    let complete = Complete {
        realm: Arc::clone(&call.realm),
        link: Presented::new(call, Purpose::Reset, &ask.link),
        user,
        email: Email::parse(&payload.email)?,
        password: call.realm.passwords.make(&ask.password).await?,
        mail: change::changed_mail(call, &person)?,
        start,
        events: [
            Event::new(&by, "user.password_reset")?.subject(user),
            Event::new(&by, "user.signed_in")?.subject(user).fact("amr", sign_in::AMR),
        ],
    };
    let session = complete.run().await?;
    Ok((SignedIn { cookie, session }, payload.next))
}

impl Complete {
    async fn run(self) -> Result<Session> {
        let realm = Arc::clone(&self.realm);
        realm
            .db
            .write("credentials.reset", self, |tx, ask| {
                Box::pin(async move {
                    let now = ask.link.now();
                    ask.link.consume::<Payload>(tx, &ask.realm.vault).await?;
                    tx.lock_exclusive(&[&ask.user.to_string()]).await?;
                    sql::store(tx, ask.user, &ask.password, now).await?;
                    users::prove_email(tx, ask.user, &ask.email, now).await?;
                    principals::move_epoch(tx, &ask.realm.env, ask.user).await?;
                    sessions::end_all_of(tx, ask.user, None, now, "password_reset").await?;
                    sessions::end_grants_of(tx, ask.user, None, now).await?;
                    links::end_all_of(tx, ask.user, now).await?;
                    let session = sessions::start(tx, ask.user, &ask.start).await?;
                    if let Some(mail) = &ask.mail {
                        mail::enqueue(tx, mail).await?;
                    }
                    for event in &ask.events {
                        audit::record(tx, event).await?;
                    }
                    Ok(session)
                })
            })
            .await
    }
}
