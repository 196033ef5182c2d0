//! Many rows at once: COPY on PostgreSQL, a prepared INSERT per row on SQLite, in operations short
//! enough that other writers hardly wait. For seeding and import.

use std::sync::Arc;

use super::{Db, Tx, Value, tx::On};
use crate::outcome::Result;

/// Rows in one operation.
const AT_ONCE: usize = 500;

/// Where rows go. Names are constants of ours or come from the schema, never from outside.
#[derive(Debug, Clone)]
pub struct Into {
    table: String,
    columns: String,
    insert: String,
}

impl Into {
    /// Rows for these columns of a table.
    pub fn new(table: &str, columns: &[&str]) -> Self {
        let places: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
        let (places, columns) = (places.join(", "), columns.join(", "));
        let insert = format!("INSERT INTO {table} ({columns}) VALUES ({places})");
        Self { table: table.to_owned(), columns, insert }
    }
}

impl Tx<'_> {
    /// Inserts rows of one table. A row that is there already is a fault.
    pub async fn bulk(&mut self, into: &Into, rows: &[Vec<Value<'_>>]) -> Result<()> {
        if let On::Postgres(session) = self.engine()
            && session.may_copy()
        {
            let copied = session
                .copy(&format!("COPY {} ({}) FROM STDIN BINARY", into.table, into.columns), rows)
                .await;
            return self.ended(copied);
        }
        self.exec_rows(&into.insert, rows).await.map(|_| ())
    }
}

impl Db {
    /// Inserts many rows of one table. Each 500 of them are there or not as a whole; on a fault, those
    /// before it stay.
    pub async fn bulk(&self, name: &'static str, into: Into, rows: Vec<Vec<Value<'static>>>) -> Result<()> {
        let into = Arc::new(into);
        let mut rows = rows.into_iter();
        loop {
            let some: Vec<_> = rows.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.write(name, (Arc::clone(&into), some), |tx, (into, rows)| {
                Box::pin(async move { tx.bulk(into, rows).await })
            })
            .await?;
        }
    }
}
