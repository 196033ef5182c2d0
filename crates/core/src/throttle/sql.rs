//! Statements on counters of failed tries.

use doorward_proto::time::Time;

use crate::{
    args,
    db::{Row, Tx},
    outcome::{Error, Result},
};

/// One counter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counter {
    pub(super) failures: i64,
    pub(super) first_at: Time,
    pub(super) last_at: Time,
    pub(super) blocked_until: Time,
}

/// Makes or touches the row, so that the transaction holds it until it ends.
const LOCK: &str = "INSERT INTO throttles (key, failures, first_at, last_at, blocked_until)
    VALUES ($1, 0, $2, $2, 0)
    ON CONFLICT (key) DO UPDATE SET key = throttles.key
    RETURNING failures, first_at, last_at, blocked_until";
const UPDATE: &str = "UPDATE throttles SET failures = $2, first_at = $3, last_at = $4, blocked_until = $5
    WHERE key = $1";
const GIVE_BACK: &str = "UPDATE throttles SET failures = failures - $2,
        blocked_until = CASE WHEN blocked_until = $3 THEN $4 ELSE blocked_until END
    WHERE key = $1 AND failures >= $2";
const FORGIVE: &str = "UPDATE throttles SET failures = failures - 1 WHERE key = $1 AND failures > 0";
const REMOVE: &str = "DELETE FROM throttles WHERE key = $1";
const CLEAN: &str = "DELETE FROM throttles WHERE key IN (
    SELECT key FROM throttles WHERE last_at < $1 ORDER BY last_at LIMIT 500)";

pub(super) async fn lock(tx: &mut Tx<'_>, key: &str, now: Time) -> Result<Counter> {
    let row = tx.opt(LOCK, args![key, now], read).await?;
    row.ok_or_else(|| Error::fault("a counter could not be made"))
}

fn read(row: &Row<'_>) -> Result<Counter> {
    Ok(Counter {
        failures: row.int(0)?,
        first_at: row.time(1)?,
        last_at: row.time(2)?,
        blocked_until: row.time(3)?,
    })
}

pub(super) async fn update(tx: &mut Tx<'_>, key: &str, counter: &Counter) -> Result<()> {
    let values = args![key, counter.failures, counter.first_at, counter.last_at, counter.blocked_until];
    tx.exec(UPDATE, values).await?;
    Ok(())
}

/// Takes `added` off, and ends the wait that it began unless somebody else has begun a longer one since.
pub(super) async fn give_back(
    tx: &mut Tx<'_>,
    key: &str,
    added: i64,
    (set, before): (Time, Time),
) -> Result<()> {
    tx.exec(GIVE_BACK, args![key, added, set, before]).await?;
    Ok(())
}

pub(super) async fn forgive(tx: &mut Tx<'_>, key: &str) -> Result<()> {
    tx.exec(FORGIVE, args![key]).await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx<'_>, key: &str) -> Result<()> {
    tx.exec(REMOVE, args![key]).await?;
    Ok(())
}

pub(super) async fn clean(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    tx.exec(CLEAN, args![before]).await
}
