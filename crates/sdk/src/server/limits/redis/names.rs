//! What counters are called in Redis. Names can be read back, and none can pose as another: whatever somebody
//! is called, colons and everything else that means something are written as escapes.

use doorward_judge::limit::By;

use crate::server::limits::{Key, Kind};

/// The names under one prefix. The braces keep all of them in one slot of a cluster, where a script may reach
/// them together.
pub(super) struct Names(String);

impl Names {
    pub(super) fn of(name: &str) -> Self {
        Self(format!("{{doorward:{}}}:", escaped(name)))
    }

    pub(super) fn probe(&self) -> String {
        format!("{}probe", self.0)
    }

    /// Matches every counter; no escape and no prefix has what a pattern gives a meaning to.
    pub(super) fn pattern(&self) -> String {
        format!("{}*:*:*:*:*", self.0)
    }

    pub(super) fn of_key(&self, key: &Key) -> String {
        let Key { kind, route, place, by, who } = key;
        let (kind, by, route, who) = (kind.name(), by.name(), escaped(route), escaped(who));
        format!("{}{kind}:{by}:{place}:{route}:{who}", self.0)
    }

    pub(super) fn read(&self, name: &str) -> Option<Key> {
        let mut parts = name.strip_prefix(&self.0)?.split(':');
        let (kind, by, place) = (parts.next()?, parts.next()?, parts.next()?);
        let key = Key {
            kind: Kind::ALL.into_iter().find(|known| known.name() == kind)?,
            by: By::ALL.into_iter().find(|known| known.name() == by)?,
            place: place.parse().ok()?,
            route: plain(parts.next()?)?,
            who: plain(parts.next()?)?,
        };
        parts.next().is_none().then_some(key)
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'@' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

fn plain(escaped: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_none_poses_as_another() {
        let names = Names::of("https://id.example");
        for (route, who) in
            [("reports", "ada"), ("", "2001:db8::/64"), ("a:b", "*?[x]^%3A"), ("ü", "x\n y@z")]
        {
            let key = Key {
                kind: Kind::Quota,
                route: route.to_owned(),
                place: 3,
                by: By::Organisation,
                who: who.to_owned(),
            };
            let name = names.of_key(&key);
            assert!(name.starts_with("{doorward:https%3A%2F%2Fid.example}:quota:organisation:3:"), "{name}");
            assert_eq!(name.matches(':').count(), 6, "{name}");
            assert_eq!(names.read(&name), Some(key));
        }
        for name in ["", "x", "{doorward:https%3A%2F%2Fid.example}:probe", "{doorward:other}:rate:route:0:a:"]
        {
            assert_eq!(names.read(name), None, "{name}");
        }
    }
}
