//! Statements on APIs and their scopes.

use doorward_proto::{
    id::{self, Id, Org},
    time::Time,
};

use super::{Api, Scope, Settings, TokenFormat};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::{Error, Result},
    page::{PageAsk, prefix_range},
};

const FIND: &str = "SELECT id, org_id, identifier, name, signing_alg, token_format, access_ttl, version,
    created_at, updated_at FROM apis WHERE id = $1";
const FIND_BY_IDENTIFIER: &str = "SELECT id, org_id, identifier, name, signing_alg, token_format,
    access_ttl, version, created_at, updated_at FROM apis WHERE identifier = $1";
const SCOPES: &str = "SELECT scope, description FROM api_scopes WHERE api_id = $1 ORDER BY scope";
const INSERT: &str = "INSERT INTO apis (id, org_id, identifier, name, name_folded, signing_alg,
    token_format, access_ttl, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
    ON CONFLICT (identifier) DO NOTHING";
const UPDATE: &str = "UPDATE apis SET name = $3, name_folded = $4, signing_alg = $5, token_format = $6,
    access_ttl = $7, updated_at = $8, version = version + 1 WHERE id = $1 AND version = $2";
const DELETE_SCOPES: &str = "DELETE FROM api_scopes WHERE api_id = $1";
const INSERT_SCOPE: &str = "INSERT INTO api_scopes (api_id, scope, description) VALUES ($1, $2, $3)";
const DELETE: &str = "DELETE FROM apis WHERE id = $1";
const LIST: &str = "SELECT id, org_id, identifier, name, signing_alg, token_format, access_ttl, version,
    created_at, updated_at FROM apis WHERE id > $1 ORDER BY id LIMIT $2";
const LIST_ORG: &str = "SELECT id, org_id, identifier, name, signing_alg, token_format, access_ttl,
    version, created_at, updated_at FROM apis WHERE org_id = $3 AND id > $1 ORDER BY id LIMIT $2";
const COUNT: &str = "SELECT COUNT(*) FROM apis WHERE org_id = $1";
const SEARCH: &str = "SELECT id, org_id, identifier, name, signing_alg, token_format, access_ttl, version,
    created_at, updated_at FROM apis
    WHERE id IN (SELECT id FROM apis WHERE name_folded >= $3 AND name_folded < $4
        UNION SELECT id FROM apis WHERE identifier >= $5 AND identifier < $6
        UNION SELECT id FROM apis WHERE id = $5)
    AND id > $1 AND (org_id = $7 OR $7 IS NULL) ORDER BY id LIMIT $2";

const HAS_SCOPE: &str = "SELECT s.scope FROM apis a JOIN api_scopes s ON s.api_id = a.id
    WHERE a.org_id = $1 AND s.scope = $2 LIMIT 1";
const SCOPES_BESIDE: &str = "SELECT DISTINCT s.scope FROM apis a JOIN api_scopes s ON s.api_id = a.id
    WHERE a.org_id IN ($1, $2) AND a.identifier <> $3 AND s.scope NOT IN (
        SELECT t.scope FROM apis b JOIN api_scopes t ON t.api_id = b.id WHERE b.identifier = $3)";
const DELETE_SCOPES_OF: &str =
    "DELETE FROM api_scopes WHERE api_id IN (SELECT id FROM apis WHERE org_id = $1)";
const DELETE_OF: &str = "DELETE FROM apis WHERE org_id = $1";

pub(super) async fn has_scope(tx: &mut ReadTx<'_>, org: Id<Org>, scope: &str) -> Result<bool> {
    Ok(tx.opt(HAS_SCOPE, args![org, scope], |row| row.text(0)).await?.is_some())
}

/// The scopes of the other APIs of two organisations that this one does not know.
pub(super) async fn scopes_beside(
    tx: &mut ReadTx<'_>,
    (one, other): (Id<Org>, Id<Org>),
    identifier: &str,
) -> Result<Vec<String>> {
    tx.all(SCOPES_BESIDE, args![one, other, identifier], |row| row.text(0)).await
}

pub(super) async fn remove_all_of(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(DELETE_SCOPES_OF, args![org]).await?;
    tx.exec(DELETE_OF, args![org]).await?;
    Ok(())
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<id::Api>) -> Result<Option<Api>> {
    let found = tx.opt(FIND, args![id], read).await?;
    with_scopes(tx, found).await
}

pub(super) async fn find_by_identifier(tx: &mut ReadTx<'_>, identifier: &str) -> Result<Option<Api>> {
    let found = tx.opt(FIND_BY_IDENTIFIER, args![identifier], read).await?;
    with_scopes(tx, found).await
}

async fn with_scopes(tx: &mut ReadTx<'_>, found: Option<Api>) -> Result<Option<Api>> {
    let Some(mut api) = found else { return Ok(None) };
    api.scopes = scopes(tx, api.id).await?;
    Ok(Some(api))
}

async fn scopes(tx: &mut ReadTx<'_>, id: Id<id::Api>) -> Result<Vec<Scope>> {
    tx.all(SCOPES, args![id], |row| Ok(Scope { name: row.text(0)?, description: row.text(1)? })).await
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    id: Id<id::Api>,
    (org, now): (Id<Org>, Time),
    identifier: &str,
    new: &Settings,
) -> Result<bool> {
    let values = args![
        id,
        org,
        identifier,
        &new.name,
        new.name.to_lowercase(),
        new.signing_alg.as_str(),
        new.token_format.number(),
        seconds(new.access_ttl),
        now
    ];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(super) async fn update(
    tx: &mut Tx<'_>,
    id: Id<id::Api>,
    seen: i64,
    new: &Settings,
    now: Time,
) -> Result<bool> {
    let values = args![
        id,
        seen,
        &new.name,
        new.name.to_lowercase(),
        new.signing_alg.as_str(),
        new.token_format.number(),
        seconds(new.access_ttl),
        now
    ];
    Ok(tx.exec(UPDATE, values).await? > 0)
}

fn seconds(ttl: Option<u64>) -> Option<i64> {
    ttl.and_then(|ttl| i64::try_from(ttl).ok())
}

pub(super) async fn replace_scopes(tx: &mut Tx<'_>, id: Id<id::Api>, scopes: &[Scope]) -> Result<()> {
    tx.exec(DELETE_SCOPES, args![id]).await?;
    for scope in scopes {
        tx.exec(INSERT_SCOPE, args![id, &scope.name, &scope.description]).await?;
    }
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: Id<id::Api>) -> Result<()> {
    tx.exec(DELETE_SCOPES, args![id]).await?;
    tx.exec(DELETE, args![id]).await?;
    Ok(())
}

/// How many an organisation has.
pub(super) async fn count(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<usize> {
    let count = tx.opt(COUNT, args![org], |row| row.int(0)).await?.unwrap_or_default();
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

pub(super) async fn list(tx: &mut ReadTx<'_>, page: &PageAsk, org: Option<Id<Org>>) -> Result<Vec<Api>> {
    let after = page.after.as_deref().unwrap_or_default();
    let mut apis = match (page.folded_query(), org) {
        (Some(folded), org) => {
            let (from, to) = prefix_range(&folded);
            let (exact, until) = prefix_range(page.query.as_deref().unwrap_or_default().trim());
            tx.all(SEARCH, args![after, page.rows(), from, to, exact, until, org], read).await?
        }
        (None, Some(org)) => tx.all(LIST_ORG, args![after, page.rows(), org], read).await?,
        (None, None) => tx.all(LIST, args![after, page.rows()], read).await?,
    };
    for api in &mut apis {
        api.scopes = scopes(tx, api.id).await?;
    }
    Ok(apis)
}

fn read(row: &Row<'_>) -> Result<Api> {
    let alg = row.text(4)?;
    let signing_alg = alg.parse().map_err(|_| Error::fault(format!("signature algorithm {alg}")))?;
    Ok(Api {
        id: row.id(0)?,
        org: row.id(1)?,
        identifier: row.text(2)?,
        name: row.text(3)?,
        signing_alg,
        token_format: TokenFormat::from_number(row.int(5)?)?,
        access_ttl: row.opt_int(6)?.and_then(|ttl| u64::try_from(ttl).ok()),
        scopes: Vec::new(),
        version: row.int(7)?,
        created_at: row.time(8)?,
        updated_at: row.time(9)?,
    })
}
