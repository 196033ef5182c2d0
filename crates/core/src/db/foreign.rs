//! Rows of a SQLite file that another program wrote: read, and never written to.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OpenFlags, types::ValueRef};

use crate::outcome::{Code, Refusal, Result};

/// What the columns of a row say as texts, by their names.
pub type Cells = BTreeMap<String, Option<String>>;

/// Reads what a statement finds in the file. Such a statement may select every column: which there are
/// depends on the version of the other program.
///
/// # Errors
/// `RequestInvalid` when the file is no database, or not the one that the statement expects.
pub fn rows(path: &Path, statement: &'static str) -> Result<Vec<Cells>> {
    let found = all(path, statement);
    Ok(found.map_err(|error| {
        let hint = format!("{} cannot be read: {error}", path.display());
        Refusal::new(Code::RequestInvalid).field("path").hint(hint)
    })?)
}

fn all(path: &Path, statement: &'static str) -> rusqlite::Result<Vec<Cells>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags)?;
    let mut statement = file.prepare(statement)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new();
        for (place, name) in names.iter().enumerate() {
            cells.insert(name.clone(), text(row.get_ref(place)?));
        }
        all.push(cells);
    }
    Ok(all)
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}
