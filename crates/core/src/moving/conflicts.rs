//! What stands in the way of records that are merged into a database in use.

use std::collections::HashSet;

use super::record::{Hands, Shape};
use crate::{
    db::{Cells, Tx, Value},
    outcome::{Code, Error, Refusal, Result},
};

/// More than these are not told: something is wrong with all of it.
const MOST: usize = 500;

/// Conflicts that were found.
#[derive(Default)]
pub(super) struct Conflicts {
    told: Vec<String>,
    more: usize,
    /// Keys of records that are not here: what refers to them is no conflict of its own.
    missing: HashSet<String>,
}

impl Conflicts {
    fn add(&mut self, what: String) {
        if self.told.len() < MOST {
            self.told.push(what);
        } else {
            self.more += 1;
        }
    }

    /// Whether a record belongs to one that could not be inserted.
    pub(super) fn orphans(&self, shape: &Shape, row: &[Value<'static>]) -> bool {
        !self.missing.is_empty() && {
            let columns: Vec<String> =
                shape.table.references.iter().map(|reference| reference.column.clone()).collect();
            let named = shape.table.cells_of(row, &columns);
            named.iter().any(|value| matches!(value, Value::Text(Some(id)) if self.missing.contains(&**id)))
        }
    }

    /// Looks at a record that was to be inserted: whether it is here now, and if not, why. Answers whether it
    /// was here before.
    pub(super) async fn look(
        &mut self,
        tx: &mut Tx<'_>,
        (shape, row): (&Shape, &Cells),
        hands: &Hands<'_>,
    ) -> Result<()> {
        let key = shape.table.key_of(row);
        if let Some(there) = tx.row_with(&shape.table, &shape.table.key, &key).await? {
            let differs = shape.differences(&there, row, hands);
            if !differs.is_empty() {
                self.add(format!("{} is here with another {}", shape.name_of(row), differs.join(", ")));
            }
            return Ok(());
        }
        if let [Value::Text(Some(id))] = key.as_slice() {
            self.missing.insert(id.to_string());
        }
        for columns in &shape.table.unique {
            let values = shape.table.cells_of(row, columns);
            if let Some(there) = tx.row_with(&shape.table, columns, &values).await? {
                let names: Vec<&str> = columns.iter().map(|column| shape.member_of(column)).collect();
                let (ours, theirs) = (shape.name_of(&there), shape.name_of(row));
                self.add(format!("{theirs} has the {} of {ours}, which is here", names.join(" and ")));
                return Ok(());
            }
        }
        self.add(format!("{} cannot be added: something here has its place", shape.name_of(row)));
        Ok(())
    }

    /// Refuses when there were any.
    pub(super) fn settle(self) -> Result<()> {
        let count = self.told.len() + self.more;
        if count == 0 {
            return Ok(());
        }
        let hint =
            format!("{count} records of the file cannot be merged with what is here. Nothing was changed");
        let refusal = Refusal::new(Code::Conflict).hint(hint).fact("conflicts", self.told);
        Err(Error::Refused(refusal))
    }
}
