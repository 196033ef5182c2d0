//! Redirect URIs: which may be registered, and which registered one a request means (RFC 6749 3.1.2,
//! RFC 8252 7 and 8.4, RFC 9700 4.1.3).
//!
//! Comparison is of text, with one exception: the port of a loopback address. Nothing is ever
//! normalised, so that no two parsers can disagree on where an answer goes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use url::{Host, Url, form_urlencoded};

const MAX_BYTES: usize = 2048;
/// Schemes that a browser runs, shows or opens by itself.
const NEVER: [&str; 6] = ["javascript", "data", "vbscript", "file", "blob", "about"];

/// A redirect URI that may be registered.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RedirectUri {
    text: String,
    kind: RedirectKind,
}

/// Where a redirect URI leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RedirectKind {
    /// A web site.
    Https,
    /// A program on the person's own machine, listening on some port.
    Loopback,
    /// A program that registered a scheme of its own (reverse domain name).
    PrivateUse,
}

/// Why a redirect URI may not be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRedirectUri {
    /// Not an absolute URI in printable ASCII, or too long.
    #[error("not an absolute URI")]
    Malformed,
    /// It has a fragment.
    #[error("has a fragment")]
    Fragment,
    /// It has a user name or password.
    #[error("has user information")]
    UserInfo,
    /// It has a star.
    #[error("has a wildcard")]
    Wildcard,
    /// `http` to a host other than loopback.
    #[error("is http to another host than loopback")]
    PlainHttp,
    /// A scheme that is dangerous or not a reversed domain name.
    #[error("has a scheme that is not accepted")]
    Scheme,
}

impl RedirectUri {
    /// The URI, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it leads.
    pub const fn kind(&self) -> RedirectKind {
        self.kind
    }

    /// Whether the request's URI means this registered one.
    pub fn matches(&self, requested: &str) -> bool {
        match self.kind {
            RedirectKind::Https | RedirectKind::PrivateUse => self.text == requested,
            RedirectKind::Loopback => {
                self.text == requested
                    || matches!((without_port(&self.text), without_port(requested)), (Some(a), Some(b)) if a == b)
            }
        }
    }
}

/// The host and what follows the port of a loopback URI.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = rest.strip_prefix(host)?;
    let tail = match rest.strip_prefix(':') {
        None => rest,
        Some(port_and_tail) => {
            let digits = port_and_tail.bytes().take_while(u8::is_ascii_digit).count();
            let (port, tail) = port_and_tail.split_at_checked(digits)?;
            port.parse::<u16>().ok().filter(|port| *port != 0)?;
            tail
        }
    };
    // Anything else would make another host of it: 127.0.0.1.evil.example, 127.0.0.1:1@evil.example.
    (tail.is_empty() || tail.starts_with(['/', '?'])).then_some((host, tail))
}

impl FromStr for RedirectUri {
    type Err = BadRedirectUri;

    fn from_str(text: &str) -> Result<Self, BadRedirectUri> {
        if text.len() > MAX_BYTES || !text.bytes().all(|b| (0x21..=0x7e).contains(&b)) || text.contains('\\')
        {
            return Err(BadRedirectUri::Malformed);
        }
        if text.contains('#') {
            return Err(BadRedirectUri::Fragment);
        }
        if text.contains('*') {
            return Err(BadRedirectUri::Wildcard);
        }
        let url = Url::parse(text).map_err(|_| BadRedirectUri::Malformed)?;
        if !url.username().is_empty() || url.password().is_some() || has_at_sign(text) {
            return Err(BadRedirectUri::UserInfo);
        }
        let kind = match url.scheme() {
            "https" if has_authority(text, "https://") => RedirectKind::Https,
            "http" if has_authority(text, "http://") => match url.host() {
                Some(_) if without_port(text).is_some() => RedirectKind::Loopback,
                // RFC 6761 6.3: this machine, by another name.
                Some(Host::Domain(name)) if name.ends_with(".localhost") && text.contains(name) => {
                    RedirectKind::Loopback
                }
                Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_)) => {
                    return Err(BadRedirectUri::PlainHttp);
                }
                None => return Err(BadRedirectUri::Malformed),
            },
            "https" | "http" => return Err(BadRedirectUri::Malformed),
            // RFC 8252 7.1: a scheme without a dot belongs to nobody.
            scheme if scheme.contains('.') && !NEVER.contains(&scheme) => RedirectKind::PrivateUse,
            _ => return Err(BadRedirectUri::Scheme),
        };
        Ok(Self { text: text.to_owned(), kind })
    }
}

/// The URL parser forgives `https:/host` and `https:host`; browsers and others then differ.
fn has_authority(text: &str, start: &str) -> bool {
    text.strip_prefix(start).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', ':']))
}

/// An empty user name leaves no trace in a parsed URL.
fn has_at_sign(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    rest.split(['/', '?']).next().is_some_and(|authority| authority.contains('@'))
}

/// The URI with parameters added to its query; what was there stays, untouched.
pub fn with_query<'p>(uri: &str, parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let added = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let separator = match uri.split_once('?') {
        _ if added.is_empty() => "",
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{added}")
}

/// The URI with parameters as its fragment.
pub fn with_fragment<'p>(uri: &str, parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let added = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{uri}#{added}")
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl Serialize for RedirectUri {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for RedirectUri {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
