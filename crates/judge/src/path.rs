//! One way to read a path, so that what is decided on is what is forwarded.
//!
//! Two servers that read `/a/%2e%2e/admin`, `//admin`, `/a;x/admin` or `/a%2fadmin` differently let one of
//! them be asked for something else than the other has allowed. A path that can be read in more than one way
//! is therefore refused, not repaired; what is left has one normal form (RFC 3986 6.2.2): letters and other
//! unreserved characters stand for themselves, and escapes are in upper case.

use std::fmt;

/// The longest path.
pub const LONGEST: usize = 8 * 1024;

/// A path in its normal form. It begins with a slash and has no query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NormalPath(String);

/// Why a path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trick {
    /// Longer than [`LONGEST`].
    #[error("the path is too long")]
    TooLong,
    /// Not a path at all: empty, or an address with a host.
    #[error("the path does not begin with a slash")]
    NoPath,
    /// Characters that must be escaped, or that readers drop: spaces, controls, `\`, `#`, letters beyond ASCII.
    #[error("the path holds a character that must be escaped")]
    Character,
    /// A percent sign that escapes nothing.
    #[error("the path holds a broken escape")]
    Escape,
    /// An escape whose meaning depends on who reads it first: a slash, a backslash, a control, or an escape.
    #[error("the path holds an escaped slash, backslash, control or escape")]
    Hidden,
    /// `.`, `..` or nothing between two slashes.
    #[error("the path holds a dot segment or an empty one")]
    Segment,
    /// `;`, after which some servers stop reading a segment.
    #[error("the path holds a parameter")]
    Parameter,
}

impl NormalPath {
    /// Reads the path of a request target: up to the first question mark.
    ///
    /// # Errors
    /// The [`Trick`] by which it could be read in another way.
    pub fn read(target: &str) -> Result<Self, Trick> {
        let path = target.split('?').next().unwrap_or_default();
        if path.len() > LONGEST {
            return Err(Trick::TooLong);
        }
        if !path.starts_with('/') {
            return Err(Trick::NoPath);
        }
        let normal = normal(path.as_bytes())?;
        let mut segments = normal.split('/').skip(1).peekable();
        while let Some(segment) = segments.next() {
            let is_last = segments.peek().is_none();
            if matches!(segment, "." | "..") || (segment.is_empty() && !is_last) {
                return Err(Trick::Segment);
            }
        }
        Ok(Self(normal))
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands between the slashes; the last one is empty when the path ends with a slash.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }
}

impl fmt::Display for NormalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn normal(path: &[u8]) -> Result<String, Trick> {
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let [high, low, after @ ..] = rest else { return Err(Trick::Escape) };
                let byte = hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4) | low);
                rest = after;
                escaped(byte.ok_or(Trick::Escape)?, &mut normal)?;
            }
            b';' => return Err(Trick::Parameter),
            b'\\' | b'#' => return Err(Trick::Character),
            0x21..=0x7e => normal.push(char::from(*byte)),
            _ => return Err(Trick::Character),
        }
    }
    check_escapes(normal)
}

/// Looked at when everything is in its place: what is an escape of an escape may be one only by what the
/// letters after it stand for.
fn check_escapes(normal: String) -> Result<String, Trick> {
    let mut bytes = Vec::with_capacity(normal.len());
    let mut rest = normal.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..]) => {
                let byte = hex(*high).zip(hex(*low)).map_or(b'%', |(high, low)| (high << 4) | low);
                if byte == b'%'
                    && matches!(after, [high, low, ..] if hex(*high).is_some() && hex(*low).is_some())
                {
                    return Err(Trick::Hidden);
                }
                bytes.push(byte);
                rest = after;
            }
            _ => bytes.push(*byte),
        }
    }
    // Overlong forms of a dot or a slash are read as one by those who do not look.
    std::str::from_utf8(&bytes).map_err(|_| Trick::Escape)?;
    Ok(normal)
}

fn escaped(byte: u8, normal: &mut String) -> Result<(), Trick> {
    match byte {
        b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => normal.push(char::from(byte)),
        b'/' | b'\\' | 0..=0x1f | 0x7f => return Err(Trick::Hidden),
        b';' => return Err(Trick::Parameter),
        _ => normal.push_str(&format!("%{byte:02X}")),
    }
    Ok(())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
