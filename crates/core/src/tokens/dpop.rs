//! DPoP (RFC 9449): proofs of possession with our nonces, each seen once.
//!
//! A nonce is a keyed hash of its time window, so that every node knows it without storing anything; the
//! window before the present one is accepted too.

use std::time::Duration;

use doorward_proto::{
    dpop::{DpopError, Expect, MAX_AGE, Target, check},
    jose::encode_base64url,
};

use super::sql;
use crate::{
    call::Call,
    outcome::{Code, Refusal, Result},
};

/// A nonce is fresh for one to two of these.
const WINDOW: Duration = Duration::from_secs(120);
/// How long a proof is remembered: its age at most, and the skew.
pub(crate) const MEMORY: Duration = Duration::from_secs(420);

/// What a proof must be for.
#[derive(Debug)]
pub struct Bound<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Its public address.
    pub url: &'a str,
    /// The access token that travels with it, at a resource.
    pub access_token: Option<&'a str>,
}

/// A nonce for the next proof.
pub fn fresh_nonce(call: &Call) -> String {
    nonce(call, 0)
}

fn nonce(call: &Call, windows_ago: i64) -> String {
    let window = call.now.as_seconds() / i64::try_from(WINDOW.as_secs()).unwrap_or(1) - windows_ago;
    let hash = call.realm.vault.hash_bytes(format!("dpop nonce {window}").as_bytes());
    encode_base64url(hash.0.get(..18).unwrap_or_default())
}

/// Checks a proof; answers the thumbprint of its key.
///
/// # Errors
/// `DpopNonceRequired`, `DpopInvalid`; `RateLimitedAddress` where one address has had very many remembered.
pub async fn prove(call: &Call, proof: &str, bound: &Bound<'_>) -> Result<String> {
    let refused = |hint: String| Refusal::new(Code::DpopInvalid).hint(hint);
    let target =
        Target::parse(bound.url).ok_or_else(|| refused("the address cannot be compared".to_owned()))?;
    let (present, before) = (nonce(call, 0), nonce(call, 1));
    let nonces = [present.as_str(), before.as_str()];
    let expect = Expect {
        method: bound.method,
        targets: std::slice::from_ref(&target),
        now: call.now,
        max_age: MAX_AGE,
        access_token: bound.access_token,
        nonces: Some(&nonces),
    };
    let proof = check(proof, &expect).map_err(|error| match error {
        DpopError::UseNonce => Refusal::new(Code::DpopNonceRequired),
        other => refused(other.to_string()),
    })?;
    // Keys cost nothing, so who has made this one is told by the address, and by who has authenticated.
    let whose = format!("{} {}", call.actor.name(), call.origin.network());
    call.realm.rooms.proofs.take(&whose, 1, (call.now, Code::RateLimitedAddress))?;
    let once = call.realm.vault.hash_bytes(format!("dpop {} {}", proof.jkt, proof.jti).as_bytes());
    let is_first = call
        .realm
        .db
        .write("dpop.once", (once, call.now + MEMORY), |tx, (once, expires)| {
            Box::pin(async move { sql::note_once(tx, *once, *expires).await })
        })
        .await?;
    if is_first { Ok(proof.jkt) } else { Err(refused("the proof was used before".to_owned()).into()) }
}
