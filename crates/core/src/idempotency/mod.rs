//! Idempotency keys: what a POST was answered, kept for a day.
//!
//! The answer may hold a secret, so it is sealed under a key derived from the idempotency key and the
//! caller's credential, neither of which is stored: only who presents both again can read it. A claim
//! whose work never ended (a crash) stays claimed, because running it again could do it twice.

mod sql;

use std::time::Duration;

use doorward_proto::{
    secret::{Kind, Opaque, TokenHash},
    time::Time,
};
use zeroize::Zeroizing;

use crate::{
    call::Call,
    outcome::{Code, Refusal, Result, refuse},
};

/// An answer is kept.
const KEPT: Duration = Duration::from_hours(24);
/// A request is over after this, answered or cut off with its server; then its key is good again.
const UNDER_WAY: Duration = Duration::from_mins(2);

/// One caller's key for one request.
#[derive(Debug, Clone)]
pub struct Claim {
    caller: String,
    key: String,
    request: TokenHash,
    secret: Opaque,
}

/// What became of a claim.
#[derive(Debug)]
pub enum Begun {
    /// The request is new: do it, then [`finish`] or [`release`].
    Fresh,
    /// It was answered before, with this.
    Answered(Zeroizing<Vec<u8>>),
}

impl Claim {
    /// The claim of the call's actor, who holds `credential`, on a key for a request.
    pub fn new(call: &Call, credential: TokenHash, key: &str, request: &[u8]) -> Self {
        let vault = &call.realm.vault;
        let mut both = Zeroizing::new(b"idempotency\0".to_vec());
        both.extend_from_slice(key.as_bytes());
        both.push(0);
        both.extend_from_slice(&credential.0);
        // The vault seals under secrets; this one is made of both, and never leaves the process.
        let secret = Opaque::new(Kind::Access, &vault.hash_bytes(&both).0);
        let key = data_encoding::HEXLOWER.encode(&vault.hash_bytes(key.as_bytes()).0);
        Self { caller: call.actor.name(), key, request: vault.hash_bytes(request), secret }
    }

    fn place(&self) -> String {
        format!("idempotency/{}/{}", self.caller, self.key)
    }
}

struct Begin {
    claim: Claim,
    now: Time,
    expires_at: Time,
}

/// Claims the key, or finds what it was answered. Refuses the key with another request or another credential, and
/// while the first one is not answered.
pub async fn begin(call: &Call, claim: &Claim) -> Result<Begun> {
    let ask = Begin { claim: claim.clone(), now: call.now, expires_at: call.now + UNDER_WAY };
    let kept = call
        .realm
        .db
        .write("idempotency.begin", ask, |tx, ask| {
            Box::pin(async move {
                let claim = &ask.claim;
                if sql::insert(tx, claim, ask.now, ask.expires_at).await?
                    || sql::take_over(tx, claim, ask.now, ask.expires_at).await?
                {
                    return Ok(None);
                }
                match sql::find(tx, claim).await? {
                    Some(kept) if kept.request != claim.request => refuse(Code::IdempotencyConflict),
                    Some(kept) if kept.response.is_some() => Ok(kept.response),
                    _ => Err(Refusal::new(Code::Conflict)
                        .field("Idempotency-Key")
                        .hint("The first request with this key has not ended; look whether it took effect")
                        .into()),
                }
            })
        })
        .await?;
    match kept {
        None => Ok(Begun::Fresh),
        Some(sealed) => {
            // The same actor may hold another credential by now, and what was sealed for one is not told to it.
            let opened = call.realm.vault.open_under(&claim.secret, &claim.place(), &sealed);
            opened.map(Begun::Answered).map_err(|_| {
                let hint = "It was answered to another credential; repeat it with that one, or look whether it took \
                            effect and use a new key";
                Refusal::new(Code::IdempotencyConflict).field("Idempotency-Key").hint(hint).into()
            })
        }
    }
}

/// Keeps the answer for a day.
pub async fn finish(call: &Call, claim: &Claim, answer: &[u8]) -> Result<()> {
    finish_for(call, claim, answer, KEPT).await
}

/// Keeps the answer for as long as is said.
pub async fn finish_for(call: &Call, claim: &Claim, answer: &[u8], kept: Duration) -> Result<()> {
    let realm = &call.realm;
    let sealed = realm.vault.seal_under(&realm.env, &claim.secret, &claim.place(), answer)?;
    realm
        .db
        .write(
            "idempotency.finish",
            (claim.clone(), sealed, call.now + kept),
            |tx, (claim, sealed, until)| {
                Box::pin(async move { sql::finish(tx, claim, sealed, *until).await })
            },
        )
        .await
}

/// What is known of a claim.
#[derive(Debug)]
pub enum Recalled {
    /// Nobody has claimed it, or only with another credential, or its answer is kept no more.
    Nothing,
    /// The first request has not ended.
    UnderWay,
    /// It was answered with this.
    Answered(Zeroizing<Vec<u8>>),
}

/// Finds what a claim was answered, whatever was asked, and claims nothing.
pub async fn recall(call: &Call, claim: &Claim) -> Result<Recalled> {
    let read = call.realm.db.read("idempotency.recall", (claim.clone(), call.now), |tx, (claim, now)| {
        Box::pin(async move { sql::find_live(tx, claim, *now).await })
    });
    Ok(match read.await?.map(|kept| kept.response) {
        None => Recalled::Nothing,
        Some(None) => Recalled::UnderWay,
        Some(Some(sealed)) => call
            .realm
            .vault
            .open_under(&claim.secret, &claim.place(), &sealed)
            .map_or(Recalled::Nothing, Recalled::Answered),
    })
}

/// Gives the key back: nothing was done.
pub async fn release(call: &Call, claim: &Claim) -> Result<()> {
    call.realm
        .db
        .write("idempotency.release", claim.clone(), |tx, claim| {
            Box::pin(async move { sql::release(tx, claim).await })
        })
        .await
}

/// Forgets answers that are older than a day. Answers how many.
pub async fn sweep(call: &Call) -> Result<u64> {
    call.realm
        .db
        .write("idempotency.sweep", call.now, |tx, now| Box::pin(async move { sql::sweep(tx, *now).await }))
        .await
}
