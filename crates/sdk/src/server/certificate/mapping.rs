//! Whose a certificate is: a table of the configuration says so.

use std::collections::BTreeSet;

use doorward_judge::{
    Confirmation, CredentialKind, Identity, IdentityType, Principal, Refusal, Why, Workspaces,
};
use doorward_proto::time::Time;
use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::{BadCertificate, ClientCertificate};
use crate::server::{
    Credential, Provider, Recognition, Seen,
    spiffe::{self, SpiffeId},
};

/// Which certificates, and what whoever holds one may do. All that is said of a certificate has to be so.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CertificateSpec {
    /// Its SPIFFE id: `spiffe://example.org/ns/shop/*`; `*` is one segment, `**` at the end all that follow.
    pub spiffe: Option<String>,
    /// One of its DNS names: `reporter.example.org`, `*.example.org`.
    pub dns: Option<String>,
    /// One of its URIs, exactly.
    pub uri: Option<String>,
    /// One of its mail addresses: `ada@example.org`, `*@example.org`.
    pub email: Option<String>,
    /// Its distinguished name, exactly (RFC 4514): `CN=reporter,O=Example`.
    pub dn: Option<String>,
    /// The distinguished name of who issued it, exactly.
    pub issuer: Option<String>,
    /// Who it is. Without this, what was matched.
    pub subject: Option<String>,
    /// What they are: `service` unless it is said.
    pub identity_type: Option<IdentityType>,
    /// What they may do.
    pub scopes: Vec<String>,
    /// What else they may do.
    pub permissions: Vec<String>,
    /// Where.
    pub workspaces: Vec<String>,
    /// The organisation they act in.
    pub organization: Option<String>,
    /// The platform's word for them.
    pub role: Option<String>,
}

/// Where a certificate says who it is, when no entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectFrom {
    /// Its SPIFFE id.
    #[default]
    Spiffe,
    /// Its one URI.
    Uri,
    /// Its one DNS name.
    Dns,
    /// Its one mail address.
    Email,
    /// Its distinguished name.
    Dn,
}

/// An entry that makes no sense, by its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {place}: {what}")]
pub struct BadEntry {
    /// Counted from 1.
    pub place: usize,
    /// In words for the operator.
    pub what: String,
}

/// Knows whose certificates are.
pub struct Certificates {
    entries: Vec<CertificateSpec>,
    subject: SubjectFrom,
    takes_any: bool,
}

impl Certificates {
    /// Reads the table. With `takes_any`, every certificate is somebody, who may do nothing in particular.
    ///
    /// # Errors
    /// The first entry that makes no sense.
    pub fn new(entries: &[CertificateSpec], subject: SubjectFrom, takes_any: bool) -> Result<Self, BadEntry> {
        for (place, entry) in (1..).zip(entries) {
            entry.check().map_err(|what| BadEntry { place, what })?;
        }
        Ok(Self { entries: entries.to_vec(), subject, takes_any })
    }

    /// Whose it is at that time.
    ///
    /// # Errors
    /// Why it is nobody's.
    pub fn holder(&self, certificate: &ClientCertificate, now: Time) -> Result<Principal, Refusal> {
        let wrong = |hint: &str| Refusal::new(Why::InvalidToken).hint(hint);
        if now >= certificate.ends_at {
            return Err(Why::TokenExpired.into());
        }
        if now < certificate.begins_at {
            return Err(wrong("The certificate is not valid yet"));
        }
        if certificate.signs_others {
            return Err(wrong("The certificate is one of an authority"));
        }
        let id = certificate.spiffe_id().map_err(|BadCertificate(what)| wrong(what))?;
        let entry = self.entries.iter().find_map(|entry| Some((entry, entry.matched(certificate, id)?)));
        if entry.is_none() && !self.takes_any {
            return Err(wrong("No entry says whose this certificate is"));
        }
        let matched = entry.as_ref().and_then(|(_, matched)| matched.map(str::to_owned));
        let entry = entry.map(|(entry, _)| entry.clone()).unwrap_or_default();
        let subject = entry.subject.or(matched).or_else(|| self.subject(certificate, id));
        let subject =
            subject.ok_or_else(|| wrong("The certificate does not say who it is, or says it twice"))?;
        let names = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
        let identity = Identity {
            subject,
            kind: entry.identity_type.unwrap_or(IdentityType::Service),
            scopes: names(entry.scopes),
            permissions: names(entry.permissions),
            workspaces: Workspaces::from_names(entry.workspaces.iter().map(String::as_str)),
            role: entry.role,
            organization: entry.organization,
            issuer: Some(match id {
                Some(id) => format!("spiffe://{}", id.domain()),
                None => certificate.issuer.clone(),
            }),
            ..Identity::default()
        };
        Ok(Principal {
            expires_at: Some(certificate.ends_at),
            // Whoever is remembered has to show it again.
            confirmation: Some(Confirmation::Certificate(certificate.thumbprint.clone())),
            ..Principal::new(identity, CredentialKind::Certificate)
        })
    }

    fn subject(&self, certificate: &ClientCertificate, id: Option<SpiffeId<'_>>) -> Option<String> {
        let only = |names: &[String]| match names {
            [name] => Some(name.clone()),
            _ => None,
        };
        match self.subject {
            SubjectFrom::Spiffe => id.map(|id| id.as_str().to_owned()),
            SubjectFrom::Uri => only(&certificate.uris),
            SubjectFrom::Dns => only(&certificate.dns),
            SubjectFrom::Email => only(&certificate.emails),
            SubjectFrom::Dn => Some(certificate.subject.clone()).filter(|name| !name.is_empty()),
        }
    }
}

impl Provider for Certificates {
    fn name(&self) -> &'static str {
        "certificate"
    }

    fn takes_certificates(&self) -> bool {
        true
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        let found =
            credential.certificate().map(|certificate| self.holder(certificate, seen.now)).transpose();
        Box::pin(std::future::ready(found))
    }
}

impl CertificateSpec {
    fn check(&self) -> Result<(), String> {
        let names = [&self.spiffe, &self.dns, &self.uri, &self.email, &self.dn, &self.issuer];
        if names.iter().all(|name| name.is_none()) {
            return Err("name the certificates by spiffe, dns, uri, email, dn or issuer".to_owned());
        }
        if let Some(pattern) = &self.spiffe {
            spiffe::check_pattern(pattern)?;
        }
        let dns = self.dns.as_deref().map(|name| name.strip_prefix("*.").unwrap_or(name));
        let email = self.email.as_deref().map(|name| name.strip_prefix('*').unwrap_or(name));
        for name in [dns, email].into_iter().flatten() {
            if name.is_empty() || name.contains('*') {
                return Err(format!("`{name}`: a `*` stands for the first part of a name, and nowhere else"));
            }
        }
        match self.email.as_deref() {
            Some(email) if !email.contains('@') => Err(format!("`{email}` is no mail address")),
            _ => Ok(()),
        }
    }

    /// `None` when it is not for this certificate; else the name that was matched, where one was.
    #[expect(clippy::option_option, reason = "an entry may be for a certificate by its issuer alone")]
    fn matched<'c>(
        &self,
        certificate: &'c ClientCertificate,
        id: Option<SpiffeId<'c>>,
    ) -> Option<Option<&'c str>> {
        let mut matched = None;
        if let Some(pattern) = &self.spiffe {
            let id = id.filter(|id| spiffe::fits(pattern, *id))?;
            matched = matched.or(Some(id.as_str()));
        }
        let lists: [(_, _, Compare); 3] = [
            (&self.uri, &certificate.uris, |pattern, name| pattern == name),
            (&self.dns, &certificate.dns, is_dns),
            (&self.email, &certificate.emails, is_email),
        ];
        for (pattern, names, is_so) in lists {
            if let Some(pattern) = pattern {
                let name = names.iter().find(|name| is_so(pattern, name))?;
                matched = matched.or(Some(name));
            }
        }
        if self.dn.as_ref().is_some_and(|name| *name != certificate.subject) {
            return None;
        }
        if self.dn.is_some() {
            matched = matched.or(Some(&certificate.subject));
        }
        let is_issuer = self.issuer.as_ref().is_none_or(|issuer| *issuer == certificate.issuer);
        is_issuer.then_some(matched)
    }
}

/// Whether a pattern is for a name.
type Compare = fn(&str, &str) -> bool;

/// RFC 6125 6.4.3: a `*` is one whole label.
fn is_dns(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(rest) => name.split_once('.').is_some_and(|(label, below)| {
            !label.is_empty() && label != "*" && below.eq_ignore_ascii_case(rest)
        }),
        None => name.eq_ignore_ascii_case(pattern),
    }
}

/// The part before the `@` is told apart by case, the part behind is not (RFC 5321 2.4).
fn is_email(pattern: &str, name: &str) -> bool {
    let (Some((wanted, at)), Some((local, domain))) = (pattern.rsplit_once('@'), name.rsplit_once('@'))
    else {
        return false;
    };
    (wanted == "*" || wanted == local) && at.eq_ignore_ascii_case(domain)
}
