//! Statements that register, change and find applications.

use doorward_proto::{
    id::{self, Id, Org},
    secret::TokenHash,
    time::Time,
};

use super::{Registration, Uses};
use crate::{
    args,
    clients::{Client, sql::read},
    db::{ReadTx, Tx},
    outcome::Result,
    page::{PageAsk, prefix_range},
    principals::Status,
};

const INSERT: &str = "INSERT INTO clients (id, client_id, org_id, name, name_folded, is_confidential,
    is_first_party, metadata, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
    ON CONFLICT (client_id) DO NOTHING";
const UPDATE: &str = "UPDATE clients SET name = $3, name_folded = $4, is_first_party = $5, metadata = $6,
    updated_at = $7, version = version + 1 WHERE id = $1 AND version = $2";
const TOUCH: &str = "UPDATE clients SET updated_at = $2, version = version + 1 WHERE id = $1";
const INSERT_SECRET: &str = "INSERT INTO client_secrets (client_id, hash, hash_key, created_at)
    VALUES ($1, $2, $3, $4)";
const END_SECRETS: &str = "UPDATE client_secrets SET expires_at = $2
    WHERE client_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
const RETIRE_SECRETS: &str = "UPDATE client_secrets SET expires_at = $2
    WHERE client_id = $1 AND revoked_at IS NULL AND expires_at > $2";
// scan: of the rows that the index found, as many as are counted at the most
const CONSENTS: &str = "SELECT count(*) FROM (SELECT user_id FROM consents
    WHERE client_id = $1 AND revoked_at IS NULL LIMIT $2) AS found";
// scan: of the rows that the index found, as many as are counted at the most
const GRANTS: &str = "SELECT count(*) FROM (SELECT id FROM grants
    WHERE client_id = $1 AND ended_at IS NULL AND (expires_at > $3 OR expires_at IS NULL) LIMIT $2) AS found";
// To whoever asks for the suspended ones, one that waits with its organisation (3) is one of them (1).
const LIST: &str = "SELECT c.id, c.client_id, c.org_id, c.name, c.is_confidential, c.is_first_party,
    c.metadata, c.version, p.status, p.epoch, c.created_at, c.updated_at
    FROM clients c JOIN principals p ON p.id = c.id
    WHERE c.id > $1 AND p.id > $1 AND p.status <> 2 AND (p.status = $3 OR $3 IS NULL OR p.status = 3 AND $3 = 1)
    ORDER BY c.id LIMIT $2";
const LIST_ORG: &str = "SELECT c.id, c.client_id, c.org_id, c.name, c.is_confidential, c.is_first_party,
    c.metadata, c.version, p.status, p.epoch, c.created_at, c.updated_at
    FROM clients c JOIN principals p ON p.id = c.id
    WHERE c.org_id = $3 AND c.id > $1 AND p.id > $1 AND p.status <> 2
    AND (p.status = $4 OR $4 IS NULL OR p.status = 3 AND $4 = 1) ORDER BY c.id LIMIT $2";
const COUNT: &str = "SELECT COUNT(*) FROM clients c JOIN principals p ON p.id = c.id
    WHERE c.org_id = $1 AND p.status <> 2";
/// Of the few that are suspended, along an index of those alone.
const LIST_SUSPENDED: &str =
    "SELECT c.id, c.client_id, c.org_id, c.name, c.is_confidential, c.is_first_party,
    c.metadata, c.version, p.status, p.epoch, c.created_at, c.updated_at
    FROM principals p CROSS JOIN clients c
    WHERE p.kind = 1 AND p.status IN (1, 3) AND p.id > $1 AND c.id = p.id AND (c.org_id = $3 OR $3 IS NULL)
    ORDER BY p.id LIMIT $2";
const SEARCH: &str = "SELECT c.id, c.client_id, c.org_id, c.name, c.is_confidential, c.is_first_party,
    c.metadata, c.version, p.status, p.epoch, c.created_at, c.updated_at
    FROM clients c JOIN principals p ON p.id = c.id
    WHERE c.id IN (SELECT id FROM clients WHERE name_folded >= $3 AND name_folded < $4
        UNION SELECT id FROM clients WHERE client_id = $5 UNION SELECT id FROM clients WHERE id = $5)
    AND c.id > $1 AND p.status <> 2 AND (c.org_id = $6 OR $6 IS NULL)
    AND (p.status = $7 OR $7 IS NULL OR p.status = 3 AND $7 = 1) ORDER BY c.id LIMIT $2";

pub(super) struct Filter<'a> {
    pub(super) org: Option<Id<Org>>,
    pub(super) status: Option<i64>,
    pub(super) query: Option<&'a str>,
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    id: Id<id::Client>,
    client_id: &str,
    (org, now): (Id<Org>, Time),
    new: &Registration,
) -> Result<bool> {
    let metadata = serde_json::to_string(&new.metadata)?;
    let folded = new.name.to_lowercase();
    let values =
        args![id, client_id, org, &new.name, folded, new.is_confidential, new.is_first_party, metadata, now];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(super) async fn update(
    tx: &mut Tx<'_>,
    id: Id<id::Client>,
    seen: i64,
    new: &Registration,
    now: Time,
) -> Result<bool> {
    let metadata = serde_json::to_string(&new.metadata)?;
    let values = args![id, seen, &new.name, new.name.to_lowercase(), new.is_first_party, metadata, now];
    Ok(tx.exec(UPDATE, values).await? > 0)
}

/// For a change of what is kept beside the client's own row.
pub(super) async fn touch(tx: &mut Tx<'_>, id: Id<id::Client>, now: Time) -> Result<()> {
    tx.exec(TOUCH, args![id, now]).await?;
    Ok(())
}

pub(super) async fn insert_secret(
    tx: &mut Tx<'_>,
    id: Id<id::Client>,
    hash: TokenHash,
    hash_key: &str,
    now: Time,
) -> Result<()> {
    tx.exec(INSERT_SECRET, args![id, hash, hash_key, now]).await?;
    Ok(())
}

pub(super) async fn end_secrets(tx: &mut Tx<'_>, id: Id<id::Client>, until: Time) -> Result<()> {
    tx.exec(END_SECRETS, args![id, until]).await?;
    Ok(())
}

pub(super) async fn retire_secrets(tx: &mut Tx<'_>, id: Id<id::Client>, now: Time) -> Result<u64> {
    tx.exec(RETIRE_SECRETS, args![id, now]).await
}

pub(super) async fn uses(tx: &mut ReadTx<'_>, id: Id<id::Client>, now: Time) -> Result<Uses> {
    let most = Uses::MOST;
    let consents = tx.opt(CONSENTS, args![id, most], |row| row.int(0)).await?;
    let grants = tx.opt(GRANTS, args![id, most, now], |row| row.int(0)).await?;
    Ok(Uses { consents: consents.unwrap_or_default(), grants: grants.unwrap_or_default() })
}

/// How many an organisation has that have not ended.
pub(super) async fn count(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<usize> {
    let count = tx.opt(COUNT, args![org], |row| row.int(0)).await?.unwrap_or_default();
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

pub(super) async fn list(tx: &mut ReadTx<'_>, filter: &Filter<'_>, page: &PageAsk) -> Result<Vec<Client>> {
    let after = page.after.as_deref().unwrap_or_default();
    match (page.folded_query(), filter.org) {
        (Some(folded), org) => {
            let (from, to) = prefix_range(&folded);
            let exact = filter.query.unwrap_or_default();
            tx.all(SEARCH, args![after, page.rows(), from, to, exact, org, filter.status], read).await
        }
        (None, org) if filter.status == Some(Status::Suspended.number()) => {
            tx.all(LIST_SUSPENDED, args![after, page.rows(), org], read).await
        }
        (None, Some(org)) => tx.all(LIST_ORG, args![after, page.rows(), org, filter.status], read).await,
        (None, None) => tx.all(LIST, args![after, page.rows(), filter.status], read).await,
    }
}
