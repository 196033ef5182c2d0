//! Coming back from a provider.
//!
//! Who is known by provider and subject is signed in. Who is not gets an account, or is asked to prove who they
//! are where somebody has the address already: what a provider says never opens an account by its address.

use doorward_proto::{
    id::{self, Id, Org, User},
    secret::{Kind as Secret, Opaque},
};

use super::{
    Claimed, PATIENCE, Provider, Settings, Wrong,
    begin::Away,
    discovery, exchange, get, is_enabled,
    link::{self, Pending},
    sql, tenancy,
};
use crate::{
    audit::{self, Event, Refused},
    call::{Actor, Call},
    credentials::{ACR, SignedIn},
    db::Tx,
    links::{self, NewLink, Presented, Purpose},
    orgs::{Welcome, invitations},
    outcome::{Code, Error, Refusal, Result, refuse},
    sessions::{self, Session, Start},
    settings::SignUpMode,
    throttle,
    users::{self, Email, NewUser, Prepared, anonymous},
};

/// Says that somebody else has recognised the person.
pub const FEDERATED: &str = "fed";

/// What a browser has come back with.
#[derive(Debug, Clone, Default)]
pub struct Returned {
    /// The provider's name in our addresses.
    pub slug: String,
    /// What it left with.
    pub state: Option<String>,
    /// What says who it is, for us alone.
    pub code: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who says so (RFC 9207).
    pub iss: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub enum Finished {
    /// The person is signed in.
    SignedIn {
        /// The session and the browser's new cookie.
        signed_in: Box<SignedIn>,
        /// Where they were going.
        next: Option<String>,
    },
    /// Somebody has the address: it takes proof to link the two.
    Known {
        /// What the browser keeps until then.
        link: Opaque,
    },
    /// Nobody is signed in; this browser may choose another way to where it was going.
    TurnedAway {
        /// Why.
        refusal: Refusal,
        /// Where the person was going.
        next: Option<String>,
    },
}

/// Finds out who has come back, and signs them in. `marker` is what the browser was given when it left,
/// `cookie` what it presents.
///
/// Once it is known to be the browser that left, a refusal is one of the things that may come of it
/// ([`Finished::TurnedAway`]): `ConnectRefused`, `ConnectInvalid`, `ConnectUnreachable`, `ConnectUnverified`,
/// `ConnectOutside`, `SignUpClosed`, `SignUpDomain`; `SignInFailed` for an account that is suspended.
///
/// # Errors
/// `NotFound` for a provider that there is not, `ConnectState`.
pub async fn finish(
    call: &Call,
    returned: Returned,
    marker: Option<&Opaque>,
    cookie: Option<&Opaque>,
) -> Result<Finished> {
    let provider = get(call, &returned.slug).await?;
    let away = back(call, &provider, &returned, marker).await?;
    match recognise(call, &provider, &away, &returned, cookie).await {
        Err(Error::Refused(refusal)) => Ok(Finished::TurnedAway { refusal, next: away.next }),
        other => other,
    }
}

async fn recognise(
    call: &Call,
    provider: &Provider,
    away: &Away,
    returned: &Returned,
    cookie: Option<&Opaque>,
) -> Result<Finished> {
    if !is_enabled(call, provider).await? {
        let wrong = Wrong::Refused("it is not offered any more".to_owned());
        return refused(call, provider, &wrong).await;
    }
    let asked = tokio::time::timeout(PATIENCE, ask(call, provider, away, returned)).await;
    let asked = asked.unwrap_or_else(|_| Err(Wrong::Unreachable(format!("no answer in {PATIENCE:?}"))));
    let claimed = match asked {
        Ok(claimed) => claimed,
        Err(wrong) => return refused(call, provider, &wrong).await,
    };
    match meet(call, provider, away, claimed, cookie).await {
        Err(Error::Refused(refusal)) => {
            note(call, provider, refusal.code, &refusal.hint).await?;
            Err(refusal.into())
        }
        other => other,
    }
}

/// Uses the `state` up, if this is the browser that left with it, for this provider.
async fn back(
    call: &Call,
    provider: &Provider,
    returned: &Returned,
    marker: Option<&Opaque>,
) -> Result<Away> {
    let state = returned.state.as_deref().and_then(|text| Opaque::parse(Secret::Link, text));
    let (Some(state), Some(marker)) = (state, marker) else { return unknown(call, provider).await };
    let away: Away = match links::look(call, Purpose::Connect, &state).await {
        Ok((_, away)) => away,
        Err(error) if error.code() == Some(Code::LinkInvalid) => return unknown(call, provider).await,
        Err(error) => return Err(error),
    };
    if away.marker != call.realm.vault.hash(marker).0 || away.provider != provider.id {
        return unknown(call, provider).await;
    }
    let ask = (Presented::new(call, Purpose::Connect, &state), call.clone());
    let consumed = call.realm.db.write("providers.back", ask, |tx, (presented, call)| {
        Box::pin(async move { presented.consume::<Away>(tx, &call.realm.vault).await })
    });
    match consumed.await {
        Ok((_, away)) => Ok(away),
        Err(error) if error.code() == Some(Code::LinkInvalid) => unknown(call, provider).await,
        Err(error) => Err(error),
    }
}

async fn unknown<T>(call: &Call, provider: &Provider) -> Result<T> {
    note(call, provider, Code::ConnectState, "").await?;
    refuse(Code::ConnectState)
}

async fn ask(
    call: &Call,
    provider: &Provider,
    away: &Away,
    returned: &Returned,
) -> std::result::Result<Claimed, Wrong> {
    let found = discovery::find(call, &provider.settings).await?;
    let issuer = provider.settings.issuer.as_deref();
    // RFC 9207 2.4: an answer of another server is for that one's client.
    match (&returned.iss, issuer) {
        (Some(iss), Some(issuer)) if iss != issuer => {
            return Err(Wrong::invalid("the answer is of another issuer"));
        }
        (None, Some(_)) if found.names_itself => return Err(Wrong::invalid("the answer names no issuer")),
        _ => {}
    }
    if let Some(error) = &returned.error {
        return Err(Wrong::Refused(exchange::word(error)));
    }
    let code = returned.code.as_deref().filter(|code| !code.is_empty());
    let code = code.ok_or_else(|| Wrong::invalid("the answer has no code"))?;
    let mut claimed = exchange::who(call, (provider, &found), away, code).await?;
    let settings = &provider.settings;
    let address = claimed.email.as_deref().and_then(|text| Email::parse(text).ok());
    let trusts =
        |email: &Email| settings.trusts_email && settings.allowed_domains.iter().any(|d| d == email.domain());
    claimed.is_verified |= address.as_ref().is_some_and(trusts);
    claimed.email = address.map(|email| email.address().to_owned());
    Ok(claimed)
}

struct Meet {
    call: Call,
    provider: Id<id::Provider>,
    /// The organisation whose provider it is; none for one of the instance.
    org: Option<Id<Org>>,
    settings: Settings,
    claimed: Claimed,
    email: Option<Email>,
    amr: Vec<String>,
    start: Start,
    /// Who would be made.
    new: Option<Newcomer>,
    /// What is kept where somebody has the address.
    pending: NewLink,
}

enum Met {
    Session(Box<Session>),
    Known,
}

async fn meet(
    call: &Call,
    provider: &Provider,
    away: &Away,
    claimed: Claimed,
    cookie: Option<&Opaque>,
) -> Result<Finished> {
    let mut amr = vec![FEDERATED.to_owned()];
    amr.extend(claimed.amr.iter().filter(|word| *word != FEDERATED).cloned());
    let words: Vec<&str> = amr.iter().map(String::as_str).collect();
    let (start, new_cookie) = Start::new(call, cookie, ACR, &words)?;
    let email = claimed.email.as_deref().map(Email::parse).transpose()?;
    let (pending, link) = link::prepare(call, Pending::of(provider, away, &claimed))?;
    let ask = Meet {
        call: call.clone(),
        provider: provider.id,
        org: (provider.org != call.realm.instance_org).then_some(provider.org),
        settings: provider.settings.clone(),
        new: match &email {
            Some(email) => Some(Newcomer::new(call, &provider.settings, (away, &claimed), email).await?),
            None => None,
        },
        claimed,
        email,
        amr,
        start,
        pending,
    };
    let met = call.realm.db.write("providers.meet", ask, |tx, ask| Box::pin(ask.run(tx))).await?;
    Ok(match met {
        Met::Session(session) => Finished::SignedIn {
            signed_in: Box::new(SignedIn { cookie: new_cookie, session: *session }),
            next: away.next.clone(),
        },
        Met::Known => Finished::Known { link },
    })
}

/// Who would be made of what the provider says.
struct Newcomer {
    prepared: Prepared,
    welcome: Welcome,
    /// Why nobody may make an account by themselves.
    closed: Option<Code>,
}

impl Newcomer {
    async fn new(
        call: &Call,
        settings: &Settings,
        (away, claimed): (&Away, &Claimed),
        email: &Email,
    ) -> Result<Self> {
        let closed = match users::check_open(call, email) {
            Err(Error::Refused(refusal)) => Some(refusal.code),
            other => other.map(|()| None)?,
        };
        let mut new = NewUser::new(email.clone());
        new.email_verified = true;
        let plain = new.clone();
        new.name.clone_from(&claimed.name);
        new.profile.given_name.clone_from(&claimed.given_name);
        new.profile.family_name.clone_from(&claimed.family_name);
        // Whoever has an account by now keeps it.
        let person = match away.registers {
            Some(id) => anonymous::find(call, id).await?,
            None => None,
        };
        let prepare = |ask| match &person {
            Some(person) => Prepared::registering(call, ask, person),
            None => Prepared::new(call, ask),
        };
        // A name that may not be one here is no reason to turn its owner away.
        let prepared = match prepare(new) {
            Err(Error::Refused(_)) => prepare(plain)?,
            other => other?,
        };
        let welcome = Welcome::new(call, prepared.id())?;
        let closed = if settings.creates_accounts { closed } else { Some(Code::SignUpClosed) };
        Ok(Self { prepared, welcome, closed })
    }
}

impl Meet {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Met> {
        let (call, whose) = (&self.call, (self.provider, self.claimed.subject.as_str()));
        if let Some(org) = self.org
            && let Some(email) = &self.email
        {
            tenancy::check_address(tx, org, email).await?;
        }
        if let Some(user) = self.known(tx).await? {
            if let Some(org) = self.org {
                tenancy::check_person(tx, org, user).await?;
                tenancy::check_member(tx, org, user).await?;
            }
            sql::note_use(tx, whose, self.claimed.email.as_deref(), call.now).await?;
            return self.begin_session(tx, user).await;
        }
        let Some(email) = self.email.as_ref().filter(|_| self.claimed.is_verified) else {
            return refuse(Code::ConnectUnverified);
        };
        let domains = &self.settings.allowed_domains;
        if !domains.is_empty() && !domains.iter().any(|domain| domain == email.domain()) {
            return Err(Refusal::new(Code::SignUpDomain).field("email").into());
        }
        if let Some(user) = users::find_by_identifier(tx, email.folded()).await? {
            if self.org.is_some() {
                tenancy::check_role(tx, user).await?;
            }
            links::insert(tx, &self.pending).await?;
            return Ok(Met::Known);
        }
        self.make(tx, email).await
    }

    /// Whom the provider means. Of several first returns of one person at once, from however many browsers, one
    /// makes the account and the others wait for it.
    async fn known(&self, tx: &mut Tx<'_>) -> Result<Option<Id<User>>> {
        if let Some(user) = sql::identity(tx, self.provider, &self.claimed.subject).await? {
            return Ok(Some(user));
        }
        let mut names = vec![format!("doorward.connect.{}.{}", self.provider, self.claimed.subject)];
        names.extend(self.email.as_ref().map(|email| format!("doorward.connect.{}", email.folded())));
        tx.lock_exclusive(&names.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        sql::identity(tx, self.provider, &self.claimed.subject).await
    }

    /// Makes somebody who has not been here before.
    async fn make(&self, tx: &mut Tx<'_>, email: &Email) -> Result<Met> {
        let Some(new) = &self.new else { return refuse(Code::ConnectUnverified) };
        if let Some(code) = new.closed
            && !self.is_invited(tx, email, code).await?
        {
            return refuse(code);
        }
        let user = new.prepared.id();
        match users::insert(tx, &new.prepared).await {
            // Registered in another way meanwhile.
            Err(error) if error.code() == Some(Code::LinkInvalid) => return refuse(Code::ConnectState),
            other => other?,
        }
        if let Some(org) = self.org {
            tenancy::join(tx, &self.call, (org, &new.welcome), (user, email)).await?;
        }
        link::insert(tx, &self.call, (self.provider, &self.claimed), user).await?;
        self.begin_session(tx, user).await
    }

    /// Whether the organisation has invited the address, where that is what lets people in.
    async fn is_invited(&self, tx: &mut Tx<'_>, email: &Email, closed: Code) -> Result<bool> {
        let Some(org) = self.org else { return Ok(false) };
        let is_by_invitation = self.call.realm.settings.sign_up.mode == SignUpMode::Invited
            && self.settings.creates_accounts
            && closed == Code::SignUpClosed;
        Ok(is_by_invitation && invitations::open_for(tx, org, email, self.call.now).await?.is_some())
    }

    async fn begin_session(&self, tx: &mut Tx<'_>, user: Id<User>) -> Result<Met> {
        let session = sessions::start(tx, user, &self.start).await?;
        let by = self.call.by(Actor::User { id: user, session: session.id });
        let event = Event::new(&by, "user.signed_in")?
            .subject(user)
            .fact("amr", self.amr.clone())
            .fact("provider", self.provider.to_string())
            .fact("session", session.id.to_string());
        audit::record(tx, &event).await?;
        // Somebody was there: it does not count against the others behind this address.
        throttle::forgive(tx, &throttle::drafting(&self.call)).await?;
        Ok(Met::Session(Box::new(session)))
    }
}

/// Records why nobody was signed in, and says no.
pub(super) async fn refused<T>(call: &Call, provider: &Provider, wrong: &Wrong) -> Result<T> {
    tracing::warn!(provider = provider.slug, why = wrong.why(), "nobody was signed in by a provider");
    note(call, provider, wrong.code(), wrong.told_to(call, provider)).await?;
    refuse(wrong.code())
}

/// Once a minute and address for each reason.
async fn note(call: &Call, provider: &Provider, code: Code, why: &str) -> Result<()> {
    let what = Refused {
        event: "user.connect_refused",
        route: "connect",
        code,
        org: Some(provider.org).filter(|org| *org != call.realm.instance_org),
        identity: call.origin.network(),
    };
    audit::refused(call, what, |event| event.fact("provider", provider.id.to_string()).detail("why", why))
        .await
}
