//! Statements on ended sessions.

use doorward_proto::{
    id::{self, Id},
    time::Time,
};

use crate::{
    args,
    clients::Metadata,
    db::{ReadTx, Tx},
    outcome::Result,
};

const HAS_ENDED: &str = "SELECT id FROM sessions WHERE ended_at IS NOT NULL AND noticed_at IS NULL LIMIT 1";
const ENDED: &str = "SELECT id, user_id FROM sessions WHERE ended_at IS NOT NULL AND noticed_at IS NULL
    ORDER BY ended_at LIMIT 100";
const CLIENTS_OF: &str = "SELECT DISTINCT c.id, c.metadata FROM grants g JOIN clients c ON c.id = g.client_id
    WHERE g.session_id = $1";
const NOTICED: &str = "UPDATE sessions SET noticed_at = $2 WHERE id = $1 AND noticed_at IS NULL";

pub(super) async fn has_ended(tx: &mut ReadTx<'_>) -> Result<bool> {
    Ok(tx.opt(HAS_ENDED, &[], |row| row.text(0)).await?.is_some())
}

pub(super) async fn ended(tx: &mut ReadTx<'_>) -> Result<Vec<(Id<id::Session>, Id<id::User>)>> {
    tx.all(ENDED, &[], |row| Ok((row.id(0)?, row.id(1)?))).await
}

pub(super) async fn clients_of(
    tx: &mut ReadTx<'_>,
    session: Id<id::Session>,
) -> Result<Vec<(Id<id::Client>, Metadata)>> {
    tx.all(CLIENTS_OF, args![session], |row| Ok((row.id(0)?, serde_json::from_str(&row.text(1)?)?))).await
}

pub(super) async fn noticed(tx: &mut Tx<'_>, session: Id<id::Session>, now: Time) -> Result<()> {
    tx.exec(NOTICED, args![session, now]).await?;
    Ok(())
}
