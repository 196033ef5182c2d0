//! Whether a key is good now, and what it may do now.
//!
//! Warm calls do no I/O: what was found is remembered under the SHA-256 of what was presented for as long
//! as the `changes` counter stands still, for half a minute at the most, and never past its end. From where
//! it comes is judged on every request. A secret is found by its keyed hash, so how long that takes says
//! nothing of any other.

use std::{net::IpAddr, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use doorward_proto::{
    id::{Id, Org, User},
    secret::{Kind, Opaque},
    time::Time,
};
use ipnet::IpNet;

use super::{ApiKey, Permissions, State, rights_of, sql};
use crate::{
    addresses,
    apis::catalog,
    audit::{self, Refused},
    call::{Actor, Call},
    db::ReadTx,
    orgs,
    outcome::{Code, Error, Refusal, Result, refuse},
    users::{self, PlatformRole},
    uses::Usage,
};

/// A node that hears of no change, for whatever reason, asks the database again after this.
const REMEMBERED: Duration = Duration::from_secs(30);
const PREFIXES: [&str; 2] = ["dw_pk_", "dw_ak_"];

/// Whom a personal key stands for, as they are now.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The primary mail address.
    pub email: Option<String>,
    /// What the person may do to the platform.
    pub platform_role: PlatformRole,
    /// Names of roles.
    pub roles: Vec<String>,
    /// The organisations that the person belongs to.
    orgs: Vec<Id<Org>>,
}

/// A key that is good.
#[derive(Debug)]
pub struct LiveKey {
    /// The key.
    pub key: ApiKey,
    /// What it may do now, by scope.
    pub scopes: Vec<String>,
    /// What it may do now, resource by resource.
    pub permissions: Permissions,
    /// The person, when it is a personal key.
    pub holder: Option<Holder>,
    /// From where its organisation may be used.
    org_addresses: Vec<IpNet>,
    found_at: Time,
    usage: Arc<Usage>,
}

impl LiveKey {
    /// Refuses a request from outside the key's address ranges, and from where its organisation may not be
    /// used. Not remembered: ask on every request.
    ///
    /// # Errors
    /// `CredentialAddress`.
    pub fn allows(&self, address: IpAddr) -> Result<()> {
        let is_in = |list: &[IpNet]| addresses::admit(list, address);
        if is_in(&self.key.terms.allowed_addresses) && is_in(&self.org_addresses) {
            return Ok(());
        }
        refuse(Code::CredentialAddress)
    }

    /// From where it may be used, in one list; `None` where that is nowhere.
    pub fn allowed_addresses(&self) -> Option<Vec<IpNet>> {
        addresses::both(&self.key.terms.allowed_addresses, &self.org_addresses)
    }

    /// Who acts by it.
    pub const fn actor(&self) -> Actor {
        match self.key.user {
            Some(user) => Actor::PersonalKey { user, key: self.key.id },
            None => Actor::ApiKey(self.key.id),
        }
    }

    /// Whether an organisation may learn of it: its own, one that its person belongs to, and the instance's
    /// own of every person.
    pub fn is_known_to(&self, call: &Call, org: Id<Org>) -> bool {
        match &self.holder {
            None => self.key.org == org,
            Some(holder) => org == call.realm.instance_org || holder.orgs.contains(&org),
        }
    }

    /// Counts a use at this time; `address` is where the key itself came from, if that is known. Which request it
    /// was is asked for the event of the first one in an hour.
    ///
    /// # Errors
    /// A fault when there is no randomness for an event's id.
    pub fn note_use(
        &self,
        (now, address): (Time, Option<IpAddr>),
        call: impl FnOnce() -> Call,
    ) -> Result<()> {
        self.usage.note(now, address, || self.key.event(&call().by(self.actor()), "api_key.used"))
    }
}

/// Whether the text looks like a key: only then it is one, or nothing.
pub fn is_key(presented: &str) -> bool {
    PREFIXES.iter().any(|prefix| presented.starts_with(prefix))
}

/// Verifies, judges from where the request comes, and counts the use: what a door does that recognises
/// callers by nothing else.
///
/// # Errors
/// As [`verify`], and `CredentialAddress`.
pub async fn admit(call: &Call, presented: &str) -> Result<Arc<LiveKey>> {
    let live = verify(call, presented).await?;
    if let Err(error) = live.allows(call.origin.address) {
        note_refusal(call, &live.key, Code::CredentialAddress).await?;
        return Err(error);
    }
    live.note_use((call.now, Some(call.origin.address)), || call.clone())?;
    Ok(live)
}

/// Verifies a key, whoever presents it from wherever.
///
/// # Errors
/// `CredentialInvalid`, `CredentialExpired`, `CredentialRevoked`.
pub async fn verify(call: &Call, presented: &str) -> Result<Arc<LiveKey>> {
    let key = sha256(presented);
    let changes = call.realm.db.changes();
    let remembered = call.realm.caches.api_keys.get(&key, changes);
    let live = if let Some(live) = remembered.filter(|live| call.now.since(live.found_at) < REMEMBERED) {
        live
    } else {
        let Some(live) = look_up(call, presented).await? else { return refuse(Code::CredentialInvalid) };
        let live = Arc::new(live);
        call.realm.caches.api_keys.insert(key, changes, Arc::clone(&live));
        live
    };
    let (code, hint) = match live.key.state(call.now) {
        State::Active => return Ok(live),
        State::Expired => (Code::CredentialExpired, ""),
        State::Disabled => (Code::CredentialRevoked, "The key is switched off"),
        State::Ended => (Code::CredentialRevoked, "The account behind the key has changed or ended"),
        State::Revoked => (Code::CredentialRevoked, ""),
    };
    note_refusal(call, &live.key, code).await?;
    Err(Refusal::new(code).hint(hint).into())
}

/// What verifying for somebody else comes to.
#[derive(Debug)]
pub enum Checked {
    /// It is good, and may do what was asked for.
    Valid(Arc<LiveKey>),
    /// There is no such key, or it is none of the organisation's business; or it was ended.
    Invalid,
    /// Its life is over.
    Expired,
    /// It is switched off.
    Disabled,
    /// It may not do what was asked for.
    Insufficient,
}

/// Verifies a key for an organisation that somebody presented it to. What it must not know of looks like
/// garbage.
///
/// # Errors
/// A fault when the database does not answer.
pub async fn check(call: &Call, org: Id<Org>, presented: &str, wanted: &Permissions) -> Result<Checked> {
    match verify(call, presented).await {
        Ok(live) if !live.is_known_to(call, org) || live.allowed_addresses().is_none() => {
            Ok(Checked::Invalid)
        }
        Ok(live) if !live.permissions.include(wanted) => Ok(Checked::Insufficient),
        Ok(live) => {
            live.note_use((call.now, None), || call.clone())?;
            Ok(Checked::Valid(live))
        }
        Err(Error::Refused(_)) => {
            let found = call.realm.caches.api_keys.get(&sha256(presented), call.realm.db.changes());
            let found = found.filter(|live| live.is_known_to(call, org));
            Ok(match found.map(|live| live.key.state(call.now)) {
                Some(State::Expired) => Checked::Expired,
                Some(State::Disabled) => Checked::Disabled,
                _ => Checked::Invalid,
            })
        }
        Err(fault) => Err(fault),
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0_u8; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

async fn look_up(call: &Call, presented: &str) -> Result<Option<LiveKey>> {
    let secret =
        [Kind::ApiKey, Kind::PersonalKey].into_iter().find_map(|kind| Opaque::parse(kind, presented));
    let Some(secret) = secret else { return Ok(None) };
    let hash = call.realm.vault.hash(&secret);
    let ask = (hash, call.realm.instance_org);
    let found = call.realm.db.read("api_keys.verify", ask, |tx, (hash, instance)| {
        Box::pin(async move {
            let Some(mut key) = sql::find_by_hash(tx, *hash).await? else { return Ok(None) };
            let (place, named) = ((key.org, *instance), key.terms.workspace_ids);
            key.terms.workspace_ids = orgs::workspaces::still_of(tx, place, named).await?;
            let holder = match key.user {
                Some(user) => holder(tx, user).await?,
                None => None,
            };
            let allowed = orgs::allowed(tx, key.org).await?;
            Ok(Some((key, holder, allowed)))
        })
    });
    Ok(found.await?.map(|(key, holder, allowed)| live(call, key, (holder, allowed))))
}

async fn holder(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Option<Holder>> {
    let Some(person) = users::find_in(tx, user).await? else { return Ok(None) };
    let memberships = orgs::of_user(tx, person.id).await?;
    Ok(Some(Holder {
        email: person.email,
        platform_role: person.platform_role,
        roles: person.roles,
        orgs: memberships.iter().map(|membership| membership.org).collect(),
    }))
}

/// Never more than the person may now, nor than the operator lets people choose now.
fn live(call: &Call, key: ApiKey, (holder, org_addresses): (Option<Holder>, Vec<IpNet>)) -> LiveKey {
    let own = holder.as_ref().map(|holder| rights_of(call, holder.platform_role));
    let is_theirs = |name: &str| key.is_own || catalog::is_management(name);
    let may = |name: &str| own.as_ref().is_none_or(|own| !is_theirs(name) || own.must_hold(name).is_ok());
    let scopes: Vec<String> = key.terms.scopes.iter().filter(|scope| may(scope)).map(str::to_owned).collect();
    let permissions = key.terms.permissions.kept(may);
    let usage = call.realm.key_uses.of(key.id);
    let is_bound = !orgs::lifts(scopes.iter().map(String::as_str));
    let org_addresses = if is_bound { org_addresses } else { Vec::new() };
    LiveKey { scopes, permissions, holder, org_addresses, found_at: call.now, usage, key }
}

/// A key that is known and refused is worth knowing, once a minute.
async fn note_refusal(call: &Call, key: &ApiKey, code: Code) -> Result<()> {
    let (org, identity) = (None, key.id.to_string());
    let what = Refused { event: "api_key.refused", route: "api_key", code, org, identity };
    audit::refused(call, what, |event| key.named(event)).await
}
