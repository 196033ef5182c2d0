//! Scopes (RFC 6749 3.3): a list of case-sensitive names with spaces between them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

const MAX_BYTES: usize = 8 * 1024;
const MAX_NAMES: usize = 200;

/// Scopes without repeats, in the order given. Two sets with the same names are equal.
#[derive(Clone, Default)]
pub struct ScopeSet {
    /// The names with one space between them: the form on the wire and in the database.
    text: String,
}

/// Not a list of scopes, or too long a one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid scope")]
pub struct BadScope;

/// Whether a text is one scope name: printable ASCII without space, quote and backslash.
pub fn is_scope_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl ScopeSet {
    /// No scope.
    pub const fn empty() -> Self {
        Self { text: String::new() }
    }

    /// From names; a repeated one counts once.
    pub fn from_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, BadScope> {
        let mut set = Self::empty();
        for (count, name) in names.into_iter().enumerate() {
            if !is_scope_name(name) || count == MAX_NAMES || set.text.len() + name.len() >= MAX_BYTES {
                return Err(BadScope);
            }
            if !set.contains(name) {
                set.push(name);
            }
        }
        Ok(set)
    }

    fn push(&mut self, name: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(name);
    }

    /// The names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.text.split(' ').filter(|name| !name.is_empty())
    }

    /// The form on the wire.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether a name is among them.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|own| own == name)
    }

    /// Whether every name of this set is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|name| other.contains(name))
    }

    /// The names that are also in the other set.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        self.retain(|name| other.contains(name))
    }

    /// The names that are not in the other set.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.retain(|name| !other.contains(name))
    }

    /// The names of both sets, this one's first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut set = self.clone();
        other.iter().filter(|name| !self.contains(name)).for_each(|name| set.push(name));
        set
    }

    /// The names for which the question is answered yes.
    #[must_use]
    pub fn retain(&self, keep: impl Fn(&str) -> bool) -> Self {
        let mut set = Self::empty();
        self.iter().filter(|name| keep(name)).for_each(|name| set.push(name));
        set
    }
}

impl FromStr for ScopeSet {
    type Err = BadScope;

    /// Spaces at the ends and doubled ones are forgiven: they cannot change what is meant.
    fn from_str(text: &str) -> Result<Self, BadScope> {
        if text.len() > MAX_BYTES {
            return Err(BadScope);
        }
        Self::from_names(text.split(' ').filter(|name| !name.is_empty()))
    }
}

impl PartialEq for ScopeSet {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || (self.is_subset(other) && other.is_subset(self))
    }
}
impl Eq for ScopeSet {}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
