//! The bootstrap token: the operator's first credential, from the environment.
//!
//! It is never a row among tokens. What is remembered is its keyed hash, when it was first seen, and how
//! often it was used; without a set expiry it ends 24 hours after it was first seen, and in any case when
//! an administrator with a second factor can take over, so that a forgotten root key does not stay one.
//! Every use is counted, and told to the audit trail once a minute.

mod sql;

use std::time::Duration;

use doorward_proto::{secret::SecretText, time::Time};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    db::{ReadTx, Tx},
    outcome::{Code, Result},
    users,
};

/// How long a token without a set expiry works after it was first seen.
pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Uses within this time are told to the audit trail together.
const AUDIT_EVERY: Duration = Duration::from_secs(60);

/// What is remembered of one token.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub struct Memory {
    /// When a server first started with it.
    pub first_seen_at: Time,
    /// When it was presented last.
    pub last_used_at: Option<Time>,
    /// How often it was presented.
    pub uses: u64,
    told_at: Option<Time>,
    told_uses: u64,
}

/// When the configured token ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    /// At this instant; without it, a day after it was first seen.
    pub expires_at: Option<Time>,
    /// Whether it goes on working once an administrator with a second factor exists.
    pub stays: bool,
}

impl Memory {
    const fn fresh(now: Time) -> Self {
        Self { first_seen_at: now, last_used_at: None, uses: 0, told_at: None, told_uses: 0 }
    }
}

struct Use {
    call: Call,
    key: String,
    terms: Terms,
}

/// Whether `presented` is the configured token. Refuses it when its time is over; remembers the use.
pub async fn admit(
    call: &Call,
    configured: &SecretText,
    terms: Terms,
    presented: &SecretText,
) -> Result<bool> {
    let vault = &call.realm.vault;
    let ours = vault.hash_bytes(configured.expose().as_bytes());
    let theirs = vault.hash_bytes(presented.expose().as_bytes());
    if !bool::from(ours.0.ct_eq(&theirs.0)) {
        return Ok(false);
    }
    let ask = Use { call: call.by(Actor::Bootstrap), key: key_of(&ours.0), terms };
    call.realm.db.write("bootstrap.admit", ask, |tx, ask| Box::pin(remember(tx, ask))).await?;
    Ok(true)
}

/// Remembers that a server starts with this token: its time begins, whether it is ever used or not.
pub async fn notice(call: &Call, configured: &SecretText) -> Result<()> {
    let key = key_of(&call.realm.vault.hash_bytes(configured.expose().as_bytes()).0);
    call.realm
        .db
        .write("bootstrap.notice", (key, call.now), |tx, (key, now)| {
            Box::pin(async move { sql::insert(tx, key, &Memory::fresh(*now), *now).await })
        })
        .await
}

/// What is remembered of the configured token: for `doctor` and the console. `None` before it was seen.
pub async fn memory(call: &Call, configured: &SecretText) -> Result<Option<Memory>> {
    let key = key_of(&call.realm.vault.hash_bytes(configured.expose().as_bytes()).0);
    call.realm
        .db
        .read("bootstrap.memory", key, |tx, key| Box::pin(async move { sql::find(tx, key).await }))
        .await
}

fn key_of(hash: &[u8; 32]) -> String {
    format!("bootstrap/{}", data_encoding::HEXLOWER.encode(hash))
}

async fn remember(tx: &mut Tx<'_>, ask: &Use) -> Result<()> {
    // The row is read and written as a whole.
    tx.lock_exclusive(&["bootstrap"]).await?;
    let now = ask.call.now;
    let mut memory = sql::find(tx, &ask.key).await?.unwrap_or_else(|| Memory::fresh(now));
    let end = ending(tx, &memory, ask).await?;
    memory.uses += 1;
    memory.last_used_at = memory.last_used_at.max(Some(now));
    if memory.told_at.is_none_or(|told| now.since(told) >= AUDIT_EVERY) {
        let event = match end {
            Some(code) => Event::refused(&ask.call, "bootstrap.refused", code)?,
            None => Event::new(&ask.call, "bootstrap.used")?,
        };
        audit::record(tx, &event.fact("uses", memory.uses - memory.told_uses)).await?;
        memory.told_at = Some(now);
        memory.told_uses = memory.uses;
    }
    sql::store(tx, &ask.key, &memory, now).await?;
    end.map_or(Ok(()), |code| tx.refuse(code))
}

/// Why the token works no more, if it does not.
async fn ending(tx: &mut ReadTx<'_>, memory: &Memory, ask: &Use) -> Result<Option<Code>> {
    if ask.call.now >= ask.terms.expires_at.unwrap_or(memory.first_seen_at + LIFETIME) {
        return Ok(Some(Code::CredentialExpired));
    }
    let is_replaced = !ask.terms.stays && users::has_protected_administrator(tx).await?;
    Ok(is_replaced.then_some(Code::CredentialRevoked))
}
