//! Client certificates: whom a TLS connection is from.
//!
//! That one was issued by an authority that is trusted, and that whoever shows it holds its key, is found out
//! by the listener, or by a trusted proxy that hands it on ([`Forwarding`]). Here it is read, it proves that a
//! token which is bound to it is in the right hands (RFC 8705 3), and where the configuration says whose it is
//! ([`Certificates`]) it is a credential of its own. SPIFFE ids follow the X.509-SVID specification.

#[cfg(feature = "certificates")]
mod forwarded;
mod mapping;
#[cfg(feature = "certificates")]
mod read;

use std::sync::Arc;

use doorward_proto::time::Time;
use http::{HeaderMap, header};

use super::spiffe::{BadSpiffeId, SpiffeId};

#[cfg(feature = "certificates")]
pub use self::forwarded::Forwarding;
pub use self::mapping::{BadEntry, CertificateSpec, Certificates, SubjectFrom};

/// A certificate that makes no sense, in words for whoever showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadCertificate(pub &'static str);

/// What was shown with a request.
pub type Shown = Result<Arc<ClientCertificate>, BadCertificate>;

/// A client's certificate, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    fingerprint: [u8; 32],
    thumbprint: String,
    begins_at: Time,
    ends_at: Time,
    subject: String,
    issuer: String,
    uris: Vec<String>,
    dns: Vec<String>,
    emails: Vec<String>,
    /// Whether it is one of an authority, which is nobody's at a door.
    signs_others: bool,
}

impl ClientCertificate {
    /// Its SHA-256 in base64url, as `cnf` has it (RFC 8705 3.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Whether it is valid at that time.
    pub fn is_valid_at(&self, now: Time) -> bool {
        (self.begins_at..self.ends_at).contains(&now)
    }

    /// Its holder's distinguished name (RFC 4514): `CN=reporter,O=Example`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Its issuer's.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its holder's SPIFFE id, if it is an SVID.
    ///
    /// # Errors
    /// It says to be one, and is none: a second URI beside the id, an id that makes no sense or is that of a
    /// whole trust domain (X.509-SVID 5.2).
    pub fn spiffe_id(&self) -> Result<Option<SpiffeId<'_>>, BadCertificate> {
        if !self.uris.iter().any(|uri| SpiffeId::is_meant_by(uri)) {
            return Ok(None);
        }
        match self.uris.as_slice() {
            [only] => {
                let id = SpiffeId::parse(only).map_err(|BadSpiffeId(what)| BadCertificate(what))?;
                if id.path().is_empty() {
                    return Err(BadCertificate("Its SPIFFE id is that of a whole trust domain"));
                }
                Ok(Some(id))
            }
            _ => Err(BadCertificate("It has more than one URI beside a SPIFFE id")),
        }
    }

    /// What it may be remembered under.
    pub(super) const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

/// The thumbprint of what was shown, when it proves something at that time.
pub fn proof(shown: Option<&Shown>, now: Time) -> Option<String> {
    let certificate = shown?.as_ref().ok().filter(|certificate| certificate.is_valid_at(now))?;
    Some(certificate.thumbprint.clone())
}

/// Whether a page of another site has a browser send this (Fetch Metadata): the certificate goes along, whoever's
/// page it is, as a cookie without `SameSite` would. Following a link is the reader's own doing.
pub(super) fn is_borrowed(headers: &HeaderMap) -> bool {
    let says = |name: &str, values: &[&str]| {
        headers.get_all(name).iter().any(|value| values.iter().any(|it| value.as_bytes() == it.as_bytes()))
    };
    says("sec-fetch-site", &["cross-site", "same-site"])
        && (!says("sec-fetch-mode", &["navigate"]) || headers.contains_key(header::ORIGIN))
}

#[cfg(all(test, feature = "certificates"))]
mod tests;
