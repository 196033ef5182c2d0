//! Statements on applications.

use doorward_proto::id::{self, Id};

use super::{Client, Secret};
use crate::{
    args,
    db::{ReadTx, Row},
    outcome::Result,
    principals::status_from,
};

const FIND: &str = "SELECT c.id, c.client_id, c.org_id, c.name, c.is_confidential, c.is_first_party,
    c.metadata, c.version, p.status, p.epoch, c.created_at, c.updated_at
    FROM clients c JOIN principals p ON p.id = c.id WHERE c.id = $1";
const FIND_BY_CLIENT_ID: &str = "SELECT c.id, c.client_id, c.org_id, c.name, c.is_confidential,
    c.is_first_party, c.metadata, c.version, p.status, p.epoch, c.created_at, c.updated_at
    FROM clients c JOIN principals p ON p.id = c.id WHERE c.client_id = $1";
const SECRETS: &str =
    "SELECT hash, expires_at FROM client_secrets WHERE client_id = $1 AND revoked_at IS NULL";

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<id::Client>) -> Result<Option<Client>> {
    let found = tx.opt(FIND, args![id], read).await?;
    with_secrets(tx, found).await
}

pub(super) async fn find_by_client_id(tx: &mut ReadTx<'_>, client_id: &str) -> Result<Option<Client>> {
    let found = tx.opt(FIND_BY_CLIENT_ID, args![client_id], read).await?;
    with_secrets(tx, found).await
}

async fn with_secrets(tx: &mut ReadTx<'_>, found: Option<Client>) -> Result<Option<Client>> {
    let Some(mut client) = found else { return Ok(None) };
    client.secrets = tx
        .all(SECRETS, args![client.id], |row| Ok(Secret { hash: row.hash(0)?, expires_at: row.opt_time(1)? }))
        .await?;
    Ok(Some(client))
}

pub(super) fn read(row: &Row<'_>) -> Result<Client> {
    Ok(Client {
        id: row.id(0)?,
        client_id: row.text(1)?,
        org: row.id(2)?,
        name: row.text(3)?,
        is_confidential: row.flag(4)?,
        is_first_party: row.flag(5)?,
        metadata: serde_json::from_str(&row.text(6)?)?,
        version: row.int(7)?,
        status: status_from(row.int(8)?)?,
        epoch: row.int(9)?,
        created_at: row.time(10)?,
        updated_at: row.time(11)?,
        secrets: Vec::new(),
    })
}
