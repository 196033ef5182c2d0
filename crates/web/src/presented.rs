//! The token that a request presents in its `Authorization` header, the same way at every resource.
//!
//! An empty token is none: who sends it learns what is asked for (RFC 6750 3.1), not that a scheme that
//! is supported were not.

use doorward_core::outcome::{Code, Refusal, Result, refuse};
use doorward_proto::secret::SecretText;
use http::{HeaderMap, header};

/// No credential of ours is longer.
const LONGEST: usize = 8 * 1024;

/// Headers that hold nothing but a key.
const KEY_HEADERS: [&str; 2] = ["api-key", "x-api-key"];

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Alone (RFC 6750 2.1).
    Bearer,
    /// With the proof of its key (RFC 9449 7.1).
    Dpop,
}

/// What the header presents; `None` without the header. The scheme's case does not matter.
///
/// # Errors
/// `RequestInvalid` when it is sent twice, `CredentialScheme`, `CredentialMissing` for an empty token,
/// `CredentialInvalid` for what no token of ours looks like.
pub(crate) fn in_header(headers: &HeaderMap) -> Result<Option<(Scheme, SecretText)>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let hint = "The Authorization header may be sent once";
        return Err(Refusal::new(Code::RequestInvalid).hint(hint).into());
    }
    let Ok(text) = value.to_str() else { return refuse(Code::CredentialInvalid) };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Scheme::Bearer,
        "dpop" => Scheme::Dpop,
        _ => return refuse(Code::CredentialScheme),
    };
    match token.trim_matches(' ') {
        "" => refuse(Code::CredentialMissing),
        token if token.len() > LONGEST => refuse(Code::CredentialInvalid),
        token => Ok(Some((scheme, SecretText::from(token)))),
    }
}

/// The key in a header of its own, where nothing is presented in `Authorization`.
///
/// # Errors
/// `RequestInvalid` when there are several, `CredentialMissing` for an empty one, `CredentialInvalid` for what
/// no key looks like.
pub(crate) fn key_header(headers: &HeaderMap) -> Result<Option<SecretText>> {
    let mut values = KEY_HEADERS.iter().flat_map(|name| headers.get_all(*name));
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(several().into());
    }
    match value.to_str().map(str::trim) {
        Ok("") => refuse(Code::CredentialMissing),
        Ok(key) if key.len() <= LONGEST => Ok(Some(SecretText::from(key))),
        _ => refuse(Code::CredentialInvalid),
    }
}

/// Refuses a key beside another credential: who is meant would be a matter of taste.
///
/// # Errors
/// `RequestInvalid`.
pub(crate) fn nothing_else(headers: &HeaderMap) -> Result<()> {
    if KEY_HEADERS.iter().any(|name| headers.contains_key(*name)) { Err(several().into()) } else { Ok(()) }
}

fn several() -> Refusal {
    Refusal::new(Code::RequestInvalid).hint("One credential may be presented")
}
