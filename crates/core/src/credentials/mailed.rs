//! Proving once more who one is, for people who have no password to be asked for: a link to the account's own
//! proven address. It is for who is signed in already, and works once, in the session that asked for it.

use std::sync::Arc;

use doorward_proto::{
    id::{Id, Session as SessionKind, User},
    secret::Opaque,
};
use serde::{Deserialize, Serialize};

use super::{SignedIn, has_password_in, sign_in::ACR};
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    db::ReadTx,
    links::{self, NewLink, Presented, Purpose},
    mail::{self, NewMail, Recipient, Template},
    outcome::{Code, Refusal, Result, refuse},
    realm::Realm,
    sessions::{self, Account, Session, Signed, Start},
    throttle::{self, Try},
    users,
};

/// How a session is proven so. No registered value (RFC 8176) says it.
const AMR: &[&str] = &["email"];

/// What the link holds.
#[derive(Clone, Serialize, Deserialize)]
struct Payload {
    session: Id<SessionKind>,
    email: String,
    next: Option<String>,
}

/// Where a link would go that proves the person: nowhere for who has a password, or no proven address.
pub async fn mailable(call: &Call, user: Id<User>) -> Result<Option<String>> {
    let read = call
        .realm
        .db
        .read("credentials.mailable", user, |tx, user| Box::pin(async move { mailable_in(tx, *user).await }));
    read.await
}

async fn mailable_in(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Option<String>> {
    if has_password_in(tx, user).await? {
        return Ok(None);
    }
    let person = users::find_in(tx, user).await?.filter(|person| person.email_verified_at.is_some());
    Ok(person.and_then(|person| person.email))
}

struct Ask {
    from: Try,
    to: Try,
    link: NewLink,
    mail: NewMail,
    event: Event,
}

/// Mails the link. `next` is where the person goes afterwards.
///
/// # Errors
/// `Forbidden` for who has a password, or no proven address; `RateLimited`.
pub async fn mail_proof(call: &Call, account: &Account, next: Option<String>) -> Result<()> {
    let (user, session) = (account.session.user, account.session.id);
    let Some(email) = mailable(call, user).await? else {
        let hint = "A link is for who has no password, and a proven mail address";
        return Err(Refusal::new(Code::Forbidden).hint(hint).into());
    };
    let lives = call.realm.settings.mail.link_ttl;
    let payload = Payload { session, email: email.clone(), next };
    let (link, secret) = links::make(call, Purpose::Prove, &payload, lives)?;
    let (address, minutes) = (Purpose::Prove.address(call, &secret), links::minutes(lives));
    let parameters = [("link", address.as_str()), ("minutes", minutes.as_str())];
    let to = Recipient { user: Some(user), email: &email, locale: account.locale.as_deref() };
    let ask = Ask {
        from: throttle::mail_from(call),
        to: throttle::mail_to(call, Purpose::Prove, &email.to_lowercase()),
        link: link.of(user),
        mail: mail::prepare(call, &to, Template::SignInAgain, &parameters, Some(call.now + lives))?,
        event: Event::new(call, "user.proof_asked")?.subject(user),
    };
    call.realm
        .db
        .write("credentials.mail_proof", ask, |tx, ask| {
            Box::pin(async move {
                throttle::take(tx, &ask.from).await?;
                throttle::take(tx, &ask.to).await?;
                links::insert(tx, &ask.link).await?;
                mail::enqueue(tx, &ask.mail).await?;
                audit::record(tx, &ask.event).await
            })
        })
        .await
}

/// The address that a link was mailed to, for the page behind it.
///
/// # Errors
/// `LinkInvalid`, also at a browser that did not ask for it.
pub async fn check_proof(call: &Call, link: &Opaque, signed: Option<&Signed>) -> Result<String> {
    opened(call, link, signed).await.map(|(_, payload)| payload.email)
}

async fn opened(call: &Call, link: &Opaque, signed: Option<&Signed>) -> Result<(Id<User>, Payload)> {
    let (user, payload) = links::look::<Payload>(call, Purpose::Prove, link).await?;
    let mut sessions = signed.iter().flat_map(|signed| &signed.accounts).map(|account| &account.session);
    // Whoever is sent somebody else's link must not be the one who proves them.
    let asked = sessions.find(|session| session.id == payload.session && Some(session.user) == user);
    match asked {
        Some(session) => Ok((session.user, payload)),
        None => refuse(Code::LinkInvalid),
    }
}

struct Complete {
    realm: Arc<Realm>,
    link: Presented,
    user: Id<User>,
    email: String,
    start: Start,
    event: Event,
}

/// Proves the session anew. Answers where to go.
///
/// # Errors
/// `LinkInvalid`, also where there is a password or another address by now.
pub async fn prove(
    call: &Call,
    link: &Opaque,
    signed: Option<&Signed>,
    cookie: Option<&Opaque>,
) -> Result<(SignedIn, Option<String>)> {
    let (user, payload) = opened(call, link, signed).await?;
    let (start, cookie) = Start::new(call, cookie, ACR, AMR)?;
    let by = call.by(Actor::User { id: user, session: payload.session });
    let complete = Complete {
        realm: Arc::clone(&call.realm),
        link: Presented::new(call, Purpose::Prove, link),
        user,
        email: payload.email,
        start,
        event: Event::new(&by, "user.signed_in")?.subject(user).fact("amr", AMR),
    };
    let session = complete.run().await?;
    Ok((SignedIn { cookie, session }, payload.next))
}

impl Complete {
    async fn run(self) -> Result<Session> {
        let realm = Arc::clone(&self.realm);
        realm
            .db
            .write("credentials.prove", self, |tx, ask| {
                Box::pin(async move {
                    ask.link.consume::<Payload>(tx, &ask.realm.vault).await?;
                    let session = sessions::start(tx, ask.user, &ask.start).await?;
                    if mailable_in(tx, ask.user).await?.as_ref() != Some(&ask.email) {
                        return refuse(Code::LinkInvalid);
                    }
                    audit::record(tx, &ask.event).await?;
                    Ok(session)
                })
            })
            .await
    }
}
