//! PostgreSQL: READ COMMITTED and guarded writes, no session state, so poolers are safe.
//!
//! With `statement_cache` off (behind a transaction pooler) every call uses an unnamed statement.

use std::{str::FromStr, sync::Arc};

use bytes::BytesMut;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use futures_util::future::BoxFuture;
use tokio_postgres::{
    Row,
    error::SqlState,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::{
    Value,
    tx::{On, ReadTx, Tx},
};
use crate::outcome::{Error, Result};

/// How often an operation is run again after a serialisation failure or a deadlock.
const TRIES: u32 = 5;

/// How to reach a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `postgres://user:password@host/name?sslmode=require`.
    pub url: String,
    /// Connections at the most.
    pub pool: usize,
    /// Whether statements may be prepared by name; off behind a transaction pooler.
    pub statement_cache: bool,
}

pub(super) struct Postgres {
    pool: Pool,
    cached: bool,
}

/// A connection, inside or outside a transaction.
pub(super) struct Session<'c> {
    client: &'c deadpool_postgres::ClientWrapper,
    cached: bool,
}

impl Postgres {
    pub(super) async fn open(settings: &Settings) -> Result<Self> {
        let config = tokio_postgres::Config::from_str(&settings.url)?;
        let manager = Manager::from_config(
            config,
            tokio_postgres_rustls::MakeRustlsConnect::new(tls()?),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager).max_size(settings.pool).build()?;
        drop(pool.get().await?);
        Ok(Self { pool, cached: settings.statement_cache })
    }

    pub(super) async fn read<A, T, F>(&self, name: &'static str, ask: &A, op: &F) -> Result<T>
    where
        A: Sync,
        F: for<'t, 'c> Fn(&'t mut ReadTx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Sync,
    {
        let client = self.pool.get().await?;
        let session = Session { client: &client, cached: self.cached };
        let outcome = op(&mut ReadTx(On::Postgres(session)), ask).await;
        outcome.map_err(|error| named(error, name))
    }

    pub(super) async fn write<A, T, F>(&self, name: &'static str, ask: &A, op: &F) -> (Result<T>, bool)
    where
        A: Sync,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Sync,
    {
        for last in (0..TRIES).rev() {
            match self.try_write(ask, op).await {
                Err(error) if last > 0 && may_repeat(&error) => {}
                Err(error) => return (Err(named(error, name)), false),
                Ok((outcome, raised)) => return (outcome, raised),
            }
        }
        (Err(Error::fault("unreachable: the last try answers")), false)
    }

    /// The inner result is the operation's own answer, once it is durable.
    async fn try_write<A, T, F>(&self, ask: &A, op: &F) -> Result<(Result<T>, bool)>
    where
        A: Sync,
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t A) -> BoxFuture<'t, Result<T>> + Sync,
    {
        let client = Open(Some(self.pool.get().await?));
        client.get()?.batch_execute("BEGIN").await?;
        let mut tx = Tx::new(On::Postgres(Session { client: client.get()?, cached: self.cached }));
        let outcome = op(&mut tx, ask).await;
        let keeps = outcome.is_ok() || tx.keeps_refusal;
        let raised = keeps && tx.raised_changes;
        match outcome {
            Err(Error::Fault(fault)) => {
                client.get()?.batch_execute("ROLLBACK").await?;
                client.close();
                Err(fault.into())
            }
            answer => {
                client.get()?.batch_execute(if keeps { "COMMIT" } else { "ROLLBACK" }).await?;
                client.close();
                Ok((answer, raised))
            }
        }
    }
}

/// A connection with a transaction open. Dropped before [`Open::close`] (the caller went away, an error
/// on the way) it leaves the pool for good, and PostgreSQL rolls back.
struct Open(Option<Object>);

impl Open {
    fn get(&self) -> Result<&deadpool_postgres::ClientWrapper> {
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

fn named(error: Error, name: &'static str) -> Error {
    match error {
        Error::Fault(fault) => fault.during(name).into(),
        refused @ Error::Refused(_) => refused,
    }
}

/// A serialisation failure, a deadlock, or a plan that a migration elsewhere has made invalid.
fn may_repeat(error: &Error) -> bool {
    let Error::Fault(fault) = error else { return false };
    let state = fault.cause().and_then(|cause| cause.downcast_ref::<tokio_postgres::Error>()?.code());
    [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED, &SqlState::FEATURE_NOT_SUPPORTED]
        .into_iter()
        .any(|repeatable| state == Some(repeatable))
}

fn tls() -> Result<rustls::ClientConfig> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_platform_verifier()?.with_no_client_auth())
}

impl Session<'_> {
    pub(super) async fn query(&mut self, sql: &str, args: &[Value<'_>]) -> Result<Vec<Row>> {
        if self.cached {
            let statement = self.client.prepare_typed_cached(sql, &types(args)).await?;
            Ok(self.client.query(&statement, &values(args)).await?)
        } else {
            Ok(self.client.query_typed(sql, &typed(args)).await?)
        }
    }

    pub(super) async fn execute(&mut self, sql: &str, args: &[Value<'_>]) -> Result<u64> {
        if self.cached {
            let statement = self.client.prepare_typed_cached(sql, &types(args)).await?;
            Ok(self.client.execute(&statement, &values(args)).await?)
        } else {
            Ok(self.client.execute_typed(sql, &typed(args)).await?)
        }
    }

    pub(super) async fn batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
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

/// Whether an error says that the server cannot be reached, rather than that it refused.
pub(super) fn is_out_of_reach(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<tokio_postgres::Error>().is_some_and(tokio_postgres::Error::is_closed)
        || error.is::<deadpool_postgres::PoolError>()
}
