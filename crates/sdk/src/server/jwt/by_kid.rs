//! Keys that are published one by one, each under an address that holds its name, as PEM: those of load balancers
//! of AWS.
//!
//! Whoever sends tokens names the key, and so a part of the address that is read. A name is letters, digits, `-` and
//! `_`, so it stays in its place; each key is read as one issuer's keys are ([`Published`]); of names that were not
//! heard before only some are looked for in a while, and some kept.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use data_encoding::BASE64;
use doorward_judge::Why;
use doorward_proto::{
    jose::{Jwks, KeySet, Unverified, encode_base64url},
    time::Time,
};
use serde_json::json;

use super::keys::{How, PAUSE, Place, Published};
use crate::fetch::Fetch;

/// What stands for the name.
pub(super) const KID: &str = "{kid}";
/// No name is longer; theirs are UUIDs.
const LONGEST: usize = 64;
/// Keys that are kept at the most.
const MOST: usize = 64;
/// Names that were not heard before and are looked for within [`PAUSE`].
const NEW: usize = 8;

/// Reads keys by their names.
pub(crate) struct ByKid {
    before: String,
    after: String,
    how: How,
    fetch: Arc<dyn Fetch>,
    known: Mutex<Known>,
    generation: Arc<AtomicI64>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<Published>>,
    /// Since when new names are counted, and how many there were.
    since: Time,
    new: usize,
}

impl ByKid {
    /// Reads them at this address, which holds [`KID`] once.
    pub(super) fn new((before, after): (&str, &str), how: How, fetch: Arc<dyn Fetch>) -> Self {
        let (before, after) = (before.to_owned(), after.to_owned());
        Self { before, after, how, fetch, known: Mutex::default(), generation: Arc::default() }
    }

    pub(super) async fn for_token(&self, token: &Unverified<'_>, now: Time) -> Result<Arc<KeySet>, Why> {
        let kid = token.header().kid.as_deref().filter(|kid| is_name(kid)).ok_or(Why::InvalidToken)?;
        let key = self.key(kid, now).ok_or(Why::KeyUnavailable)?;
        Published::for_token(&key, token, now).await
    }

    pub(super) fn generation(&self) -> i64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The key of this name, or where it will be; nothing after too many names that nobody knows.
    fn key(&self, kid: &str, now: Time) -> Option<Arc<Published>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.keys.get(kid) {
            return Some(Arc::clone(key));
        }
        if now < known.since || now.since(known.since) >= PAUSE {
            (known.since, known.new) = (now, 0);
        }
        if known.new >= NEW {
            tracing::warn!(issuer = self.how.name, "tokens name more keys than are looked for at once");
            return None;
        }
        known.new += 1;
        if known.keys.len() >= MOST {
            known.keys.retain(|_, key| key.has_keys());
        }
        // What is in use comes back with one question each.
        if known.keys.len() >= MOST {
            known.keys.clear();
        }
        let place = Place::Named { url: format!("{}{kid}{}", self.before, self.after), kid: kid.to_owned() };
        let key = Published::counted_in(place, self.how.clone(), Arc::clone(&self.fetch), &self.generation);
        let key = Arc::new(key);
        known.keys.insert(kid.to_owned(), Arc::clone(&key));
        Some(key)
    }
}

fn is_name(kid: &str) -> bool {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !kid.is_empty() && kid.len() <= LONGEST && kid.bytes().all(is_of_names)
}

/// How the public key of a P-256 key pair begins (RFC 5480 2.1): algorithm, curve, and an uncompressed point.
pub(super) const P256: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// A public key of P-256 as PEM (RFC 7468 13), under this name.
///
/// # Errors
/// In words for the log.
pub(super) fn pem(bytes: &[u8], kid: &str) -> Result<Jwks, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no PEM")?;
    let (_, rest) = text.split_once(BEGIN).ok_or("it holds no public key as PEM")?;
    let (body, _) = rest.split_once(END).ok_or("it holds no public key as PEM")?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = BASE64.decode(body.as_bytes()).map_err(|_| "its PEM is not base64")?;
    let point = der.strip_prefix(&P256).filter(|point| point.len() == 64);
    let (x, y) = point.ok_or("it is no key of P-256")?.split_at(32);
    let (x, y) = (encode_base64url(x), encode_base64url(y));
    let keys =
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256" }] });
    Jwks::parse_foreign(keys.to_string().as_bytes()).map_err(|error| error.to_string())
}
