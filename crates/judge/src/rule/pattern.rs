//! Which hosts and paths a rule is for.

use crate::{host, path::NormalPath};

/// A host, or all hosts below one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPattern {
    name: String,
    is_below: bool,
}

impl HostPattern {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let (name, is_below) = match lower.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (lower.as_str(), false),
        };
        match host::name(name).filter(|read| read == name) {
            Some(name) => Ok(Self { name, is_below }),
            None => {
                Err(format!("`{text}` is no host; write app.example.com or *.example.com, without a port"))
            }
        }
    }

    /// Whether it is this one host, and not a pattern that it falls under.
    pub(super) fn names(&self, host: &str) -> bool {
        !self.is_below && self.name == host
    }

    /// How specifically it matches a name, as [`host::name`] reads it.
    pub(super) fn matches(&self, host: &str) -> Option<Vec<u8>> {
        if self.is_below {
            let matches =
                host.strip_suffix(&self.name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
            // The longer the name below which everything counts, the more is said.
            let length = u8::try_from(self.name.len()).unwrap_or(u8::MAX - 1).min(u8::MAX - 1);
            matches.then(|| vec![length])
        } else {
            (host == self.name).then(|| vec![u8::MAX])
        }
    }
}

/// A path whose segments are words, anything, or everything that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathPattern {
    segments: Vec<Segment>,
    has_tail: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Word(String),
    Any,
}

/// Ranks of what a segment matches: a word says more than anything, which says more than everything.
const EVERYTHING: u8 = 0;
const ANYTHING: u8 = 1;
const WORD: u8 = 2;
const END: u8 = 3;

impl PathPattern {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (path, has_tail) = match text.strip_suffix("/**") {
            Some("") => ("/", true),
            Some(path) => (path, true),
            None => (text, false),
        };
        let normal = NormalPath::read(path).map_err(|trick| format!("`{text}`: {trick}"))?;
        let mut segments: Vec<Segment> = normal
            .segments()
            .map(|segment| if segment == "*" { Segment::Any } else { Segment::Word(segment.to_owned()) })
            .collect();
        if path == "/" && has_tail {
            segments.clear();
        }
        let is_odd = |segment: &Segment| matches!(segment, Segment::Word(word) if word.contains('*'));
        if segments.iter().any(is_odd) {
            return Err(format!(
                "`{text}`: a star stands alone between two slashes, and two of them at the end"
            ));
        }
        Ok(Self { segments, has_tail })
    }

    pub(super) fn matches(&self, path: &NormalPath) -> Option<Vec<u8>> {
        let mut rank = Vec::with_capacity(self.segments.len() + 1);
        let mut given = path.segments();
        for wanted in &self.segments {
            let segment = given.next()?;
            rank.push(match wanted {
                Segment::Word(word) if word == segment => WORD,
                Segment::Any if !segment.is_empty() => ANYTHING,
                _ => return None,
            });
        }
        match (self.has_tail, given.next()) {
            (false, Some(_)) => None,
            (false, None) => {
                rank.push(END);
                Some(rank)
            }
            (true, _) => {
                rank.push(EVERYTHING);
                Some(rank)
            }
        }
    }
}
