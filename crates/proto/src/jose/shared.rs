//! A secret that is shared with whoever signs (HS256, RFC 7518 3.2).
//!
//! Everyone who can check such a token can make one, so Doorward itself never signs with one. It is here for
//! issuers that know nothing better, and only for keys that were named as secrets: no public key's text is
//! ever tried as one, and no token chooses to be checked like this.

use std::fmt;

use aws_lc_rs::hmac;
use serde::de::DeserializeOwned;

use super::{
    JoseError, Typ, decode_base64url,
    jws::{CLAIMS_LIMITS, MAX_HEADER, header_members, text_member},
};
use crate::json;

/// A key of fewer bytes can be guessed from one token (RFC 7518 3.2 asks for the size of the hash).
const SHORTEST: usize = 32;

/// A secret that verifies HS256 tokens.
#[derive(Clone)]
pub struct SharedSecret(hmac::Key);

/// A token whose code was right.
#[derive(Debug, Clone)]
pub struct Opened {
    typ: Option<String>,
    payload: Vec<u8>,
}

impl SharedSecret {
    /// The algorithm's name on the wire.
    pub const ALG: &'static str = "HS256";

    /// Takes a secret of at least 32 bytes.
    ///
    /// # Errors
    /// `Key` when it is shorter, or is the text of a public key.
    pub fn new(secret: &[u8]) -> Result<Self, JoseError> {
        if secret.len() < SHORTEST {
            return Err(JoseError::Key("a shared secret needs at least 32 bytes"));
        }
        let is_key = [b"-----BEGIN".as_slice(), b"{\"k", b"ssh-"].iter().any(|head| secret.starts_with(head));
        if is_key {
            return Err(JoseError::Key("a key that others may know is no secret"));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// Checks a token.
    ///
    /// # Errors
    /// `Algorithm` for any other algorithm, `Signature`, and what makes a token malformed.
    pub fn open(&self, token: &str) -> Result<Opened, JoseError> {
        if token.len() > super::MAX_TOKEN {
            return Err(JoseError::TooLarge);
        }
        let (signed, code) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JoseError::Malformed)?;
        let mut members = header_members(header, MAX_HEADER)?;
        if members.get("alg").and_then(|alg| alg.as_str()) != Some(Self::ALG) {
            return Err(JoseError::Algorithm);
        }
        let payload = decode_base64url(payload.as_bytes())?;
        let code = decode_base64url(code.as_bytes())?;
        hmac::verify(&self.0, signed.as_bytes(), &code).map_err(|_| JoseError::Signature)?;
        Ok(Opened { typ: text_member(&mut members, "typ")?, payload })
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret [redacted]")
    }
}

impl Opened {
    /// Whether the token says to be of this kind.
    pub fn is(&self, typ: Typ) -> bool {
        self.typ.as_deref().is_some_and(|text| typ.matches(text))
    }

    /// What the token says to be.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The claims; a repeated member anywhere is refused.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        json::parse(&self.payload, CLAIMS_LIMITS).map_err(|_| JoseError::Malformed)
    }
}
