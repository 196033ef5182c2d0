//! A set of parsed public keys: somebody's, or our own.

use super::{JoseError, Jwks, Typ, Unverified, Verified, VerifyingKey};

/// Keys to verify one party's tokens with. `kid` is a look-up into this set and nothing else.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
}

impl KeySet {
    /// From keys that are parsed already.
    pub const fn new(keys: Vec<VerifyingKey>) -> Self {
        Self { keys }
    }

    /// Parses every usable key of a set; one that is no point on its curve is left out.
    pub fn from_jwks(jwks: &Jwks) -> Self {
        let each = jwks.keys.iter().flat_map(|jwk| jwk.algorithms().iter().map(move |alg| (jwk, *alg)));
        Self { keys: each.filter_map(|(jwk, alg)| VerifyingKey::for_alg(jwk, alg).ok()).collect() }
    }

    /// Whether there is no key.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether there is a key that the token may have been signed with, going by its header.
    pub fn has_key_for(&self, token: &Unverified<'_>) -> bool {
        self.keys.iter().any(|key| fits(key, token))
    }

    /// Checks a token against the keys with its `kid` and algorithm, or, when it names no key,
    /// against the keys of its algorithm.
    pub fn verify(&self, token: &Unverified<'_>) -> Result<(), JoseError> {
        let mut outcome = Err(JoseError::UnknownKey);
        for key in self.keys.iter().filter(|key| fits(key, token)) {
            outcome = token.verify(key);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// Checks kind and signature, and hands the content out.
    pub fn into_verified(&self, token: Unverified<'_>, typ: Typ) -> Result<Verified, JoseError> {
        if !token.header().is(typ) {
            return Err(JoseError::Type);
        }
        self.verify(&token)?;
        Ok(token.trusted())
    }
}

fn fits(key: &VerifyingKey, token: &Unverified<'_>) -> bool {
    let header = token.header();
    let is_named = header.kid.is_none() || header.kid.as_deref() == key.kid();
    is_named && key.alg() == header.alg
}
