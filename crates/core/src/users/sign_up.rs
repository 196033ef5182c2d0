//! Signing up (ROWS 1): the link in the mail makes the account, so an address cannot be taken by
//! somebody who does not hold it, and the page's answer tells nobody whether it is known.
//!
//! Whoever opens the link must also be whoever signed up: the same browser (it holds a marker), or
//! somebody who knows the password that was chosen. Else a stranger could sign up with another person's
//! address and wait for that person to confirm it.

use std::sync::Arc;

use doorward_proto::{
    id::{Id, User as UserKind},
    secret::{Kind, Opaque, SecretText},
};
use serde::{Deserialize, Serialize};

use super::{Email, NewUser, Prepared, insert};
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    credentials::{self, ACR, AMR, Hashed, SignedIn},
    links::{self, NewLink, Presented, Purpose},
    mail::{self, NewMail, Recipient, Template},
    outcome::{Code, Error, Refusal, Result, refuse},
    realm::Realm,
    sessions::{self, Session, Start},
    settings::SignUpMode,
    throttle::{self, Try},
};

/// What somebody fills in to get an account.
#[derive(Debug, Clone)]
pub struct SignUpAsk {
    /// The mail address.
    pub email: Email,
    /// The password.
    pub password: SecretText,
    /// The name, if given.
    pub name: Option<String>,
    /// The language of the page.
    pub locale: Option<String>,
    /// The version of the text by which the person agrees to be written to; nothing unless ticked.
    pub marketing_consent: Option<String>,
    /// Where to go when the address is confirmed.
    pub next: Option<String>,
    /// Who registers by it, having been here without an account.
    pub registers: Option<Id<UserKind>>,
}

/// What a sign-up link holds.
#[derive(Serialize, Deserialize)]
struct Payload {
    email: String,
    phc: String,
    name: Option<String>,
    locale: Option<String>,
    marketing_consent: Option<String>,
    next: Option<String>,
    #[serde(default)]
    registers: Option<Id<UserKind>>,
    marker: [u8; 32],
}

/// That whoever opens the link is whoever signed up.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The marker that the browser was given at sign-up.
    Marker(Opaque),
    /// The password chosen at sign-up.
    Password(SecretText),
}

struct Ask {
    email: Email,
    from: Try,
    to: Try,
    link: NewLink,
    verify: NewMail,
    already: NewMail,
    event: Event,
}

/// Sends a link to the address, or says there that it has an account. Answers a marker for the
/// browser's cookie, which lets the link work there without the password.
pub async fn sign_up(call: &Call, ask: SignUpAsk) -> Result<Opaque> {
    check_open(call, &ask.email)?;
    super::manage::check_texts(ask.name.as_deref(), None, &[])?;
    let about: Vec<&str> = ask.name.as_deref().into_iter().chain([ask.email.address()]).collect();
    credentials::check(call, &ask.password, &about).await?;
    let hashed = call.realm.passwords.make(&ask.password).await?;
    let (marker, lives) = (call.secret(Kind::Link)?, call.realm.settings.mail.link_ttl);
    let payload = Payload {
        email: ask.email.address().to_owned(),
        phc: hashed.text().to_owned(),
        name: ask.name,
        locale: ask.locale.clone(),
        marketing_consent: ask.marketing_consent,
        next: ask.next,
        registers: ask.registers,
        marker: call.realm.vault.hash(&marker).0,
    };
    let (link, secret) = links::make(call, Purpose::SignUp, &payload, lives)?;
    let (address, minutes) = (Purpose::SignUp.address(call, &secret), links::minutes(lives));
    let sign_in = format!("{}/sign-in", call.realm.issuer);
    let parameters = [("link", address.as_str()), ("minutes", minutes.as_str())];
    let to = Recipient::stranger(&ask.email, ask.locale.as_deref());
    let until = Some(call.now + lives);
    let prepared = Ask {
        from: throttle::mail_from(call),
        to: throttle::mail_to(call, Purpose::SignUp, ask.email.folded()),
        verify: mail::prepare(call, &to, Template::VerifySignUp, &parameters, until)?,
        already: mail::prepare(call, &to, Template::AlreadySignedUp, &[("link", &sign_in)], until)?,
        email: ask.email,
        link,
        event: Event::new(call, "user.signed_up")?,
    };
    prepared.run(call).await?;
    Ok(marker)
}

/// Refuses where sign-up is closed, or closed to this domain.
pub(crate) fn check_open(call: &Call, email: &Email) -> Result<()> {
    let rules = &call.realm.settings.sign_up;
    if rules.mode != SignUpMode::Open {
        return refuse(Code::SignUpClosed);
    }
    check_domain(call, email)
}

/// Refuses addresses of which the operator makes no accounts.
///
/// # Errors
/// `SignUpDomain`.
pub(crate) fn check_domain(call: &Call, email: &Email) -> Result<()> {
    let domains = &call.realm.settings.sign_up.allowed_domains;
    if !domains.is_empty() && !domains.iter().any(|domain| domain == email.domain()) {
        return Err(Refusal::new(Code::SignUpDomain).field("email").into());
    }
    Ok(())
}

impl Ask {
    async fn run(self, call: &Call) -> Result<()> {
        call.realm
            .db
            .write("users.sign_up", self, |tx, ask| {
                Box::pin(async move {
                    throttle::take(tx, &ask.from).await?;
                    if !throttle::allows(tx, &ask.to).await? {
                        return Ok(());
                    }
                    let owner = super::find_by_identifier(tx, ask.email.folded()).await?;
                    if let Some(user) = owner {
                        mail::enqueue(tx, &ask.already.clone().about(user)).await?;
                    } else {
                        links::insert(tx, &ask.link).await?;
                        mail::enqueue(tx, &ask.verify).await?;
                    }
                    audit::record(tx, &ask.event).await
                })
            })
            .await
    }
}

/// What the page behind a sign-up link shows.
#[derive(Debug, Clone)]
pub struct SignUpLink {
    /// The address that will be confirmed.
    pub email: String,
    /// Whether this browser is the one that signed up: else it asks for the password.
    pub is_same_browser: bool,
}

/// What the page behind a sign-up link shows; refuses a link that does not work.
pub async fn check_sign_up(call: &Call, link: &Opaque, marker: Option<&Opaque>) -> Result<SignUpLink> {
    let (_, payload) = links::look::<Payload>(call, Purpose::SignUp, link).await?;
    let is_same_browser = marker.is_some_and(|marker| call.realm.vault.hash(marker).0 == payload.marker);
    Ok(SignUpLink { email: payload.email, is_same_browser })
}

struct Complete {
    realm: Arc<Realm>,
    link: Presented,
    new: Prepared,
    start: Start,
    event: Event,
}

/// Makes the account, signs the person in at this browser (`cookie` is the one it presented), and says
/// where to go.
pub async fn verify(
    call: &Call,
    link: &Opaque,
    proof: Proof,
    cookie: Option<&Opaque>,
) -> Result<(SignedIn, Option<String>)> {
    let (_, payload) = links::look::<Payload>(call, Purpose::SignUp, link).await?;
    let password = Hashed::parse(&payload.phc)?;
    check_proof(call, link, (&payload, &password), proof).await?;
    let mut new = NewUser::new(Email::parse(&payload.email)?);
    new.email_verified = true;
    new.name = payload.name;
    new.locale = payload.locale.filter(|locale| super::manage::check_language(Some(locale), None).is_ok());
    new.marketing_consent = payload.marketing_consent;
    new.password = Some(password);
    let (start, new_cookie) = Start::new(call, cookie, ACR, AMR)?;
    let person = match payload.registers {
        Some(id) => super::anonymous::find(call, id).await?,
        None => None,
    };
    let new = match &person {
        Some(person) => Prepared::registering(call, new, person)?,
        None => Prepared::new(call, new)?,
    };
    let user = new.id();
    let by = call.by(Actor::User { id: user, session: start.id() });
    let event = Event::new(&by, "user.signed_in")?.subject(user).fact("amr", AMR);
    let link = Presented::new(call, Purpose::SignUp, link);
    let complete = Complete { realm: Arc::clone(&call.realm), link, new, start, event };
    let session = complete.run().await?;
    Ok((SignedIn { cookie: new_cookie, session }, payload.next))
}

async fn check_proof(
    call: &Call,
    link: &Opaque,
    (payload, password): (&Payload, &Hashed),
    proof: Proof,
) -> Result<()> {
    let typed = match proof {
        Proof::Marker(marker) if call.realm.vault.hash(&marker).0 == payload.marker => return Ok(()),
        Proof::Marker(_) => return refuse(Code::PasswordWrong),
        Proof::Password(typed) => typed,
    };
    let tried = throttle::confirm(call, data_encoding::HEXLOWER.encode(&call.realm.vault.hash(link).0));
    call.realm
        .db
        .write("users.verify.try", tried, |tx, tried| {
            Box::pin(async move { throttle::take(tx, tried).await })
        })
        .await?;
    if call.realm.passwords.verify(&typed, Some(password)).await?.is_right {
        Ok(())
    } else {
        Err(Refusal::new(Code::PasswordWrong).field("password").into())
    }
}

impl Complete {
    async fn run(self) -> Result<Session> {
        let realm = Arc::clone(&self.realm);
        realm
            .db
            .write("users.verify", self, |tx, ask| {
                Box::pin(async move {
                    ask.link.consume::<Payload>(tx, &ask.realm.vault).await?;
                    match insert(tx, &ask.new).await {
                        // Somebody made an account with the address meanwhile, by another link.
                        Err(Error::Refused(refusal)) if refusal.code == Code::EmailTaken => {
                            return refuse(Code::LinkInvalid);
                        }
                        other => other?,
                    }
                    let session = sessions::start(tx, ask.new.id(), &ask.start).await?;
                    audit::record(tx, &ask.event).await?;
                    Ok(session)
                })
            })
            .await
    }
}
