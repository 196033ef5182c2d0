//! Statements on single-use links.

use doorward_proto::{
    id::{Id, User},
    secret::TokenHash,
    time::Time,
};

use super::NewLink;
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

const INSERT: &str = "INSERT INTO links (hash, purpose, user_id, payload, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)";
const FIND: &str = "SELECT user_id, payload FROM links
    WHERE hash = $1 AND purpose = $2 AND expires_at > $3 AND consumed_at IS NULL";
const CONSUME: &str = "UPDATE links SET consumed_at = $3
    WHERE hash = $1 AND purpose = $2 AND expires_at > $3 AND consumed_at IS NULL RETURNING user_id, payload";
const END_OF: &str = "UPDATE links SET consumed_at = $3
    WHERE user_id = $1 AND purpose = $2 AND consumed_at IS NULL";
// scan: once, when the first administrator is made
const END_SET_UP: &str = "UPDATE links SET consumed_at = $1 WHERE purpose = 0 AND consumed_at IS NULL";
const END_ALL_OF: &str = "UPDATE links SET consumed_at = $2 WHERE user_id = $1 AND consumed_at IS NULL";
const CLEAN: &str = "DELETE FROM links WHERE hash IN (
    SELECT hash FROM links WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)";

/// Whom a link is about, and its sealed payload.
pub(super) type Found = (Option<Id<User>>, Vec<u8>);

fn read(row: &Row<'_>) -> Result<Found> {
    Ok((row.opt_id(0)?, row.bytes(1)?))
}

pub(super) async fn insert(tx: &mut Tx<'_>, link: &NewLink) -> Result<()> {
    let values = args![link.hash, link.purpose.number(), link.user, &link.payload, link.now, link.expires_at];
    tx.exec(INSERT, values).await?;
    Ok(())
}

pub(super) async fn find(
    tx: &mut ReadTx<'_>,
    hash: TokenHash,
    purpose: i64,
    now: Time,
) -> Result<Option<Found>> {
    tx.opt(FIND, args![hash, purpose, now], read).await
}

pub(super) async fn consume(
    tx: &mut Tx<'_>,
    hash: TokenHash,
    purpose: i64,
    now: Time,
) -> Result<Option<Found>> {
    tx.opt(CONSUME, args![hash, purpose, now], read).await
}

pub(super) async fn end_of(tx: &mut Tx<'_>, user: Id<User>, purpose: i64, now: Time) -> Result<()> {
    tx.exec(END_OF, args![user, purpose, now]).await?;
    Ok(())
}

pub(super) async fn end_set_up(tx: &mut Tx<'_>, now: Time) -> Result<()> {
    tx.exec(END_SET_UP, args![now]).await?;
    Ok(())
}

pub(super) async fn end_all_of(tx: &mut Tx<'_>, user: Id<User>, now: Time) -> Result<()> {
    tx.exec(END_ALL_OF, args![user, now]).await?;
    Ok(())
}

pub(super) async fn clean(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    tx.exec(CLEAN, args![before]).await
}
