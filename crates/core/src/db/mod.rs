//! The storage contract: one SQL text on SQLite and on PostgreSQL, whole operations, guarded writes.
//!
//! Nothing outside this folder knows that two engines exist. An operation is a whole business step: an
//! async closure over [`Tx`] that awaits nothing but SQL, owns what it carries, and may be run again
//! (PostgreSQL repeats it after a serialisation failure). It commits when it is granted and rolls back
//! when it is refused or fails; [`Tx::refuse`] is the one refusal that commits.
//!
//! Rules that both engines share: parameters are `$1`…, bound by their number; a conflict is avoided by
//! `ON CONFLICT DO NOTHING` and a look at the count, never caught; every state change is a guarded
//! write; times are microseconds, ids are text, JSON is opaque text.
//!
//! What waits for PostgreSQL is boxed, and an operation is handed to SQLite's writer when it is asked
//! for: every caller up to the route would carry those kilobytes about.

mod args;
pub mod backup;
mod batch;
mod bulk;
pub(crate) mod check;
pub mod foreign;
pub mod migrate;
mod months;
mod postgres;
mod row;
mod rows;
pub mod schema;
mod sqlite;
mod tx;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use futures_util::future::{BoxFuture, Either};

pub use args::Value;
pub use batch::{Batch, Outcomes};
pub use bulk::Into as BulkInto;
pub use months::{month_after, month_of};
pub use postgres::Settings as PostgresSettings;
pub use row::{NotNullable, Row};
pub(crate) use rows::Cells;
pub use tx::{ReadTx, Tx};

use crate::outcome::{Error, Result};
use tx::Mode;

/// Where a realm's data live.
#[derive(Debug, Clone)]
pub enum Place {
    /// One SQLite file, owned by one process.
    Sqlite(std::path::PathBuf),
    /// One PostgreSQL database.
    Postgres(PostgresSettings),
}

/// A handle on one realm's database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    engine: Engine,
    changes: Arc<Changes>,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Which engine a database runs on, for `doctor` and the health page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineName {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

/// The newest state of the database's change counter that this process has heard of. Raisers wait for
/// one another in the database, so the numbers are seen in the order of the commits.
#[derive(Default)]
struct Changes(AtomicI64);

impl Changes {
    fn see(&self, counter: i64) {
        self.0.fetch_max(counter, Ordering::AcqRel);
    }
}

impl Db {
    /// Opens the database; does not migrate it.
    ///
    /// # Errors
    /// A fault when the file is held by another process, is on a network file system, cannot be
    /// opened, or the server does not answer.
    pub async fn open(place: &Place) -> Result<Self> {
        let changes = Arc::new(Changes::default());
        let engine = match place {
            Place::Sqlite(path) => Engine::Sqlite(sqlite::Sqlite::open(path, Arc::clone(&changes))?),
            Place::Postgres(settings) => {
                Engine::Postgres(postgres::Postgres::open(settings, Arc::clone(&changes)).await?)
            }
        };
        Ok(Self(Arc::new(Inner { engine, changes })))
    }

    /// Which engine this is.
    pub fn engine(&self) -> EngineName {
        match &self.0.engine {
            Engine::Sqlite(_) => EngineName::Sqlite,
            Engine::Postgres(_) => EngineName::Postgres,
        }
    }

    /// Runs a small read (some hundred rows at most) where the caller stands. Each statement sees what
    /// is committed when it begins.
    pub async fn read<A, T, F>(&self, name: &'static str, ask: A, op: F) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut ReadTx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        match &self.0.engine {
            Engine::Sqlite(sqlite) => sqlite.read(name, &ask, &op),
            Engine::Postgres(postgres) => Box::pin(timed("read", postgres.read(name, &ask, &op))).await,
        }
    }

    /// Runs a read that may touch many rows, away from the async threads. All its statements see the
    /// same state.
    pub async fn scan<A, T, F>(&self, name: &'static str, ask: A, op: F) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut ReadTx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        let scan = async {
            match &self.0.engine {
                Engine::Sqlite(sqlite) => {
                    let sqlite = sqlite.clone();
                    tokio::task::spawn_blocking(move || sqlite.scan(name, &ask, &op)).await?
                }
                Engine::Postgres(postgres) => Box::pin(postgres.scan(name, &ask, &op)).await,
            }
        };
        timed("scan", scan).await
    }

    /// Runs an operation as one transaction. Once begun it ends, even when the caller is dropped.
    pub fn write<A, T, F>(
        &self,
        name: &'static str,
        ask: A,
        op: F,
    ) -> impl Future<Output = Result<T>> + Send + use<'_, A, T, F>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        self.run(name, Mode::Whole, ask, op)
    }

    /// Runs an operation that consists of one statement, which is atomic without a transaction around
    /// it: two round trips less on PostgreSQL, no savepoint on SQLite. A second statement is a fault; so
    /// is a refusal after a row was written, since that row stays.
    pub fn write_one<A, T, F>(
        &self,
        name: &'static str,
        ask: A,
        op: F,
    ) -> impl Future<Output = Result<T>> + Send + use<'_, A, T, F>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        self.run(name, Mode::One, ask, op)
    }

    fn run<A, T, F>(
        &self,
        name: &'static str,
        mode: Mode,
        ask: A,
        op: F,
    ) -> impl Future<Output = Result<T>> + Send + use<'_, A, T, F>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        timed(
            "write",
            match &self.0.engine {
                Engine::Sqlite(sqlite) => Either::Left(sqlite.write(name, mode, ask, op)),
                Engine::Postgres(postgres) => Either::Right(Box::pin(postgres.write(name, mode, ask, op))),
            },
        )
    }

    /// A number that moves whenever an epoch moved anywhere: a cache that remembers it is fresh for as
    /// long as it stands still (on other nodes: a second at most).
    pub fn changes(&self) -> i64 {
        self.0.changes.0.load(Ordering::Acquire)
    }

    /// Whether the database answers, reads and writes.
    ///
    /// # Errors
    /// A fault when it does not.
    pub async fn health(&self) -> Result<()> {
        self.read("health", (), |tx, ()| Box::pin(tx.ping())).await?;
        self.write("health", (), |tx, ()| Box::pin(tx.ping())).await
    }
}

/// Tells how long an operation took, its wait for the writer or a connection included. A read of SQLite
/// is not timed: it takes hardly longer than a look at the clock.
#[expect(clippy::disallowed_methods, reason = "durations are measured on the monotonic clock")]
async fn timed<T>(kind: &'static str, operation: impl Future<Output = T>) -> T {
    let began = std::time::Instant::now();
    let outcome = operation.await;
    metrics::histogram!("doorward_database_operation_seconds", "kind" => kind)
        .record(began.elapsed().as_secs_f64());
    outcome
}

/// An operation suspended while no statement was under way.
fn strayed() -> Error {
    Error::fault("awaited something other than SQL")
}

/// An operation panicked; the panic itself has been reported by its hook.
fn panicked() -> Error {
    Error::fault("panicked")
}

/// Whether an error says that the database cannot be reached.
pub(crate) fn is_out_of_reach(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    postgres::is_out_of_reach(error)
}

/// The values of a statement's parameters, in the order of their numbers.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*] };
}
