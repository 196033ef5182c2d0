//! SQLite: one writer thread with group commit, inline reads on connections from a free list.
//!
//! The writer opens `BEGIN IMMEDIATE`, runs each queued operation in a savepoint of its own, closes the
//! group when the queue is empty or at [`GROUP`] members, commits once with `synchronous=FULL`, and only
//! then answers everybody. rusqlite never suspends, so an operation is one poll; one that awaits
//! anything but SQL ends as a fault.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    task::{Context, Poll, Waker},
    thread,
};

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::{
    Db, Value,
    row::{Inner as RowInner, Row},
    tx::{On, ReadTx, Tx},
};
use crate::outcome::{Error, Fault, Result};

/// How many operations share one commit at the most.
const GROUP: usize = 64;
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
    /// Held for the life of the process: one process per file.
    _lock: File,
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.queue.take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer.filter(|writer| writer.thread().id() != thread::current().id()) {
            let _ = writer.join();
        }
    }
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let lock = lock_file(path)?;
        let mut writer = Connection::open(path)?;
        prepare_connection(&writer)?;
        let (queue, jobs) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_groups(&mut writer, &jobs))?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            readers: Mutex::new(Vec::new()),
            queue: Some(queue),
            writer: Mutex::new(Some(thread)),
            _lock: lock,
        })))
    }

    pub(super) fn read<A, T, F>(&self, name: &'static str, ask: &A, op: &F) -> Result<T>
    where
        F: for<'t, 'c> Fn(&'t mut ReadTx<'c>, &'t A) -> BoxFuture<'t, Result<T>>,
    {
        let idle = self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.0.path)?,
        };
        let mut tx = ReadTx(On::Sqlite(&mut connection));
        let outcome = run_now(name, op(&mut tx, ask));
        let mut readers = self.0.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        outcome
    }

    pub(super) async fn write<A, T, F>(&self, name: &'static str, ask: A, op: F, db: Db) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let job = Write { name, ask, op, db, raised: false, outcome: None, answer };
        let gone = || Error::fault("the writer has stopped");
        self.0.queue.as_ref().ok_or_else(gone)?.send(Box::new(job)).map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

/// A queued operation.
trait Job: Send {
    /// Runs inside the job's savepoint; says whether to keep what it wrote.
    fn run(&mut self, connection: &mut Connection) -> Keep;
    /// After the group is durable.
    fn answer(self: Box<Self>);
    /// When the group could not be committed.
    fn fail(self: Box<Self>, why: &str);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Yes,
    No,
}

struct Write<A, T, F> {
    name: &'static str,
    ask: A,
    op: F,
    db: Db,
    raised: bool,
    outcome: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
}

impl<A, T, F> Job for Write<A, T, F>
where
    A: Send + Sync,
    T: Send,
    F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync,
{
    fn run(&mut self, connection: &mut Connection) -> Keep {
        let mut tx = Tx::new(On::Sqlite(connection));
        let outcome = run_now(self.name, (self.op)(&mut tx, &self.ask));
        let keep = if outcome.is_ok() || tx.keeps_refusal { Keep::Yes } else { Keep::No };
        self.raised = keep == Keep::Yes && tx.raised_changes;
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>) {
        if self.raised {
            self.db.note_change();
        }
        if let Some(outcome) = self.outcome {
            // The caller may have gone away; the operation stands all the same.
            let _ = self.answer.send(outcome);
        }
    }

    fn fail(self: Box<Self>, why: &str) {
        let _ = self.answer.send(Err(Fault::new(why.to_owned()).during(self.name).into()));
    }
}

/// Polls an operation to its end; it must not suspend, and a panic in it is a fault.
fn run_now<T>(name: &'static str, mut operation: BoxFuture<'_, Result<T>>) -> Result<T> {
    let mut context = Context::from_waker(Waker::noop());
    match catch_unwind(AssertUnwindSafe(|| operation.as_mut().poll(&mut context))) {
        Ok(Poll::Ready(Err(Error::Fault(fault)))) => Err(fault.during(name).into()),
        Ok(Poll::Ready(outcome)) => outcome,
        Ok(Poll::Pending) => Err(Fault::new("awaited something other than SQL").during(name).into()),
        Err(_) => Err(Fault::new("panicked").during(name).into()),
    }
}

fn write_groups(connection: &mut Connection, jobs: &mpsc::Receiver<Box<dyn Job>>) {
    while let Ok(first) = jobs.recv() {
        let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(GROUP);
        let outcome = write_group(connection, first, jobs, &mut done);
        match outcome {
            Ok(()) => done.into_iter().for_each(Job::answer),
            Err(error) => {
                let why = format!("the group was not committed: {error}");
                tracing::error!(why, "sqlite");
                if !connection.is_autocommit() {
                    let _ = connection.execute_batch("ROLLBACK");
                }
                done.into_iter().for_each(|job| job.fail(&why));
            }
        }
    }
    let _ = connection.execute_batch("PRAGMA optimize");
}

fn write_group(
    connection: &mut Connection,
    first: Box<dyn Job>,
    jobs: &mpsc::Receiver<Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
) -> rusqlite::Result<()> {
    let mut next = Some(first);
    let begun = run_sql(connection, "BEGIN IMMEDIATE");
    while let Some(mut job) = next {
        let ran = begun.as_ref().map(|()| run_in_savepoint(connection, job.as_mut()));
        done.push(job);
        match ran {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error),
            Err(_) => return begun,
        }
        next = if done.len() < GROUP { jobs.try_recv().ok() } else { None };
    }
    run_sql(connection, "COMMIT")
}

fn run_in_savepoint(connection: &mut Connection, job: &mut dyn Job) -> rusqlite::Result<()> {
    run_sql(connection, "SAVEPOINT operation")?;
    if job.run(connection) == Keep::No {
        run_sql(connection, "ROLLBACK TO operation")?;
    }
    run_sql(connection, "RELEASE operation")
}

fn run_sql(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// One process per file: a second one is refused, and told to talk to the first.
fn lock_file(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(&name)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Error::fault(format!("{} is in use by another process", path.display())))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

fn prepare_connection(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 67108864;",
    )
}

fn open_reader(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -2048;")?;
    Ok(connection)
}

/// SQLite takes `$2` for a name and numbers names by first appearance: bind by the number in the name.
fn bind(statement: &mut rusqlite::CachedStatement<'_>, args: &[Value<'_>]) -> Result<()> {
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name.get(1..)?.parse::<usize>().ok());
        let Some(value) = number.and_then(|number| args.get(number.checked_sub(1)?)) else {
            return Err(Error::fault("a statement has a parameter without a value"));
        };
        match value {
            Value::Int(value) => statement.raw_bind_parameter(index, value)?,
            Value::Text(value) => statement.raw_bind_parameter(index, value.as_deref())?,
            Value::Bytes(value) => statement.raw_bind_parameter(index, value.as_deref())?,
        }
    }
    Ok(())
}

pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    args: &[Value<'_>],
    read: fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, args)?;
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
    bind(&mut statement, args)?;
    let mut rows = statement.raw_query();
    let found = rows.next()?.map(|row| read(&Row(RowInner::Sqlite(row)))).transpose()?;
    while rows.next()?.is_some() {}
    Ok(found)
}

pub(super) fn exec(connection: &Connection, sql: &str, args: &[Value<'_>]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, args)?;
    Ok(statement.raw_execute()? as u64)
}
