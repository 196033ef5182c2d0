//! Statements on the master key that a database belongs to.

use doorward_proto::time::Time;

use crate::{
    args,
    db::{ReadTx, Tx},
    outcome::Result,
};

const FIND: &str = "SELECT value FROM settings WHERE key = 'master_key'";
const INSERT: &str = "INSERT INTO settings (key, value, updated_at) VALUES ('master_key', $1, $2)";

pub(super) async fn master_key(tx: &mut ReadTx<'_>) -> Result<Option<String>> {
    tx.opt(FIND, &[], |row| row.text(0)).await
}

pub(super) async fn insert_master_key(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<()> {
    tx.exec(INSERT, args![id, now]).await?;
    Ok(())
}
