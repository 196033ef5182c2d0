//! What a client says about itself in a signed assertion, `private_key_jwt` (RFC 7523 3, OpenID Connect
//! Core 9): checked as a function of the assertion, the client's keys, what is expected, and now.
//!
//! Replay (the `jti`) is the caller's, who can remember.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    jose::{JoseError, KeySet, Typ, Unverified},
    time::Time,
};

/// How far ahead the end of life may lie: a longer one is a password in disguise. A usual client library
/// (authlib) writes an hour.
pub const MAX_LIFE: Duration = Duration::from_hours(1);
/// How far two clocks may differ.
pub const SKEW: Duration = Duration::from_mins(1);
const MAX_JTI: usize = 256;

/// What an assertion must say.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// The client that is to be proven.
    pub client_id: &'a str,
    /// What we are called: the issuer and the endpoint's addresses.
    pub audiences: &'a [&'a str],
    /// When the request arrived.
    pub now: Time,
}

/// An assertion that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its name, good for one use until `exp` and the skew are over.
    pub jti: String,
    /// Its end of life.
    pub exp: Time,
}

/// Why an assertion was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Not an assertion.
    #[error("the client assertion is malformed")]
    Malformed,
    /// A token of another kind.
    #[error("the client assertion has another typ")]
    Type,
    /// `iss` and `sub` are not both the client.
    #[error("iss and sub of the client assertion are not both the client_id")]
    Client,
    /// For somebody else.
    #[error("the client assertion is for another audience")]
    Audience,
    /// Its time is over, has not begun, or is too long.
    #[error("the client assertion is not for now, or for more than an hour")]
    Time,
    /// No `jti`.
    #[error("the client assertion has no usable jti")]
    Jti,
    /// No key of the client fits.
    #[error("no key of the client fits the assertion")]
    Key,
    /// The signature is not the client's.
    #[error("the client assertion's signature is wrong")]
    Signature,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: OneOrMany,
    exp: i64,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The client an assertion claims to be, for finding its keys. Nothing is proven by it.
pub fn claimed_client(assertion: &Unverified<'_>) -> Result<String, AssertionError> {
    let claims: Claims = assertion.unverified_claims().map_err(|_| AssertionError::Malformed)?;
    if claims.iss == claims.sub { Ok(claims.sub) } else { Err(AssertionError::Client) }
}

/// Takes an assertion apart.
pub fn decode(assertion: &str) -> Result<Unverified<'_>, AssertionError> {
    Unverified::decode(assertion).map_err(|_| AssertionError::Malformed)
}

/// Checks an assertion against the client's keys.
pub fn check(
    assertion: &Unverified<'_>,
    keys: &KeySet,
    expect: &Expect<'_>,
) -> Result<Assertion, AssertionError> {
    // Old libraries write JWT or nothing; a token of another kind must not pass for an assertion.
    let header = assertion.header();
    if header.typ.is_some() && !header.is(Typ::Jwt) && !header.is(Typ::ClientAuthentication) {
        return Err(AssertionError::Type);
    }
    let claims: Claims = assertion.unverified_claims().map_err(|_| AssertionError::Malformed)?;
    if claims.iss != expect.client_id || claims.sub != expect.client_id {
        return Err(AssertionError::Client);
    }
    let audiences = match &claims.aud {
        OneOrMany::One(one) => std::slice::from_ref(one),
        OneOrMany::Many(many) => many,
    };
    if !audiences.iter().any(|audience| expect.audiences.contains(&audience.as_str())) {
        return Err(AssertionError::Audience);
    }
    let exp = check_times(&claims, expect.now)?;
    keys.verify(assertion).map_err(|error| match error {
        JoseError::UnknownKey => AssertionError::Key,
        _ => AssertionError::Signature,
    })?;
    match claims.jti {
        Some(jti) if (1..=MAX_JTI).contains(&jti.len()) && !jti.chars().any(char::is_control) => {
            Ok(Assertion { jti, exp })
        }
        _ => Err(AssertionError::Jti),
    }
}

fn check_times(claims: &Claims, now: Time) -> Result<Time, AssertionError> {
    let exp = Time::from_seconds(claims.exp);
    let ahead = |seconds: &i64| Time::from_seconds(*seconds) > now + SKEW;
    let is_now = exp + SKEW > now && exp <= now + MAX_LIFE + SKEW;
    if is_now && !claims.iat.iter().chain(&claims.nbf).any(ahead) {
        Ok(exp)
    } else {
        Err(AssertionError::Time)
    }
}

#[cfg(test)]
mod tests;
