//! Statements on jobs, leases and on rows that are over.

use doorward_proto::{
    id::{Id, Job as JobKind},
    time::Time,
};

use super::NewJob;
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

/// A job that was claimed.
pub(super) struct Claimed {
    pub(super) id: Id<JobKind>,
    pub(super) payload: String,
    pub(super) attempts: i64,
}

const INSERT: &str = "INSERT INTO jobs (id, kind, payload, due_at, created_at) VALUES ($1, $2, $3, $4, $5)";
const CLAIM: &str = "UPDATE jobs SET claimed_until = $2, attempts = attempts + 1
    WHERE id = (SELECT id FROM jobs WHERE done_at IS NULL AND due_at <= $1
            AND (claimed_until IS NULL OR claimed_until <= $1)
        ORDER BY due_at, id LIMIT 1)
        AND done_at IS NULL AND due_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)
    RETURNING id, payload, attempts";
const DONE: &str = "UPDATE jobs SET done_at = $2, claimed_until = NULL, last_error = $3
    WHERE id = $1 AND done_at IS NULL";
const AGAIN: &str = "UPDATE jobs SET due_at = $2, claimed_until = NULL, last_error = $3
    WHERE id = $1 AND done_at IS NULL";
const NEXT_DUE: &str = "SELECT MIN(due_at) FROM jobs WHERE done_at IS NULL";
const TAKE_LEASE: &str = "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $4)
    ON CONFLICT (name) DO UPDATE SET holder = $2, until = $4 WHERE leases.until <= $3";

/// What strangers may have kept: it goes away as soon as its time is over on every node's clock.
pub(super) const SOON: &[&str] = &[
    "DELETE FROM drafts WHERE id IN (
        SELECT id FROM drafts WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    "DELETE FROM pushed_requests WHERE hash IN (
        SELECT hash FROM pushed_requests WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    // Whoever left for a provider (4, 5) has no mail with the link in it.
    "DELETE FROM links WHERE hash IN (
        SELECT hash FROM links WHERE purpose > 3 AND expires_at < $1 ORDER BY expires_at LIMIT 500)",
    "DELETE FROM replays WHERE hash IN (
        SELECT hash FROM replays WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
];

/// What goes away a while after its time is over.
pub(super) const SWEEPS: &[&str] = &[
    "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE done_at < $1 ORDER BY done_at LIMIT 500)",
    "DELETE FROM codes WHERE hash IN (
        SELECT hash FROM codes WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    "DELETE FROM refresh_tokens WHERE hash IN (
        SELECT hash FROM refresh_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    "DELETE FROM access_tokens WHERE hash IN (
        SELECT hash FROM access_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    "DELETE FROM revoked_jtis WHERE jti IN (
        SELECT jti FROM revoked_jtis WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    "DELETE FROM idempotency WHERE (caller, key) IN (
        SELECT caller, key FROM idempotency WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
];

pub(super) async fn insert(tx: &mut Tx<'_>, job: &NewJob) -> Result<()> {
    let payload = serde_json::to_value(&job.work)?;
    let kind = payload.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
    tx.exec(INSERT, args![job.id, kind, payload.to_string(), job.due_at, job.now]).await?;
    Ok(())
}

pub(super) async fn claim(tx: &mut Tx<'_>, now: Time, until: Time) -> Result<Option<Claimed>> {
    tx.opt(CLAIM, args![now, until], |row: &Row<'_>| {
        Ok(Claimed { id: row.id(0)?, payload: row.text(1)?, attempts: row.int(2)? })
    })
    .await
}

pub(super) async fn done(
    tx: &mut Tx<'_>,
    id: Id<JobKind>,
    now: Time,
    last_error: Option<&String>,
) -> Result<()> {
    tx.exec(DONE, args![id, now, last_error]).await?;
    Ok(())
}

pub(super) async fn again(tx: &mut Tx<'_>, id: Id<JobKind>, due_at: Time, why: &str) -> Result<()> {
    tx.exec(AGAIN, args![id, due_at, why]).await?;
    Ok(())
}

pub(super) async fn next_due(tx: &mut ReadTx<'_>) -> Result<Option<Time>> {
    Ok(tx.opt(NEXT_DUE, &[], |row| row.opt_time(0)).await?.flatten())
}

pub(super) async fn take_lease(
    tx: &mut Tx<'_>,
    name: &str,
    holder: Id<JobKind>,
    now: Time,
    until: Time,
) -> Result<bool> {
    Ok(tx.exec(TAKE_LEASE, args![name, holder, now, until]).await? > 0)
}

pub(super) async fn sweep(tx: &mut Tx<'_>, statement: &'static str, before: Time) -> Result<u64> {
    tx.exec(statement, args![before]).await
}
