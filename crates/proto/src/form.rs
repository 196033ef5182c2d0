//! Parameters of a query or a form body (`application/x-www-form-urlencoded`).
//!
//! Bounded, strictly UTF-8, and a repeated parameter is found rather than resolved: two parsers that
//! pick different ones are an attack (RFC 6749 3.1). A parameter without a value is absent. Nothing
//! here prints values, since some of them are secrets.

use std::fmt;

use memchr::{memchr, memchr3};

use crate::oauth_error::Problem;

const MAX_PAIRS: usize = 200;

/// The body or query as a whole cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// More bytes than the limit, or more parameters than anybody needs.
    #[error("the request is too large")]
    TooLarge,
    /// Not UTF-8, or with a zero byte, which no database text can hold.
    #[error("the request is not text")]
    NotText,
}

/// Decoded parameters, in the order sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads at most `limit` bytes.
    pub fn parse(bytes: &[u8], limit: usize) -> Result<Self, FormError> {
        if bytes.len() > limit {
            return Err(FormError::TooLarge);
        }
        let mut pairs = Vec::new();
        for part in bytes.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
            if pairs.len() == MAX_PAIRS {
                return Err(FormError::TooLarge);
            }
            let (name, value) = match memchr(b'=', part) {
                Some(at) => part.split_at(at),
                None => (part, [].as_slice()),
            };
            pairs.push((decode(name)?, decode(value.get(1..).unwrap_or_default())?));
        }
        Ok(Self { pairs })
    }

    /// From pairs that were decoded elsewhere.
    pub const fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// The value of a parameter that may be given once.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Problem::repeated(name)),
            (Some((_, value)), None) if !value.is_empty() => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    /// The value of a parameter that must be given once.
    pub fn required(&self, name: &'static str) -> Result<&str, Problem> {
        self.one(name)?.ok_or(Problem::missing(name))
    }

    /// Every value of a parameter that may be repeated.
    pub fn all<'p>(&'p self, name: &'static str) -> impl Iterator<Item = &'p str> {
        self.pairs
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, v)| v.as_str())
    }

    /// Refuses a request in which any parameter is repeated, known or not, but for these (RFC 6749 3.1 and
    /// 3.2: request parameters must not be included more than once).
    pub fn once_each(&self, but: &[&str]) -> Result<(), Problem> {
        let mut names = self.pairs.iter().map(|(name, _)| name.as_str()).enumerate();
        let again = names.find(|(at, name)| {
            !but.contains(name) && self.pairs.iter().take(*at).any(|(before, _)| before == name)
        });
        again.map_or(Ok(()), |(_, name)| Err(Problem::repeated(name)))
    }

    /// Every pair, empty ones included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

/// `+` is a space, `%` and two hex digits a byte; a stray `%` stands for itself. What needs no decoding,
/// as tokens do not, is copied as it is.
pub(crate) fn decode(text: &[u8]) -> Result<String, FormError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        let plain = memchr3(b'+', b'%', 0, rest).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(plain);
        bytes.extend_from_slice(run);
        let Some((first, after)) = tail.split_first() else { break };
        rest = after;
        let byte = match first {
            b'+' => b' ',
            b'%' => match after.split_first_chunk::<2>() {
                Some(([high, low], tail)) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    rest = tail;
                    (hex(*high) << 4) | hex(*low)
                }
                _ => b'%',
            },
            other => *other,
        };
        if byte == 0 {
            return Err(FormError::NotText);
        }
        bytes.push(byte);
    }
    String::from_utf8(bytes).map_err(|_| FormError::NotText)
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests;
