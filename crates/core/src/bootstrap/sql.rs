//! Statements on what is remembered of bootstrap tokens.

use doorward_proto::time::Time;

use super::Memory;
use crate::{
    args,
    db::{ReadTx, Tx},
    outcome::Result,
};

const FIND: &str = "SELECT value FROM settings WHERE key = $1";
const INSERT: &str =
    "INSERT INTO settings (key, value, updated_at) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING";
const STORE: &str = "INSERT INTO settings (key, value, updated_at) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";

pub(super) async fn find(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<Memory>> {
    let text = tx.opt(FIND, args![key], |row| row.text(0)).await?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Keeps what is remembered already.
pub(super) async fn insert(tx: &mut Tx<'_>, key: &str, memory: &Memory, now: Time) -> Result<()> {
    tx.exec(INSERT, args![key, serde_json::to_string(memory)?, now]).await?;
    Ok(())
}

pub(super) async fn store(tx: &mut Tx<'_>, key: &str, memory: &Memory, now: Time) -> Result<()> {
    tx.exec(STORE, args![key, serde_json::to_string(memory)?, now]).await?;
    Ok(())
}
