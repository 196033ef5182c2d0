//! Linking an account with what a provider says, once its owner has proven who they are.

use doorward_proto::{
    id::{self, Id, Org, User},
    secret::Opaque,
};
use serde::{Deserialize, Serialize};

use super::{AWAY, Claimed, Provider, begin::Away, connections::told, enabled, sql, tenancy};
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    db::Tx,
    links::{self, NewLink, Presented, Purpose},
    mail::{self, NewMail, Template},
    orgs::Welcome,
    outcome::{Code, Refusal, Result, refuse},
    sessions::Session,
    users::{self, Email},
};

/// An identity that is to be linked, sealed under what the browser keeps.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    provider: Id<id::Provider>,
    /// The keyed hash of the browser's cookie.
    marker: [u8; 32],
    claimed: Claimed,
    next: Option<String>,
}

impl Pending {
    pub(super) fn of(provider: &Provider, away: &Away, claimed: &Claimed) -> Self {
        let (marker, next) = (away.marker, away.next.clone());
        Self { provider: provider.id, marker, claimed: claimed.clone(), next }
    }
}

pub(super) fn prepare(call: &Call, pending: Pending) -> Result<(NewLink, Opaque)> {
    links::make(call, Purpose::Link, &pending, AWAY)
}

/// What the page says that asks for proof.
#[derive(Debug, Clone)]
pub struct Linking {
    /// What people call the provider.
    pub provider: String,
    /// The address that the provider has verified, and that an account here has.
    pub email: String,
    /// Whose it is.
    pub owner: Id<User>,
    /// Where the person was going.
    pub next: Option<String>,
    /// The organisation whose provider it is; none for one of the instance.
    org: Option<Id<Org>>,
}

/// What waits for proof at this browser.
///
/// # Errors
/// `ConnectState` when nothing does.
pub async fn linking(call: &Call, link: &Opaque, marker: &Opaque) -> Result<Linking> {
    let (_, pending) = stale_as_state(links::look::<Pending>(call, Purpose::Link, link).await)?;
    if pending.marker != call.realm.vault.hash(marker).0 {
        return refuse(Code::ConnectState);
    }
    let provider = enabled(call, &pending.provider.to_string()).await?;
    let Some(email) = pending.claimed.email else { return refuse(Code::ConnectState) };
    let Some(owner) = users::find_by_email(call, &Email::parse(&email)?).await? else {
        return refuse(Code::ConnectState);
    };
    let org = (provider.org != call.realm.instance_org).then_some(provider.org);
    Ok(Linking { provider: provider.settings.name, email, owner: owner.id, next: pending.next, org })
}

fn stale_as_state<T>(found: Result<T>) -> Result<T> {
    match found {
        Err(error) if error.code() == Some(Code::LinkInvalid) => refuse(Code::ConnectState),
        other => other,
    }
}

struct Confirm {
    call: Call,
    org: Option<Id<Org>>,
    welcome: Welcome,
    presented: Presented,
    user: Id<User>,
    email: Email,
    mail: Option<NewMail>,
}

/// Links what waits at this browser with the account of a session that has just begun, and tells its person by
/// mail.
///
/// # Errors
/// `ConnectState` when nothing waits; `SignInStale` for a session that is older; `Forbidden` for a session of
/// somebody else than the owner of the address; `ConnectOutside` for who does not belong to the organisation
/// whose provider it is.
pub async fn confirm_link(call: &Call, link: &Opaque, marker: &Opaque, session: &Session) -> Result<Linking> {
    let waiting = linking(call, link, marker).await?;
    if call.now.since(session.auth_time) > AWAY {
        return refuse(Code::SignInStale);
    }
    if session.user != waiting.owner {
        return Err(Refusal::new(Code::Forbidden).hint("Another account has this address").into());
    }
    let ask = Confirm {
        call: call.by(Actor::User { id: session.user, session: session.id }),
        org: waiting.org,
        welcome: Welcome::new(call, session.user)?,
        presented: Presented::new(call, Purpose::Link, link),
        user: session.user,
        email: Email::parse(&waiting.email)?,
        mail: told(call, session.user, &waiting.provider, Template::SignInLinked).await?,
    };
    call.realm.db.write("providers.link", ask, |tx, ask| Box::pin(ask.run(tx))).await?;
    Ok(waiting)
}

impl Confirm {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let call = &self.call;
        let (_, pending) = stale_as_state(self.presented.consume::<Pending>(tx, &call.realm.vault).await)?;
        // The address may have become somebody else's since the page was shown.
        if users::find_by_identifier(tx, self.email.folded()).await? != Some(self.user) {
            return refuse(Code::ConnectState);
        }
        users::prove_email(tx, self.user, &self.email, call.now).await?;
        if let Some(org) = self.org {
            tenancy::check_address(tx, org, &self.email).await?;
            tenancy::check_person(tx, org, self.user).await?;
            tenancy::join(tx, call, (org, &self.welcome), (self.user, &self.email)).await?;
        }
        if let Some(mail) = &self.mail {
            mail::enqueue(tx, mail).await?;
        }
        insert(tx, call, (pending.provider, &pending.claimed), self.user).await
    }
}

/// Notes that a subject of a provider means this person from now on.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    call: &Call,
    (provider, claimed): (Id<id::Provider>, &Claimed),
    user: Id<User>,
) -> Result<()> {
    let email = claimed.email.as_deref();
    if !sql::link(tx, (provider, &claimed.subject), (user, email), call.now).await? {
        return refuse(Code::ConnectState);
    }
    let event = Event::new(call, "user.connected")?.subject(user).fact("provider", provider.to_string());
    audit::record(tx, &event.detail("email", email.unwrap_or_default())).await
}
