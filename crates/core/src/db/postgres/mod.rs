//! PostgreSQL: READ COMMITTED and guarded writes, no session state, so poolers are safe.
//!
//! An operation runs in a task of its own, so that it ends even when its caller goes away. With
//! `statement_cache` off (behind a transaction pooler) every call uses an unnamed statement.

mod connect;
mod tls;
mod watch;

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use bytes::BytesMut;
use deadpool_postgres::{ClientWrapper, Object, Pool, PoolError};
use futures_util::future::{BoxFuture, join, try_join_all};
use tokio_postgres::{
    Row,
    binary_copy::BinaryCopyInWriter,
    error::SqlState,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use self::connect::Route;
use super::{
    Changes, Value,
    tx::{Mode, On, ReadTx, Settled, Tx},
};
use crate::outcome::{Error, Result};

/// How often an operation is run again after a serialisation failure, a deadlock or a lost connection.
const TRIES: u32 = 5;

/// How to reach a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `postgres://user:password@host/name?sslmode=verify-full&sslrootcert=/etc/ca.pem`, as libpq reads it.
    pub url: String,
    /// The same database without a pooler between, for `LISTEN`. Not needed when `url` is that, which
    /// is taken for granted where statements are cached.
    pub direct_url: Option<String>,
    /// Connections at the most.
    pub pool: usize,
    /// Whether statements may be prepared by name; off behind a transaction pooler.
    pub statement_cache: bool,
}

#[derive(Clone)]
pub(super) struct Postgres {
    pool: Pool,
    cached: bool,
    changes: Arc<Changes>,
    _watch: Arc<watch::Watch>,
}

/// A connection, inside or outside a transaction.
pub(super) struct Session<'c> {
    client: &'c ClientWrapper,
    cached: bool,
    /// Whether a statement is under way: an operation may suspend only then.
    busy: &'c AtomicBool,
}

/// How one try of an operation ended.
enum Tried<T> {
    Settled(Settled<T>),
    /// Nothing was committed, and it may well succeed next time.
    Again(Error),
}

impl Postgres {
    pub(super) async fn open(settings: &Settings, changes: Arc<Changes>) -> Result<Self> {
        let route = Route::read(&settings.url)?;
        let listen_on = match &settings.direct_url {
            Some(url) => Some(Route::read(url)?),
            None => settings.statement_cache.then(|| route.clone()),
        };
        let place = route.shown();
        let pool = connect::pool(route, settings.pool)?;
        connect::first(&pool, &place).await?;
        let watch = Arc::new(watch::start(pool.clone(), listen_on, Arc::clone(&changes)));
        Ok(Self { pool, cached: settings.statement_cache, changes, _watch: watch })
    }

    pub(super) async fn read<A, T, F>(&self, name: &'static str, ask: &A, op: &F) -> Result<T>
    where
        A: Sync,
        F: for<'t, 'c> Fn(&'t mut ReadTx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Sync,
    {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let client = self.pool.get().await.map_err(|error| Error::from(error).during(name))?;
            let busy = AtomicBool::new(false);
            let mut tx = ReadTx::new(On::Postgres(self.session(&client, &busy)));
            match guarded(&busy, op(&mut tx, ask)).await {
                Err(error) if tries > 0 && (client.is_closed() || may_repeat(&client, &error)) => {}
                outcome => return outcome.map_err(|error| error.during(name)),
            }
        }
    }

    /// Like [`Postgres::read`], with every statement seeing the same state.
    pub(super) async fn scan<A, T, F>(&self, name: &'static str, ask: &A, op: &F) -> Result<T>
    where
        A: Sync,
        F: for<'t, 'c> Fn(&'t mut ReadTx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Sync,
    {
        let run = async {
            let open = Open(Some(self.pool.get().await?));
            let client = open.get()?;
            let busy = AtomicBool::new(false);
            let mut tx = ReadTx::new(On::Postgres(self.session(client, &busy)));
            client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            let outcome = guarded(&busy, op(&mut tx, ask)).await;
            client.batch_execute("ROLLBACK").await?;
            open.close();
            outcome
        };
        run.await.map_err(|error: Error| error.during(name))
    }

    /// Runs in a task of its own, which ends even when the caller does not wait for it.
    pub(super) async fn write<A, T, F>(&self, name: &'static str, mode: Mode, ask: A, op: F) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        let this = self.clone();
        let task = async move { this.write_until_settled(mode, &ask, &op).await };
        tokio::spawn(task).await?.map_err(|error| error.during(name))
    }

    async fn write_until_settled<A, T, F>(&self, mode: Mode, ask: &A, op: &F) -> Result<T>
    where
        A: Sync,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Sync,
    {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match self.try_write(mode, ask, op).await? {
                Tried::Again(error) if tries == 0 => return Err(error),
                Tried::Again(_) => metrics::counter!("doorward_database_conflicts_total").increment(1),
                Tried::Settled(settled) => {
                    if let Some(counter) = settled.raised {
                        self.changes.see(counter);
                    }
                    return settled.outcome;
                }
            }
        }
    }

    async fn try_write<A, T, F>(&self, mode: Mode, ask: &A, op: &F) -> Result<Tried<T>>
    where
        A: Sync,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Sync,
    {
        let open = Open(Some(self.pool.get().await?));
        let client = open.get()?;
        let busy = AtomicBool::new(false);
        let mut tx = Tx::new(On::Postgres(self.session(client, &busy)), mode);
        if mode == Mode::One {
            let outcome = guarded(&busy, op(&mut tx, ask)).await;
            let Settled { outcome, keep, raised } = tx.settle(mode, outcome);
            return Ok(match outcome {
                // Not after a lost connection, which may hide that the statement was done.
                Err(error) if may_repeat(client, &error) => Tried::Again(error),
                outcome => {
                    open.close();
                    Tried::Settled(Settled { outcome, keep, raised })
                }
            });
        }
        // Sent together with the first statement: a round trip less.
        let (begun, outcome) = join(client.batch_execute("BEGIN"), guarded(&busy, op(&mut tx, ask))).await;
        if let Err(error) = begun {
            return Ok(Tried::Again(error.into()));
        }
        let Settled { outcome, keep, raised } = tx.settle(mode, outcome);
        match outcome {
            Err(error) if client.is_closed() => Ok(Tried::Again(error)),
            Err(error) if may_repeat(client, &error) => {
                client.batch_execute("ROLLBACK").await?;
                open.close();
                Ok(Tried::Again(error))
            }
            outcome => {
                client.batch_execute(if keep { "COMMIT" } else { "ROLLBACK" }).await?;
                open.close();
                Ok(Tried::Settled(Settled { outcome, keep, raised }))
            }
        }
    }

    const fn session<'c>(&self, client: &'c ClientWrapper, busy: &'c AtomicBool) -> Session<'c> {
        Session { client, cached: self.cached, busy }
    }
}

/// Polls an operation, which may suspend only while a statement is under way; a panic in it is a fault.
async fn guarded<T>(busy: &AtomicBool, mut operation: BoxFuture<'_, Result<T>>) -> Result<T> {
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| operation.as_mut().poll(context))) {
        Ok(Poll::Pending) if busy.load(Ordering::Relaxed) => Poll::Pending,
        Ok(Poll::Pending) => Poll::Ready(Err(super::strayed())),
        Ok(ready) => ready,
        Err(_) => Poll::Ready(Err(super::panicked())),
    })
    .await
}

/// A connection with a transaction open. Dropped before [`Open::close`] (the process ends, an error on
/// the way) it leaves the pool for good, and PostgreSQL rolls back.
struct Open(Option<Object>);

impl Open {
    fn get(&self) -> Result<&ClientWrapper> {
        self.0.as_deref().ok_or_else(|| Error::fault("the connection is gone"))
    }
    fn close(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

/// A serialisation failure, a deadlock, or a plan that a migration elsewhere has made invalid: then
/// every statement is prepared anew.
fn may_repeat(client: &ClientWrapper, error: &Error) -> bool {
    let Error::Fault(fault) = error else { return false };
    let code = fault.cause().and_then(|cause| cause.downcast_ref::<tokio_postgres::Error>()?.code());
    if code == Some(&SqlState::FEATURE_NOT_SUPPORTED) {
        client.statement_cache.clear();
        return true;
    }
    code == Some(&SqlState::T_R_SERIALIZATION_FAILURE) || code == Some(&SqlState::T_R_DEADLOCK_DETECTED)
}

impl Session<'_> {
    pub(super) async fn query(&mut self, sql: &str, args: &[Value<'_>]) -> Result<Vec<Row>> {
        self.during(async {
            if self.cached {
                let statement = self.client.prepare_typed_cached(sql, &types(args)).await?;
                self.client.query(&statement, &values(args)).await
            } else {
                self.client.query_typed(sql, &typed(args)).await
            }
        })
        .await
    }

    pub(super) async fn execute(&mut self, sql: &str, args: &[Value<'_>]) -> Result<u64> {
        self.during(async {
            if self.cached {
                let statement = self.client.prepare_typed_cached(sql, &types(args)).await?;
                self.client.execute(&statement, &values(args)).await
            } else {
                self.client.execute_typed(sql, &typed(args)).await
            }
        })
        .await
    }

    /// The same statement for every row, without waiting between them.
    pub(super) async fn execute_each(&mut self, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<u64> {
        let Some(first) = rows.first() else { return Ok(0) };
        let client = self.client;
        self.during(async {
            let counts = if self.cached {
                let statement = &client.prepare_typed_cached(sql, &types(first)).await?;
                let run = |row| async move { client.execute(statement, &values(row)).await };
                try_join_all(rows.iter().map(Vec::as_slice).map(run)).await?
            } else {
                let run = |row| async move { client.execute_typed(sql, &typed(row)).await };
                try_join_all(rows.iter().map(Vec::as_slice).map(run)).await?
            };
            Ok(counts.iter().sum())
        })
        .await
    }

    /// COPY needs a named statement, which must not be left behind a pooler.
    pub(super) const fn may_copy(&self) -> bool {
        self.cached
    }

    pub(super) async fn copy(&mut self, sql: &str, rows: &[Vec<Value<'_>>]) -> Result<()> {
        let Some(first) = rows.first() else { return Ok(()) };
        self.during(async {
            let sink = self.client.copy_in(sql).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &types(first)));
            for row in rows {
                writer.as_mut().write(&values(row)).await?;
            }
            writer.finish().await.map(|_| ())
        })
        .await
    }

    pub(super) async fn batch(&mut self, sql: &str) -> Result<()> {
        self.during(self.client.batch_execute(sql)).await
    }

    /// Tells every listener, when the transaction commits.
    pub(super) async fn notify(&mut self, counter: i64) -> Result<()> {
        let values = [Value::from(watch::CHANNEL), Value::from(counter.to_string())];
        self.query("SELECT pg_notify($1, $2)", &values).await.map(|_| ())
    }

    async fn during<T>(
        &self,
        statement: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        self.busy.store(true, Ordering::Relaxed);
        let outcome = statement.await;
        self.busy.store(false, Ordering::Relaxed);
        Ok(outcome?)
    }
}

impl Value<'_> {
    const fn postgres_type(&self) -> Type {
        match self {
            Value::Int(_) => Type::INT8,
            Value::Text(_) => Type::TEXT,
            Value::Bytes(_) => Type::BYTEA,
        }
    }
}

fn types(args: &[Value<'_>]) -> Vec<Type> {
    args.iter().map(Value::postgres_type).collect()
}

fn values<'v>(args: &'v [Value<'v>]) -> Vec<&'v (dyn ToSql + Sync)> {
    args.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn typed<'v>(args: &'v [Value<'v>]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    args.iter().map(|value| (value as &(dyn ToSql + Sync), value.postgres_type())).collect()
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        to: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Int(value) => value.to_sql(to, out),
            Value::Text(value) => value.as_deref().to_sql(to, out),
            Value::Bytes(value) => value.as_deref().to_sql(to, out),
        }
    }
    fn accepts(to: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(to)
    }
    to_sql_checked!();
}

/// Whether an error says that the server cannot be reached or takes nobody in, rather than that it refused.
pub(super) fn is_out_of_reach(error: &(dyn std::error::Error + 'static)) -> bool {
    const AWAY: [SqlState; 5] = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::CONNECTION_FAILURE,
    ];
    if let Some(error) = error.downcast_ref::<tokio_postgres::Error>() {
        return error.is_closed() || error.code().is_some_and(|code| AWAY.contains(code));
    }
    error.is::<PoolError>()
}
