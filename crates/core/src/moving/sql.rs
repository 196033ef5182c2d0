//! Statements on what a file does not bring.

use doorward_proto::time::Time;

use crate::{
    args,
    clients::{COMMAND_LINE, GATEWAY},
    db::{ReadTx, Tx},
    outcome::Result,
};

const BUILT_IN: &str = "SELECT id FROM clients WHERE client_id IN ($1, $2)";
const NAME_INSTANCE: &str = "UPDATE orgs SET name = $2, name_folded = $3, slug = $4, joined_by = $5,
    allowed_addresses = $7, updated_at = $6, version = version + 1 WHERE id = $1 AND kind = 0";

/// The applications that every server has of itself.
pub(super) async fn built_in(tx: &mut ReadTx<'_>) -> Result<Vec<String>> {
    tx.all(BUILT_IN, args![COMMAND_LINE, GATEWAY], |row| row.text(0)).await
}

/// How an instance calls itself.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) slug: Option<String>,
    pub(super) joined_by: i64,
    /// JSON.
    pub(super) allowed_addresses: String,
}

pub(super) async fn name_instance(tx: &mut Tx<'_>, org: &str, named: &Named, now: Time) -> Result<()> {
    let folded = named.name.to_lowercase();
    let values = args![org, &named.name, folded, &named.slug, named.joined_by, now, &named.allowed_addresses];
    tx.exec(NAME_INSTANCE, values).await?;
    Ok(())
}
