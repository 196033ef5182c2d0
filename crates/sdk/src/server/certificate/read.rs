//! What a certificate says (RFC 5280). Whether that is true has been found out before.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use doorward_proto::time::Time;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate, X509Name};

use super::{BadCertificate, ClientCertificate};

/// No certificate of a client is longer.
pub(super) const LONGEST: usize = 16 * 1024;

/// The names of attributes (RFC 4514 3); the others are told by their numbers.
const ATTRIBUTES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

impl ClientCertificate {
    /// Reads a certificate (DER).
    ///
    /// # Errors
    /// It is none, is longer than 16 KiB, or has a name that could be read in two ways.
    pub fn read(der: &[u8]) -> Result<Self, BadCertificate> {
        if der.len() > LONGEST {
            return Err(BadCertificate("The certificate is longer than 16 KiB"));
        }
        let wrong = BadCertificate("It is no certificate");
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| wrong)?;
        if !rest.is_empty() {
            return Err(wrong);
        }
        let fingerprint = sha256(der);
        let validity = certificate.validity();
        let mut read = Self {
            fingerprint,
            thumbprint: BASE64URL_NOPAD.encode(&fingerprint),
            begins_at: Time::from_seconds(validity.not_before.timestamp()),
            // RFC 5280 4.1.2.5: the last second counts.
            ends_at: Time::from_seconds(validity.not_after.timestamp().saturating_add(1)),
            subject: distinguished(certificate.subject())?,
            issuer: distinguished(certificate.issuer())?,
            uris: Vec::new(),
            dns: Vec::new(),
            emails: Vec::new(),
            signs_others: signs_others(&certificate)?,
        };
        let names = certificate.subject_alternative_name().map_err(|_| wrong)?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            let (kind, name) = match name {
                GeneralName::URI(name) => (&mut read.uris, name),
                GeneralName::DNSName(name) => (&mut read.dns, name),
                GeneralName::RFC822Name(name) => (&mut read.emails, name),
                GeneralName::Invalid(..) => return Err(wrong),
                _ => continue,
            };
            // A name with a blank or a NUL in it is read as two by somebody.
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(BadCertificate("One of its names is none"));
            }
            kind.push((*name).to_owned());
        }
        Ok(read)
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

fn signs_others(certificate: &X509Certificate<'_>) -> Result<bool, BadCertificate> {
    let wrong = |_| BadCertificate("It says a thing twice");
    let is_authority = certificate.basic_constraints().map_err(wrong)?.is_some_and(|it| it.value.ca);
    let usage = certificate.key_usage().map_err(wrong)?;
    Ok(is_authority || usage.is_some_and(|it| it.value.key_cert_sign() || it.value.crl_sign()))
}

/// A name as RFC 4514 writes it: the last part first, and whatever could end a part escaped.
fn distinguished(name: &X509Name<'_>) -> Result<String, BadCertificate> {
    let mut parts = Vec::new();
    for part in name.iter_rdn() {
        let mut attributes = Vec::new();
        for attribute in part.iter() {
            let number = attribute.attr_type().to_id_string();
            let known = ATTRIBUTES.iter().find(|(known, _)| *known == number);
            let kind = known.map_or(number.as_str(), |(_, short)| *short);
            let value = match attribute.as_str() {
                Ok(text) if text.chars().any(char::is_control) => {
                    return Err(BadCertificate("One of its names is none"));
                }
                Ok(text) => escaped(text),
                Err(_) => format!("#{}", HEXLOWER.encode(attribute.as_slice())),
            };
            attributes.push(format!("{kind}={value}"));
        }
        parts.push(attributes.join("+"));
    }
    parts.reverse();
    Ok(parts.join(","))
}

/// RFC 4514 2.4.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(text.len());
    for (place, c) in text.chars().enumerate() {
        let is_special = matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (c == '#' && place == 0)
            || (c == ' ' && (place == 0 || place == last));
        if is_special {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
