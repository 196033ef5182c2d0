//! Proofs of possession (RFC 9449): checked as a function of the proof, what is expected, and now.
//!
//! The one place where a key out of a token is used, since the proof says no more than "I hold this
//! key". Replay (the `jti`) is the caller's, who can remember.

use std::time::Duration;

use serde::Deserialize;
use subtle::ConstantTimeEq;
use url::Url;

use crate::{
    jose::{JoseError, Jwk, Typ, Unverified, VerifyingKey, sha256_base64url},
    time::Time,
};

/// The longest proof that is read.
pub const MAX_BYTES: usize = 8 * 1024;
/// How old a proof may be, unless the caller says less.
pub const MAX_AGE: Duration = Duration::from_mins(5);
/// How far ahead another clock may be.
const SKEW: Duration = Duration::from_mins(1);
const MAX_JTI: usize = 256;
const MAX_URI: usize = 4096;

/// What a proof must say.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The public URLs of what was asked for, aliases included.
    pub targets: &'a [Target],
    /// When the request arrived.
    pub now: Time,
    /// How old the proof may be.
    pub max_age: Duration,
    /// The access token presented beside the proof; none at the token endpoint.
    pub access_token: Option<&'a str>,
    /// The nonces that are good now; `None` where none is asked for.
    pub nonces: Option<&'a [&'a str]>,
}

/// A proof that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The key's thumbprint: what a token is bound to.
    pub jkt: String,
    /// The proof's name, good for one use within the window.
    pub jti: String,
    /// When it was made.
    pub iat: Time,
}

/// Why a proof was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Not a proof, or one that is too large.
    #[error("the DPoP proof is malformed")]
    Malformed,
    /// Another `typ`.
    #[error("the DPoP proof has another typ")]
    Type,
    /// Another algorithm, or none.
    #[error("the DPoP proof's algorithm is not supported")]
    Algorithm,
    /// No key, a private key, or one that does not fit.
    #[error("the DPoP proof has no usable public key")]
    Key,
    /// The signature is not the key's.
    #[error("the DPoP proof's signature is wrong")]
    Signature,
    /// Another method.
    #[error("the DPoP proof is for another method")]
    Method,
    /// Another address.
    #[error("the DPoP proof is for another address")]
    Target,
    /// Too old, or from the future.
    #[error("the DPoP proof is not from now")]
    Time,
    /// For another access token.
    #[error("the DPoP proof is for another access token")]
    AccessToken,
    /// Without a nonce of ours, or with one that is over: answer `use_dpop_nonce` with a fresh one.
    #[error("a DPoP proof with a nonce of this server is needed")]
    UseNonce,
}

/// An address proofs are made for, in the form it is compared by (RFC 9449 4.3: syntax- and
/// scheme-based normalisation, without query and fragment).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(String);

impl Target {
    /// Reads an http or https URL.
    pub fn parse(url: &str) -> Option<Self> {
        if url.len() > MAX_URI {
            return None;
        }
        let mut url = Url::parse(url).ok()?;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some()
        {
            return None;
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = normal_escapes(url.path());
        url.set_path(&path);
        Some(Self(url.into()))
    }
}

/// `%7e` and `~` are the same; so are `%2f` and `%2F`, but neither is `/` (RFC 3986 6.2.2).
fn normal_escapes(path: &str) -> String {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        match after.split_at_checked(2).map(|(hex, tail)| (u8::from_str_radix(hex, 16), hex, tail)) {
            Some((Ok(byte), hex, tail)) if !after.starts_with('+') => {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    normal.push(char::from(byte));
                } else {
                    normal.push('%');
                    normal.push_str(&hex.to_ascii_uppercase());
                }
                rest = tail;
            }
            _ => {
                normal.push('%');
                rest = after;
            }
        }
    }
    normal.push_str(rest);
    normal
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    #[serde(default)]
    ath: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

/// Checks a proof. The nonce is looked at last, so that only a proof which is good otherwise is told
/// to come back with one.
pub fn check(proof: &str, expect: &Expect<'_>) -> Result<Proof, DpopError> {
    let token = Unverified::decode_within(proof, MAX_BYTES).map_err(|error| match error {
        JoseError::Algorithm => DpopError::Algorithm,
        _ => DpopError::Malformed,
    })?;
    if !token.header().is(Typ::Dpop) {
        return Err(DpopError::Type);
    }
    let jwk = token.header().jwk.as_ref().ok_or(DpopError::Key)?;
    let jwk = Jwk::from_members(jwk).map_err(|_| DpopError::Key)?;
    let key = VerifyingKey::from_jwk(&jwk).map_err(|_| DpopError::Key)?;
    let claims: Claims = token.unverified_claims().map_err(|_| DpopError::Malformed)?;
    check_claims(&claims, expect)?;
    token.verify(&key).map_err(|error| match error {
        JoseError::Algorithm => DpopError::Algorithm,
        _ => DpopError::Signature,
    })?;
    check_nonce(claims.nonce.as_deref(), expect)?;
    Ok(Proof { jkt: jwk.thumbprint(), jti: claims.jti, iat: Time::from_seconds(claims.iat) })
}

/// The cheap checks, before a signature is computed.
fn check_claims(claims: &Claims, expect: &Expect<'_>) -> Result<(), DpopError> {
    if claims.jti.is_empty() || claims.jti.len() > MAX_JTI || claims.jti.chars().any(char::is_control) {
        return Err(DpopError::Malformed);
    }
    if claims.htm != expect.method {
        return Err(DpopError::Method);
    }
    let target = Target::parse(&claims.htu).ok_or(DpopError::Target)?;
    if !expect.targets.contains(&target) {
        return Err(DpopError::Target);
    }
    let iat = Time::from_seconds(claims.iat);
    if iat > expect.now + SKEW || iat < expect.now - expect.max_age {
        return Err(DpopError::Time);
    }
    let Some(access_token) = expect.access_token else { return Ok(()) };
    let ath = sha256_base64url(access_token.as_bytes());
    match &claims.ath {
        Some(claimed) if bool::from(claimed.as_bytes().ct_eq(ath.as_bytes())) => Ok(()),
        _ => Err(DpopError::AccessToken),
    }
}

fn check_nonce(nonce: Option<&str>, expect: &Expect<'_>) -> Result<(), DpopError> {
    match (expect.nonces, nonce) {
        (None, _) => Ok(()),
        (Some(good), Some(nonce)) if good.contains(&nonce) => Ok(()),
        _ => Err(DpopError::UseNonce),
    }
}

#[cfg(test)]
mod tests;
