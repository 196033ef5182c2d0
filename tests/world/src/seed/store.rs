//! Rows by the hundred thousand: past the product's own writer, into tables whose indexes are made after.

use std::{borrow::Cow, fmt::Write as _, io::Cursor, pin::pin};

use anyhow::{Context as _, Result};
use doorward_core::db::Place;
use futures_util::SinkExt as _;
use rusqlite::{
    Connection, params_from_iter,
    types::{ToSqlOutput, Value, ValueRef},
};
use tokio_postgres::{Client, NoTls, types::Type};

/// Bytes that are sent to PostgreSQL at once.
const CHUNK: usize = 1 << 18;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Text(Cow<'static, str>),
    Bytes(Vec<u8>),
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<doorward_proto::time::Time> for Cell {
    fn from(value: doorward_proto::time::Time) -> Self {
        Self::Int(value.as_micros())
    }
}

impl From<&'static str> for Cell {
    fn from(value: &'static str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl From<Vec<u8>> for Cell {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl rusqlite::ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// A row that the product itself has made: every other of its table is like it but for some columns.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) columns: Vec<String>,
    cells: Vec<Cell>,
}

impl Model {
    /// A row like it, with other values in these columns.
    pub(super) fn with(&self, changed: &[(&str, Cell)]) -> Vec<Cell> {
        let cells = self.columns.iter().zip(&self.cells).map(|(column, cell)| {
            let other = changed.iter().find(|(name, _)| name == column);
            other.map_or(cell, |(_, other)| other).clone()
        });
        cells.collect()
    }
}

/// A database as its driver opens it.
pub(super) enum Store {
    Sqlite(Connection),
    Postgres(Client),
}

impl Store {
    /// Opens what no server has open.
    pub(super) async fn open(place: &Place) -> Result<Self> {
        match place {
            Place::Sqlite(path) => {
                let connection = Connection::open(path)?;
                // Whoever pulls the plug now begins again.
                connection.execute_batch(
                    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
                    PRAGMA cache_size = -400000; PRAGMA locking_mode = EXCLUSIVE;",
                )?;
                Ok(Self::Sqlite(connection))
            }
            Place::Postgres(settings) => {
                let (client, connection) = tokio_postgres::connect(&settings.url, NoTls).await?;
                tokio::spawn(connection);
                client
                    .batch_execute(
                        "SET session_replication_role = replica; SET synchronous_commit = off;
                        SET maintenance_work_mem = '512MB'",
                    )
                    .await
                    .context("references are not checked row by row: that takes a superuser")?;
                Ok(Self::Postgres(client))
            }
        }
    }

    /// The one row that a condition finds, with all its columns.
    pub(super) async fn model(&self, table: &str, condition: &str) -> Result<Model> {
        let sql = format!("SELECT * FROM {table} WHERE {condition} LIMIT 1");
        let nothing = || format!("there is no {table} where {condition}");
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(&sql)?;
                let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
                let mut rows = statement.query([])?;
                let row = rows.next()?.with_context(nothing)?;
                let cells =
                    (0..columns.len()).map(|at| Ok(sqlite_cell(row.get(at)?))).collect::<Result<_>>()?;
                Ok(Model { columns, cells })
            }
            Self::Postgres(client) => {
                let row = client.query_opt(&sql, &[]).await?.with_context(nothing)?;
                let columns = row.columns().iter().map(|column| column.name().to_owned()).collect();
                let cells = (0..row.len()).map(|at| postgres_cell(&row, at)).collect::<Result<_>>()?;
                Ok(Model { columns, cells })
            }
        }
    }

    /// Takes every index away that is not a key; answers how each is made again.
    pub(super) async fn drop_indexes(&self) -> Result<Vec<String>> {
        let found: Vec<(String, String)> = match self {
            Self::Sqlite(connection) => connection
                .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?,
            Self::Postgres(client) => client
                .query(
                    "SELECT c.relname::text, pg_get_indexdef(c.oid) FROM pg_class c
                    JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'public' AND NOT c.relispartition
                        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid)",
                    &[],
                )
                .await?
                .iter()
                .map(|row| (row.get(0), row.get::<_, String>(1).replace(" ON ONLY ", " ON ")))
                .collect(),
        };
        let (names, made): (Vec<String>, Vec<String>) = found.into_iter().unzip();
        for name in names {
            self.run(&format!("DROP INDEX {name}")).await?;
        }
        Ok(made)
    }

    /// Runs a script.
    pub(super) async fn run(&self, script: &str) -> Result<()> {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(script)?,
            Self::Postgres(client) => client.batch_execute(script).await?,
        }
        Ok(())
    }

    /// Makes room for rows of these months where months are parts of a table.
    pub(super) async fn open_months(&self, tables: [&str; 2], months: &[i64]) -> Result<()> {
        if let Self::Postgres(client) = self {
            for (table, month) in
                tables.iter().flat_map(|table| months.iter().map(move |month| (table, month)))
            {
                let script = format!(
                    "CREATE TABLE IF NOT EXISTS {table}_{month} PARTITION OF {table} FOR VALUES IN ({month})"
                );
                client.batch_execute(&script).await?;
            }
        }
        Ok(())
    }

    /// Puts rows into a table; answers how many.
    pub(super) async fn load(
        &self,
        table: &str,
        columns: &[impl AsRef<str>],
        rows: impl Iterator<Item = Vec<Cell>>,
    ) -> Result<u64> {
        let names: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
        let loaded = match self {
            Self::Sqlite(connection) => into_sqlite(connection, table, &names, rows),
            Self::Postgres(client) => into_postgres(client, table, &names, rows).await,
        };
        loaded.with_context(|| format!("rows of {table}"))
    }

    /// Leaves it as a server finds it: with what its engine has learnt of the rows.
    pub(super) async fn close(self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => {
                connection.execute_batch("PRAGMA optimize = 0x10002; PRAGMA journal_mode = WAL;")?;
                connection.close().map_err(|(_, error)| error)?;
            }
            // What autovacuum does in its time.
            Self::Postgres(client) => client.batch_execute("VACUUM ANALYZE").await?,
        }
        Ok(())
    }
}

fn sqlite_cell(value: Value) -> Cell {
    match value {
        Value::Integer(number) => Cell::Int(number),
        Value::Text(text) => text.into(),
        Value::Blob(bytes) => bytes.into(),
        Value::Null | Value::Real(_) => Cell::Null,
    }
}

fn postgres_cell(row: &tokio_postgres::Row, at: usize) -> Result<Cell> {
    let kind = row.columns().get(at).map(tokio_postgres::Column::type_);
    Ok(match kind {
        Some(&Type::INT8) => row.try_get::<_, Option<i64>>(at)?.into(),
        Some(&Type::BYTEA) => row.try_get::<_, Option<Vec<u8>>>(at)?.into(),
        _ => row.try_get::<_, Option<String>>(at)?.into(),
    })
}

fn into_sqlite(
    connection: &Connection,
    table: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Cell>>,
) -> Result<u64> {
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
    let sql = format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", "));
    let transaction = connection.unchecked_transaction()?;
    let mut count = 0;
    {
        let mut insert = transaction.prepare(&sql)?;
        for row in rows {
            insert.execute(params_from_iter(row))?;
            count += 1;
        }
    }
    transaction.commit()?;
    Ok(count)
}

async fn into_postgres(
    client: &Client,
    table: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Cell>>,
) -> Result<u64> {
    let sink = client.copy_in(&format!("COPY {table} ({}) FROM STDIN", columns.join(", "))).await?;
    let mut sink = pin!(sink);
    let mut text = String::with_capacity(CHUNK + 4096);
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                text.push('\t');
            }
            copied(cell, &mut text)?;
        }
        text.push('\n');
        if text.len() >= CHUNK {
            let full = std::mem::replace(&mut text, String::with_capacity(CHUNK + 4096));
            sink.send(Cursor::new(full.into_bytes())).await?;
        }
    }
    sink.send(Cursor::new(text.into_bytes())).await?;
    Ok(sink.finish().await?)
}

/// The text format of COPY.
fn copied(cell: &Cell, to: &mut String) -> Result<()> {
    match cell {
        Cell::Null => to.push_str("\\N"),
        Cell::Int(number) => write!(to, "{number}")?,
        Cell::Text(text) => {
            for letter in text.chars() {
                match letter {
                    '\\' => to.push_str("\\\\"),
                    '\t' => to.push_str("\\t"),
                    '\n' => to.push_str("\\n"),
                    '\r' => to.push_str("\\r"),
                    other => to.push(other),
                }
            }
        }
        Cell::Bytes(bytes) => {
            to.push_str("\\\\x");
            data_encoding::HEXLOWER.encode_append(bytes, to);
        }
    }
    Ok(())
}
