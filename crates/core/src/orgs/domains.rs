//! Domains of an organisation: said to be its own, proven by a record in their DNS, and a way to belong to
//! it without being asked.
//!
//! One organisation has proven a domain. Whoever then proves a mail address of it (at sign-up, by a link, by
//! an invitation) is a member of an organisation that is joined by domain.

pub(super) mod recheck;

use std::fmt;

use doorward_proto::{
    id::{Id, Org as OrgKind, User},
    time::Time,
};

use super::{Kind, OrgScope, manage::conflict, permissions::MEMBER, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    db::{ReadTx, Tx},
    env::Env,
    outcome::{Code, Refusal, Result, refuse},
    users::Email,
};

pub use recheck::recheck;

/// A domain that an organisation says is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name, folded.
    pub name: String,
    /// What one of its TXT records has to be.
    token: String,
    /// When that was seen.
    pub verified_at: Option<Time>,
    /// When it was added.
    pub created_at: Time,
}

impl Domain {
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) const fn new(
        name: String,
        token: String,
        verified_at: Option<Time>,
        created_at: Time,
    ) -> Self {
        Self { name, token, verified_at, created_at }
    }

    /// The name of the TXT record that proves it.
    pub fn record(&self) -> String {
        format!("_doorward.{}", self.name)
    }

    /// What that record has to say.
    pub fn value(&self) -> String {
        format!("doorward-domain={}", self.token)
    }
}

/// How many domains an organisation may add.
const MOST: usize = 100;

/// Every domain of an organisation, by name.
///
/// # Errors
/// `ScopeMissing`.
pub async fn list(call: &Call, scope: &OrgScope) -> Result<Vec<Domain>> {
    scope.must("org:domains:read")?;
    let read = call.realm.db.read("orgs.domains.list", scope.id(), |tx, org| {
        Box::pin(async move { sql::domains::all(tx, *org).await })
    });
    read.await
}

/// The domains that an organisation has proven.
pub(crate) async fn proven(call: &Call, org: Id<OrgKind>) -> Result<Vec<String>> {
    let read = call.realm.db.read("orgs.domains.proven", org, |tx, org| {
        Box::pin(async move { sql::domains::all(tx, *org).await })
    });
    let all = read.await?;
    Ok(all.into_iter().filter(|one| one.verified_at.is_some()).map(|one| one.name).collect())
}

/// Adds a domain that is to be proven; one that was added before is answered as it is.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid` for what is no domain, `Conflict` for a personal organisation.
pub async fn add(call: &Call, scope: &OrgScope, name: &str) -> Result<Domain> {
    scope.must("org:domains:write")?;
    if scope.org().kind == Kind::Personal {
        return conflict("A personal organisation has no domains");
    }
    let name = folded(name)?;
    let random: [u8; 16] = call.realm.env.bytes()?;
    let token = data_encoding::HEXLOWER.encode(&random);
    let domain = Domain::new(name, token, None, call.now);
    let event = Event::new(call, "org.domain_added")?.subject(scope.id()).org(scope.id());
    let event = event.fact("domain", domain.name.clone());
    call.realm
        .db
        .write("orgs.domains.add", (scope.clone(), domain, event), |tx, (scope, domain, event)| {
            Box::pin(async move {
                scope.lock(tx).await?;
                let org = &scope.id();
                let all = sql::domains::all(tx, *org).await?;
                if let Some(there) = all.iter().find(|there| there.name == domain.name) {
                    return Ok(there.clone());
                }
                if all.len() >= MOST {
                    return conflict("An organisation has 100 domains at most");
                }
                sql::domains::insert(tx, *org, domain).await?;
                audit::record(tx, event).await?;
                Ok(domain.clone())
            })
        })
        .await
}

/// A domain as it is compared: IDNA, lower case, with a dot in it.
fn folded(text: &str) -> Result<String> {
    let read = Email::parse(&format!("x@{}", text.trim())).ok();
    let name = read.map(|email| email.domain().to_owned()).filter(|name| name.contains('.'));
    name.ok_or_else(|| Refusal::new(Code::RequestInvalid).field("domain").hint("Not a domain").into())
}

/// Looks whether the domain says that it is the organisation's.
///
/// # Errors
/// `ScopeMissing`; `NotFound` for one that was not added; `DomainUnproven` where its records do not say so;
/// `Conflict` where another organisation has proven it; `Unavailable` when the DNS does not answer.
pub async fn verify(call: &Call, scope: &OrgScope, name: &str) -> Result<Domain> {
    scope.must("org:domains:write")?;
    let name = folded(name)?;
    let ask = (scope.id(), name.clone());
    let find = call.realm.db.read("orgs.domains.find", ask, |tx, (org, name)| {
        Box::pin(async move { sql::domains::find(tx, *org, name).await })
    });
    let Some(domain) = find.await? else { return refuse(Code::NotFound) };
    let records = match call.realm.env.txt(&domain.record()).await {
        Ok(records) => records,
        Err(error) => return Err(Refusal::new(Code::Unavailable).hint(error.to_string()).into()),
    };
    if !records.iter().any(|record| record.trim() == domain.value()) {
        let hint = format!("{} has no TXT record {}", domain.record(), domain.value());
        return Err(Refusal::new(Code::DomainUnproven).field("domain").hint(hint).into());
    }
    let event = Event::new(call, "org.domain_verified")?.subject(scope.id()).org(scope.id());
    let ask = (scope.id(), domain, call.now, event);
    call.realm
        .db
        .write("orgs.domains.verify", ask, |tx, (org, domain, now, event)| {
            Box::pin(async move {
                tx.lock_exclusive(&[&format!("doorward.domain.{}", domain.name)]).await?;
                if sql::domains::owner(tx, &domain.name).await?.is_some_and(|owner| owner != *org) {
                    return conflict("Another organisation has proven this domain");
                }
                let Some(found) = sql::domains::verified(tx, *org, &domain.name, *now).await? else {
                    return refuse(Code::NotFound);
                };
                audit::record(tx, &event.clone().fact("domain", domain.name.clone())).await?;
                Ok(found)
            })
        })
        .await
}

/// Takes a domain off; who belongs to the organisation stays.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn remove(call: &Call, scope: &OrgScope, name: &str) -> Result<()> {
    scope.must("org:domains:write")?;
    let event = Event::new(call, "org.domain_removed")?.subject(scope.id()).org(scope.id());
    let ask = (scope.id(), folded(name)?, event);
    call.realm
        .db
        .write("orgs.domains.remove", ask, |tx, (org, name, event)| {
            Box::pin(async move {
                if !sql::domains::remove(tx, *org, name).await? {
                    return refuse(Code::NotFound);
                }
                audit::record(tx, &event.clone().fact("domain", name.clone())).await
            })
        })
        .await
}

/// Which organisation has proven the domain of an address.
pub(crate) async fn proven_by(tx: &mut ReadTx<'_>, email: &Email) -> Result<Option<Id<OrgKind>>> {
    sql::domains::owner(tx, email.domain()).await
}

/// Whether the organisation has proven the domain of an address.
pub(crate) async fn has_proven(tx: &mut ReadTx<'_>, org: Id<OrgKind>, email: &Email) -> Result<bool> {
    Ok(proven_by(tx, email).await? == Some(org))
}

/// What is written down when somebody belongs to an organisation without having been asked.
#[derive(Clone)]
pub(crate) struct Welcome {
    event: Event,
    env: Env,
    now: Time,
    default_org: Option<String>,
}

impl fmt::Debug for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Welcome").field("event", &self.event).finish_non_exhaustive()
    }
}

impl Welcome {
    /// For the person whom the call makes or proves something of.
    pub(crate) fn new(call: &Call, user: Id<User>) -> Result<Self> {
        let event = Event::new(call, "org.joined")?.subject(user);
        let default_org = call.realm.settings.sign_up.default_org.clone();
        Ok(Self { event, env: call.realm.env.clone(), now: call.now, default_org })
    }

    /// Makes who has proven this address a member of what is joined by its domain.
    pub(crate) async fn by_address(&self, tx: &mut Tx<'_>, user: Id<User>, email: &Email) -> Result<()> {
        let Some(org) = sql::domains::joined_by(tx, email.domain()).await? else { return Ok(()) };
        self.join(tx, user, org, "domain").await
    }

    /// Makes somebody new a member of what everybody belongs to, and of what the operator has named. One that
    /// is suspended or has ended lets nobody in, and keeps nobody from having an account.
    pub(crate) async fn newcomer(&self, tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
        if let Some(name) = &self.default_org
            && let Some(org) = super::find_in(tx, name).await?
            && org.is_active
            && org.kind != Kind::Personal
        {
            self.join(tx, user, org.id, "default").await?;
        }
        for org in sql::domains::joined_by_everybody(tx).await? {
            self.join(tx, user, org, "everybody").await?;
        }
        Ok(())
    }

    pub(super) const fn now(&self) -> Time {
        self.now
    }

    pub(super) async fn join(
        &self,
        tx: &mut Tx<'_>,
        user: Id<User>,
        org: Id<OrgKind>,
        by: &str,
    ) -> Result<()> {
        tx.lock_shared(&[&org.to_string()]).await?;
        if sql::join(tx, org, user, MEMBER, self.now).await? {
            let event = self.event.again(&self.env)?.org(org);
            audit::record(tx, &event.fact("by", by).fact("role", MEMBER)).await?;
        }
        Ok(())
    }
}
