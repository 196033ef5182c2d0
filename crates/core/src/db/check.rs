//! Whether the database is whole: its pages, its references, its migrations.

use super::{
    Db, Engine, ReadTx, migrate,
    schema::{self, Reference, Table, ValueKind},
};
use crate::{args, outcome::Result};

impl Db {
    /// Says what is wrong with the database, a line each; nothing when it is whole.
    ///
    /// # Errors
    /// A fault when it cannot be read at all.
    pub async fn check(&self) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        if let Engine::Sqlite(sqlite) = &self.0.engine {
            let sqlite = sqlite.clone();
            wrong = tokio::task::spawn_blocking(move || sqlite.damage()).await??;
        }
        if wrong.is_empty() {
            let tables = schema::tables()?;
            wrong = self
                .scan("check", tables, |tx, tables| {
                    Box::pin(async move { inconsistencies(tx, tables).await })
                })
                .await?;
        }
        Ok(wrong)
    }
}

async fn inconsistencies(tx: &mut ReadTx<'_>, tables: &[Table]) -> Result<Vec<String>> {
    let applied = migrate::applied(tx).await?;
    let known = migrate::known();
    if applied != known {
        // An older one is whole in its own way; opening it brings it up.
        if !applied.is_empty() && known.starts_with(&applied) {
            return Ok(Vec::new());
        }
        return Ok(vec!["the migrations that were applied are not those of this program".to_owned()]);
    }
    let mut wrong = Vec::new();
    for table in tables {
        for reference in &table.references {
            let Reference { column, table: other, to } = reference;
            let name = &table.name;
            let sql = format!(
                "SELECT CAST(COUNT(*) AS BIGINT) FROM {name} LEFT JOIN {other} parent ON parent.{to} = {name}.{column}
                 WHERE {name}.{column} IS NOT NULL AND parent.{to} IS NULL"
            );
            let astray = tx.all_with(&sql, args![], |row| row.int(0)).await?;
            if astray != [0] {
                wrong.push(format!("{name}.{column}: rows that refer to no {other}: {astray:?}"));
            }
        }
    }
    Ok(wrong)
}

/// The columns that hold a value which begins with these bytes.
///
/// # Errors
/// A fault when they cannot be read.
pub(crate) async fn columns_with(tx: &mut ReadTx<'_>, prefix: &[u8]) -> Result<Vec<String>> {
    let length = prefix.len();
    let mut found = Vec::new();
    for table in schema::tables()? {
        for column in table.columns.iter().filter(|column| column.kind == ValueKind::Bytes) {
            let (table, column) = (&table.name, &column.name);
            let sql = format!(
                "SELECT CAST(COUNT(*) AS BIGINT) FROM {table} WHERE substr({column}, 1, {length}) = $1"
            );
            if tx.all_with(&sql, args![prefix], |row| row.int(0)).await? != [0] {
                found.push(format!("{table}.{column}"));
            }
        }
    }
    Ok(found)
}

impl super::sqlite::Sqlite {
    /// What SQLite finds wrong with its own file.
    fn damage(&self) -> Result<Vec<String>> {
        self.with_reader(|connection| {
            let mut found = connection.prepare("PRAGMA integrity_check(20)")?;
            let lines = found.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        })
    }
}
