//! Statements on kept answers.

use doorward_proto::{secret::TokenHash, time::Time};

use super::Claim;
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

const INSERT: &str = "INSERT INTO idempotency (caller, key, request_hash, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (caller, key) DO NOTHING";
const TAKE_OVER: &str = "UPDATE idempotency
    SET request_hash = $3, response = NULL, created_at = $4, expires_at = $5
    WHERE caller = $1 AND key = $2 AND expires_at <= $4";
const FIND: &str = "SELECT request_hash, response FROM idempotency WHERE caller = $1 AND key = $2";
const FIND_LIVE: &str = "SELECT request_hash, response FROM idempotency
    WHERE caller = $1 AND key = $2 AND expires_at > $3";
const FINISH: &str = "UPDATE idempotency SET response = $3, expires_at = $4
    WHERE caller = $1 AND key = $2 AND request_hash = $5 AND response IS NULL";
const RELEASE: &str = "DELETE FROM idempotency WHERE caller = $1 AND key = $2 AND response IS NULL";
const SWEEP: &str = "DELETE FROM idempotency WHERE expires_at <= $1";

pub(super) struct Kept {
    pub(super) request: TokenHash,
    pub(super) response: Option<Vec<u8>>,
}

pub(super) async fn insert(tx: &mut Tx<'_>, claim: &Claim, now: Time, expires_at: Time) -> Result<bool> {
    let values = args![&claim.caller, &claim.key, claim.request, now, expires_at];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(super) async fn take_over(tx: &mut Tx<'_>, claim: &Claim, now: Time, expires_at: Time) -> Result<bool> {
    let values = args![&claim.caller, &claim.key, claim.request, now, expires_at];
    Ok(tx.exec(TAKE_OVER, values).await? > 0)
}

pub(super) async fn find(tx: &mut ReadTx<'_>, claim: &Claim) -> Result<Option<Kept>> {
    tx.opt(FIND, args![&claim.caller, &claim.key], read).await
}

/// The same, unless it is over.
pub(super) async fn find_live(tx: &mut ReadTx<'_>, claim: &Claim, now: Time) -> Result<Option<Kept>> {
    tx.opt(FIND_LIVE, args![&claim.caller, &claim.key, now], read).await
}

fn read(row: &Row<'_>) -> Result<Kept> {
    Ok(Kept { request: row.hash(0)?, response: row.opt_bytes(1)? })
}

pub(super) async fn finish(tx: &mut Tx<'_>, claim: &Claim, sealed: &Vec<u8>, expires_at: Time) -> Result<()> {
    tx.exec(FINISH, args![&claim.caller, &claim.key, sealed, expires_at, claim.request]).await?;
    Ok(())
}

pub(super) async fn release(tx: &mut Tx<'_>, claim: &Claim) -> Result<()> {
    tx.exec(RELEASE, args![&claim.caller, &claim.key]).await?;
    Ok(())
}

pub(super) async fn sweep(tx: &mut Tx<'_>, now: Time) -> Result<u64> {
    tx.exec(SWEEP, args![now]).await
}
