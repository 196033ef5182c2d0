//! Resource indicators (RFC 8707): an absolute URI without a fragment that names a protected API.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use url::Url;

const MAX_BYTES: usize = 2048;

/// A resource as it was written, with the form it is compared by.
#[derive(Clone)]
pub struct Resource {
    text: String,
    canonical: Url,
}

/// Not an absolute URI, or one with a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an absolute URI without a fragment")]
pub struct BadResource;

impl Resource {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a request for `asked` means this registered resource: equal but for the case of scheme
    /// and host, a default port and one slash at the end. A query may be added by clients (some do)
    /// only where the registered resource has none.
    pub fn covers(&self, asked: &Self) -> bool {
        let (own, other) = (&self.canonical, &asked.canonical);
        let authority = |url: &Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
        own.scheme() == other.scheme()
            && authority(own) == authority(other)
            && own.username() == other.username()
            && own.password() == other.password()
            && trimmed(own.path()) == trimmed(other.path())
            && (own.query().is_none() || own.query() == other.query())
    }
}

fn trimmed(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

impl FromStr for Resource {
    type Err = BadResource;

    fn from_str(text: &str) -> Result<Self, BadResource> {
        // The URL parser drops tabs and newlines and trims; what it would repair is refused here.
        if text.len() > MAX_BYTES || !text.bytes().all(|b| (0x21..=0x7e).contains(&b)) || text.contains('#') {
            return Err(BadResource);
        }
        let canonical = Url::parse(text).map_err(|_| BadResource)?;
        Ok(Self { text: text.to_owned(), canonical })
    }
}

impl PartialEq for Resource {
    /// As written.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for Resource {}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
