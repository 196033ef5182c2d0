//! Whether a service token is good now.
//!
//! Warm calls do no I/O: what was found is remembered under the SHA-256 of what was presented for as long
//! as the `changes` counter stands still, for half a minute at the most, and never past its end. From where
//! it comes is judged on every request.

use std::{net::IpAddr, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use doorward_proto::{
    id::{Id, ServiceToken},
    secret::{Kind, Opaque, TokenHash},
    time::Time,
};
use ipnet::IpNet;

use super::{Token, sql};
use crate::{
    addresses,
    audit::{self, Refused},
    call::{Actor, Call},
    orgs,
    outcome::{Code, Result, refuse},
    uses::Usage,
};

/// A node that hears of no change, for whatever reason, asks the database again after this.
const REMEMBERED: Duration = Duration::from_secs(30);
/// What every secret of ours begins with.
pub(super) const OURS: &str = "dw_";
const PREFIX: &str = "dw_st_";

/// A service token that is good.
#[derive(Debug)]
pub struct LiveToken {
    /// The version that was presented.
    pub token: Token,
    /// From where its organisation may be used.
    org_addresses: Vec<IpNet>,
    end: Option<Time>,
    found_at: Time,
    usage: Arc<Usage>,
}

impl LiveToken {
    /// Refuses a request from outside the token's address ranges, and from where its organisation may not be
    /// used. Not remembered: ask on every request.
    ///
    /// # Errors
    /// `CredentialAddress`.
    pub fn allows(&self, address: IpAddr) -> Result<()> {
        let is_in = |list: &[IpNet]| addresses::admit(list, address);
        if is_in(&self.token.notes.allowed_addresses) && is_in(&self.org_addresses) {
            return Ok(());
        }
        refuse(Code::CredentialAddress)
    }

    /// From where it may be used, in one list; `None` where that is nowhere.
    pub fn allowed_addresses(&self) -> Option<Vec<IpNet>> {
        addresses::both(&self.token.notes.allowed_addresses, &self.org_addresses)
    }

    /// Who acts by it.
    pub const fn actor(&self) -> Actor {
        Actor::ServiceToken(self.token.id)
    }

    /// When it ends by itself.
    pub const fn end(&self) -> Option<Time> {
        self.end
    }

    /// Counts a use at this time and from this address. Which request it was is asked for the event of the first
    /// one in an hour.
    ///
    /// # Errors
    /// A fault when there is no randomness for an event's id.
    pub fn note_use(&self, (now, from): (Time, IpAddr), call: impl FnOnce() -> Call) -> Result<()> {
        self.usage.note(now, Some(from), || self.token.event(&call().by(self.actor()), "service_token.used"))
    }
}

/// Verifies, judges from where the request comes, and counts the use: what a door does that recognises
/// callers by nothing else.
///
/// # Errors
/// As [`verify`], and `CredentialAddress`.
pub async fn admit(call: &Call, presented: &str) -> Result<Arc<LiveToken>> {
    let live = verify(call, presented).await?;
    if let Err(error) = live.allows(call.origin.address) {
        note_refusal(call, &live.token, Code::CredentialAddress).await?;
        return Err(error);
    }
    live.note_use((call.now, call.origin.address), || call.clone())?;
    Ok(live)
}

/// From where a token may be used, by its own list and its organisation's; `None` where that is nowhere.
///
/// # Errors
/// A fault when the database does not answer.
pub async fn allowed_addresses(call: &Call, token: &Token) -> Result<Option<Vec<IpNet>>> {
    let ask = (token.org, orgs::lifts(token.scopes.iter()));
    let read = call.realm.db.read("service_tokens.allowed", ask, |tx, (org, lifts)| {
        Box::pin(async move { if *lifts { Ok(Vec::new()) } else { orgs::allowed(tx, *org).await } })
    });
    Ok(addresses::both(&token.notes.allowed_addresses, &read.await?))
}

/// Whether the text can be a service token at all: nothing else has to be asked about one that cannot.
///
/// # Errors
/// A fault when the database does not answer.
pub async fn may_be(call: &Call, presented: &str) -> Result<bool> {
    if presented.starts_with(OURS) {
        return Ok(presented.starts_with(PREFIX));
    }
    let is_jwt = presented.starts_with("eyJ") && presented.bytes().filter(|b| *b == b'.').count() == 2;
    if is_jwt { Ok(false) } else { has_imported(call).await }
}

/// Verifies a service token, whoever presents it from wherever.
///
/// # Errors
/// `CredentialInvalid`, `CredentialExpired`, `CredentialRevoked`.
pub async fn verify(call: &Call, presented: &str) -> Result<Arc<LiveToken>> {
    let key = sha256(presented);
    let changes = call.realm.db.changes();
    let remembered = call.realm.caches.service_tokens.get(&key, changes);
    if let Some(live) = remembered.filter(|live| call.now.since(live.found_at) < REMEMBERED) {
        if live.end.is_some_and(|end| call.now >= end) {
            note_refusal(call, &live.token, Code::CredentialExpired).await?;
            return refuse(Code::CredentialExpired);
        }
        return Ok(live);
    }
    let live = Arc::new(look_up(call, presented, &key).await?);
    call.realm.caches.service_tokens.insert(key, changes, Arc::clone(&live));
    Ok(live)
}

pub(super) fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0_u8; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

async fn look_up(call: &Call, presented: &str, sha256: &[u8; 32]) -> Result<LiveToken> {
    let is_ours = Opaque::parse(Kind::ServiceToken, presented).is_some();
    if !is_ours && (presented.starts_with(OURS) || !has_imported(call).await?) {
        return refuse(Code::CredentialInvalid);
    }
    let hash = call.realm.vault.hash_bytes(presented.as_bytes());
    let imported = (!is_ours).then(|| data_encoding::HEXLOWER.encode(sha256));
    let instance = call.realm.instance_org;
    let (found, is_old, org_addresses) = call
        .realm
        .db
        .read("service_tokens.verify", (hash, imported, instance), |tx, (hash, imported, instance)| {
            Box::pin(async move {
                let (found, is_old) = match (sql::find_by_hash(tx, *hash).await?, imported) {
                    (Some(found), _) => (Some(found), false),
                    (None, Some(imported)) => (sql::find_by_sha256(tx, imported).await?, true),
                    (None, None) => (None, false),
                };
                let Some(mut found) = found else { return refuse(Code::CredentialInvalid) };
                let (place, named) = ((found.token.org, *instance), found.token.workspace_ids);
                found.token.workspace_ids = orgs::workspaces::still_of(tx, place, named).await?;
                let is_bound = !orgs::lifts(found.token.scopes.iter());
                let allowed = if is_bound { orgs::allowed(tx, found.token.org).await? } else { Vec::new() };
                Ok((found, is_old, allowed))
            })
        })
        .await?;
    let token = found.token;
    let end = token.end();
    let refusal = if token.revocation.is_some() || !found.stands {
        Some(Code::CredentialRevoked)
    } else {
        end.is_some_and(|end| call.now >= end).then_some(Code::CredentialExpired)
    };
    if let Some(code) = refusal {
        note_refusal(call, &token, code).await?;
        return refuse(code);
    }
    if is_old {
        hash_again(call, token.id, hash).await?;
    }
    Ok(LiveToken {
        end,
        found_at: call.now,
        usage: call.realm.service_uses.of(token.id),
        org_addresses,
        token,
    })
}

/// From now on the secret is found like one of ours.
async fn hash_again(call: &Call, id: Id<ServiceToken>, hash: TokenHash) -> Result<()> {
    let ask = (id, hash, call.realm.vault.hash_key_id().to_owned());
    call.realm
        .db
        .write("service_tokens.hash_again", ask, |tx, (id, hash, key)| {
            Box::pin(async move { sql::hash_again(tx, *id, *hash, key).await })
        })
        .await
}

/// A token that is known and refused is worth knowing, once a minute.
async fn note_refusal(call: &Call, token: &Token, code: Code) -> Result<()> {
    let (org, identity) = (None, token.id.to_string());
    let what = Refused { event: "service_token.refused", route: "service_token", code, org, identity };
    audit::refused(call, what, |event| token.named(event)).await
}

/// Whether any token came from elsewhere: only then a text that is no secret of ours is looked up.
pub(super) async fn has_imported(call: &Call) -> Result<bool> {
    let (memory, changes) = (&call.realm.caches.imported_tokens, call.realm.db.changes());
    if let Some(any) = memory.get(&(), changes) {
        return Ok(any);
    }
    let read = call.realm.db.read("service_tokens.imported", (), |tx, ()| Box::pin(sql::is_any_imported(tx)));
    let any = read.await?;
    memory.insert((), changes, any);
    Ok(any)
}
