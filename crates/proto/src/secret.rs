//! Secrets that Doorward hands out: `dw_<kind>_<256 bits base62><crc32 base62>`.
//!
//! The kind lets a scanner recognise a leaked secret, the checksum lets a server refuse garbage before
//! it looks anything up. No type of this module prints its content.

use std::fmt;

use zeroize::Zeroizing;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 is just above 2^256.
const BODY: usize = 43;
/// 62^6 is just above 2^32.
const CHECK: usize = 6;

/// What an [`Opaque`] secret opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `st`: a service token.
    ServiceToken,
    /// `pk`: a personal key.
    PersonalKey,
    /// `ak`: an API key.
    ApiKey,
    /// `cs`: a client secret.
    ClientSecret,
    /// `rt`: a refresh token.
    Refresh,
    /// `ac`: an authorization code.
    Code,
    /// `at`: an opaque access token.
    Access,
    /// `ia`: an initial access token (RFC 7591).
    InitialAccess,
    /// `ra`: a registration access token (RFC 7592).
    RegistrationAccess,
    /// `bc`: a browser's cookie.
    Browser,
    /// `ml`: a link sent by mail or printed at set-up.
    Link,
    /// `pr`: a pushed authorization request (RFC 9126).
    Pushed,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::ServiceToken,
        Self::PersonalKey,
        Self::ApiKey,
        Self::ClientSecret,
        Self::Refresh,
        Self::Code,
        Self::Access,
        Self::InitialAccess,
        Self::RegistrationAccess,
        Self::Browser,
        Self::Link,
        Self::Pushed,
    ];

    /// The two letters in the text.
    pub const fn letters(self) -> &'static str {
        match self {
            Self::ServiceToken => "st",
            Self::PersonalKey => "pk",
            Self::ApiKey => "ak",
            Self::ClientSecret => "cs",
            Self::Refresh => "rt",
            Self::Code => "ac",
            Self::Access => "at",
            Self::InitialAccess => "ia",
            Self::RegistrationAccess => "ra",
            Self::Browser => "bc",
            Self::Link => "ml",
            Self::Pushed => "pr",
        }
    }
}

/// A secret of ours, well formed; erased from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Opaque {
    kind: Kind,
    text: Zeroizing<String>,
}

impl Opaque {
    /// A new secret from 256 random bits.
    pub fn new(kind: Kind, random: &[u8; 32]) -> Self {
        let mut text = Zeroizing::new(format!("dw_{}_", kind.letters()));
        let body = base62(random, BODY);
        text.push_str(&body);
        let check = base62(&crc32fast::hash(text.as_bytes()).to_be_bytes(), CHECK);
        text.push_str(&check);
        Self { kind, text }
    }

    /// Reads a secret of the given kind; `None` for anything else, a wrong checksum included.
    pub fn parse(kind: Kind, text: &str) -> Option<Self> {
        let rest = text.strip_prefix("dw_")?.strip_prefix(kind.letters())?.strip_prefix('_')?;
        if rest.len() != BODY + CHECK || !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let (signed, check) = text.split_at_checked(text.len() - CHECK)?;
        (base62(&crc32fast::hash(signed.as_bytes()).to_be_bytes(), CHECK).as_str() == check)
            .then(|| Self { kind, text: Zeroizing::new(text.to_owned()) })
    }

    /// What the secret opens.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The secret itself: for the answer that hands it out, and for hashing.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dw_{}_[redacted]", self.kind.letters())
    }
}

/// Text that must not be printed: a password, a client's secret, a cookie. Erased when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<'de> serde::Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::new)
    }
}

/// The keyed hash of a secret, the only form that is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

/// 62^5, the most digits of which one division of a 32-bit word and its carry yields the rest.
const FIVE_DIGITS: u32 = 62_u32.pow(5);

/// Big-endian bytes, a multiple of four, as exactly `length` base62 digits (the value must fit).
fn base62(bytes: &[u8], length: usize) -> Zeroizing<String> {
    let words = bytes.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word));
    let mut number: Zeroizing<Vec<u32>> = Zeroizing::new(words.collect());
    let mut digits = Zeroizing::new(vec![b'0'; length]);
    for five in digits.rchunks_mut(5) {
        let mut rest = 0_u32;
        for word in number.iter_mut() {
            let value = (u64::from(rest) << 32) | u64::from(*word);
            *word = low(value / u64::from(FIVE_DIGITS));
            rest = low(value % u64::from(FIVE_DIGITS));
        }
        for digit in five.iter_mut().rev() {
            *digit = DIGITS.get((rest % 62) as usize).copied().unwrap_or(b'0');
            rest /= 62;
        }
    }
    Zeroizing::new(digits.iter().map(|digit| char::from(*digit)).collect())
}

/// What of a number fits into a word; the numbers here do.
fn low(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_round_trips_and_refuses_the_others() {
        for kind in Kind::ALL {
            for random in [[0_u8; 32], [0xff; 32], [0x5a; 32]] {
                let secret = Opaque::new(kind, &random);
                assert_eq!(secret.expose().len(), 6 + BODY + CHECK);
                assert_eq!(Opaque::parse(kind, secret.expose()).as_ref(), Some(&secret));
                assert!(!format!("{secret:?}").contains(&secret.expose()[8..]));
                for other in Kind::ALL.into_iter().filter(|other| *other != kind) {
                    assert_eq!(Opaque::parse(other, secret.expose()), None);
                }
            }
        }
    }

    #[test]
    fn digits_are_those_of_the_whole_number() {
        let counting: [u8; 32] = std::array::from_fn(|place| u8::try_from(place).unwrap());
        for (bytes, digits) in [
            ([0; 32], "0000000000000000000000000000000000000000000"),
            ([0xff; 32], "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"),
            ([0x5a; 32], "LQNUGZHT5u543eF8cvF8tKdPlcVkNSYQAq1KIqZ6f74"),
            (counting, "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf"),
        ] {
            assert_eq!(base62(&bytes, BODY).as_str(), digits);
        }
        assert_eq!(base62(&[0xff; 4], CHECK).as_str(), "4gfFC3");
    }

    #[test]
    fn a_changed_letter_is_garbage() {
        let text = Opaque::new(Kind::Refresh, &[7; 32]).expose().to_owned();
        for place in 6..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'a' { b'b' } else { b'a' };
            assert_eq!(Opaque::parse(Kind::Refresh, &String::from_utf8(changed).unwrap()), None);
        }
        assert_eq!(Opaque::parse(Kind::Refresh, "dw_rt_é"), None);
    }
}
