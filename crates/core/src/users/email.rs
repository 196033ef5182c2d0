//! Mail addresses: read strictly, kept as written, compared folded.
//!
//! What mail servers accept in practice is narrower than RFC 5321; quoted local parts, comments and
//! address literals are refused. The domain is folded by IDNA, the local part to lower case, so that
//! two spellings of one mailbox can never be two accounts.

use crate::outcome::{Code, Error, Refusal};

/// A mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    address: String,
    folded: String,
}

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    /// Refused with `email.invalid`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text.trim()).ok_or_else(|| Refusal::new(Code::EmailInvalid).field("email").into())
    }

    fn read(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let fits = text.len() <= 254 && !local.is_empty() && local.len() <= 64;
        let plain = local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
        let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
        if !(fits && plain && dots) || domain.ends_with('.') || domain.parse::<std::net::Ipv4Addr>().is_ok() {
            return None;
        }
        // `url` reads names of the web: percent signs, commas and more, which no mail server takes.
        let is_name = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let url::Host::Domain(host) = url::Host::parse(domain).ok()? else { return None };
        // Once more after folding, which turns a wide comma into a comma.
        if !domain.chars().all(is_name) || !host.chars().all(is_name) {
            return None;
        }
        let folded = format!("{}@{host}", local.to_lowercase());
        Some(Self { address: text.to_owned(), folded })
    }

    /// As it was written.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// As it is compared.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The folded domain.
    pub fn domain(&self) -> &str {
        self.folded.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}
