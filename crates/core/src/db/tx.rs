//! What an operation holds: reading in a [`ReadTx`], reading and writing in a [`Tx`].

use super::{
    Value,
    postgres::Session,
    row::{Inner as RowInner, Row},
};
use crate::outcome::{Code, Error, Refusal, Result};

/// Reading inside an operation.
pub struct ReadTx<'c> {
    pub(super) on: On<'c>,
    /// A statement has failed. PostgreSQL has given the transaction up then, and so do we on SQLite:
    /// an operation that swallows the error does not commit.
    broken: bool,
    /// How many more statements may be run, where that is limited.
    left: Option<u8>,
    /// Rows were changed or returned: what an unwrapped statement has done for good.
    touched: bool,
}

/// Reading and writing inside an operation that commits or rolls back as a whole.
pub struct Tx<'c> {
    read: ReadTx<'c>,
    keeps_refusal: bool,
    /// The change counter that this operation leaves behind, when it moves it.
    raised: Option<i64>,
}

pub(super) enum On<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(Session<'c>),
}

/// How an operation's statements are held together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// By a transaction.
    Whole,
    /// There is only one, which is atomic by itself.
    One,
}

/// What is to be done about an operation that has ended.
pub(super) struct Settled<T> {
    pub(super) outcome: Result<T>,
    pub(super) keep: bool,
    pub(super) raised: Option<i64>,
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

impl<'c> ReadTx<'c> {
    pub(super) const fn new(on: On<'c>) -> Self {
        Self { on, broken: false, left: None, touched: false }
    }

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
        self.begin(args)?;
        let found = match &mut self.on {
            On::Sqlite(connection) => super::sqlite::opt(connection, sql, args, read),
            On::Postgres(session) => match Box::pin(session.query(sql, args)).await {
                Ok(rows) => rows.first().map(|row| read(&Row(RowInner::Postgres(row)))).transpose(),
                Err(error) => Err(error),
            },
        };
        self.touched |= matches!(found, Ok(Some(_)));
        self.end(found)
    }

    /// Like [`ReadTx::all`], for the few statements that are put together from constant parts
    /// (filters of lists). Values never enter the text.
    pub async fn all_dynamic<T: Send>(
        &mut self,
        sql: &str,
        args: &[Value<'_>],
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.all_with(sql, args, read).await
    }

    /// Like [`ReadTx::all_dynamic`], with a reader that knows more than the row.
    pub(super) async fn all_with<T: Send>(
        &mut self,
        sql: &str,
        args: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T> + Send,
    ) -> Result<Vec<T>> {
        self.begin(args)?;
        let found = match &mut self.on {
            On::Sqlite(connection) => super::sqlite::all(connection, sql, args, read),
            On::Postgres(session) => match Box::pin(session.query(sql, args)).await {
                Ok(rows) => rows.iter().map(|row| read(&Row(RowInner::Postgres(row)))).collect(),
                Err(error) => Err(error),
            },
        };
        self.touched |= found.as_ref().is_ok_and(|rows| !rows.is_empty());
        self.end(found)
    }

    /// Before every statement. PostgreSQL cannot store a NUL in a text, so neither engine does.
    fn begin(&mut self, args: &[Value<'_>]) -> Result<()> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1).ok_or_else(|| Error::fault("more than one statement"))?;
        }
        let has_nul =
            |value: &Value<'_>| matches!(value, Value::Text(Some(text)) if text.as_bytes().contains(&0));
        if args.iter().any(has_nul) {
            return Err(Refusal::new(Code::RequestInvalid).hint("A text may not contain NUL.").into());
        }
        Ok(())
    }

    pub(super) fn end<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.broken |= outcome.is_err();
        outcome
    }
}

impl<'c> Tx<'c> {
    pub(super) const fn new(on: On<'c>, mode: Mode) -> Self {
        let left = match mode {
            Mode::Whole => None,
            Mode::One => Some(1),
        };
        let read = ReadTx { left, ..ReadTx::new(on) };
        Self { read, keeps_refusal: false, raised: None }
    }

    /// Runs a statement that returns no rows; answers how many rows it changed.
    pub async fn exec(&mut self, sql: &'static str, args: &[Value<'_>]) -> Result<u64> {
        self.exec_dynamic(sql, args).await
    }

    /// Like [`Tx::exec`], for statements that are put together from constant parts.
    pub(super) async fn exec_dynamic(&mut self, sql: &str, args: &[Value<'_>]) -> Result<u64> {
        if self.keeps_refusal {
            return self.read.end(Err(Error::fault("wrote after it had refused")));
        }
        self.read.begin(args)?;
        let changed = match &mut self.read.on {
            On::Sqlite(connection) => super::sqlite::exec(connection, sql, args),
            On::Postgres(session) => Box::pin(session.execute(sql, args)).await,
        };
        self.read.touched |= changed.as_ref().is_ok_and(|changed| *changed > 0);
        self.read.end(changed)
    }

    /// Runs one statement for each row of values; answers how many rows it changed in all. On PostgreSQL
    /// the rows travel together.
    pub async fn exec_each(&mut self, sql: &'static str, rows: &[Vec<Value<'_>>]) -> Result<u64> {
        self.exec_rows(sql, rows).await
    }

    pub(super) async fn exec_rows(&mut self, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<u64> {
        if self.keeps_refusal {
            return self.read.end(Err(Error::fault("wrote after it had refused")));
        }
        for row in rows {
            self.read.begin(row)?;
        }
        let changed = match &mut self.read.on {
            On::Sqlite(connection) => super::sqlite::exec_each(connection, sql, rows),
            On::Postgres(session) => Box::pin(session.execute_each(sql, rows)).await,
        };
        self.read.touched |= changed.as_ref().is_ok_and(|changed| *changed > 0);
        self.read.end(changed)
    }

    pub(super) const fn engine(&mut self) -> &mut On<'c> {
        &mut self.read.on
    }

    /// Takes note of how a statement that was run beside this ended.
    pub(super) fn ended<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.read.touched = true;
        self.read.end(outcome)
    }

    /// Ends the operation with a refusal that *commits* what was written before it: the evidence of a
    /// reuse, a counter of failures. Return its value at once.
    pub fn refuse<T>(&mut self, refusal: impl Into<Refusal>) -> Result<T> {
        self.keeps_refusal = true;
        Err(Error::Refused(refusal.into()))
    }

    /// Says, once this commits, that an epoch has moved: caches on every node look again.
    pub async fn raise_changes(&mut self) -> Result<()> {
        const RAISE: &str = "UPDATE changes SET counter = counter + 1 WHERE id = 1 RETURNING counter";
        let counter = self.opt(RAISE, &[], |row| row.int(0)).await?;
        let counter = counter.ok_or_else(|| Error::fault("the change counter is missing"))?;
        self.raised = Some(counter);
        if let On::Postgres(session) = &mut self.read.on {
            let told = Box::pin(session.notify(counter)).await;
            self.read.end(told)?;
        }
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
        if let On::Postgres(session) = &mut self.read.on {
            let mut keys: Vec<i64> = names.iter().map(|name| lock_key(name)).collect();
            keys.sort_unstable();
            keys.dedup();
            let mut locked = Ok(());
            for key in keys {
                if locked.is_ok() {
                    locked = Box::pin(session.query(sql, &[Value::from(key)])).await.map(|_| ());
                }
            }
            self.read.end(locked)?;
        }
        Ok(())
    }

    /// Several statements without parameters; migrations only.
    pub(super) async fn run_script(&mut self, text: &str) -> Result<()> {
        let done = match &mut self.read.on {
            On::Sqlite(connection) => connection.execute_batch(text).map_err(Error::from),
            On::Postgres(session) => Box::pin(session.batch(text)).await,
        };
        self.read.end(done)
    }

    /// Decides what becomes of what was written.
    pub(super) fn settle<T>(&self, mode: Mode, outcome: Result<T>) -> Settled<T> {
        let outcome = match outcome {
            Ok(_) | Err(Error::Refused(_)) if self.read.broken => {
                Err(Error::fault("went on after a statement had failed"))
            }
            Err(Error::Refused(_)) if mode == Mode::One && self.read.touched && !self.keeps_refusal => {
                Err(Error::fault("refused after its only statement had written"))
            }
            outcome => outcome,
        };
        let keep = match &outcome {
            Ok(_) => true,
            Err(Error::Refused(_)) => self.keeps_refusal,
            Err(Error::Fault(_)) => false,
        };
        Settled { raised: self.raised.filter(|_| keep), outcome, keep }
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
