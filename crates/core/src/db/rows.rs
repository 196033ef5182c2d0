//! Rows of any table, by what the schema says of it: for backups, and for moving to another server.
//! Names of tables and columns come from the schema, never from outside.

use super::{ReadTx, Tx, Value, schema::Table};
use crate::{
    args,
    outcome::{Error, Result},
};

/// A row: values in the order of the table's columns.
pub(crate) type Cells = Vec<Value<'static>>;

impl Table {
    /// The values of these columns in a row.
    pub(crate) fn cells_of(&self, row: &[Value<'static>], columns: &[String]) -> Cells {
        let value_of = |name: &String| {
            let at = self.columns.iter().position(|column| column.name == *name)?;
            row.get(at).cloned()
        };
        columns.iter().filter_map(value_of).collect()
    }

    /// The primary key of a row.
    pub(crate) fn key_of(&self, row: &[Value<'static>]) -> Cells {
        self.cells_of(row, &self.key)
    }
}

/// `$1, $2, …`
fn places(count: usize) -> String {
    let places: Vec<String> = (1..=count).map(|place| format!("${place}")).collect();
    places.join(", ")
}

impl ReadTx<'_> {
    /// The next rows in the order of the primary key, behind that key.
    pub(crate) async fn page_of(
        &mut self,
        table: &Table,
        after: Option<&[Value<'static>]>,
        limit: i64,
    ) -> Result<Vec<Cells>> {
        let (columns, key) = (table.column_list(), table.key.join(", "));
        let mut values = after.unwrap_or_default().to_vec();
        let behind = match values.len() {
            0 => String::new(),
            count => format!("WHERE ({key}) > ({}) ", places(count)),
        };
        let limited = values.len() + 1;
        let sql = format!("SELECT {columns} FROM {} {behind}ORDER BY {key} LIMIT ${limited}", table.name);
        values.push(limit.into());
        self.all_with(&sql, &values, |row| read(table, row)).await
    }

    /// The next of the rows that have this text in this column, in the order of the primary key.
    pub(crate) async fn page_with(
        &mut self,
        table: &Table,
        (column, text): (&str, &str),
        after: Option<&[Value<'static>]>,
        limit: i64,
    ) -> Result<Vec<Cells>> {
        let (columns, key) = (table.column_list(), table.key.join(", "));
        let mut values = after.unwrap_or_default().to_vec();
        let behind = match values.len() {
            0 => String::new(),
            count => format!("({key}) > ({}) AND ", places(count)),
        };
        let (own, limited) = (values.len() + 1, values.len() + 2);
        let sql = format!(
            "SELECT {columns} FROM {} WHERE {behind}{column} = ${own} ORDER BY {key} LIMIT ${limited}",
            table.name
        );
        values.extend([text.to_owned().into(), limit.into()]);
        self.all_with(&sql, &values, |row| read(table, row)).await
    }

    /// How many rows a table has.
    pub(crate) async fn count_of(&mut self, table: &Table) -> Result<i64> {
        let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {}", table.name);
        let found = self.all_with(&sql, args![], |row| row.int(0)).await?;
        found.first().copied().ok_or_else(|| Error::fault("a count without an answer"))
    }

    /// The row that has these values in these columns, if there is one.
    pub(crate) async fn row_with(
        &mut self,
        table: &Table,
        columns: &[String],
        values: &[Value<'static>],
    ) -> Result<Option<Cells>> {
        let (names, places) = (columns.join(", "), places(columns.len()));
        let sql = format!(
            "SELECT {} FROM {} WHERE ({names}) = ({places}) LIMIT 1",
            table.column_list(),
            table.name
        );
        let found = self.all_with(&sql, values, |row| read(table, row)).await?;
        Ok(found.into_iter().next())
    }
}

fn read(table: &Table, row: &super::Row<'_>) -> Result<Cells> {
    table.columns.iter().enumerate().map(|(at, column)| row.value(at, column.kind)).collect()
}

impl Tx<'_> {
    /// Inserts those rows that nothing stands in the way of; answers how many.
    pub(crate) async fn insert_missing(&mut self, table: &Table, rows: &[Cells]) -> Result<u64> {
        let places = places(table.columns.len());
        let columns = table.column_list();
        let sql = format!("INSERT INTO {} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING", table.name);
        self.exec_rows(&sql, rows).await
    }
}
