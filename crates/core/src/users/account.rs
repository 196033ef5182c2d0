//! One's own account: another mail address, and the end of it. Both ask for the password again.

use std::sync::Arc;

use doorward_proto::{
    id::{Id, Session as SessionKind, User as UserKind},
    secret::{Opaque, SecretText},
};
use serde::{Deserialize, Serialize};

use super::{Email, User, manage, replace_email};
use crate::{
    audit::{self, Event},
    call::Call,
    credentials,
    links::{self, NewLink, Presented, Purpose},
    mail::{self, NewMail, Recipient, Template},
    orgs,
    outcome::{Code, Error, Refusal, Result, refuse},
    realm::Realm,
    sessions,
    throttle::{self, Try},
};

/// What a link that changes the address holds.
#[derive(Serialize, Deserialize)]
struct Payload {
    email: String,
}

struct ChangeEmail {
    user: Id<UserKind>,
    email: Email,
    to: Try,
    link: NewLink,
    verify: NewMail,
    taken: NewMail,
    event: Event,
}

/// Sends a link to a new address; the account keeps the present one until the link is opened. Where the
/// address belongs to somebody else, the answer is the same, and the owner is told by mail.
pub async fn change_email(call: &Call, user: Id<UserKind>, password: &SecretText, new: Email) -> Result<()> {
    credentials::confirm(call, user, password).await?;
    let person = super::get(call, user).await?;
    let lives = call.realm.settings.mail.link_ttl;
    let payload = Payload { email: new.address().to_owned() };
    let (link, secret) = links::make(call, Purpose::ChangeEmail, &payload, lives)?;
    let (address, minutes) = (Purpose::ChangeEmail.address(call, &secret), links::minutes(lives));
    let sign_in = format!("{}/sign-in", call.realm.issuer);
    let parameters = [("link", address.as_str()), ("minutes", minutes.as_str())];
    let (to, until) = (Recipient::stranger(&new, person.locale.as_deref()), Some(call.now + lives));
    let ask = ChangeEmail {
        user,
        to: throttle::mail_to(call, Purpose::ChangeEmail, new.folded()),
        link: link.of(user),
        verify: mail::prepare(call, &to, Template::VerifyEmail, &parameters, until)?.about(user),
        taken: mail::prepare(call, &to, Template::AlreadySignedUp, &[("link", &sign_in)], until)?,
        email: new,
        event: Event::new(call, "user.email_change_asked")?.subject(user),
    };
    call.realm
        .db
        .write("users.change_email", ask, |tx, ask| {
            Box::pin(async move {
                if !throttle::allows(tx, &ask.to).await? {
                    return Ok(());
                }
                match super::find_by_identifier(tx, ask.email.folded()).await? {
                    Some(owner) if owner != ask.user => {
                        mail::enqueue(tx, &ask.taken.clone().about(owner)).await?;
                    }
                    _ => {
                        links::insert(tx, &ask.link).await?;
                        mail::enqueue(tx, &ask.verify).await?;
                    }
                }
                audit::record(tx, &ask.event).await
            })
        })
        .await
}

struct Confirm {
    realm: Arc<Realm>,
    link: Presented,
    user: Id<UserKind>,
    email: Email,
    told: Option<NewMail>,
    welcome: orgs::Welcome,
    event: Event,
}

/// The address that a link will set; refuses a link that does not work. For the page behind it.
pub async fn check_change_email(call: &Call, link: &Opaque) -> Result<String> {
    let (_, payload) = links::look::<Payload>(call, Purpose::ChangeEmail, link).await?;
    Ok(payload.email)
}

/// Makes the address the account's, and tells the old one.
pub async fn confirm_email(call: &Call, link: &Opaque) -> Result<User> {
    let (user, payload) = links::look::<Payload>(call, Purpose::ChangeEmail, link).await?;
    let Some(user) = user else { return refuse(Code::LinkInvalid) };
    let Some(person) = super::find(call, user).await? else { return refuse(Code::LinkInvalid) };
    let told = match person.email.as_deref() {
        Some(old) if old != payload.email => {
            let to = Recipient { user: Some(user), email: old, locale: person.locale.as_deref() };
            let parameters = [("address", payload.email.as_str())];
            Some(mail::prepare(call, &to, Template::EmailChanged, &parameters, None)?)
        }
        _ => None,
    };
    let ask = Confirm {
        realm: Arc::clone(&call.realm),
        link: Presented::new(call, Purpose::ChangeEmail, link),
        user,
        email: Email::parse(&payload.email)?,
        told,
        welcome: orgs::Welcome::new(call, user)?,
        event: Event::new(call, "user.email_changed")?.subject(user).detail("email", payload.email.as_str()),
    };
    call.realm
        .db
        .write("users.confirm_email", ask, |tx, ask| {
            Box::pin(async move {
                ask.link.consume::<Payload>(tx, &ask.realm.vault).await?;
                // An organisation is locked before anybody is told of a change, here as everywhere.
                ask.welcome.by_address(tx, ask.user, &ask.email).await?;
                match replace_email(tx, ask.user, &ask.email, ask.link.now()).await {
                    Err(Error::Refused(refusal)) if refusal.code == Code::EmailTaken => {
                        return refuse(Code::LinkInvalid);
                    }
                    other => other?,
                }
                if let Some(mail) = &ask.told {
                    mail::enqueue(tx, mail).await?;
                }
                audit::record(tx, &ask.event).await?;
                let changed = super::find_in(tx, ask.user).await?;
                changed.ok_or_else(|| Error::fault("the person is not there"))
            })
        })
        .await
}

/// Deletes one's own account for good. Who has no password has proven in another way, just now and at this browser,
/// who they are; an application has nothing to show for them, however fresh the session is that it acts in.
///
/// # Errors
/// `PasswordWrong`; for who has none `SignInStale` at a `browser` where they have not, `Forbidden` without one.
pub async fn delete(
    call: &Call,
    (user, browser): (Id<UserKind>, Option<Id<SessionKind>>),
    password: &SecretText,
) -> Result<()> {
    if credentials::has_password(call, user).await? {
        credentials::confirm(call, user, password).await?;
    } else {
        let Some(session) = browser else {
            let hint = "Who has no password deletes the account in a signed-in browser";
            return Err(Refusal::new(Code::Forbidden).hint(hint).into());
        };
        let live = sessions::live(call, session).await?.session;
        if live.user != user || !live.is_fresh(call.now) {
            return refuse(Code::SignInStale);
        }
    }
    manage::end(call, user).await
}
