//! Statements on signing keys.

use doorward_proto::{
    id::{self, Id},
    jose::{Alg, Jwk},
    time::Time,
};

use super::Record;
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

// scan: a handful of rows
const ALL: &str =
    "SELECT id, alg, public_jwk, sealed, created_at, published_at, active_at, retired_at, expires_at
    FROM signing_keys ORDER BY active_at DESC, id DESC";
const INSERT: &str = "INSERT INTO signing_keys
    (id, alg, public_jwk, sealed, created_at, published_at, active_at, reason)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const RETIRE_OTHERS: &str = "UPDATE signing_keys SET retired_at = $3, expires_at = $4
    WHERE alg = $1 AND id <> $2 AND (retired_at IS NULL OR retired_at > $3)";
const EXPIRE: &str = "UPDATE signing_keys SET retired_at = COALESCE(retired_at, $2), expires_at = $2
    WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)";
const EXPIRE_ALG: &str = "UPDATE signing_keys SET retired_at = $3, expires_at = $3
    WHERE alg = $1 AND id <> $2 AND (expires_at IS NULL OR expires_at > $3)";
const REVIVE: &str = "UPDATE signing_keys SET retired_at = NULL, expires_at = NULL
    WHERE alg = $1 AND id <> $2 AND retired_at = $3";
const DELETE_OLD: &str = "DELETE FROM signing_keys WHERE expires_at IS NOT NULL AND expires_at < $1";

pub(super) async fn all(tx: &mut ReadTx<'_>) -> Result<Vec<Record>> {
    tx.all(ALL, &[], read).await
}

pub(super) async fn insert(tx: &mut Tx<'_>, record: &Record, reason: &str) -> Result<()> {
    let jwk = serde_json::to_string(&record.jwk)?;
    let values = args![
        record.id,
        record.alg.as_str(),
        jwk,
        &record.sealed,
        record.created_at,
        record.published_at,
        record.active_at,
        reason
    ];
    tx.exec(INSERT, values).await?;
    Ok(())
}

pub(super) async fn retire_others(
    tx: &mut Tx<'_>,
    alg: Alg,
    keep: Id<id::Key>,
    retired: Time,
    expires: Time,
) -> Result<()> {
    tx.exec(RETIRE_OTHERS, args![alg.as_str(), keep, retired, expires]).await?;
    Ok(())
}

pub(super) async fn expire_others(tx: &mut Tx<'_>, alg: Alg, keep: Id<id::Key>, now: Time) -> Result<()> {
    tx.exec(EXPIRE_ALG, args![alg.as_str(), keep, now]).await?;
    Ok(())
}

pub(super) async fn expire(tx: &mut Tx<'_>, id: Id<id::Key>, now: Time) -> Result<()> {
    tx.exec(EXPIRE, args![id, now]).await?;
    Ok(())
}

/// Undoes the planned retirement of the keys that `successor` was to replace.
pub(super) async fn revive_before(tx: &mut Tx<'_>, successor: &Record) -> Result<()> {
    tx.exec(REVIVE, args![successor.alg.as_str(), successor.id, successor.active_at]).await?;
    Ok(())
}

pub(super) async fn delete_older(tx: &mut Tx<'_>, than: Time) -> Result<()> {
    tx.exec(DELETE_OLD, args![than]).await?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Record> {
    Ok(Record {
        id: row.id(0)?,
        alg: super::alg(&row.text(1)?)?,
        jwk: Jwk::parse(row.text(2)?.as_bytes())?,
        sealed: row.bytes(3)?,
        created_at: row.time(4)?,
        published_at: row.time(5)?,
        active_at: row.time(6)?,
        retired_at: row.opt_time(7)?,
        expires_at: row.opt_time(8)?,
    })
}
