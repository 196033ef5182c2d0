//! The one writer: groups of operations share one durable commit.
//!
//! The writer opens `BEGIN IMMEDIATE`, runs the queued operations, closes the group when the queue is empty
//! or at [`GROUP`] members, commits once with `synchronous=FULL`, and only then answers everybody.
//!
//! Operations are run without savepoints first: each costs a copy of every page that is changed under it,
//! and few operations write before they refuse. When one did, the whole group is rolled back and run
//! again with a savepoint for each; an operation may be run twice by the storage contract.

use std::sync::{
    Arc,
    atomic::{AtomicI32, Ordering},
    mpsc,
};

use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::run_now;
use crate::{
    db::{
        Changes,
        tx::{Mode, On, Tx},
    },
    outcome::{Error, Fault, Result},
};

/// How many operations share one commit at the most.
pub(in crate::db) const GROUP: usize = 64;
/// Pages in the write-ahead log after which the writer moves them to the database, between groups.
const CHECKPOINT: i32 = 2_000;

/// A queued operation.
pub(super) trait Job: Send {
    fn mode(&self) -> Mode;
    /// Runs inside the group; says whether to keep what it wrote.
    fn run(&mut self, connection: &mut Connection) -> Keep;
    /// After the group is durable.
    fn answer(self: Box<Self>);
    /// When the group could not be committed.
    fn fail(self: Box<Self>, why: &str);
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Yes,
    No,
}

pub(super) struct Write<A, T, F> {
    pub(super) name: &'static str,
    pub(super) mode: Mode,
    pub(super) ask: A,
    pub(super) op: F,
    pub(super) changes: Arc<Changes>,
    pub(super) raised: Option<i64>,
    pub(super) outcome: Option<Result<T>>,
    pub(super) answer: oneshot::Sender<Result<T>>,
}

impl<A, T, F> Job for Write<A, T, F>
where
    A: Send + Sync,
    T: Send,
    F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync,
{
    fn mode(&self) -> Mode {
        self.mode
    }

    fn run(&mut self, connection: &mut Connection) -> Keep {
        let mut tx = Tx::new(On::Sqlite(connection), self.mode);
        let outcome = run_now((self.op)(&mut tx, &self.ask));
        let settled = tx.settle(self.mode, outcome);
        self.raised = settled.raised;
        self.outcome = Some(settled.outcome.map_err(|error| error.during(self.name)));
        if settled.keep { Keep::Yes } else { Keep::No }
    }

    fn answer(self: Box<Self>) {
        if let Some(counter) = self.raised {
            self.changes.see(counter);
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

/// Works until every sender is gone.
pub(super) fn work(connection: &mut Connection, jobs: &mpsc::Receiver<Box<dyn Job>>) {
    let pages = Arc::new(AtomicI32::new(0));
    let counted = Arc::clone(&pages);
    let hooked = connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        counted.store(pages, Ordering::Relaxed);
        Ok(())
    }));
    if let Err(error) = hooked {
        tracing::warn!(%error, "SQLite checkpoints by itself");
    }
    let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(GROUP);
    while let Ok(first) = jobs.recv() {
        let outcome = write_group(connection, first, jobs, &mut done);
        match outcome {
            Ok(()) => done.drain(..).for_each(Job::answer),
            Err(error) => {
                let why = format!("the group was not committed: {error}");
                tracing::error!(why, "sqlite");
                if !connection.is_autocommit() {
                    let _ = connection.execute_batch("ROLLBACK");
                }
                done.drain(..).for_each(|job| job.fail(&why));
            }
        }
        if pages.load(Ordering::Relaxed) >= CHECKPOINT {
            checkpoint(connection);
            pages.store(0, Ordering::Relaxed);
        }
    }
    if let Err(error) = connection.execute_batch("PRAGMA optimize") {
        tracing::warn!(%error, "the statistics of the database were not renewed");
    }
}

/// After the answers, so that nobody waits for it: while the writer is here nobody writes, so this
/// empties the log unless a long read holds on to it.
fn checkpoint(connection: &Connection) {
    let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = done {
        tracing::warn!(%error, "the write-ahead log was not moved to the database");
    }
}

fn write_group(
    connection: &mut Connection,
    first: Box<dyn Job>,
    jobs: &mpsc::Receiver<Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
) -> rusqlite::Result<()> {
    done.push(first);
    if let Err(error) = run_sql(connection, "BEGIN IMMEDIATE") {
        done.extend(jobs.try_iter().take(GROUP - 1));
        return Err(error);
    }
    let mut is_guarded = false;
    while let Some(job) = done.last_mut() {
        if is_guarded {
            run_guarded(connection, job.as_mut())?;
        } else if run_plainly(connection, job.as_mut()) == Plainly::LeftTraces {
            is_guarded = true;
            run_again(connection, done)?;
        }
        if done.len() == GROUP {
            break;
        }
        let Some(next) = next(jobs) else { break };
        done.push(next);
    }
    run_sql(connection, "COMMIT")
}

/// The next operation, if anybody has one. Before the group is closed the processor is left once to
/// whoever has work: on a busy machine they bring their operations, on an idle one nobody takes it.
fn next(jobs: &mpsc::Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
    jobs.try_recv().ok().or_else(|| {
        std::thread::yield_now();
        jobs.try_recv().ok()
    })
}

/// What an operation without a savepoint left in the group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plainly {
    /// What it meant to leave, or nothing.
    Kept,
    /// Rows that must not stay, or a transaction that SQLite has given up.
    LeftTraces,
}

fn run_plainly(connection: &mut Connection, job: &mut dyn Job) -> Plainly {
    let before = connection.total_changes();
    let keeps = job.run(connection) == Keep::Yes || job.mode() == Mode::One;
    let is_untouched = connection.total_changes() == before;
    if !connection.is_autocommit() && (keeps || is_untouched) { Plainly::Kept } else { Plainly::LeftTraces }
}

/// Undoes the group and runs its members once more, each in a savepoint.
fn run_again(connection: &mut Connection, done: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    if !connection.is_autocommit() {
        run_sql(connection, "ROLLBACK")?;
    }
    run_sql(connection, "BEGIN IMMEDIATE")?;
    done.iter_mut().try_for_each(|job| run_guarded(connection, job.as_mut()))
}

fn run_guarded(connection: &mut Connection, job: &mut dyn Job) -> rusqlite::Result<()> {
    if job.mode() == Mode::One {
        job.run(connection);
        return Ok(());
    }
    run_sql(connection, "SAVEPOINT operation")?;
    if job.run(connection) == Keep::No {
        run_sql(connection, "ROLLBACK TO operation")?;
    }
    run_sql(connection, "RELEASE operation")
}

fn run_sql(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// The writer is gone: only when the process is ending.
pub(super) fn gone() -> Error {
    Error::fault("the writer has stopped")
}
