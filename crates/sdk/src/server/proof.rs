//! Proof of possession at a resource (RFC 9449 4.3, 7): a token that is bound to a key is of no use without a
//! proof that was made with it, for this request, now, and once.
//!
//! Proofs are judged on every request, remembered tokens or not. A proof needs a nonce that this process gave
//! out, and the process remembers the proofs that it has seen: so none can be used again here, nor at another
//! process, nor after a restart.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::{
    digest::{Context, SHA256},
    hmac,
    rand::SystemRandom,
};
pub use doorward_judge::Asked;
use doorward_judge::{Confirmation, Principal, Proof, Refusal, Why};
use doorward_proto::{
    dpop::{DpopError, Expect, MAX_AGE, Target, check},
    jose::encode_base64url,
    time::Time,
};
use http::{HeaderMap, HeaderName};

use super::{Credential, Scheme};

/// The header of a proof.
pub const DPOP: HeaderName = HeaderName::from_static("dpop");
/// The header with the nonce for the next one.
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A nonce is good for one to two of these.
const WINDOW: Duration = Duration::from_mins(2);
/// A proof is remembered for one to two of these: its age at most, and the skew.
const MEMORY: Duration = Duration::from_mins(7);
/// Proofs that are remembered in one of them.
const MOST: usize = 1 << 18;
/// Those of one key, so that nobody takes up the room of all others.
const MOST_OF_ONE: u32 = 1 << 13;

/// Knows the proofs that were seen.
pub struct Proofs {
    key: hmac::Key,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    since: Time,
    now: HashSet<[u8; 32]>,
    before: HashSet<[u8; 32]>,
    /// How many of those of now are of which key.
    of_keys: HashMap<String, u32>,
}

impl Proofs {
    /// Remembers nothing yet.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?;
        Ok(Self { key, seen: Mutex::default() })
    }

    /// What a request has proven, as far as its credential asks for it.
    ///
    /// # Errors
    /// `ProofRequired` or `NonceRequired`, with the nonce for the next proof; `RateLimited` for a key that sends very
    /// many, `Unavailable` when too many have to be remembered.
    pub fn of(
        &self,
        (headers, asked): (&HeaderMap, Option<Asked<'_>>),
        (credential, principal): (&Credential, &Principal),
        now: Time,
    ) -> Result<Proof, Refusal> {
        let Some(Confirmation::Dpop(key)) = &principal.confirmation else { return Ok(Proof::default()) };
        let refused = |why: Why, hint: &str| Refusal::new(why).hint(hint).nonce(self.nonce(now, 0));
        let missing = |hint: &str| refused(Why::ProofRequired, hint);
        // RFC 9449 7.2: not a bearer token, though one was stolen as such.
        if credential.scheme() != Some(Scheme::Dpop) {
            return Err(missing("Send it as Authorization: DPoP, with a proof"));
        }
        let mut proofs = headers.get_all(&DPOP).iter();
        let (Some(proof), None) = (proofs.next(), proofs.next()) else {
            return Err(missing("It takes one DPoP header"));
        };
        let proof = proof.to_str().map_err(|_| missing("The DPoP header is malformed"))?;
        let asked = asked.ok_or_else(|| missing("The request that the proof is for is not described"))?;
        // Whoever ends TLS knows which of the two it was; the proof names host and path either way.
        let addresses = ["https", "http"].map(|scheme| format!("{scheme}://{}{}", asked.host, asked.path));
        let targets: Vec<Target> = addresses.iter().filter_map(|address| Target::parse(address)).collect();
        let (present, before) = (self.nonce(now, 0), self.nonce(now, 1));
        let nonces = [present.as_str(), before.as_str()];
        let expect = Expect {
            method: asked.method,
            targets: &targets,
            now,
            max_age: MAX_AGE,
            access_token: credential.token().map(doorward_proto::secret::SecretText::expose),
            nonces: Some(&nonces),
        };
        let proof = check(proof, &expect).map_err(|error| match error {
            DpopError::UseNonce => refused(Why::NonceRequired, ""),
            other => missing(&other.to_string()),
        })?;
        if proof.jkt != *key {
            return Err(missing("The proof is of another key"));
        }
        if !self.is_first(&proof.jkt, &proof.jti, now)? {
            return Err(missing("The proof was used before"));
        }
        Ok(Proof { dpop: Some(proof.jkt), ..Proof::default() })
    }

    /// The nonce of a window.
    fn nonce(&self, now: Time, windows_ago: i64) -> String {
        let window = now.as_seconds() / i64::try_from(WINDOW.as_secs()).unwrap_or(1) - windows_ago;
        let tag = hmac::sign(&self.key, &window.to_be_bytes());
        encode_base64url(tag.as_ref().get(..18).unwrap_or_default())
    }

    fn is_first(&self, jkt: &str, jti: &str, now: Time) -> Result<bool, Refusal> {
        let mut context = Context::new(&SHA256);
        context.update(jkt.as_bytes());
        context.update(b" ");
        context.update(jti.as_bytes());
        let mut name = [0; 32];
        name.copy_from_slice(context.finish().as_ref());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(seen.since) >= MEMORY {
            // After a long silence nothing of it matters any more.
            let is_long = now.since(seen.since) >= 2 * MEMORY;
            let passed = std::mem::take(&mut seen.now);
            seen.of_keys = HashMap::new();
            seen.before = if is_long { HashSet::new() } else { passed };
            seen.since = now;
        }
        if seen.before.contains(&name) || seen.now.contains(&name) {
            return Ok(false);
        }
        if seen.now.len() >= MOST {
            return Err(Why::Unavailable.into());
        }
        let of_key = seen.of_keys.entry(jkt.to_owned()).or_default();
        if *of_key >= MOST_OF_ONE {
            return Err(Refusal::new(Why::RateLimited).after(MEMORY));
        }
        *of_key += 1;
        Ok(seen.now.insert(name))
    }
}

#[cfg(test)]
mod tests;
