//! Signing keys: made, published, used, retired.
//!
//! A key is *published* in the JWKS before it *signs* (so that verifiers that cache have it), and stays
//! published after it is *retired* until the last token it signed is over. Only the first key of an
//! algorithm and an emergency skip the wait. Private keys are sealed under the master key.

mod rotate;
mod sql;

use std::{
    fmt::Write as _,
    sync::{Arc, PoisonError, RwLock},
};

use doorward_proto::{
    id::{self, Id},
    jose::{Alg, Jwk, KeySet, SigningKey},
    time::Time,
};

pub use rotate::{Urgency, ensure, maintain, retire, rotate};

use crate::{
    call::Call,
    outcome::{Code, Error, Refusal, Result},
    realm::Realm,
};

/// A signing key as it is stored, without its private part.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its id, also its `kid`.
    pub id: Id<id::Key>,
    /// What it signs with.
    pub alg: Alg,
    /// Its public half.
    pub jwk: Jwk,
    /// When it was made.
    pub created_at: Time,
    /// In the JWKS from here on.
    pub published_at: Time,
    /// Signs from here on.
    pub active_at: Time,
    /// Signs no more from here on.
    pub retired_at: Option<Time>,
    /// Not in the JWKS from here on.
    pub expires_at: Option<Time>,
    sealed: Vec<u8>,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Published, not signing yet.
    Waiting,
    /// Signing.
    Active,
    /// Published, not signing any more.
    Retired,
    /// Out of use.
    Expired,
}

impl State {
    /// The public name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Expired => "expired",
        }
    }
}

impl Record {
    /// Where the key is in its life at `now`.
    pub fn state(&self, now: Time) -> State {
        match (self.retired_at, self.expires_at) {
            (_, Some(expires)) if expires <= now => State::Expired,
            (Some(retired), _) if retired <= now => State::Retired,
            _ if self.active_at <= now => State::Active,
            _ => State::Waiting,
        }
    }

    fn transitions(&self) -> impl Iterator<Item = Time> {
        [Some(self.active_at), self.retired_at, self.expires_at].into_iter().flatten()
    }
}

struct Held {
    record: Record,
    signing: Arc<SigningKey>,
}

/// The keys of a realm at one moment.
pub struct Keys {
    held: Vec<Held>,
    set: KeySet,
    jwks: Arc<str>,
    etag: String,
    changes: i64,
    fresh_until: Time,
}

/// The keys of a realm, reloaded when they change.
#[derive(Default)]
pub(crate) struct Ring(RwLock<Option<Arc<Keys>>>);

impl Keys {
    /// The key that signs with this algorithm now.
    ///
    /// # Errors
    /// `KeyUnavailable` when there is none.
    pub fn signer(&self, alg: Alg, now: Time) -> Result<Arc<SigningKey>> {
        self.held
            .iter()
            .filter(|held| held.record.alg == alg && held.record.state(now) == State::Active)
            .max_by_key(|held| held.record.active_at)
            .map(|held| Arc::clone(&held.signing))
            .ok_or_else(|| Refusal::new(Code::KeyUnavailable).into())
    }

    /// Every published key, to verify our own tokens with.
    pub const fn verifiers(&self) -> &KeySet {
        &self.set
    }

    /// The JWKS document (RFC 7517 5).
    pub fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.jwks)
    }

    /// The entity tag of the JWKS document.
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

/// The realm's keys as they stand; warm calls do no I/O.
pub async fn current(call: &Call) -> Result<Arc<Keys>> {
    let changes = call.realm.db.changes();
    let held = call.realm.ring.0.read().unwrap_or_else(PoisonError::into_inner).clone();
    match held {
        Some(keys) if keys.changes == changes && call.now < keys.fresh_until => Ok(keys),
        before => {
            let keys = Arc::new(load(&call.realm, call.now, changes, before.as_deref()).await?);
            *call.realm.ring.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&keys));
            Ok(keys)
        }
    }
}

/// Every key that is not expired, newest first, and the expired ones of the last year.
pub async fn list(call: &Call) -> Result<Vec<Record>> {
    call.realm.db.read("keys.list", (), |tx, ()| Box::pin(async move { sql::all(tx).await })).await
}

async fn load(realm: &Realm, now: Time, changes: i64, before: Option<&Keys>) -> Result<Keys> {
    let records =
        realm.db.read("keys.load", (), |tx, ()| Box::pin(async move { sql::all(tx).await })).await?;
    let fresh_until = records.iter().flat_map(Record::transitions).filter(|at| *at > now).min();
    let live = records.into_iter().filter(|record| record.state(now) != State::Expired);
    let held = live.map(|record| hold(realm, record, before)).collect::<Result<Vec<_>>>()?;
    let published = held.iter().filter(|held| held.record.published_at <= now);
    let mut parsed = Vec::new();
    let mut document = String::from("{\"keys\":[");
    for (place, held) in published.enumerate() {
        let jwk = serde_json::to_string(&held.record.jwk)?;
        write!(document, "{}{jwk}", if place == 0 { "" } else { "," })?;
        parsed.push(held.signing.verifying_key()?);
    }
    document.push_str("]}");
    Ok(Keys {
        held,
        set: KeySet::new(parsed),
        etag: format!("\"{}\"", doorward_proto::jose::sha256_base64url(document.as_bytes())),
        jwks: document.into(),
        changes,
        fresh_until: fresh_until.unwrap_or(Time::from_micros(i64::MAX)),
    })
}

/// Opens a key, unless it is held open already.
fn hold(realm: &Realm, record: Record, before: Option<&Keys>) -> Result<Held> {
    let known = before.and_then(|keys| keys.held.iter().find(|held| held.record.id == record.id));
    if let Some(known) = known {
        return Ok(Held { record, signing: Arc::clone(&known.signing) });
    }
    let der = realm.vault.open(&place(record.id), &record.sealed)?;
    let signing = SigningKey::from_pkcs8(record.alg, &der)?.with_kid(&record.id.to_string());
    Ok(Held { record, signing: Arc::new(signing) })
}

fn place(id: Id<id::Key>) -> String {
    format!("signing_keys/{id}")
}

/// Reads a stored algorithm name.
fn alg(name: &str) -> Result<Alg> {
    Alg::ALL
        .into_iter()
        .find(|alg| alg.as_str() == name)
        .ok_or_else(|| Error::fault(format!("stored key algorithm {name}")))
}
