//! Statements on service tokens.

use std::time::Duration;

use doorward_proto::{
    id::{Id, Org, ServiceToken},
    scope::ScopeSet,
    secret::TokenHash,
    time::Time,
};

use super::{ListAsk, Notes, Revocation, State, Token, create::seconds, remind::Distance, revoke::Whose};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
    page::prefix_range,
    principals::{Status, status_from},
};

const FIND: &str =
    "SELECT id, lineage, org_id, name, version, epoch, scopes, workspace_ids, description, owner,
    purpose, allowed_addresses, lifetime, issued_at, expires_at, ends_at, revoked_at, revoked_by,
    revocation_reason, created_by, rotated_to, rotated_from, last_used_at, last_used_address, use_count,
    revision, rate_limit_override FROM service_tokens WHERE id = $1";
const FIND_NEWEST: &str = "SELECT id, lineage, org_id, name, version, epoch, scopes, workspace_ids,
    description, owner, purpose, allowed_addresses, lifetime, issued_at, expires_at, ends_at, revoked_at,
    revoked_by, revocation_reason, created_by, rotated_to, rotated_from, last_used_at, last_used_address,
    use_count, revision, rate_limit_override
    FROM service_tokens WHERE org_id = $1 AND name = $2 ORDER BY version DESC LIMIT 1";
const VERSIONS: &str = "SELECT id, lineage, org_id, name, version, epoch, scopes, workspace_ids, description,
    owner, purpose, allowed_addresses, lifetime, issued_at, expires_at, ends_at, revoked_at, revoked_by,
    revocation_reason, created_by, rotated_to, rotated_from, last_used_at, last_used_address, use_count,
    revision, rate_limit_override FROM service_tokens WHERE lineage = $1 ORDER BY version";
const NEWEST_VERSIONS: &str = "SELECT id, lineage, org_id, name, version, epoch, scopes, workspace_ids,
    description, owner, purpose, allowed_addresses, lifetime, issued_at, expires_at, ends_at, revoked_at,
    revoked_by, revocation_reason, created_by, rotated_to, rotated_from, last_used_at, last_used_address,
    use_count, revision, rate_limit_override
    FROM service_tokens WHERE lineage = $1 ORDER BY version DESC LIMIT $2";
const FIND_BY_HASH: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override, p.status, p.epoch
    FROM service_tokens t JOIN principals p ON p.id = t.lineage WHERE t.hash = $1";
const FIND_BY_SHA256: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override, p.status, p.epoch
    FROM service_tokens t JOIN principals p ON p.id = t.lineage WHERE t.sha256 = $1";
const HASH_AGAIN: &str = "UPDATE service_tokens SET hash = $2, hash_key = $3, sha256 = NULL
    WHERE id = $1 AND sha256 IS NOT NULL";
const IS_ANY_IMPORTED: &str =
    "SELECT 1 FROM service_tokens WHERE imported_from > '' ORDER BY imported_from LIMIT 1";
const INSERT: &str = "INSERT INTO service_tokens (id, lineage, org_id, name, name_folded, version, epoch,
    hash, hash_key, scopes, workspace_ids, description, owner, purpose, allowed_addresses, lifetime,
    issued_at, expires_at, created_by, rotated_from, rate_limit_override)
    SELECT $1, $2, $3, $4, $5, $6, principals.epoch, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
        $19, $20
    FROM principals WHERE principals.id = $2 AND principals.status = 0
    ON CONFLICT (org_id, name, version) DO NOTHING";
const UPDATE: &str = "UPDATE service_tokens SET description = $3, owner = $4, purpose = $5,
    allowed_addresses = $6, rate_limit_override = $7, revision = revision + 1 WHERE id = $1 AND revision = $2";
const HAND_OVER: &str = "UPDATE service_tokens SET rotated_to = $2, ends_at = $4, revision = revision + 1
    WHERE id = $1 AND rotated_to IS NULL AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > $3) AND (ends_at IS NULL OR ends_at > $3)";
const REVOKE: &str = "UPDATE service_tokens SET revoked_at = $2, revoked_by = $3, revocation_reason = $4,
    revision = revision + 1 WHERE id = $1 AND revoked_at IS NULL";
const REVOKE_ALL: &str = "UPDATE service_tokens SET revoked_at = $2, revoked_by = $3, revocation_reason = $4,
    revision = revision + 1 WHERE lineage = $1 AND revoked_at IS NULL";
/// Adds uses.
pub(super) const USED: &str = "UPDATE service_tokens SET use_count = use_count + $2,
        last_used_address = CASE WHEN last_used_at > $3 THEN last_used_address ELSE $4 END,
        last_used_at = CASE WHEN last_used_at > $3 THEN last_used_at ELSE $3 END
    WHERE id = $1";
const LIST: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes, t.workspace_ids,
    t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at, t.expires_at, t.ends_at,
    t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to, t.rotated_from,
    t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override
    FROM service_tokens t WHERE t.id > $1 AND (t.name = $4 OR $4 IS NULL)
    AND CAST($5 AS BIGINT) IN (-1, CASE WHEN t.revoked_at IS NOT NULL THEN 3 WHEN t.rotated_to IS NOT NULL THEN 1
        WHEN t.expires_at <= $3 THEN 2 ELSE 0 END)
    AND (CAST($6 AS BIGINT) = 0 OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
        AND (t.ends_at IS NULL OR t.ends_at > $3)))
    ORDER BY t.id LIMIT $2";
const LIST_OWNER: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override
    FROM service_tokens t WHERE t.owner = $7 AND t.id > $1 AND (t.org_id = $8 OR $8 IS NULL)
    AND (t.name = $4 OR $4 IS NULL)
    AND CAST($5 AS BIGINT) IN (-1, CASE WHEN t.revoked_at IS NOT NULL THEN 3 WHEN t.rotated_to IS NOT NULL THEN 1
        WHEN t.expires_at <= $3 THEN 2 ELSE 0 END)
    AND (CAST($6 AS BIGINT) = 0 OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
        AND (t.ends_at IS NULL OR t.ends_at > $3)))
    ORDER BY t.id LIMIT $2";
const LIST_ORG: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override
    FROM service_tokens t WHERE t.org_id = $7 AND t.id > $1 AND (t.name = $4 OR $4 IS NULL)
    AND CAST($5 AS BIGINT) IN (-1, CASE WHEN t.revoked_at IS NOT NULL THEN 3 WHEN t.rotated_to IS NOT NULL THEN 1
        WHEN t.expires_at <= $3 THEN 2 ELSE 0 END)
    AND (CAST($6 AS BIGINT) = 0 OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
        AND (t.ends_at IS NULL OR t.ends_at > $3)))
    ORDER BY t.id LIMIT $2";
const SEARCH: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override
    FROM service_tokens t
    WHERE t.id IN (SELECT id FROM service_tokens WHERE name_folded >= $7 AND name_folded < $8
        UNION SELECT id FROM service_tokens WHERE id = $9
        UNION SELECT id FROM service_tokens WHERE lineage = $9)
    AND t.id > $1 AND (t.org_id = $10 OR $10 IS NULL) AND (t.owner = $11 OR $11 IS NULL)
    AND (t.name = $4 OR $4 IS NULL)
    AND CAST($5 AS BIGINT) IN (-1, CASE WHEN t.revoked_at IS NOT NULL THEN 3 WHEN t.rotated_to IS NOT NULL THEN 1
        WHEN t.expires_at <= $3 THEN 2 ELSE 0 END)
    AND (CAST($6 AS BIGINT) = 0 OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
        AND (t.ends_at IS NULL OR t.ends_at > $3)))
    ORDER BY t.id LIMIT $2";
const DUE: &str = "SELECT id FROM service_tokens WHERE expires_at > $1 AND expires_at <= $2
    AND revoked_at IS NULL AND rotated_to IS NULL AND (reminded IS NULL OR reminded > $3)
    AND (lifetime IS NULL OR lifetime >= $3 * 172800) ORDER BY expires_at LIMIT $4";
const REMINDED: &str = "UPDATE service_tokens SET reminded = $2
    WHERE id = $1 AND revoked_at IS NULL AND rotated_to IS NULL AND (reminded IS NULL OR reminded > $2)";
const LIVE_OF_OWNER: &str = "SELECT n.lineage FROM service_tokens n
    WHERE n.owner = $1 AND (n.org_id = $2 OR $2 IS NULL)
    AND NOT EXISTS (SELECT 1 FROM service_tokens l WHERE l.lineage = n.lineage AND l.version > n.version)
    AND EXISTS (SELECT 1 FROM service_tokens v WHERE v.lineage = n.lineage AND v.revoked_at IS NULL
        AND (v.expires_at IS NULL OR v.expires_at > $3) AND (v.ends_at IS NULL OR v.ends_at > $3))
    ORDER BY n.lineage";
const LIVE_OF_ORG: &str = "SELECT DISTINCT lineage FROM service_tokens
    WHERE org_id = $1 AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > $2) AND (ends_at IS NULL OR ends_at > $2) ORDER BY lineage";
const IS_IMPORTED: &str = "SELECT 1 FROM service_tokens WHERE imported_from = $1";
const HAS_SHA256: &str = "SELECT 1 FROM service_tokens WHERE sha256 = $1";
const SET_FATE: &str = "UPDATE service_tokens SET imported_from = $2, sha256 = $3, ends_at = $4,
    revoked_at = $5, revoked_by = $6, revocation_reason = $7, last_used_at = $8, use_count = $9,
    rotated_to = COALESCE((SELECT n.id FROM service_tokens n WHERE n.imported_from = $10), $10),
    rotated_from = COALESCE((SELECT n.id FROM service_tokens n WHERE n.imported_from = $11), $11)
    WHERE id = $1";
const LINK_ROTATED_TO: &str = "UPDATE service_tokens SET rotated_to = $2 WHERE rotated_to = $1";
const LINK_ROTATED_FROM: &str = "UPDATE service_tokens SET rotated_from = $2 WHERE rotated_from = $1";
/// Of somebody else's file.
// part: read from another database, which has other columns in other versions
pub(super) const ORCHEO_ROWS: &str = "SELECT * FROM service_tokens ORDER BY identifier";

/// A version to store.
pub(super) struct NewRow {
    pub(super) name: String,
    pub(super) version: i64,
    pub(super) hash: Option<TokenHash>,
    pub(super) hash_key: String,
    pub(super) scopes: ScopeSet,
    pub(super) workspace_ids: Vec<String>,
    pub(super) notes: Notes,
    pub(super) lifetime: Option<Duration>,
    pub(super) issued_at: Time,
    pub(super) expires_at: Option<Time>,
    pub(super) created_by: String,
    pub(super) rotated_from: Option<Id<ServiceToken>>,
}

/// What a version that was made elsewhere has been through.
#[derive(Clone)]
pub(super) struct Fate {
    pub(super) imported_from: String,
    pub(super) sha256: String,
    pub(super) ends_at: Option<Time>,
    pub(super) revoked_at: Option<Time>,
    pub(super) revoked_by: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) rotated_to: Option<String>,
    pub(super) rotated_from: Option<String>,
    pub(super) last_used_at: Option<Time>,
    pub(super) use_count: i64,
}

/// A version as a secret finds it, and the principal under it.
pub(super) struct Found {
    pub(super) token: Token,
    /// Whether the principal is active under the version's epoch.
    pub(super) stands: bool,
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<ServiceToken>) -> Result<Option<Token>> {
    tx.opt(FIND, args![id], read).await
}

pub(super) async fn find_newest(tx: &mut ReadTx<'_>, org: Id<Org>, name: &str) -> Result<Option<Token>> {
    tx.opt(FIND_NEWEST, args![org, name], read).await
}

pub(super) async fn versions(tx: &mut ReadTx<'_>, lineage: Id<ServiceToken>) -> Result<Vec<Token>> {
    tx.all(VERSIONS, args![lineage], read).await
}

/// The newest first, not more than `most`.
pub(super) async fn newest_versions(
    tx: &mut ReadTx<'_>,
    lineage: Id<ServiceToken>,
    most: u32,
) -> Result<Vec<Token>> {
    tx.all(NEWEST_VERSIONS, args![lineage, i64::from(most)], read).await
}

pub(super) async fn find_by_hash(tx: &mut ReadTx<'_>, hash: TokenHash) -> Result<Option<Found>> {
    tx.opt(FIND_BY_HASH, args![hash], read_found).await
}

pub(super) async fn find_by_sha256(tx: &mut ReadTx<'_>, sha256: &str) -> Result<Option<Found>> {
    tx.opt(FIND_BY_SHA256, args![sha256], read_found).await
}

pub(super) async fn hash_again(
    tx: &mut Tx<'_>,
    id: Id<ServiceToken>,
    hash: TokenHash,
    hash_key: &str,
) -> Result<()> {
    tx.exec(HASH_AGAIN, args![id, hash, hash_key]).await?;
    Ok(())
}

pub(super) async fn is_any_imported(tx: &mut ReadTx<'_>) -> Result<bool> {
    Ok(tx.opt(IS_ANY_IMPORTED, &[], |_| Ok(())).await?.is_some())
}

/// Stores a version under the lineage's epoch; not when the lineage is not active, or the name is taken.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    (id, lineage, org): (Id<ServiceToken>, Id<ServiceToken>, Id<Org>),
    new: &NewRow,
) -> Result<bool> {
    let folded = new.name.to_lowercase();
    let (workspaces, addresses) = (serde_json::to_string(&new.workspace_ids)?, addresses_text(&new.notes)?);
    let notes = &new.notes;
    let values = args![
        id,
        lineage,
        org,
        &new.name,
        folded,
        new.version,
        new.hash,
        &new.hash_key,
        new.scopes.as_str(),
        workspaces,
        &notes.description,
        &notes.owner,
        &notes.purpose,
        addresses,
        new.lifetime.map(seconds),
        new.issued_at,
        new.expires_at,
        &new.created_by,
        new.rotated_from,
        rate_text(notes),
    ];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(super) async fn update(tx: &mut Tx<'_>, id: Id<ServiceToken>, seen: i64, notes: &Notes) -> Result<bool> {
    let addresses = addresses_text(notes)?;
    let values =
        args![id, seen, &notes.description, &notes.owner, &notes.purpose, addresses, rate_text(notes)];
    Ok(tx.exec(UPDATE, values).await? > 0)
}

fn rate_text(notes: &Notes) -> Option<String> {
    notes.rate_limit_override.map(|rate| rate.to_string())
}

pub(super) fn addresses_text(notes: &Notes) -> Result<String> {
    let all: Vec<String> = notes.allowed_addresses.iter().map(ToString::to_string).collect();
    Ok(serde_json::to_string(&all)?)
}

/// Takes a version that works out of use as the newest.
pub(super) async fn hand_over(
    tx: &mut Tx<'_>,
    id: Id<ServiceToken>,
    next: Id<ServiceToken>,
    (now, until): (Time, Time),
) -> Result<bool> {
    Ok(tx.exec(HAND_OVER, args![id, next, now, until]).await? > 0)
}

pub(super) async fn revoke(
    tx: &mut Tx<'_>,
    id: Id<ServiceToken>,
    (at, by): &(Time, String),
    reason: &str,
) -> Result<u64> {
    tx.exec(REVOKE, args![id, *at, by, reason]).await
}

pub(super) async fn revoke_all(
    tx: &mut Tx<'_>,
    lineage: Id<ServiceToken>,
    (at, by): &(Time, String),
    reason: &str,
) -> Result<u64> {
    tx.exec(REVOKE_ALL, args![lineage, *at, by, reason]).await
}

/// Tokens that end within a distance, as nobody has been told yet. One that does not live twice as long is not
/// among them.
pub(super) async fn due(tx: &mut ReadTx<'_>, it: &Distance) -> Result<Vec<Id<ServiceToken>>> {
    tx.all(DUE, args![it.now, it.until, it.days, it.limit], |row| row.id(0)).await
}

/// Notes that the end of a version has been announced this many days before; not twice.
pub(super) async fn reminded(tx: &mut Tx<'_>, id: Id<ServiceToken>, days: i64) -> Result<bool> {
    Ok(tx.exec(REMINDED, args![id, days]).await? > 0)
}

/// The tokens of an owner, or of an organisation, of which a version still works. Whose one is, its newest
/// version says.
pub(super) async fn live_lineages(
    tx: &mut ReadTx<'_>,
    whose: &Whose,
    now: Time,
) -> Result<Vec<Id<ServiceToken>>> {
    match &whose.owner {
        Some(owner) => tx.all(LIVE_OF_OWNER, args![owner, whose.org, now], |row| row.id(0)).await,
        None => tx.all(LIVE_OF_ORG, args![whose.org, now], |row| row.id(0)).await,
    }
}

pub(super) async fn is_imported(tx: &mut ReadTx<'_>, from: &str) -> Result<bool> {
    Ok(tx.opt(IS_IMPORTED, args![from], |_| Ok(())).await?.is_some())
}

pub(super) async fn has_sha256(tx: &mut ReadTx<'_>, sha256: &str) -> Result<bool> {
    Ok(tx.opt(HAS_SHA256, args![sha256], |_| Ok(())).await?.is_some())
}

pub(super) async fn set_fate(tx: &mut Tx<'_>, id: Id<ServiceToken>, fate: &Fate) -> Result<()> {
    let values = args![
        id,
        &fate.imported_from,
        &fate.sha256,
        fate.ends_at,
        fate.revoked_at,
        &fate.revoked_by,
        &fate.reason,
        fate.last_used_at,
        fate.use_count,
        &fate.rotated_to,
        &fate.rotated_from,
    ];
    tx.exec(SET_FATE, values).await?;
    Ok(())
}

/// Tells rows that came before which version is meant.
pub(super) async fn link_rotated(tx: &mut Tx<'_>, from: &str, id: Id<ServiceToken>) -> Result<()> {
    tx.exec(LINK_ROTATED_TO, args![from, id]).await?;
    tx.exec(LINK_ROTATED_FROM, args![from, id]).await?;
    Ok(())
}

pub(super) async fn list(tx: &mut ReadTx<'_>, ask: &ListAsk, now: Time) -> Result<Vec<Token>> {
    let (page, org) = (&ask.page, ask.org);
    let after = page.after.as_deref().unwrap_or_default();
    let state = ask.state.map_or(-1, State::number);
    let (rows, works) = (page.rows(), ask.works);
    let (name, owner) = (&ask.name, &ask.owner);
    if let Some(folded) = page.folded_query() {
        let (from, to) = prefix_range(&folded);
        let exact = page.query.as_deref().map(str::trim).unwrap_or_default();
        let values = args![after, rows, now, name, state, works, from, to, exact, org, owner];
        return tx.all(SEARCH, values, read).await;
    }
    match (owner, org) {
        (Some(owner), org) => {
            tx.all(LIST_OWNER, args![after, rows, now, name, state, works, owner, org], read).await
        }
        (None, Some(org)) => tx.all(LIST_ORG, args![after, rows, now, name, state, works, org], read).await,
        (None, None) => tx.all(LIST, args![after, rows, now, name, state, works], read).await,
    }
}

fn read_found(row: &Row<'_>) -> Result<Found> {
    let token = read(row)?;
    let stands = status_from(row.int(27)?)? == Status::Active && row.int(28)? == token.epoch;
    Ok(Found { token, stands })
}

fn read(row: &Row<'_>) -> Result<Token> {
    let revocation = match row.opt_time(16)? {
        Some(at) => Some(Revocation {
            at,
            by: row.opt_text(17)?.unwrap_or_default(),
            reason: row.opt_text(18)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Token {
        id: row.id(0)?,
        lineage: row.id(1)?,
        org: row.id(2)?,
        name: row.text(3)?,
        version: row.int(4)?,
        epoch: row.int(5)?,
        scopes: row.text(6)?.parse()?,
        workspace_ids: serde_json::from_str(&row.text(7)?)?,
        notes: Notes {
            description: row.opt_text(8)?,
            owner: row.opt_text(9)?,
            purpose: row.opt_text(10)?,
            allowed_addresses: addresses(&row.text(11)?)?,
            rate_limit_override: row.opt_text(26)?.map(|text| text.parse()).transpose()?,
        },
        lifetime: row.opt_int(12)?.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
        issued_at: row.time(13)?,
        expires_at: row.opt_time(14)?,
        ends_at: row.opt_time(15)?,
        revocation,
        created_by: row.text(19)?,
        rotated_to: row.opt_text(20)?,
        rotated_from: row.opt_text(21)?,
        last_used_at: row.opt_time(22)?,
        last_used_address: row.opt_text(23)?,
        use_count: row.int(24)?,
        revision: row.int(25)?,
    })
}

fn addresses(text: &str) -> Result<Vec<ipnet::IpNet>> {
    let all: Vec<String> = serde_json::from_str(text)?;
    Ok(all.iter().map(|net| net.parse()).collect::<std::result::Result<_, _>>()?)
}
