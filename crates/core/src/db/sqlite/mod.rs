//! SQLite: one writer thread with group commit, inline reads on connections from a free list.
//!
//! rusqlite never suspends, so an operation is one poll; one that awaits anything but SQL ends as a fault.
//! The file belongs to one process.

mod place;
pub(super) mod writer;

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    task::{Context, Poll, Waker},
    thread,
};

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::oneshot;

use super::{
    Changes, Value,
    row::{Inner as RowInner, Row},
    tx::{Mode, On, ReadTx, Tx},
};
use crate::outcome::{Error, Result};
use writer::{Job, Write, gone};

/// Read connections kept open while nobody uses them.
const IDLE_READERS: usize = 16;
/// Prepared statements kept per connection.
const STATEMENTS: usize = 512;

#[derive(Clone)]
pub(super) struct Sqlite(Arc<Inner>);

struct Inner {
    path: std::path::PathBuf,
    readers: Mutex<Vec<Connection>>,
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    writer: Mutex<Option<thread::JoinHandle<()>>>,
    changes: Arc<Changes>,
    /// Held until the last connection is closed: one process per file.
    _lock: Arc<File>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.queue.take());
        self.readers.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // What an operation carries may hold the last handle: then this is the writer itself.
        if let Some(writer) = writer.filter(|writer| writer.thread().id() != thread::current().id()) {
            let _ = writer.join();
        }
    }
}

impl Sqlite {
    pub(super) fn open(path: &Path, changes: Arc<Changes>) -> Result<Self> {
        let lock = Arc::new(place::claim(path)?);
        let mut connection = Connection::open(path)?;
        prepare_connection(&connection)?;
        let (queue, jobs) = mpsc::channel();
        let held = Arc::clone(&lock);
        let thread = thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            writer::work(&mut connection, &jobs);
            drop(connection);
            drop(held);
        })?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            readers: Mutex::new(Vec::new()),
            queue: Some(queue),
            writer: Mutex::new(Some(thread)),
            changes,
            _lock: lock,
        })))
    }

    pub(super) fn read<A, T, F>(&self, name: &'static str, ask: &A, op: &F) -> Result<T>
    where
        F: for<'t, 'c> Fn(&'t mut ReadTx<'c>, &'t A) -> BoxFuture<'t, Result<T>>,
    {
        let mut connection = self.reader()?;
        let outcome = run_now(op(&mut ReadTx::new(On::Sqlite(&mut connection)), ask));
        self.put_back(connection);
        outcome.map_err(|error| error.during(name))
    }

    /// Like [`Sqlite::read`], with every statement seeing the same state.
    pub(super) fn scan<A, T, F>(&self, name: &'static str, ask: &A, op: &F) -> Result<T>
    where
        F: for<'t, 'c> Fn(&'t mut ReadTx<'c>, &'t A) -> BoxFuture<'t, Result<T>>,
    {
        let mut connection = self.reader()?;
        connection.execute_batch("BEGIN")?;
        let outcome = run_now(op(&mut ReadTx::new(On::Sqlite(&mut connection)), ask));
        connection.execute_batch("ROLLBACK")?;
        self.put_back(connection);
        outcome.map_err(|error| error.during(name))
    }

    /// Lends a read connection.
    pub(super) fn with_reader<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let connection = self.reader()?;
        let outcome = run(&connection);
        self.put_back(connection);
        outcome
    }

    fn reader(&self) -> Result<Connection> {
        let idle = self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| open_reader(&self.0.path), Ok)
    }

    fn put_back(&self, connection: Connection) {
        let mut readers = self.0.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
    }

    /// Queues the operation; what is answered waits for its end.
    pub(super) fn write<A, T, F>(
        &self,
        name: &'static str,
        mode: Mode,
        ask: A,
        op: F,
    ) -> impl Future<Output = Result<T>> + Send + use<A, T, F>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let changes = Arc::clone(&self.0.changes);
        let job = Write { name, mode, ask, op, changes, raised: None, outcome: None, answer };
        // Without a writer the job is dropped here, and with it the sender of the answer.
        if let Some(queue) = &self.0.queue {
            let _ = queue.send(Box::new(job));
        }
        async { outcome.await.map_err(|_| gone())? }
    }
}

/// Polls an operation to its end; it must not suspend, and a panic in it is a fault.
fn run_now<T>(mut operation: BoxFuture<'_, Result<T>>) -> Result<T> {
    let mut context = Context::from_waker(Waker::noop());
    match catch_unwind(AssertUnwindSafe(|| operation.as_mut().poll(&mut context))) {
        Ok(Poll::Ready(outcome)) => outcome,
        Ok(Poll::Pending) => Err(super::strayed()),
        Err(_) => Err(super::panicked()),
    }
}

fn prepare_connection(connection: &Connection) -> rusqlite::Result<()> {
    keep_statements(connection)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 67108864;",
    )
}

/// A statement is planned once and kept. Without the stability guarantee SQLite looks at the values of
/// some parameters when it plans, and plans those statements again whenever they are bound.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn open_reader(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    keep_statements(&connection)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -2048;")?;
    Ok(connection)
}

/// SQLite takes `$2` for a name and numbers names by first appearance.
fn bind(statement: &mut rusqlite::CachedStatement<'_>, sql: &str, args: &[Value<'_>]) -> Result<()> {
    if statement.parameter_count() != args.len() {
        return Err(Error::fault(format!(
            "a statement has {} parameters and was given {}",
            statement.parameter_count(),
            args.len()
        )));
    }
    let mut bound = 0;
    for number in by_appearance(sql) {
        bound += 1;
        debug_assert_eq!(statement.parameter_name(bound), Some(format!("${number}").as_str()));
        let Some(value) = number.checked_sub(1).and_then(|number| args.get(number)) else {
            return Err(Error::fault("a statement has a parameter without a value"));
        };
        match value {
            Value::Int(value) => statement.raw_bind_parameter(bound, value)?,
            Value::Text(value) => statement.raw_bind_parameter(bound, value.as_deref())?,
            Value::Bytes(value) => statement.raw_bind_parameter(bound, value.as_deref())?,
        }
    }
    if bound != args.len() {
        return Err(Error::fault("a statement has a parameter that could not be told"));
    }
    Ok(())
}

/// The numbers of the parameters, each where it appears first: read from the text, since SQLite finds a
/// name by walking through all of them. Nothing else in our statements has a `$`.
fn by_appearance(sql: &str) -> impl Iterator<Item = usize> {
    let mut seen = 0_u64;
    memchr::memchr_iter(b'$', sql.as_bytes()).filter_map(move |at| {
        let digits = sql.as_bytes().get(at + 1..)?.iter().take_while(|byte| byte.is_ascii_digit());
        let number = digits.fold(0_usize, |number, digit| number * 10 + usize::from(digit - b'0'));
        let mark = u32::try_from(number).ok().and_then(|number| 1_u64.checked_shl(number))?;
        let is_new = seen & mark == 0;
        seen |= mark;
        is_new.then_some(number)
    })
}

pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    args: &[Value<'_>],
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, sql, args)?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&Row(RowInner::Sqlite(row)))?);
    }
    Ok(found)
}

/// Steps to the end, so that a `RETURNING` statement has done all its work.
pub(super) fn opt<T>(
    connection: &Connection,
    sql: &str,
    args: &[Value<'_>],
    read: fn(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, sql, args)?;
    let mut rows = statement.raw_query();
    let found = rows.next()?.map(|row| read(&Row(RowInner::Sqlite(row)))).transpose()?;
    while rows.next()?.is_some() {}
    Ok(found)
}

pub(super) fn exec(connection: &Connection, sql: &str, args: &[Value<'_>]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, sql, args)?;
    Ok(statement.raw_execute()? as u64)
}

/// One statement for many rows of values.
pub(super) fn exec_each(connection: &Connection, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut changed = 0;
    for row in rows {
        bind(&mut statement, sql, row)?;
        changed += statement.raw_execute()? as u64;
    }
    Ok(changed)
}
