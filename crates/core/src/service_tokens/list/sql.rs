//! Statements that list service tokens.

use doorward_proto::{
    id::{Id, Org},
    time::Time,
};

use super::ListAsk;
use crate::{
    args,
    db::ReadTx,
    outcome::Result,
    page::prefix_range,
    service_tokens::{State, Token, sql::read},
};

const LIST: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes, t.workspace_ids,
    t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at, t.expires_at, t.ends_at,
    t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to, t.rotated_from,
    t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override,
    t.reviewed_at FROM service_tokens t WHERE t.id > $1 AND (t.name = $4 OR $4 IS NULL)
    AND CAST($5 AS BIGINT) IN (-1, CASE WHEN t.revoked_at IS NOT NULL THEN 3 WHEN t.rotated_to IS NOT NULL THEN 1
        WHEN t.expires_at <= $3 THEN 2 ELSE 0 END)
    AND (CAST($6 AS BIGINT) = 0 OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
        AND (t.ends_at IS NULL OR t.ends_at > $3)))
    AND (t.reviewed_at <= $7 OR $7 IS NULL)
    ORDER BY t.id LIMIT $2";
const LIST_OWNER: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override,
    t.reviewed_at FROM service_tokens t WHERE t.owner = $7 AND t.id > $1 AND (t.org_id = $8 OR $8 IS NULL)
    AND (t.name = $4 OR $4 IS NULL)
    AND CAST($5 AS BIGINT) IN (-1, CASE WHEN t.revoked_at IS NOT NULL THEN 3 WHEN t.rotated_to IS NOT NULL THEN 1
        WHEN t.expires_at <= $3 THEN 2 ELSE 0 END)
    AND (CAST($6 AS BIGINT) = 0 OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
        AND (t.ends_at IS NULL OR t.ends_at > $3)))
    AND (t.reviewed_at <= $9 OR $9 IS NULL)
    ORDER BY t.id LIMIT $2";
const LIST_ORG: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override,
    t.reviewed_at FROM service_tokens t WHERE t.org_id = $7 AND t.id > $1 AND (t.name = $4 OR $4 IS NULL)
    AND CAST($5 AS BIGINT) IN (-1, CASE WHEN t.revoked_at IS NOT NULL THEN 3 WHEN t.rotated_to IS NOT NULL THEN 1
        WHEN t.expires_at <= $3 THEN 2 ELSE 0 END)
    AND (CAST($6 AS BIGINT) = 0 OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
        AND (t.ends_at IS NULL OR t.ends_at > $3)))
    AND (t.reviewed_at <= $8 OR $8 IS NULL)
    ORDER BY t.id LIMIT $2";
const COUNT: &str = "SELECT COUNT(*) FROM service_tokens t WHERE t.org_id = $1 AND t.revoked_at IS NULL
    AND (t.expires_at IS NULL OR t.expires_at > $2) AND (t.ends_at IS NULL OR t.ends_at > $2)";
const SEARCH: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override,
    t.reviewed_at FROM service_tokens t
    WHERE t.id IN (SELECT id FROM service_tokens WHERE name_folded >= $7 AND name_folded < $8
        UNION SELECT id FROM service_tokens WHERE id = $9
        UNION SELECT id FROM service_tokens WHERE lineage = $9)
    AND t.id > $1 AND (t.org_id = $10 OR $10 IS NULL) AND (t.owner = $11 OR $11 IS NULL)
    AND (t.name = $4 OR $4 IS NULL)
    AND CAST($5 AS BIGINT) IN (-1, CASE WHEN t.revoked_at IS NOT NULL THEN 3 WHEN t.rotated_to IS NOT NULL THEN 1
        WHEN t.expires_at <= $3 THEN 2 ELSE 0 END)
    AND (CAST($6 AS BIGINT) = 0 OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
        AND (t.ends_at IS NULL OR t.ends_at > $3)))
    AND (t.reviewed_at <= $12 OR $12 IS NULL)
    ORDER BY t.id LIMIT $2";

/// How many of an organisation's are accepted now.
pub(super) async fn count(tx: &mut ReadTx<'_>, org: Id<Org>, now: Time) -> Result<usize> {
    let count = tx.opt(COUNT, args![org, now], |row| row.int(0)).await?.unwrap_or_default();
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

pub(super) async fn list(tx: &mut ReadTx<'_>, ask: &ListAsk, now: Time) -> Result<Vec<Token>> {
    let (page, org) = (&ask.page, ask.org);
    let after = page.after.as_deref().unwrap_or_default();
    let state = ask.state.map_or(-1, State::number);
    let (rows, works) = (page.rows(), ask.works);
    let (name, owner, due) = (&ask.name, &ask.owner, ask.reviewed_until);
    if let Some(folded) = page.folded_query() {
        let (from, to) = prefix_range(&folded);
        let exact = page.query.as_deref().map(str::trim).unwrap_or_default();
        let values = args![after, rows, now, name, state, works, from, to, exact, org, owner, due];
        return tx.all(SEARCH, values, read).await;
    }
    match (owner, org) {
        (Some(owner), org) => {
            tx.all(LIST_OWNER, args![after, rows, now, name, state, works, owner, org, due], read).await
        }
        (None, Some(org)) => {
            tx.all(LIST_ORG, args![after, rows, now, name, state, works, org, due], read).await
        }
        (None, None) => tx.all(LIST, args![after, rows, now, name, state, works, due], read).await,
    }
}
