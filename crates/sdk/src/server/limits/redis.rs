//! Counters that several processes share, in Redis or Valkey: one round trip for all counters of a request.
//!
//! When Redis is away, this process counts in its own memory, at once: nobody is let through uncounted, and
//! nobody waits. Each process then gives the whole of every limit. A second later, and every second from then
//! on, it is tried again; until it takes writes, no request asks it. Counters in memory and in Redis are not
//! mixed: whoever was counted there meanwhile begins anew here.
//!
//! Time is that of whoever asks: processes that share counters need clocks that agree, as their tokens do.

mod names;
mod script;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use doorward_judge::limit::{Counted, Measure, Standing};
use doorward_proto::time::Time;
use futures_util::future::BoxFuture;
use redis::{AsyncConnectionConfig, Client, RedisError, ScriptInvocation, aio::MultiplexedConnection};

use self::names::Names;
use super::{Failing, Limits, MemoryLimits, Take, Which, settled};

const TO_CONNECT: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_secs(1);
/// For what an administrator asks for.
const LONG: Duration = Duration::from_secs(30);
const BATCH: usize = 500;

/// Says whether Redis is there.
const UP: &str = "doorward_redis_up";
/// Counts what was counted in memory because it was not.
const FALLBACKS: &str = "doorward_limits_fallbacks_total";

/// The address is none of Redis.
#[derive(Debug, thiserror::Error)]
#[error("write redis://[user:password@]host[:port][/database], rediss:// for TLS, or unix:///path")]
pub struct NotAnAddress;

/// See the module.
pub struct RedisLimits(Arc<Shared>);

struct Shared {
    client: Client,
    names: Names,
    memory: MemoryLimits,
    line: RwLock<Line>,
    /// Nobody waits longer for Redis than this; a round trip takes a tenth of a millisecond.
    patience: Duration,
}

/// What Redis is reached by, while it is.
#[derive(Default)]
struct Line {
    connection: Option<MultiplexedConnection>,
    /// Rises with every connection: only who used this one can say that it is gone.
    number: u64,
}

impl RedisLimits {
    /// Counters at this address, apart from those of every other name. When nobody answers there, this process
    /// begins with its own; a Redis that lets a request wait for longer than `patience` is away.
    ///
    /// # Errors
    /// An address that is none.
    pub async fn open(address: &str, name: &str, patience: Duration) -> Result<Self, NotAnAddress> {
        let client = Client::open(address).map_err(|_| NotAnAddress)?;
        describe();
        let names = Names::of(name);
        let (memory, line) = (MemoryLimits::default(), RwLock::default());
        let shared = Shared { client, names, memory, line, patience };
        let limits = Self(Arc::new(shared));
        match limits.0.connect().await {
            Ok(connection) => limits.0.found(connection),
            Err(error) => limits.0.is_away(&error.to_string()),
        }
        Ok(limits)
    }

    /// Whether an address is one.
    ///
    /// # Errors
    /// When it is none.
    pub fn check(address: &str) -> Result<(), NotAnAddress> {
        Client::open(address).map(drop).map_err(|_| NotAnAddress)
    }

    /// Whether Redis is there.
    pub fn is_shared(&self) -> bool {
        self.0.line().connection.is_some()
    }

    async fn ask<T: redis::FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Option<T> {
        let (mut connection, number) = {
            let line = self.0.line();
            (line.connection.clone(), line.number)
        };
        let answer = match connection.as_mut() {
            Some(connection) => tokio::time::timeout(self.0.patience, script.invoke_async(connection)).await,
            None => return None,
        };
        match answer {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => self.0.lost(number, &error.to_string()),
            Err(_) => self.0.lost(number, "it does not answer in time"),
        }
        None
    }

    async fn take_shared(&self, takes: &[Take], now: Time) -> Option<Vec<Standing>> {
        let script = script::take();
        let mut ask = script.prepare_invoke();
        ask.arg(now.as_micros());
        for take in takes {
            ask.key(self.0.names.of_key(&take.key));
            match take.measure {
                Measure::Rate(gcra) => {
                    ask.arg("rate").arg(gcra.interval * i64::from(take.cost)).arg(gcra.tolerance()).arg(0);
                }
                Measure::Quota(quota) => {
                    let (start, end) = quota.per.around(now);
                    let left = u64::try_from(end.since(now).as_millis()).unwrap_or(u64::MAX);
                    ask.arg(start.as_micros()).arg(take.cost).arg(quota.limit).arg(left);
                }
            }
        }
        let kept: Vec<String> = self.ask(&ask).await?;
        let standings = takes.iter().zip(&kept).map(|(take, kept)| standing(take, kept, now)).collect();
        Some(settled(standings, takes))
    }

    async fn failures(&self, failing: &[Failing], now: Time, counts: bool) -> Option<Vec<Option<Duration>>> {
        let script = script::failures();
        let mut ask = script.prepare_invoke();
        ask.arg(now.as_micros()).arg(u8::from(counts));
        for Failing { key, window } in failing {
            ask.key(self.0.names.of_key(key))
                .arg(window.limit)
                .arg(u64::try_from(window.length.as_micros()).unwrap_or(u64::MAX));
        }
        let limiting: Vec<Option<i64>> = self.ask(&ask).await?;
        Some(failing.iter().zip(limiting).map(|(failing, at)| failing.window.wait(at, now)).collect())
    }

    async fn clear_shared(&self, which: &Which) -> Result<u64, RedisError> {
        let Some(mut connection) = self.0.line().connection.clone() else { return Ok(0) };
        connection.set_response_timeout(LONG);
        let (mut cursor, mut cleared) = (0_u64, 0_u64);
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(self.0.names.pattern()).arg("COUNT").arg(BATCH);
            let (next, found): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
            let meant = |name: &String| self.0.names.read(name).is_some_and(|key| which.holds(&key));
            let doomed: Vec<String> = found.into_iter().filter(meant).collect();
            if !doomed.is_empty() {
                cleared += redis::cmd("UNLINK").arg(doomed).query_async::<u64>(&mut connection).await?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(cleared);
            }
        }
    }
}

fn standing(take: &Take, kept: &str, now: Time) -> Standing {
    match take.measure {
        Measure::Rate(gcra) => gcra.take(kept.parse().unwrap_or(0), now, take.cost).0,
        Measure::Quota(quota) => {
            let (start, count) = kept.split_once(' ').unwrap_or_default();
            let kept = Counted { start: start.parse().unwrap_or(0), count: count.parse().unwrap_or(0) };
            quota.take(kept, now, take.cost).0
        }
    }
}

impl Limits for RedisLimits {
    fn take<'a>(&'a self, takes: &'a [Take], now: Time) -> BoxFuture<'a, Vec<Standing>> {
        Box::pin(async move {
            match self.take_shared(takes, now).await {
                Some(standings) => standings,
                None => self.0.here().take(takes, now).await,
            }
        })
    }

    fn waits<'a>(&'a self, failing: &'a [Failing], now: Time) -> BoxFuture<'a, Vec<Option<Duration>>> {
        Box::pin(async move {
            match self.failures(failing, now, false).await {
                Some(waits) => waits,
                None => self.0.here().waits(failing, now).await,
            }
        })
    }

    fn fail<'a>(&'a self, failing: &'a [Failing], now: Time) -> BoxFuture<'a, Vec<Option<Duration>>> {
        Box::pin(async move {
            match self.failures(failing, now, true).await {
                Some(waits) => waits,
                None => self.0.here().fail(failing, now).await,
            }
        })
    }

    fn clear<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, u64> {
        Box::pin(async move {
            let shared = self.clear_shared(which).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "not every shared counter could be cleared");
                0
            });
            shared + self.0.memory.clear(which).await
        })
    }
}

impl Shared {
    fn line(&self) -> std::sync::RwLockReadGuard<'_, Line> {
        self.line.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters of this process, in place of those that cannot be reached.
    fn here(&self) -> &MemoryLimits {
        metrics::counter!(FALLBACKS).increment(1);
        &self.memory
    }

    /// A connection over which something was written: one that only reads is of no use.
    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TO_CONNECT))
            .set_response_timeout(Some(self.patience));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut probe = redis::cmd("SET");
        probe.arg(self.names.probe()).arg(1).arg("PX").arg(1_000);
        probe.query_async::<()>(&mut connection).await?;
        Ok(connection)
    }

    fn found(&self, connection: MultiplexedConnection) {
        let mut line = self.line.write().unwrap_or_else(PoisonError::into_inner);
        line.connection = Some(connection);
        line.number += 1;
        metrics::gauge!(UP).set(1.0);
    }

    /// The first who finds it gone says so, and looks for it.
    fn lost(self: &Arc<Self>, number: u64, why: &str) {
        let mut line = self.line.write().unwrap_or_else(PoisonError::into_inner);
        if line.number != number || line.connection.take().is_none() {
            return;
        }
        drop(line);
        self.is_away(why);
    }

    fn is_away(self: &Arc<Self>, why: &str) {
        metrics::gauge!(UP).set(0.0);
        tracing::warn!(why, "Redis is away: limits are counted by each process for itself");
        let shared = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(AGAIN);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                let Some(shared) = shared.upgrade() else { return };
                if let Ok(connection) = shared.connect().await {
                    shared.found(connection);
                    tracing::info!("Redis is back: limits are counted together again");
                    return;
                }
            }
        });
    }
}

fn describe() {
    metrics::describe_gauge!(UP, "Whether limits are counted in Redis.");
    metrics::describe_counter!(FALLBACKS, "Questions that were answered from memory because Redis was away.");
}

#[cfg(test)]
mod tests;
