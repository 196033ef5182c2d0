//! A form with files beside its fields (`multipart/form-data`, RFC 7578, as browsers send it).
//!
//! Read in memory, from a body whose length somebody else has bounded. Strict: what a browser does not send
//! (nothing before the first boundary, a part without a name, text that is not UTF-8) is refused rather than
//! guessed at.

use std::str;

use memchr::memmem;

/// The most parts of a form.
const MOST_PARTS: usize = 64;
/// The most bytes of a part's headers.
const LONGEST_HEAD: usize = 2048;
/// The most letters of a boundary (RFC 2046 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// The body is no such form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a well-formed multipart form")]
pub struct MultipartError;

/// One part of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'b> {
    /// The name of the field.
    pub name: String,
    /// Whether it is a file: its name says nothing that could be believed, and is not kept.
    pub is_file: bool,
    /// What it holds.
    pub bytes: &'b [u8],
}

impl Part<'_> {
    /// What a field holds that is no file.
    ///
    /// # Errors
    /// For what is not UTF-8, or has a zero byte, which no database text can hold.
    pub fn text(&self) -> Result<&str, MultipartError> {
        str::from_utf8(self.bytes).ok().filter(|text| !text.contains('\0')).ok_or(MultipartError)
    }
}

/// Whether a body of this `Content-Type` is such a form.
pub fn is_multipart(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// Takes a body of this `Content-Type` apart.
///
/// # Errors
/// For whatever no browser sends.
pub fn parse<'b>(content_type: &str, body: &'b [u8]) -> Result<Vec<Part<'b>>, MultipartError> {
    let boundary = boundary(content_type).ok_or(MultipartError)?;
    let between = format!("\r\n--{boundary}");
    let first = between.as_bytes().get(2..).unwrap_or_default();
    let mut rest = body.strip_prefix(first).ok_or(MultipartError)?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n").ok_or(MultipartError)?;
        let end = memmem::find(part, between.as_bytes()).ok_or(MultipartError)?;
        let (part, after) = part.split_at(end);
        if parts.len() == MOST_PARTS {
            return Err(MultipartError);
        }
        parts.push(one(part)?);
        rest = after.get(between.len()..).unwrap_or_default();
    }
    Ok(parts)
}

/// The `boundary` parameter: a token, or a quoted string without escapes.
fn boundary(content_type: &str) -> Option<&str> {
    if !is_multipart(content_type) {
        return None;
    }
    let found = parameter(content_type, "boundary")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(c);
    let fits = (1..=LONGEST_BOUNDARY).contains(&found.len()) && found.chars().all(is_plain);
    (fits && !found.ends_with(' ')).then_some(found)
}

/// A parameter of a header. A browser escapes quotes in its names otherwise (`%22`), so that a quoted string
/// ends at the next quote.
fn parameter<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (key, value) = rest.split_once('=')?;
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.find(';').map_or((value.trim_end(), ""), |end| value.split_at(end)),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after.trim_start().strip_prefix(';')?;
    }
}

fn one(part: &[u8]) -> Result<Part<'_>, MultipartError> {
    let end = memmem::find(part, b"\r\n\r\n").filter(|end| *end <= LONGEST_HEAD).ok_or(MultipartError)?;
    let (head, bytes) = part.split_at(end);
    let head = str::from_utf8(head).map_err(|_| MultipartError)?;
    let bytes = bytes.get(4..).unwrap_or_default();
    let mut dispositions = head.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value.trim())
    });
    let (Some(value), None) = (dispositions.next(), dispositions.next()) else { return Err(MultipartError) };
    let kind = value.split(';').next().unwrap_or_default();
    let name = parameter(value, "name").filter(|name| !name.is_empty()).ok_or(MultipartError)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") || name.chars().any(char::is_control) {
        return Err(MultipartError);
    }
    Ok(Part { name: name.to_owned(), is_file: parameter(value, "filename").is_some(), bytes })
}

#[cfg(test)]
mod tests;
