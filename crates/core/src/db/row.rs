//! One row of a result, read by position.

use std::borrow::Cow;

use doorward_proto::{
    id::{Id, Kind},
    secret::TokenHash,
    time::Time,
};

use super::{Value, schema::ValueKind};
use crate::outcome::{Error, Result};

/// One row; columns are read by position, as the statement lists them.
pub struct Row<'r>(pub(super) Inner<'r>);

pub(super) enum Inner<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// A column that may not be NULL was.
#[derive(Debug, thiserror::Error)]
#[error("column {0} is NULL")]
pub struct NotNullable(usize);

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident, $opt:ident: $of:ty;)*) => {
        $($(#[$doc])*
        pub fn $opt(&self, column: usize) -> Result<Option<$of>> {
            match &self.0 {
                Inner::Sqlite(row) => Ok(row.get::<_, Option<$of>>(column)?),
                Inner::Postgres(row) => Ok(row.try_get::<_, Option<$of>>(column)?),
            }
        }
        /// The same, where NULL is a fault.
        pub fn $name(&self, column: usize) -> Result<$of> {
            self.$opt(column)?.ok_or_else(|| NotNullable(column).into())
        })*
    };
}

impl Row<'_> {
    getters! {
        /// A whole number.
        int, opt_int: i64;
        /// A text.
        text, opt_text: String;
        /// Bytes.
        bytes, opt_bytes: Vec<u8>;
    }

    /// A value of this kind, whatever it means.
    pub(super) fn value(&self, column: usize, kind: ValueKind) -> Result<Value<'static>> {
        Ok(match kind {
            ValueKind::Int => Value::Int(self.opt_int(column)?),
            ValueKind::Text => Value::Text(self.opt_text(column)?.map(Cow::Owned)),
            ValueKind::Bytes => Value::Bytes(self.opt_bytes(column)?.map(Cow::Owned)),
        })
    }

    /// A time.
    pub fn opt_time(&self, column: usize) -> Result<Option<Time>> {
        Ok(self.opt_int(column)?.map(Time::from_micros))
    }

    /// A time, where NULL is a fault.
    pub fn time(&self, column: usize) -> Result<Time> {
        self.int(column).map(Time::from_micros)
    }

    /// An id.
    pub fn opt_id<K: Kind>(&self, column: usize) -> Result<Option<Id<K>>> {
        Ok(self.opt_text(column)?.map(|text| text.parse()).transpose()?)
    }

    /// An id, where NULL is a fault.
    pub fn id<K: Kind>(&self, column: usize) -> Result<Id<K>> {
        Ok(self.text(column)?.parse()?)
    }

    /// A yes or no, stored as 1 or 0.
    pub fn flag(&self, column: usize) -> Result<bool> {
        self.int(column).map(|value| value != 0)
    }

    /// A keyed hash.
    pub fn hash(&self, column: usize) -> Result<TokenHash> {
        let bytes = self.bytes(column)?;
        bytes.try_into().map(TokenHash).map_err(|_| Error::fault("a stored hash has another length"))
    }
}
