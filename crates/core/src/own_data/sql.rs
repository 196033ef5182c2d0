//! The addresses that a person has proven.

use doorward_proto::id::{Id, User};

use crate::{args, db::ReadTx, outcome::Result};

const PROVEN: &str =
    "SELECT folded FROM emails WHERE user_id = $1 AND verified_at IS NOT NULL ORDER BY folded";

pub(super) async fn proven_addresses(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Vec<String>> {
    tx.all(PROVEN, args![user], |row| row.text(0)).await
}
