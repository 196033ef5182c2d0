//! Statements on keys.

use doorward_proto::{
    id::{ApiKey as ApiKeyKind, Id, Org, User},
    secret::TokenHash,
    time::Time,
};

use super::{ApiKey, ListAsk, Revocation, State, Terms};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
    page::prefix_range,
};

// every org: the key names its own.
const FIND: &str =
    "SELECT k.id, k.org_id, k.user_id, k.name, k.shown, k.scopes, k.permissions, k.workspace_ids,
    k.allowed_addresses, k.metadata, k.rate_limit, k.is_own, k.is_enabled, k.created_by, k.created_at,
    k.expires_at, k.revoked_at, k.revoked_by, k.revocation_reason, k.last_used_at, k.last_used_address,
    k.use_count, k.revision,
    CAST(CASE WHEN p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id)) THEN 1 ELSE 0 END AS BIGINT)
    FROM api_keys k JOIN principals p ON p.id = k.principal_id
    WHERE k.id = $1";
// every org: the key names its own.
const FIND_BY_HASH: &str =
    "SELECT k.id, k.org_id, k.user_id, k.name, k.shown, k.scopes, k.permissions, k.workspace_ids,
    k.allowed_addresses, k.metadata, k.rate_limit, k.is_own, k.is_enabled, k.created_by, k.created_at,
    k.expires_at, k.revoked_at, k.revoked_by, k.revocation_reason, k.last_used_at, k.last_used_address,
    k.use_count, k.revision,
    CAST(CASE WHEN p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id)) THEN 1 ELSE 0 END AS BIGINT)
    FROM api_keys k JOIN principals p ON p.id = k.principal_id
    WHERE k.hash = $1";
const INSERT: &str =
    "INSERT INTO api_keys (id, principal_id, epoch, org_id, user_id, name, name_folded, shown,
    hash, hash_key, scopes, permissions, workspace_ids, allowed_addresses, metadata, rate_limit, is_own,
    is_enabled, created_by, created_at, expires_at)
    SELECT $1, $2, principals.epoch, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
        $19, $20
    FROM principals WHERE principals.id = $2 AND principals.status = 0";
const UPDATE: &str = "UPDATE api_keys SET name = $3, name_folded = $4, scopes = $5, permissions = $6,
    workspace_ids = $7, allowed_addresses = $8, metadata = $9, rate_limit = $10, is_enabled = $11, is_own = $12,
    revision = revision + 1 WHERE id = $1 AND revision = $2";
const REVOKE: &str = "UPDATE api_keys SET revoked_at = $2, revoked_by = $3, revocation_reason = $4,
    revision = revision + 1 WHERE id = $1 AND revoked_at IS NULL";
const REMOVE_ALL_OF: &str = "DELETE FROM api_keys WHERE user_id = $1";
/// Adds uses.
pub(super) const USED: &str = "UPDATE api_keys SET use_count = use_count + $2,
        last_used_address = CASE WHEN last_used_at > $3 THEN last_used_address ELSE $4 END,
        last_used_at = CASE WHEN last_used_at > $3 THEN last_used_at ELSE $3 END
    WHERE id = $1";
// every org: the key names its own.
// What a state is by itself is looked at first: whether the holder stands takes three tables more. Key by key
// and not by a join, for which PostgreSQL may read every principal there is.
const LIST: &str =
    "SELECT k.id, k.org_id, k.user_id, k.name, k.shown, k.scopes, k.permissions, k.workspace_ids,
    k.allowed_addresses, k.metadata, k.rate_limit, k.is_own, k.is_enabled, k.created_by, k.created_at,
    k.expires_at, k.revoked_at, k.revoked_by, k.revocation_reason, k.last_used_at, k.last_used_address,
    k.use_count, k.revision,
    (SELECT CAST(CASE WHEN p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id)) THEN 1 ELSE 0 END AS BIGINT)
        FROM principals p WHERE p.id = k.principal_id)
    FROM api_keys k
    WHERE k.id > $1 AND (CAST($4 AS BIGINT) <> 4 OR k.revoked_at IS NOT NULL) AND ($4 <> 2 OR k.expires_at <= $3)
    AND ($4 <> 1 OR k.is_enabled = 0) AND CAST($4 AS BIGINT) IN (-1, CASE WHEN k.revoked_at IS NOT NULL THEN 4
        WHEN NOT EXISTS (SELECT 1 FROM principals p WHERE p.id = k.principal_id AND p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id))) THEN 3
        WHEN k.expires_at <= $3 THEN 2 WHEN k.is_enabled = 0 THEN 1 ELSE 0 END)
    ORDER BY k.id LIMIT $2";
const LIST_ORG: &str =
    "SELECT k.id, k.org_id, k.user_id, k.name, k.shown, k.scopes, k.permissions, k.workspace_ids,
    k.allowed_addresses, k.metadata, k.rate_limit, k.is_own, k.is_enabled, k.created_by, k.created_at,
    k.expires_at, k.revoked_at, k.revoked_by, k.revocation_reason, k.last_used_at, k.last_used_address,
    k.use_count, k.revision,
    (SELECT CAST(CASE WHEN p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id)) THEN 1 ELSE 0 END AS BIGINT)
        FROM principals p WHERE p.id = k.principal_id)
    FROM api_keys k
    WHERE k.org_id = $5 AND k.id > $1 AND (CAST($4 AS BIGINT) <> 4 OR k.revoked_at IS NOT NULL) AND ($4 <> 2 OR k.expires_at <= $3)
    AND ($4 <> 1 OR k.is_enabled = 0) AND CAST($4 AS BIGINT) IN (-1, CASE WHEN k.revoked_at IS NOT NULL THEN 4
        WHEN NOT EXISTS (SELECT 1 FROM principals p WHERE p.id = k.principal_id AND p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id))) THEN 3
        WHEN k.expires_at <= $3 THEN 2 WHEN k.is_enabled = 0 THEN 1 ELSE 0 END)
    ORDER BY k.id LIMIT $2";
const LIST_USER: &str = "SELECT k.id, k.org_id, k.user_id, k.name, k.shown, k.scopes, k.permissions, k.workspace_ids,
    k.allowed_addresses, k.metadata, k.rate_limit, k.is_own, k.is_enabled, k.created_by, k.created_at,
    k.expires_at, k.revoked_at, k.revoked_by, k.revocation_reason, k.last_used_at, k.last_used_address,
    k.use_count, k.revision,
    (SELECT CAST(CASE WHEN p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id)) THEN 1 ELSE 0 END AS BIGINT)
        FROM principals p WHERE p.id = k.principal_id)
    FROM api_keys k
    WHERE k.user_id = $5 AND k.id > $1 AND (k.org_id = $6 OR $6 IS NULL) AND (CAST($4 AS BIGINT) <> 4 OR k.revoked_at IS NOT NULL) AND ($4 <> 2 OR k.expires_at <= $3)
    AND ($4 <> 1 OR k.is_enabled = 0) AND CAST($4 AS BIGINT) IN (-1, CASE WHEN k.revoked_at IS NOT NULL THEN 4
        WHEN NOT EXISTS (SELECT 1 FROM principals p WHERE p.id = k.principal_id AND p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id))) THEN 3
        WHEN k.expires_at <= $3 THEN 2 WHEN k.is_enabled = 0 THEN 1 ELSE 0 END)
    ORDER BY k.id LIMIT $2";
const SEARCH: &str =
    "SELECT k.id, k.org_id, k.user_id, k.name, k.shown, k.scopes, k.permissions, k.workspace_ids,
    k.allowed_addresses, k.metadata, k.rate_limit, k.is_own, k.is_enabled, k.created_by, k.created_at,
    k.expires_at, k.revoked_at, k.revoked_by, k.revocation_reason, k.last_used_at, k.last_used_address,
    k.use_count, k.revision,
    (SELECT CAST(CASE WHEN p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id)) THEN 1 ELSE 0 END AS BIGINT)
        FROM principals p WHERE p.id = k.principal_id)
    FROM api_keys k
    WHERE k.id IN (SELECT id FROM api_keys WHERE name_folded >= $5 AND name_folded < $6
        UNION SELECT id FROM api_keys WHERE id = $7)
    AND k.id > $1 AND (k.org_id = $8 OR $8 IS NULL) AND (k.user_id = $9 OR $9 IS NULL)
    AND (CAST($4 AS BIGINT) <> 4 OR k.revoked_at IS NOT NULL) AND ($4 <> 2 OR k.expires_at <= $3)
    AND ($4 <> 1 OR k.is_enabled = 0) AND CAST($4 AS BIGINT) IN (-1, CASE WHEN k.revoked_at IS NOT NULL THEN 4
        WHEN NOT EXISTS (SELECT 1 FROM principals p WHERE p.id = k.principal_id AND p.status = 0 AND p.epoch = k.epoch AND (k.user_id IS NULL OR 0 = (
        SELECT o.status FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = k.org_id AND m.user_id = k.user_id))) THEN 3
        WHEN k.expires_at <= $3 THEN 2 WHEN k.is_enabled = 0 THEN 1 ELSE 0 END)
    ORDER BY k.id LIMIT $2";

/// A key to store.
pub(super) struct NewRow {
    pub(super) id: Id<ApiKeyKind>,
    /// Under whose epoch.
    pub(super) principal: String,
    pub(super) org: Id<Org>,
    pub(super) user: Option<Id<User>>,
    pub(super) shown: String,
    pub(super) hash: TokenHash,
    pub(super) hash_key: String,
    pub(super) is_own: bool,
    pub(super) created_by: String,
    pub(super) created_at: Time,
    pub(super) expires_at: Time,
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<ApiKeyKind>) -> Result<Option<ApiKey>> {
    tx.opt(FIND, args![id], read).await
}

pub(super) async fn find_by_hash(tx: &mut ReadTx<'_>, hash: TokenHash) -> Result<Option<ApiKey>> {
    tx.opt(FIND_BY_HASH, args![hash], read).await
}

/// Stores a key under its principal's epoch; not when that is not active.
pub(super) async fn insert(tx: &mut Tx<'_>, new: &NewRow, terms: &Terms) -> Result<bool> {
    let texts = Texts::of(terms)?;
    let values = args![
        new.id,
        &new.principal,
        new.org,
        new.user,
        &terms.name,
        texts.folded,
        &new.shown,
        new.hash,
        &new.hash_key,
        terms.scopes.as_str(),
        texts.permissions,
        texts.workspaces,
        texts.addresses,
        texts.metadata,
        &terms.rate_limit,
        new.is_own,
        terms.is_enabled,
        &new.created_by,
        new.created_at,
        new.expires_at,
    ];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(super) async fn update(
    tx: &mut Tx<'_>,
    (id, seen): (Id<ApiKeyKind>, i64),
    terms: &Terms,
    is_own: bool,
) -> Result<bool> {
    let texts = Texts::of(terms)?;
    let values = args![
        id,
        seen,
        &terms.name,
        texts.folded,
        terms.scopes.as_str(),
        texts.permissions,
        texts.workspaces,
        texts.addresses,
        texts.metadata,
        &terms.rate_limit,
        terms.is_enabled,
        is_own,
    ];
    Ok(tx.exec(UPDATE, values).await? > 0)
}

/// What is stored of the terms as text.
struct Texts {
    folded: String,
    permissions: String,
    workspaces: String,
    addresses: String,
    metadata: String,
}

impl Texts {
    fn of(terms: &Terms) -> Result<Self> {
        let addresses: Vec<String> = terms.allowed_addresses.iter().map(ToString::to_string).collect();
        Ok(Self {
            folded: terms.name.to_lowercase(),
            permissions: serde_json::to_string(&terms.permissions)?,
            workspaces: serde_json::to_string(&terms.workspace_ids)?,
            addresses: serde_json::to_string(&addresses)?,
            metadata: serde_json::to_string(&terms.metadata)?,
        })
    }
}

pub(super) async fn revoke(
    tx: &mut Tx<'_>,
    id: Id<ApiKeyKind>,
    (at, by): (Time, &str),
    reason: &str,
) -> Result<bool> {
    Ok(tx.exec(REVOKE, args![id, at, by, reason]).await? > 0)
}

pub(super) async fn remove_all_of(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.exec(REMOVE_ALL_OF, args![user]).await?;
    Ok(())
}

pub(super) async fn list(tx: &mut ReadTx<'_>, ask: &ListAsk, now: Time) -> Result<Vec<ApiKey>> {
    let (page, org, user) = (&ask.page, ask.org, ask.user);
    let after = page.after.as_deref().unwrap_or_default();
    let state = ask.state.map_or(-1, State::number);
    let rows = page.rows();
    if let Some(folded) = page.folded_query() {
        let (from, to) = prefix_range(&folded);
        let exact = page.query.as_deref().map(str::trim).unwrap_or_default();
        return tx.all(SEARCH, args![after, rows, now, state, from, to, exact, org, user], read).await;
    }
    match (user, org) {
        (Some(user), org) => tx.all(LIST_USER, args![after, rows, now, state, user, org], read).await,
        (None, Some(org)) => tx.all(LIST_ORG, args![after, rows, now, state, org], read).await,
        (None, None) => tx.all(LIST, args![after, rows, now, state], read).await,
    }
}

fn read(row: &Row<'_>) -> Result<ApiKey> {
    let revocation = match row.opt_time(16)? {
        Some(at) => Some(Revocation {
            at,
            by: row.opt_text(17)?.unwrap_or_default(),
            reason: row.opt_text(18)?.unwrap_or_default(),
        }),
        None => None,
    };
    let addresses: Vec<String> = serde_json::from_str(&row.text(8)?)?;
    Ok(ApiKey {
        id: row.id(0)?,
        org: row.id(1)?,
        user: row.opt_id(2)?,
        shown: row.text(4)?,
        terms: Terms {
            name: row.text(3)?,
            scopes: row.text(5)?.parse()?,
            permissions: serde_json::from_str(&row.text(6)?)?,
            workspace_ids: serde_json::from_str(&row.text(7)?)?,
            allowed_addresses: addresses
                .iter()
                .map(|net| net.parse())
                .collect::<std::result::Result<_, _>>()?,
            metadata: serde_json::from_str(&row.text(9)?)?,
            rate_limit: row.opt_text(10)?,
            is_enabled: row.flag(12)?,
        },
        is_own: row.flag(11)?,
        created_by: row.text(13)?,
        created_at: row.time(14)?,
        expires_at: row.time(15)?,
        revocation,
        last_used_at: row.opt_time(19)?,
        last_used_address: row.opt_text(20)?,
        use_count: row.int(21)?,
        revision: row.int(22)?,
        stands: row.flag(23)?,
    })
}
