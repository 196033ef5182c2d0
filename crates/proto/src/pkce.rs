//! Proof key for code exchange (RFC 7636), S256 only: `plain` protects from nothing here.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use subtle::ConstantTimeEq;

use crate::{
    jose::{decode_base64url, encode_base64url},
    secret::SecretText,
};

/// The only method there is.
pub const METHOD: &str = "S256";

/// A `code_challenge` of method S256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Challenge([u8; 32]);

/// Not a challenge or verifier in the form of RFC 7636 4.1 and 4.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not in the form of RFC 7636")]
pub struct BadPkce;

impl Challenge {
    /// The challenge that belongs to a verifier.
    pub fn of(verifier: &Verifier) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, verifier.0.expose().as_bytes()).as_ref());
        Self(hash)
    }

    /// Whether the verifier is the one; in constant time.
    pub fn accepts(&self, verifier: &Verifier) -> bool {
        Self::of(verifier).0.ct_eq(&self.0).into()
    }
}

impl FromStr for Challenge {
    type Err = BadPkce;

    fn from_str(text: &str) -> Result<Self, BadPkce> {
        let hash = decode_base64url(text.as_bytes()).map_err(|_| BadPkce)?;
        hash.try_into().map(Self).map_err(|_| BadPkce)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_base64url(&self.0))
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Challenge {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Challenge {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A `code_verifier`: 43 to 128 unreserved characters.
#[derive(Debug, Clone)]
pub struct Verifier(SecretText);

impl FromStr for Verifier {
    type Err = BadPkce;

    fn from_str(text: &str) -> Result<Self, BadPkce> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(text.into()))
        } else {
            Err(BadPkce)
        }
    }
}

#[cfg(test)]
mod tests;
