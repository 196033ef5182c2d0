//! The client's certificate in a header of a proxy that ended its TLS: `Client-Cert` (RFC 9440), or Envoy's
//! `x-forwarded-client-cert`.
//!
//! Whoever can write these headers is whoever they like: they are read from trusted proxies only, and a proxy
//! must set them itself on every request, over whatever the client wrote.

use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use http::{HeaderMap, HeaderValue};

use super::{
    BadCertificate, ClientCertificate, Shown,
    read::{LONGEST, sha256},
};

/// PEM in base64 and percent-encoded.
const LONGEST_VALUE: usize = 3 * LONGEST;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// How a proxy tells the client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarding {
    /// `Client-Cert` (RFC 9440 2.2): the certificate in base64 between colons.
    ClientCert,
    /// `x-forwarded-client-cert`, with `Cert`.
    Xfcc,
}

impl Forwarding {
    /// Its header.
    pub const fn header(self) -> &'static str {
        match self {
            Self::ClientCert => "client-cert",
            Self::Xfcc => "x-forwarded-client-cert",
        }
    }

    /// The certificate that a trusted proxy has put into its header, if there is one.
    pub fn read(self, headers: &HeaderMap) -> Option<Shown> {
        let mut values = headers.get_all(self.header()).iter().filter(|value| !value.is_empty());
        let first = values.next()?;
        let der = match (self, values.next()) {
            // Two would be the proxy's and one that the client wrote.
            (_, Some(_)) => Err(BadCertificate("The client's certificate is told twice")),
            (Self::ClientCert, None) => text(first).and_then(byte_sequence),
            (Self::Xfcc, None) => text(first).and_then(certificate_of_element),
        };
        match der {
            Ok(None) => None,
            Ok(Some(der)) => Some(ClientCertificate::read(&der).map(Arc::new)),
            Err(wrong) => Some(Err(wrong)),
        }
    }

    /// The certificate in text of its own: percent-encoded PEM, as Envoy tells it over gRPC.
    pub fn from_encoded_pem(encoded: &str) -> Shown {
        ClientCertificate::read(&encoded_pem(encoded)?).map(Arc::new)
    }
}

fn text(value: &HeaderValue) -> Result<&str, BadCertificate> {
    if value.len() > LONGEST_VALUE {
        return Err(BadCertificate("The client's certificate is told at too great a length"));
    }
    value.to_str().map(str::trim).map_err(|_| BadCertificate("The client's certificate is no text"))
}

/// A byte sequence of RFC 8941 3.3.5, alone. An empty one is how some proxies say that there is none.
fn byte_sequence(text: &str) -> Result<Option<Vec<u8>>, BadCertificate> {
    let wrong = BadCertificate("The client's certificate is not told as RFC 9440 says");
    let inner = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or(wrong)?;
    if inner.is_empty() {
        return Ok(None);
    }
    BASE64.decode(inner.as_bytes()).map(Some).map_err(|_| wrong)
}

/// The certificate of the last element: the others were there before the nearest proxy wrote its own.
fn certificate_of_element(text: &str) -> Result<Option<Vec<u8>>, BadCertificate> {
    let elements = split(text, ',')?;
    let Some(element) = elements.last() else { return Ok(None) };
    let (mut certificate, mut hash) = (None, None);
    for pair in split(element, ';')? {
        let wrong = BadCertificate("x-forwarded-client-cert holds no pair of name and value");
        let (name, value) = pair.split_once('=').ok_or(wrong)?;
        let place = match name.trim().to_ascii_lowercase().as_str() {
            "cert" => &mut certificate,
            "hash" => &mut hash,
            _ => continue,
        };
        if place.replace(unquoted(value.trim())?).is_some() {
            return Err(BadCertificate("x-forwarded-client-cert says a thing twice"));
        }
    }
    let Some(encoded) = certificate else {
        return Err(BadCertificate(
            "x-forwarded-client-cert lacks Cert: have the proxy tell the certificate",
        ));
    };
    // How a proxy that writes the header always says that there is none.
    if encoded.is_empty() {
        return Ok(None);
    }
    let der = encoded_pem(&encoded)?;
    if let Some(hash) = hash
        && HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).ok().as_deref() != Some(&sha256(&der))
    {
        return Err(BadCertificate("x-forwarded-client-cert tells another certificate's hash"));
    }
    Ok(Some(der))
}

/// The parts between separators, but for those between quotes.
fn split(text: &str, separator: char) -> Result<Vec<&str>, BadCertificate> {
    let (mut parts, mut begin, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (place, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c == separator && !is_quoted => {
                parts.push(text.get(begin..place).unwrap_or_default());
                begin = place + c.len_utf8();
            }
            _ => {}
        }
    }
    if is_quoted {
        return Err(BadCertificate("A quote in x-forwarded-client-cert does not end"));
    }
    parts.push(text.get(begin..).unwrap_or_default());
    Ok(parts)
}

fn unquoted(value: &str) -> Result<String, BadCertificate> {
    let Some(rest) = value.strip_prefix('"') else { return Ok(value.to_owned()) };
    let inner = rest.strip_suffix('"').ok_or(BadCertificate("A quote does not end where its value does"))?;
    Ok(inner.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// One certificate in percent-encoded PEM.
fn encoded_pem(encoded: &str) -> Result<Vec<u8>, BadCertificate> {
    let wrong = BadCertificate("The client's certificate is no percent-encoded PEM");
    let bytes = decoded(encoded).ok_or(wrong)?;
    let pem = std::str::from_utf8(&bytes).map_err(|_| wrong)?.trim();
    let inner = pem.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).ok_or(wrong)?;
    let plain: Vec<u8> = inner.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&plain).map_err(|_| wrong)
}

/// RFC 3986 2.1.
fn decoded(encoded: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = encoded.bytes();
    let mut out = Vec::with_capacity(encoded.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => (digit(bytes.next()?)? << 4) | digit(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(out)
}
