//! Records one at a time, as they come: for lists that go on.

use serde_json::Value as Json;

use super::{Format, columns, markdown, row, yaml};

/// Prints what comes; remembers how wide the columns have become.
pub(crate) struct Lines {
    format: Format,
    area: String,
    columns: Vec<String>,
    widths: Vec<usize>,
}

impl Lines {
    /// Nothing has come yet.
    pub(crate) fn new(format: Format, area: &str) -> Self {
        Self { format, area: area.to_owned(), columns: Vec::new(), widths: Vec::new() }
    }

    /// The record as a line of a table, a line of JSON, a YAML document, or a row of Markdown; the first
    /// comes with its header.
    pub(crate) fn next(&mut self, record: &Json) -> String {
        let is_first = self.columns.is_empty();
        if is_first {
            self.columns = columns(&self.area, std::slice::from_ref(record));
        }
        let cells = row(&self.columns, record);
        match self.format {
            Format::Json => format!("{record}\n"),
            Format::Yaml => {
                let mut out = String::new();
                yaml(record, 0, &mut out);
                format!("---{out}\n")
            }
            Format::Markdown => {
                let whole = markdown(&self.columns, std::iter::once(cells));
                if is_first { whole } else { whole.lines().last().unwrap_or_default().to_owned() + "\n" }
            }
            Format::Table => {
                let mut line = String::new();
                if is_first {
                    let names = self.columns.iter().map(|name| name.replace('_', " ").to_uppercase());
                    let names: Vec<String> = names.collect();
                    line = self.padded(&names);
                }
                line + &self.padded(&cells)
            }
        }
    }

    fn padded(&mut self, cells: &[String]) -> String {
        self.widths.resize(cells.len(), 0);
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&mut self.widths) {
            *width = cell.chars().count().max(*width);
            line.push_str(&format!("{cell:width$}  ", width = *width));
        }
        line.trim_end().to_owned() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_header_comes_once_and_columns_stay_below_each_other() {
        let first = json!({ "at": "t1", "code": "a.long_code", "outcome": "granted" });
        let second = json!({ "at": "t2", "code": "b", "outcome": "granted" });
        let mut lines = Lines::new(Format::Table, "audit");
        assert_eq!(lines.next(&first), "AT  CODE  OUTCOME\nt1  a.long_code  granted\n");
        assert_eq!(lines.next(&second), "t2  b            granted\n");
        let mut lines = Lines::new(Format::Markdown, "audit");
        assert!(lines.next(&first).starts_with("| at | code | outcome |\n| --- |"));
        assert_eq!(lines.next(&second), "| t2 | b | granted |\n");
        let mut lines = Lines::new(Format::Json, "audit");
        assert_eq!(serde_json::from_str::<Json>(&lines.next(&first)).unwrap(), first);
        let mut lines = Lines::new(Format::Yaml, "audit");
        assert_eq!(lines.next(&second), "---\nat: t2\ncode: b\noutcome: granted\n");
    }
}
