//! How a client shows who it is at an endpoint (RFC 6749 2.3, RFC 7521 4.2, RFC 6750 2.1).
//!
//! Only reads what was presented; whether it is right is decided elsewhere. One request may use one
//! method: more are refused, so that nobody can hide behind a second, weaker one.

use data_encoding::{BASE64, BASE64_NOPAD};

use crate::{
    form::{self, Params},
    oauth_error::{ErrorCode, Problem},
    secret::SecretText,
};

/// The `client_assertion_type` of RFC 7523.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const MAX_HEADER: usize = 20 * 1024;
const HEADER: &str = "Authorization";

/// What a request presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// No proof at all; a public client at most names itself.
    None {
        /// The `client_id` parameter.
        client_id: Option<String>,
    },
    /// `Authorization: Basic`. Clients differ on whether the two halves are form-encoded first, as
    /// RFC 6749 asks: where both readings differ, both are here, the standard's first.
    Basic {
        /// One or two readings.
        candidates: Vec<Credentials>,
    },
    /// `client_id` and `client_secret` in the body.
    Post(Credentials),
    /// A signed assertion.
    Assertion {
        /// The `client_id` parameter, which may be left out; it must then agree with the assertion.
        client_id: Option<String>,
        /// The JWT.
        assertion: String,
    },
    /// `Authorization: Bearer`: a caller of the introspection endpoint with a token of its own.
    Bearer(SecretText),
}

/// A name and its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretText,
}

/// Reads what a request presents. `authorization` is every value of that header.
pub fn presented<'h>(
    authorization: impl IntoIterator<Item = &'h [u8]>,
    params: &Params,
) -> Result<Presented, Problem> {
    let client_id = params.one("client_id")?.map(str::to_owned);
    let secret = params.one("client_secret")?;
    let assertion = assertion(params)?;
    let mut headers = authorization.into_iter();
    let header = match (headers.next(), headers.next()) {
        (Some(_), Some(_)) => return Err(refused(HEADER, "is repeated")),
        (header, _) => header.map(read_header).transpose()?,
    };
    match (header, secret, assertion) {
        (None, None, None) => Ok(Presented::None { client_id }),
        (Some(presented), None, None) => agree(presented, client_id.as_deref()),
        (None, Some(secret), None) => match client_id {
            Some(client_id) => Ok(Presented::Post(Credentials { client_id, client_secret: secret.into() })),
            None => Err(Problem::missing("client_id")),
        },
        (None, None, Some(assertion)) => Ok(Presented::Assertion { client_id, assertion }),
        _ => {
            Err(Problem::invalid("client_secret", "is one of several ways of client authentication at once"))
        }
    }
}

fn assertion(params: &Params) -> Result<Option<String>, Problem> {
    match (params.one("client_assertion_type")?, params.one("client_assertion")?) {
        (None, None) => Ok(None),
        (Some(JWT_BEARER), Some(assertion)) => Ok(Some(assertion.to_owned())),
        (Some(_), None) => Err(Problem::missing("client_assertion")),
        (None, Some(_)) => Err(Problem::missing("client_assertion_type")),
        (Some(_), Some(_)) => Err(refused("client_assertion_type", "is not supported")),
    }
}

/// A `client_id` beside the header is allowed (many libraries send it) when it names the same client.
fn agree(presented: Presented, client_id: Option<&str>) -> Result<Presented, Problem> {
    let (Presented::Basic { mut candidates }, Some(client_id)) = (presented.clone(), client_id) else {
        return Ok(presented);
    };
    candidates.retain(|candidate| candidate.client_id == client_id);
    if candidates.is_empty() {
        return Err(Problem::invalid("client_id", "is not the client of the Authorization header"));
    }
    Ok(Presented::Basic { candidates })
}

fn read_header(value: &[u8]) -> Result<Presented, Problem> {
    let text = std::str::from_utf8(value).map_err(|_| refused(HEADER, "is not text"))?;
    if text.len() > MAX_HEADER {
        return Err(refused(HEADER, "is too long"));
    }
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim_start();
    if scheme.eq_ignore_ascii_case("Basic") {
        basic(rest)
    } else if scheme.eq_ignore_ascii_case("Bearer") && !rest.is_empty() {
        Ok(Presented::Bearer(rest.into()))
    } else {
        Err(refused(HEADER, "has a scheme that is not supported"))
    }
}

fn basic(encoded: &str) -> Result<Presented, Problem> {
    let bad = || refused(HEADER, "is not well-formed Basic");
    let bytes = BASE64
        .decode(encoded.as_bytes())
        .or_else(|_| BASE64_NOPAD.decode(encoded.as_bytes()))
        .map_err(|_| bad())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| bad())?;
    let (id, secret) = text.split_once(':').ok_or_else(bad)?;
    if id.is_empty() || text.contains('\0') {
        return Err(bad());
    }
    let mut candidates = Vec::new();
    if let (Ok(id), Ok(secret)) = (form::decode(id.as_bytes()), form::decode(secret.as_bytes())) {
        candidates.push(Credentials { client_id: id, client_secret: SecretText::new(secret) });
    }
    let raw = Credentials { client_id: id.to_owned(), client_secret: secret.into() };
    if !candidates.contains(&raw) {
        candidates.push(raw);
    }
    Ok(Presented::Basic { candidates })
}

const fn refused(parameter: &'static str, why: &'static str) -> Problem {
    Problem::new(ErrorCode::InvalidClient, parameter, why)
}

#[cfg(test)]
mod tests;
