//! The logical schema: what the migrations make, read from an empty database in memory. It is the same
//! for both engines (`cargo xtask sql` sees to that), so archives and checks go by it.

use rusqlite::Connection;

use super::{EngineName, migrate};
use crate::outcome::{Error, Result};

/// Which of the three kinds of value a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// A whole number or a time.
    Int,
    /// A text or an id.
    Text,
    /// Bytes.
    Bytes,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ValueKind,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// A column that names a row of another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The column here.
    pub column: String,
    /// The table there.
    pub table: String,
    /// The column there.
    pub to: String,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in order.
    pub key: Vec<String>,
    /// Whether the engine counts that key up as rows arrive.
    pub is_numbered: bool,
    /// What it refers to.
    pub references: Vec<Reference>,
    /// Other columns that no two rows share the values of.
    pub unique: Vec<Vec<String>>,
}

impl Table {
    /// The names of the columns, as a statement lists them.
    pub fn column_list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }
}

/// An empty database in memory as the migrations leave it.
pub fn scratch() -> Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(&migrate::bookkeeping(EngineName::Sqlite))?;
    for step in migrate::ALL {
        connection.execute_batch(&migrate::text_for(EngineName::Sqlite, step.text))?;
    }
    Ok(connection)
}

/// Every table, each after those that it refers to.
///
/// # Errors
/// A fault when the migrations do not run or tables refer to each other in a circle.
pub fn tables() -> Result<Vec<Table>> {
    let connection = scratch()?;
    let mut names =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let names = names.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let mut waiting = Vec::new();
    for name in names.into_iter().filter(|name| !name.starts_with("sqlite_")) {
        waiting.push(table(&connection, name)?);
    }
    let mut sorted: Vec<Table> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_ready = |table: &Table| {
            let known = |name: &str| name == table.name || sorted.iter().any(|before| before.name == name);
            table.references.iter().all(|reference| known(&reference.table))
        };
        let (mut ready, later): (Vec<Table>, Vec<Table>) = waiting.into_iter().partition(is_ready);
        if ready.is_empty() {
            return Err(Error::fault("tables refer to each other in a circle"));
        }
        sorted.append(&mut ready);
        waiting = later;
    }
    Ok(sorted)
}

fn table(connection: &Connection, name: String) -> Result<Table> {
    let mut columns = Vec::new();
    let mut key = Vec::new();
    let mut found =
        connection.prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info($1) ORDER BY cid")?;
    let mut rows = found.query([&name])?;
    while let Some(row) = rows.next()? {
        let (column, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let (not_null, place): (bool, i64) = (row.get(2)?, row.get(3)?);
        if place > 0 {
            key.push((place, column.clone()));
        }
        let kind = match kind.as_str() {
            "INTEGER" => ValueKind::Int,
            "TEXT" => ValueKind::Text,
            "BLOB" => ValueKind::Bytes,
            other => return Err(Error::fault(format!("{name}.{column} has the type {other}"))),
        };
        columns.push(Column { name: column, kind, nullable: !not_null && place == 0 });
    }
    key.sort();
    let mut found = connection
        .prepare("SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list($1) ORDER BY id, seq")?;
    let references = found
        .query_map([&name], |row| Ok(Reference { column: row.get(0)?, table: row.get(1)?, to: row.get(2)? }))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut found = connection.prepare(
        "SELECT i.name, x.name FROM pragma_index_list($1) i JOIN pragma_index_info(i.name) x
        WHERE i.\"unique\" AND i.origin <> 'pk' ORDER BY i.seq DESC, x.seqno",
    )?;
    let mut unique: Vec<(String, Vec<String>)> = Vec::new();
    let mut rows = found.query([&name])?;
    while let Some(row) = rows.next()? {
        let (index, column): (String, String) = (row.get(0)?, row.get(1)?);
        match unique.last_mut() {
            Some((last, columns)) if *last == index => columns.push(column),
            _ => unique.push((index, vec![column])),
        }
    }
    let unique = unique.into_iter().map(|(_, columns)| columns).collect();
    let key = key.into_iter().map(|(_, column)| column).collect();
    let is_numbered = migrate::is_numbered(&name);
    Ok(Table { name, columns, key, is_numbered, references, unique })
}
