//! What an operation holds: reading in a [`ReadTx`], reading and writing in a [`Tx`].

use super::{
    Value,
    postgres::Session,
    row::{Inner as RowInner, Row},
};
use crate::outcome::{Code, Error, Refusal, Result};

/// Reading inside an operation.
pub struct ReadTx<'c>(pub(super) On<'c>);

/// Reading and writing inside an operation that commits or rolls back as a whole.
pub struct Tx<'c> {
    read: ReadTx<'c>,
    pub(super) keeps_refusal: bool,
    pub(super) raised_changes: bool,
}

pub(super) enum On<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(Session<'c>),
}

impl<'c> std::ops::Deref for Tx<'c> {
    type Target = ReadTx<'c>;
    fn deref(&self) -> &ReadTx<'c> {
        &self.read
    }
}

impl std::ops::DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.read
    }
}

impl ReadTx<'_> {
    /// Asks for nothing: whether the database answers.
    pub async fn ping(&mut self) -> Result<()> {
        self.opt("SELECT counter FROM changes WHERE id = 1", &[], |row| row.int(0)).await.map(|_| ())
    }

    /// Every row that the statement finds, in its order.
    pub async fn all<T: Send>(
        &mut self,
        sql: &'static str,
        args: &[Value<'_>],
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.all_dynamic(sql, args, read).await
    }

    /// The one row that the statement finds, or none.
    pub async fn opt<T: Send>(
        &mut self,
        sql: &'static str,
        args: &[Value<'_>],
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match &mut self.0 {
            On::Sqlite(connection) => super::sqlite::opt(connection, sql, args, read),
            On::Postgres(session) => {
                let rows = session.query(sql, args).await?;
                rows.first().map(|row| read(&Row(RowInner::Postgres(row)))).transpose()
            }
        }
    }

    /// Like [`ReadTx::all`], for the few statements that are put together from constant parts
    /// (filters of lists). Values never enter the text.
    pub async fn all_dynamic<T: Send>(
        &mut self,
        sql: &str,
        args: &[Value<'_>],
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &mut self.0 {
            On::Sqlite(connection) => super::sqlite::all(connection, sql, args, read),
            On::Postgres(session) => {
                let rows = session.query(sql, args).await?;
                rows.iter().map(|row| read(&Row(RowInner::Postgres(row)))).collect()
            }
        }
    }
}

impl<'c> Tx<'c> {
    pub(super) const fn new(on: On<'c>) -> Self {
        Self { read: ReadTx(on), keeps_refusal: false, raised_changes: false }
    }

    /// Runs a statement that returns no rows; answers how many rows it changed.
    pub async fn exec(&mut self, sql: &'static str, args: &[Value<'_>]) -> Result<u64> {
        match &mut self.read.0 {
            On::Sqlite(connection) => super::sqlite::exec(connection, sql, args),
            On::Postgres(session) => session.execute(sql, args).await,
        }
    }

    pub(super) const fn engine(&mut self) -> &mut On<'c> {
        &mut self.read.0
    }

    /// Ends the operation with a refusal that *commits* what was written before it: the evidence of a
    /// reuse, a counter of failures. Return its value at once.
    pub fn refuse<T>(&mut self, refusal: impl Into<Refusal>) -> Result<T> {
        self.keeps_refusal = true;
        Err(Error::Refused(refusal.into()))
    }

    /// Says, once this commits, that an epoch has moved: caches on every node look again.
    pub async fn raise_changes(&mut self) -> Result<()> {
        self.raised_changes = true;
        self.exec("UPDATE changes SET counter = counter + 1 WHERE id = 1", &[]).await?;
        Ok(())
    }

    /// Holds off [`Tx::lock_exclusive`] on the same names until this operation ends.
    pub async fn lock_shared(&mut self, names: &[&str]) -> Result<()> {
        self.lock(names, "SELECT pg_advisory_xact_lock_shared($1)").await
    }

    /// Waits for and holds off every other operation that locks one of these names.
    pub async fn lock_exclusive(&mut self, names: &[&str]) -> Result<()> {
        self.lock(names, "SELECT pg_advisory_xact_lock($1)").await
    }

    /// SQLite has one writer, so only PostgreSQL needs the lock.
    async fn lock(&mut self, names: &[&str], sql: &'static str) -> Result<()> {
        if let On::Postgres(session) = &mut self.read.0 {
            let mut keys: Vec<i64> = names.iter().map(|name| lock_key(name)).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                session.query(sql, &[Value::from(key)]).await?;
            }
        }
        Ok(())
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// The first eight bytes of the name's SHA-256, as PostgreSQL's lock number.
fn lock_key(name: &str) -> i64 {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, name.as_bytes());
    digest.as_ref().iter().take(8).fold(0_i64, |key, byte| (key << 8) | i64::from(*byte))
}
