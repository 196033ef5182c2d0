//! Finding statements: the literals of `sql.rs` files, with the comments above them.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

const VERBS: [&str; 5] = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH "];

/// One statement in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// `path:line`.
    pub(super) place: String,
    pub(super) text: String,
    /// It says why it may scan a table that grows.
    pub(super) may_scan: bool,
    /// It says why it may sort what it takes the first rows of.
    pub(super) may_sort: bool,
    /// It says why it binds no organisation.
    pub(super) crosses_orgs: bool,
}

/// The statements of every `sql.rs` below `folder`.
pub(super) fn statements(folder: &Path) -> Result<Vec<Statement>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "sql.rs")
                || path.parent().and_then(Path::file_name).is_some_and(|name| name == "sql")
            {
                let text = fs::read_to_string(&path)?;
                found.extend(in_text(&path.display().to_string(), &text));
            }
        }
    }
    found.sort_by(|one, other| one.place.cmp(&other.place));
    Ok(found)
}

/// The statements of one file.
pub(super) fn in_text(path: &str, text: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    let (mut may_scan, mut may_sort, mut is_part, mut crosses_orgs) = (false, false, false, false);
    let mut rest = text.char_indices().peekable();
    while let Some((at, letter)) = rest.next() {
        match letter {
            '/' if text.get(at..).is_some_and(|rest| rest.starts_with("//")) => {
                let line: String =
                    text.get(at..).unwrap_or_default().lines().next().unwrap_or_default().into();
                may_scan |= line.starts_with("// scan: ");
                may_sort |= line.starts_with("// sort: ");
                is_part |= line.starts_with("// part: ");
                crosses_orgs |= line.starts_with("// every org: ");
                while rest.next_if(|(_, letter)| *letter != '\n').is_some() {}
            }
            '\'' if text.get(at..).is_some_and(|rest| rest.starts_with("'\"'")) => {
                rest.next();
                rest.next();
            }
            '"' => {
                let literal = literal(&mut rest);
                let line = text.get(..at).unwrap_or_default().lines().count().max(1);
                if VERBS.iter().any(|verb| literal.starts_with(verb)) && !is_part {
                    let place = format!("{path}:{line}");
                    found.push(Statement { place, text: literal, may_scan, may_sort, crosses_orgs });
                }
            }
            // A comment is for the one item below it.
            ';' | '}' => (may_scan, may_sort, is_part, crosses_orgs) = (false, false, false, false),
            _ => {}
        }
    }
    found
}

/// Reads to the end of a text literal whose quote has been read.
fn literal(rest: &mut std::iter::Peekable<std::str::CharIndices<'_>>) -> String {
    let mut text = String::new();
    while let Some((_, letter)) = rest.next() {
        match letter {
            '"' => break,
            '\\' => match rest.next() {
                Some((_, '\n')) => while rest.next_if(|(_, letter)| letter.is_whitespace()).is_some() {},
                Some((_, 'n')) => text.push('\n'),
                Some((_, other)) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    text
}
