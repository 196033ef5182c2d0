//! Lists for a spreadsheet: comma-separated values (RFC 4180) in which nothing is a formula.

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use doorward_core::{
    outcome::Result,
    page::{Page, PageAsk},
};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
};

use super::list::Asked;

/// What one read of an export takes.
pub const BATCH: u32 = 500;
/// Rows of an export at the most.
pub const MOST: usize = 100_000;

/// Such a file in the making.
#[derive(Debug)]
pub struct Sheet {
    columns: usize,
    text: String,
}

impl Sheet {
    /// With these columns.
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.len(), text: format!("{}\r\n", columns.join(",")) }
    }

    /// Adds a line.
    pub fn line(&mut self, fields: &[String]) {
        for (place, field) in fields.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let _ = write!(self.text, "{comma}{}", cell(field));
        }
        self.text.push_str("\r\n");
    }

    /// Says in a last line that there would be more.
    pub fn cut(&mut self) {
        let what = "The export ends here: it has";
        let rest = "rows at the most. Narrow the list down for the rest";
        let _ = write!(self.text, "{what} {MOST} {rest}{}\r\n", ",".repeat(self.columns - 1));
    }

    /// Fills it from pages of a list.
    ///
    /// # Errors
    /// What reading a page is refused with.
    pub async fn fill<T, F>(
        mut self,
        asked: &Asked,
        read: impl Fn(PageAsk) -> F,
        fields: impl Fn(&T) -> Vec<String>,
    ) -> Result<Self>
    where
        F: Future<Output = Result<Page<T>>>,
    {
        let mut after = None;
        for _ in 0..MOST / BATCH as usize {
            let found = read(asked.whole(after)).await?;
            for item in &found.items {
                self.line(&fields(item));
            }
            if found.next.is_none() {
                return Ok(self);
            }
            after = found.next;
        }
        self.cut();
        Ok(self)
    }

    /// The answer that is kept as a file of this name.
    pub fn answer(self, name: &str) -> Response {
        let place = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\""));
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
            (CONTENT_DISPOSITION, place.unwrap_or_else(|_| HeaderValue::from_static("attachment"))),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, self.text).into_response()
    }
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
    }

    #[test]
    fn an_export_that_is_cut_says_so() {
        let mut sheet = Sheet::new(&["name", "id", "status"]);
        sheet.cut();
        let last = sheet.text.lines().last().unwrap();
        assert!(last.starts_with("The export ends here: it has 100000 rows at the most."));
        assert_eq!(last.split(',').count(), 3);
    }
}
