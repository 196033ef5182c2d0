//! Which hosts and paths a rule is for.

use std::collections::BTreeSet;

use crate::{host, path::NormalPath, policy::Params};

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
            matches.then(|| self.rank())
        } else {
            (host == self.name).then(|| self.rank())
        }
    }

    /// How specific it is.
    pub(super) fn rank(&self) -> Vec<u8> {
        // The longer the name below which everything counts, the more is said.
        let length = u8::try_from(self.name.len()).unwrap_or(u8::MAX - 1).min(u8::MAX - 1);
        vec![if self.is_below { length } else { u8::MAX }]
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
    /// Anything, under a name.
    Named(String),
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
            .map(|segment| {
                let named = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                match (segment, named) {
                    ("*", _) => Segment::Any,
                    (_, Some(name)) => Segment::Named(name.to_owned()),
                    (word, None) => Segment::Word(word.to_owned()),
                }
            })
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
        let names: Vec<&String> = segments.iter().filter_map(Segment::name).collect();
        if let Some(name) = names.iter().find(|name| !is_name(name)) {
            return Err(format!("`{text}`: `{name}` is no name; write {{owner}}"));
        }
        if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
            return Err(format!("`{text}`: a name stands for one segment"));
        }
        Ok(Self { segments, has_tail })
    }

    /// What it calls the segments of a path that it matches, as they are meant.
    pub(super) fn params(&self, path: &NormalPath) -> Vec<(&str, String)> {
        let pairs = self.segments.iter().zip(path.segments());
        let named = pairs.filter_map(|(wanted, given)| Some((wanted.name()?.as_str(), decoded(given))));
        named.collect()
    }

    pub(super) fn matches(&self, path: &NormalPath) -> Option<Vec<u8>> {
        let mut given = path.segments();
        for wanted in &self.segments {
            let segment = given.next()?;
            match wanted {
                Segment::Word(word) if word == segment => {}
                Segment::Any | Segment::Named(_) if !segment.is_empty() => {}
                _ => return None,
            }
        }
        (self.has_tail || given.next().is_none()).then(|| self.rank())
    }

    /// How specific it is.
    pub(super) fn rank(&self) -> Vec<u8> {
        let segment = |wanted: &Segment| if matches!(wanted, Segment::Word(_)) { WORD } else { ANYTHING };
        let end = if self.has_tail { EVERYTHING } else { END };
        self.segments.iter().map(segment).chain([end]).collect()
    }
}

impl PathPattern {
    /// Whether both are for the same paths, whatever they call their segments.
    pub(super) fn is_for_the_same(&self, other: &Self) -> bool {
        let is_free = |segment: &Segment| !matches!(segment, Segment::Word(_));
        let mut pairs = self.segments.iter().zip(&other.segments);
        self.has_tail == other.has_tail
            && self.segments.len() == other.segments.len()
            && pairs.all(|(one, two)| one == two || (is_free(one) && is_free(two)))
    }
}

impl Segment {
    const fn name(&self) -> Option<&String> {
        match self {
            Self::Named(name) => Some(name),
            Self::Word(_) | Self::Any => None,
        }
    }
}

/// What can stand after a dot in a policy, and is no word of its language.
fn is_name(text: &str) -> bool {
    let reserved = ["if", "then", "else", "true", "false", "in", "is", "has", "like"];
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= 32
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && !reserved.contains(&text)
}

/// A segment without its escapes. A path in its normal form has none that hide anything.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escaped = match after {
            [high, low, ..] if *byte == b'%' => {
                let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok());
                digit(*high).zip(digit(*low)).map(|(high, low)| (high << 4) | low)
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| segment.to_owned())
}

/// The names in all patterns of a rule, and whether each is in every one of them.
pub(super) fn params(patterns: &[PathPattern]) -> Params {
    let names = |pattern: &PathPattern| -> BTreeSet<String> {
        pattern.segments.iter().filter_map(Segment::name).cloned().collect()
    };
    let all: BTreeSet<String> = patterns.iter().flat_map(names).collect();
    let is_certain = |name: &String| patterns.iter().all(|pattern| names(pattern).contains(name));
    all.into_iter().map(|name| (name.clone(), is_certain(&name))).collect()
}
