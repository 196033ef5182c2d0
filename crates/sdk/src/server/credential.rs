//! The credential that a request presents, wherever it stands.
//!
//! One request has one credential. Two of them are refused rather than ranked: what is judged here and what
//! an application behind looks at could otherwise be two different people.

use std::{fmt, sync::Arc};

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::BASE64;
use doorward_judge::{Refusal, Why};
use doorward_proto::secret::SecretText;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::certificate::ClientCertificate;

/// No credential is longer.
const LONGEST: usize = 16 * 1024;

/// Headers that hold nothing but a key.
const KEY_HEADERS: [&str; 3] = ["api-key", "x-api-key", "x-chroma-token"];

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `Authorization: Bearer` (RFC 6750 2.1).
    Bearer,
    /// `Authorization: DPoP`, with the proof of its key (RFC 9449 7.1).
    Dpop,
    /// `API-Key`, `X-API-Key` or `X-Chroma-Token`.
    Key,
    /// The cookie of a browser that was signed in, from which whoever set it has taken the access token.
    Session,
    /// The same with the ID token, of an issuer whose access tokens only it can read.
    IdToken,
}

/// What a request presents.
#[derive(Clone)]
pub enum Credential {
    /// A token or a key.
    Token {
        /// How.
        scheme: Scheme,
        /// The token itself.
        token: SecretText,
    },
    /// A name and a password (RFC 7617).
    Basic {
        /// The name.
        name: String,
        /// The password.
        password: SecretText,
    },
    /// What a managed proxy in front says, signed, in a header of its own.
    Fronted {
        /// The header.
        header: HeaderName,
        /// The token.
        token: SecretText,
    },
    /// The certificate of the connection, which is one only where nothing else is presented.
    Certificate(Arc<ClientCertificate>),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token { scheme, .. } => write!(f, "{scheme:?} [redacted]"),
            Self::Basic { .. } => f.write_str("Basic [redacted]"),
            Self::Fronted { header, .. } => write!(f, "{header} [redacted]"),
            Self::Certificate(certificate) => write!(f, "Certificate {}", certificate.thumbprint()),
        }
    }
}

impl Credential {
    /// The credential of a request; `None` when it has none.
    ///
    /// # Errors
    /// `SeveralCredentials`; `InvalidScheme`; `MissingToken` for an empty one; `InvalidToken` for what no
    /// credential looks like.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let mut presented = headers.get_all(header::AUTHORIZATION).iter().map(|value| (None, value)).chain(
            KEY_HEADERS
                .iter()
                .flat_map(|name| headers.get_all(*name).iter().map(|value| (Some(Scheme::Key), value))),
        );
        let Some((scheme, value)) = presented.next() else { return Ok(None) };
        if presented.next().is_some() {
            return Err(Why::SeveralCredentials.into());
        }
        let text = plain(value)?;
        match scheme {
            Some(scheme) => token(scheme, text).map(Some),
            None => authorization(text),
        }
    }

    /// What a proxy in front has written into one of these headers, if it has.
    ///
    /// # Errors
    /// `SeveralCredentials` when they say more than one thing; `InvalidToken` for what no token looks like.
    pub(super) fn fronted(headers: &HeaderMap, fronts: &[HeaderName]) -> Result<Option<Self>, Refusal> {
        let said =
            fronts.iter().flat_map(|name| headers.get_all(name).iter().map(move |value| (name, value)));
        let mut said = said.filter(|(_, value)| !value.is_empty());
        let Some((header, value)) = said.next() else { return Ok(None) };
        if said.next().is_some() {
            return Err(Why::SeveralCredentials.into());
        }
        let text = plain(value)?;
        if text.is_empty() || text.contains(' ') {
            return Err(Why::InvalidToken.into());
        }
        Ok(Some(Self::Fronted { header: header.clone(), token: SecretText::from(text) }))
    }

    /// The header in which a request presents its credential, when it has one.
    pub fn header_of(headers: &HeaderMap) -> Option<(HeaderName, &HeaderValue)> {
        let names = KEY_HEADERS.into_iter().map(HeaderName::from_static);
        let mut names = std::iter::once(header::AUTHORIZATION).chain(names);
        names.find_map(|name| headers.get(&name).filter(|value| !value.is_empty()).map(|value| (name, value)))
    }

    /// The token or key, if it is one.
    pub const fn token(&self) -> Option<&SecretText> {
        match self {
            Self::Token { token, .. } => Some(token),
            Self::Basic { .. } | Self::Fronted { .. } | Self::Certificate(_) => None,
        }
    }

    /// The certificate, if it is one.
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        match self {
            Self::Certificate(certificate) => Some(certificate),
            Self::Token { .. } | Self::Basic { .. } | Self::Fronted { .. } => None,
        }
    }

    /// How it is presented, if it is a token or key.
    pub const fn scheme(&self) -> Option<Scheme> {
        match self {
            Self::Token { scheme, .. } => Some(*scheme),
            Self::Basic { .. } | Self::Fronted { .. } | Self::Certificate(_) => None,
        }
    }

    /// What it may be remembered under: no two credentials share it, and it tells nothing of them.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        match self {
            // A bound token is another thing when it is presented alone.
            Self::Token { scheme, token } => {
                context.update(match scheme {
                    Scheme::Bearer => b"b",
                    Scheme::Dpop => b"d",
                    Scheme::Key => b"k",
                    Scheme::Session => b"s",
                    Scheme::IdToken => b"i",
                });
                context.update(token.expose().as_bytes());
            }
            Self::Basic { name, password } => {
                context.update(b"n");
                context.update(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
                context.update(name.as_bytes());
                context.update(password.expose().as_bytes());
            }
            // Good in this header alone.
            Self::Fronted { header, token } => {
                context.update(b"f");
                context.update(&u64::try_from(header.as_str().len()).unwrap_or(u64::MAX).to_be_bytes());
                context.update(header.as_str().as_bytes());
                context.update(token.expose().as_bytes());
            }
            Self::Certificate(certificate) => {
                context.update(b"c");
                context.update(certificate.fingerprint());
            }
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(context.finish().as_ref());
        fingerprint
    }
}

fn plain(value: &HeaderValue) -> Result<&str, Refusal> {
    match value.to_str() {
        Ok(text) if text.len() <= LONGEST => Ok(text.trim_matches(' ')),
        _ => Err(Why::InvalidToken.into()),
    }
}

fn authorization(text: &str) -> Result<Option<Credential>, Refusal> {
    // What a proxy sends on from a request without the header.
    if text.is_empty() {
        return Ok(None);
    }
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim_matches(' ');
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => token(Scheme::Bearer, rest).map(Some),
        "dpop" => token(Scheme::Dpop, rest).map(Some),
        "basic" => basic(rest).map(Some),
        _ => Err(Why::InvalidScheme.into()),
    }
}

fn token(scheme: Scheme, text: &str) -> Result<Credential, Refusal> {
    match text {
        "" => Err(Why::MissingToken.into()),
        text if text.contains(' ') => Err(Why::InvalidToken.into()),
        text => Ok(Credential::Token { scheme, token: SecretText::from(text) }),
    }
}

fn basic(encoded: &str) -> Result<Credential, Refusal> {
    let wrong = || Refusal::new(Why::InvalidToken);
    let bytes = BASE64.decode(encoded.as_bytes()).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (name, password) = text.split_once(':').ok_or_else(wrong)?;
    if name.is_empty() || text.contains(char::is_control) {
        return Err(wrong());
    }
    Ok(Credential::Basic { name: name.to_owned(), password: SecretText::from(password) })
}

#[cfg(test)]
mod tests;
