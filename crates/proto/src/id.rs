//! Typed, prefixed, time-ordered identifiers: `usr_` and 26 characters of lower-case base32.
//!
//! The first 48 bits are milliseconds since 1970, the other 80 are random. The alphabet is Crockford's,
//! in ASCII order, so that text order is time order in both databases. Ids are not secrets.

use std::{cmp::Ordering, fmt, hash::Hash, hash::Hasher, marker::PhantomData, str::FromStr};

use crate::time::Time;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;
/// The value of each letter of the alphabet by its byte; 255 for all others.
const VALUES: [u8; 256] = values();

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "run by the compiler only")]
const fn values() -> [u8; 256] {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
}

/// What an [`Id`] names. Implemented by the marker types of this module only.
pub trait Kind: 'static {
    /// The letters before the underscore.
    const PREFIX: &'static str;
}

/// An identifier of one kind; ids of two kinds do not mix.
pub struct Id<K> {
    bits: u128,
    kind: PhantomData<fn() -> K>,
}

/// The text is not an identifier of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0} identifier")]
pub struct NotAnId(&'static str);

impl<K: Kind> Id<K> {
    /// An id made at `now` from 80 random bits.
    pub fn new(now: Time, random: [u8; 10]) -> Self {
        let millis = u128::try_from(now.as_millis().max(0)).unwrap_or(0) & 0xffff_ffff_ffff;
        let low = random.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        Self { bits: (millis << 80) | low, kind: PhantomData }
    }

    /// When the id was made, to the millisecond.
    pub fn created_at(&self) -> Time {
        Time::from_millis(i64::try_from(self.bits >> 80).unwrap_or(0))
    }
}

/// How much of an epoch a token's name holds: what was issued 65,536 epochs ago is long over.
const EPOCH: u128 = 0xffff;

impl Id<Token> {
    /// This id with the epochs of the principal and of the client in place of its last 32 random bits.
    /// Whether a token was issued before an epoch moved is then told without comparing two clocks.
    #[must_use]
    pub fn under(self, principal: i64, client: i64) -> Self {
        let epochs = (low(principal) << 16) | low(client);
        Self { bits: (self.bits & !0xffff_ffff) | epochs, kind: PhantomData }
    }

    /// Whether it was issued under this epoch of its principal.
    pub fn is_under_principal(self, epoch: i64) -> bool {
        (self.bits >> 16) & EPOCH == low(epoch)
    }

    /// Whether it was issued under this epoch of its client.
    pub fn is_under_client(self, epoch: i64) -> bool {
        self.bits & EPOCH == low(epoch)
    }
}

fn low(epoch: i64) -> u128 {
    u128::from(epoch.unsigned_abs()) & EPOCH
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = [b'0'; LENGTH];
        let mut bits = self.bits;
        for letter in letters.iter_mut().rev() {
            let index = usize::try_from(bits & 31).unwrap_or(0);
            *letter = ALPHABET.get(index).copied().unwrap_or(b'0');
            bits >>= 5;
        }
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        f.write_str(std::str::from_utf8(&letters).map_err(|_| fmt::Error)?)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let refused = NotAnId(K::PREFIX);
        let body = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(refused)?;
        if body.len() != LENGTH || body.as_bytes().first().is_none_or(|first| *first > b'7') {
            return Err(refused);
        }
        let mut bits = 0_u128;
        for letter in body.bytes() {
            let value =
                VALUES.get(usize::from(letter)).copied().filter(|value| *value < 32).ok_or(refused)?;
            bits = (bits << 5) | u128::from(value);
        }
        Ok(Self { bits, kind: PhantomData })
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bits.cmp(&other.bits)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}
impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl<K: Kind> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
impl<'de, K: Kind> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal,)*) => {
        $($(#[$doc])* #[derive(Debug)] pub enum $name {}
        impl Kind for $name { const PREFIX: &'static str = $prefix; })*

        /// Every prefix in use; a name chosen by a person may not begin with one and an underscore.
        pub const PREFIXES: &[&str] = &[$($prefix),*];
    };
}

kinds! {
    /// A person.
    User = "usr",
    /// An organisation: the tenant.
    Org = "org",
    /// An application (OAuth client).
    Client = "cli",
    /// A protected resource.
    Api = "api",
    /// A role inside an organisation.
    Role = "rol",
    /// An AI agent.
    Agent = "agt",
    /// A person's permission for an agent to act.
    Delegation = "dlg",
    /// An amount that may be spent.
    Budget = "bud",
    /// A part of a budget held for one operation.
    Reservation = "rsv",
    /// A part of an organisation.
    Workspace = "ws",
    /// Where a custom claim comes from.
    ClaimMapping = "clm",
    /// An invitation to an organisation.
    Invitation = "inv",
    /// A signed-in session.
    Session = "ses",
    /// A service token.
    ServiceToken = "tok",
    /// A signing key.
    Key = "key",
    /// A personal key or an API key.
    ApiKey = "apk",
    /// What one of something costs.
    Price = "prc",
    /// A gateway route.
    Route = "rte",
    /// A stored upstream secret.
    StoredSecret = "sec",
    /// An upstream identity provider.
    Provider = "prv",
    /// An audit event.
    Event = "evt",
    /// A grant: what one principal allowed one client, and the family of every token made from it.
    Grant = "grt",
    /// An authorization in progress.
    Draft = "drf",
    /// A browser: the holder of one cookie and of several signed-in sessions.
    Browser = "brw",
    /// A mail in the outbox.
    Mail = "eml",
    /// An announcement.
    Announcement = "ann",
    /// A piece of background work.
    Job = "job",
    /// A token's own name (`jti`).
    Token = "jti",
}

#[cfg(test)]
mod tests;
