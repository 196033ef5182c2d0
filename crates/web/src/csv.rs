//! Comma-separated values (RFC 4180) that a spreadsheet takes for what they are.

use std::fmt::Write as _;

/// What such an answer is.
pub(crate) const TYPE: &str = "text/csv; charset=utf-8; header=present";

/// Adds a line.
pub(crate) fn line<'f>(text: &mut String, fields: impl IntoIterator<Item = &'f str>) {
    for (place, field) in fields.into_iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        // Writing to a text does not fail.
        let _ = write!(text, "{comma}{}", cell(field));
    }
    text.push_str("\r\n");
}

/// What stands between fields where a comma does not: a spreadsheet may take it for the beginning of another,
/// quoted or not.
const BETWEEN: [char; 4] = [';', '\t', '\r', '\n'];

/// A field that a spreadsheet takes for text: what begins like a formula is written with an apostrophe in
/// front, also after whatever may begin another field.
fn cell(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    if field.starts_with(['\t', '\r']) {
        text.push('\'');
    }
    for part in field.split_inclusive(BETWEEN) {
        if part.trim_start_matches([' ', '"']).starts_with(['=', '+', '-', '@']) {
            text.push('\'');
        }
        text.push_str(part);
    }
    let is_quoted = text.contains([',', '"']) || text.contains(BETWEEN);
    if is_quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing() {
        for (given, kept) in [
            ("nightly", "nightly"),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-1,2", "\"'-1,2\""),
            ("two\nlines", "\"two\nlines\""),
            ("a;=1+1", "\"a;'=1+1\""),
            ("a;b", "\"a;b\""),
            ("a\t@SUM(A1)", "\"a\t'@SUM(A1)\""),
            ("a\r\n-1", "\"a\r\n'-1\""),
            ("a;\"=1\"", "\"a;'\"\"=1\"\"\""),
            ("a=1-1", "a=1-1"),
        ] {
            assert_eq!(cell(given), kept, "{given}");
        }
        let mut text = String::new();
        line(&mut text, ["a", "", "b,c"]);
        assert_eq!(text, "a,,\"b,c\"\r\n");
    }
}
