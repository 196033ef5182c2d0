//! The trace that a request belongs to (W3C Trace Context, `traceparent`).
//!
//! A header that is not in the right form is left out, as the specification asks: a trace then begins
//! elsewhere. `tracestate` goes on with it as it came where requests are sent on, and nowhere else.

use std::{fmt, str::FromStr};

/// A `traceparent`: which trace, which step of it, and whether it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace: [u8; 16],
    step: [u8; 8],
    flags: u8,
}

/// Not in the form of Trace Context 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent")]
pub struct BadTraceParent;

impl TraceParent {
    /// The trace's id as it is written.
    pub fn trace_id(&self) -> String {
        hex(&self.trace)
    }

    /// The same trace with another step: what is asked of the next one. Only the flags that version 00
    /// knows (sampled) go on.
    #[must_use]
    pub const fn step(&self, step: [u8; 8]) -> Self {
        Self { step, flags: self.flags & 1, ..*self }
    }
}

impl FromStr for TraceParent {
    type Err = BadTraceParent;

    /// Version 00 exactly; a later version may have more behind what is known.
    fn from_str(text: &str) -> Result<Self, BadTraceParent> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(BadTraceParent);
        let [version] = bytes::<1>(next()?)?;
        let (trace, step, [flags]) = (bytes(next()?)?, bytes(next()?)?, bytes::<1>(next()?)?);
        let is_known = version != 0xff && (version != 0 || parts.next().is_none());
        if !is_known || trace == [0; 16] || step == [0; 8] {
            return Err(BadTraceParent);
        }
        Ok(Self { trace, step, flags })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", hex(&self.trace), hex(&self.step), self.flags)
    }
}

/// At most as many members (Trace Context 3.3.1.1).
const MEMBERS: usize = 32;

/// Whether these lines are a `tracestate`: `key=value` with commas between them, no key twice.
pub fn is_trace_state<'l>(lines: impl Iterator<Item = &'l str>) -> bool {
    let mut keys = Vec::new();
    for member in lines.flat_map(|line| line.split(',')).map(|member| member.trim_matches([' ', '\t'])) {
        if member.is_empty() {
            continue;
        }
        let Some((key, value)) = member.split_once('=') else { return false };
        if !is_state_key(key) || !is_state_value(value) || keys.contains(&key) || keys.len() == MEMBERS {
            return false;
        }
        keys.push(key);
    }
    !keys.is_empty()
}

fn is_state_key(key: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    key.len() <= 256
        && key.bytes().next().is_some_and(is_letter)
        && key.bytes().all(|byte| is_letter(byte) || b"_-*/@".contains(&byte))
}

fn is_state_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=')
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Lower-case digits only.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], BadTraceParent> {
    let decoded = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| BadTraceParent)?;
    decoded.try_into().map_err(|_| BadTraceParent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_a_list_of_members() {
        let many = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        for (text, expect) in [
            ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true),
            ("rojo=1, congo=2 ,,\tx=3", true),
            ("tenant@system=a b/c;d", true),
            (&many(32), true),
            (&many(33), false),
            (&format!("k={}", "v".repeat(256)), true),
            (&format!("k={}", "v".repeat(257)), false),
            (&format!("{}=v", "k".repeat(257)), false),
            ("", false),
            (",", false),
            ("rojo", false),
            ("rojo=", false),
            ("=1", false),
            ("Rojo=1", false),
            ("ro jo=1", false),
            ("rojo=1=2", false),
            ("rojo=1,rojo=2", false),
            ("rojo=\u{e9}", false),
        ] {
            assert_eq!(is_trace_state([text].into_iter()), expect, "{text}");
        }
        assert!(is_trace_state(["a=1", "b=2"].into_iter()));
        assert!(!is_trace_state(["a=1", "a=2"].into_iter()));
    }

    #[test]
    fn only_a_well_formed_traceparent_is_followed() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let read: TraceParent = good.parse().unwrap();
        assert_eq!(read.to_string(), good);
        assert_eq!(read.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let next = read.step([1; 8]);
        assert_eq!(next.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0101010101010101-01");
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-more";
        let later: TraceParent = later.parse().unwrap();
        assert!(later.step([2; 8]).to_string().ends_with("-0202020202020202-01"));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(bad.parse::<TraceParent>(), Err(BadTraceParent), "{bad}");
        }
    }
}
