//! Statements on service tokens.

use std::time::Duration;

use doorward_proto::{
    id::{Id, Org, ServiceToken},
    scope::ScopeSet,
    secret::TokenHash,
    time::Time,
};

use super::{Notes, Revocation, Token, age::Age, create::seconds, remind::Distance, revoke::Whose};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
    principals::{Status, status_from},
};

const FIND: &str =
    "SELECT id, lineage, org_id, name, version, epoch, scopes, workspace_ids, description, owner,
    purpose, allowed_addresses, lifetime, issued_at, expires_at, ends_at, revoked_at, revoked_by,
    revocation_reason, created_by, rotated_to, rotated_from, last_used_at, last_used_address, use_count,
    revision, rate_limit_override, reviewed_at FROM service_tokens WHERE id = $1";
const FIND_NEWEST: &str = "SELECT id, lineage, org_id, name, version, epoch, scopes, workspace_ids,
    description, owner, purpose, allowed_addresses, lifetime, issued_at, expires_at, ends_at, revoked_at,
    revoked_by, revocation_reason, created_by, rotated_to, rotated_from, last_used_at, last_used_address,
    use_count, revision, rate_limit_override, reviewed_at
    FROM service_tokens WHERE org_id = $1 AND name = $2 ORDER BY version DESC LIMIT 1";
const VERSIONS: &str = "SELECT id, lineage, org_id, name, version, epoch, scopes, workspace_ids, description,
    owner, purpose, allowed_addresses, lifetime, issued_at, expires_at, ends_at, revoked_at, revoked_by,
    revocation_reason, created_by, rotated_to, rotated_from, last_used_at, last_used_address, use_count,
    revision, rate_limit_override, reviewed_at FROM service_tokens WHERE lineage = $1 ORDER BY version";
const NEWEST_VERSIONS: &str = "SELECT id, lineage, org_id, name, version, epoch, scopes, workspace_ids,
    description, owner, purpose, allowed_addresses, lifetime, issued_at, expires_at, ends_at, revoked_at,
    revoked_by, revocation_reason, created_by, rotated_to, rotated_from, last_used_at, last_used_address,
    use_count, revision, rate_limit_override, reviewed_at
    FROM service_tokens WHERE lineage = $1 ORDER BY version DESC LIMIT $2";
const FIND_BY_HASH: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override,
    t.reviewed_at, p.status, p.epoch
    FROM service_tokens t JOIN principals p ON p.id = t.lineage WHERE t.hash = $1";
const FIND_BY_SHA256: &str = "SELECT t.id, t.lineage, t.org_id, t.name, t.version, t.epoch, t.scopes,
    t.workspace_ids, t.description, t.owner, t.purpose, t.allowed_addresses, t.lifetime, t.issued_at,
    t.expires_at, t.ends_at, t.revoked_at, t.revoked_by, t.revocation_reason, t.created_by, t.rotated_to,
    t.rotated_from, t.last_used_at, t.last_used_address, t.use_count, t.revision, t.rate_limit_override,
    t.reviewed_at, p.status, p.epoch
    FROM service_tokens t JOIN principals p ON p.id = t.lineage WHERE t.sha256 = $1";
const HASH_AGAIN: &str = "UPDATE service_tokens SET hash = $2, hash_key = $3, sha256 = NULL
    WHERE id = $1 AND sha256 IS NOT NULL";
const IS_ANY_IMPORTED: &str =
    "SELECT 1 FROM service_tokens WHERE imported_from > '' ORDER BY imported_from LIMIT 1";
const INSERT: &str = "INSERT INTO service_tokens (id, lineage, org_id, name, name_folded, version, epoch,
    hash, hash_key, scopes, workspace_ids, description, owner, purpose, allowed_addresses, lifetime,
    issued_at, expires_at, created_by, rotated_from, rate_limit_override, reviewed_at, review_from, rotation_from)
    SELECT $1, $2, $3, $4, $5, $6, principals.epoch, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
        $19, $20, $21, $21, $22
    FROM principals WHERE principals.id = $2 AND principals.status = 0
    ON CONFLICT (org_id, name, version) DO NOTHING";
const UPDATE: &str = "UPDATE service_tokens SET description = $3, owner = $4, purpose = $5,
    allowed_addresses = $6, rate_limit_override = $7, revision = revision + 1 WHERE id = $1 AND revision = $2";
const HAND_OVER: &str = "UPDATE service_tokens SET rotated_to = $2, ends_at = $4, review_from = NULL,
    rotation_from = NULL, revision = revision + 1
    WHERE id = $1 AND rotated_to IS NULL AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > $3) AND (ends_at IS NULL OR ends_at > $3)";
const REVOKE: &str = "UPDATE service_tokens SET revoked_at = $2, revoked_by = $3, revocation_reason = $4,
    review_from = NULL, rotation_from = NULL, revision = revision + 1 WHERE id = $1 AND revoked_at IS NULL";
const REVOKE_ALL: &str = "UPDATE service_tokens SET revoked_at = $2, revoked_by = $3, revocation_reason = $4,
    review_from = NULL, rotation_from = NULL, revision = revision + 1 WHERE lineage = $1 AND revoked_at IS NULL";
/// Adds uses.
pub(super) const USED: &str = "UPDATE service_tokens SET use_count = use_count + $2,
        last_used_address = CASE WHEN last_used_at > $3 THEN last_used_address ELSE $4 END,
        last_used_at = CASE WHEN last_used_at > $3 THEN last_used_at ELSE $3 END
    WHERE id = $1";
/// By when they end: an index of what took their place would find nearly all of them.
const DUE: &str = "SELECT id FROM service_tokens WHERE expires_at > $1 AND expires_at <= $2
    AND revoked_at IS NULL AND COALESCE(rotated_to, '') = '' AND (reminded IS NULL OR reminded > $3)
    AND (lifetime IS NULL OR lifetime >= $3 * 172800) ORDER BY expires_at LIMIT $4";
const REMINDED: &str = "UPDATE service_tokens SET reminded = $2
    WHERE id = $1 AND revoked_at IS NULL AND rotated_to IS NULL AND (reminded IS NULL OR reminded > $2)";
const REVIEW_DUE: &str =
    "SELECT id FROM service_tokens WHERE review_from <= $1 ORDER BY review_from LIMIT $2";
const ROTATION_DUE: &str =
    "SELECT id FROM service_tokens WHERE rotation_from <= $1 ORDER BY rotation_from LIMIT $2";
const REVIEW_TOLD: &str = "UPDATE service_tokens SET review_from = NULL WHERE id = $1 AND review_from <= $2";
const ROTATION_TOLD: &str =
    "UPDATE service_tokens SET rotation_from = NULL WHERE id = $1 AND rotation_from <= $2";
const REVIEW: &str = "UPDATE service_tokens SET reviewed_at = $2, review_from = $2, revision = revision + 1
    WHERE id = $1 AND revoked_at IS NULL AND rotated_to IS NULL";
const LIVE_OF_OWNER: &str = "SELECT n.lineage FROM service_tokens n
    WHERE n.owner = $1 AND (n.org_id = $2 OR $2 IS NULL)
    AND NOT EXISTS (SELECT 1 FROM service_tokens l WHERE l.lineage = n.lineage AND l.version > n.version)
    AND EXISTS (SELECT 1 FROM service_tokens v WHERE v.lineage = n.lineage AND v.revoked_at IS NULL
        AND (v.expires_at IS NULL OR v.expires_at > $3) AND (v.ends_at IS NULL OR v.ends_at > $3))
    ORDER BY n.lineage";
const LIVE_OF_ORG: &str = "SELECT DISTINCT lineage FROM service_tokens
    WHERE org_id = $1 AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > $2) AND (ends_at IS NULL OR ends_at > $2) ORDER BY lineage";
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
    pub(super) reviewed_at: Time,
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
        new.reviewed_at,
        // What ends by itself is announced before.
        if new.expires_at.is_none() { Some(new.issued_at) } else { None },
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

/// Versions about whose age nobody has been told since this time.
pub(super) async fn aged(
    tx: &mut ReadTx<'_>,
    age: Age,
    (until, limit): (Time, i64),
) -> Result<Vec<Id<ServiceToken>>> {
    let sql = match age {
        Age::Review => REVIEW_DUE,
        Age::Rotation => ROTATION_DUE,
    };
    tx.all(sql, args![until, limit], |row| row.id(0)).await
}

/// Notes that an age has been told of; not twice.
pub(super) async fn aged_told(
    tx: &mut Tx<'_>,
    age: Age,
    (id, until): (Id<ServiceToken>, Time),
) -> Result<bool> {
    let sql = match age {
        Age::Review => REVIEW_TOLD,
        Age::Rotation => ROTATION_TOLD,
    };
    Ok(tx.exec(sql, args![id, until]).await? > 0)
}

/// Notes that somebody has looked at a token; not at a version that has ended.
pub(super) async fn review(tx: &mut Tx<'_>, id: Id<ServiceToken>, now: Time) -> Result<bool> {
    Ok(tx.exec(REVIEW, args![id, now]).await? > 0)
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

fn read_found(row: &Row<'_>) -> Result<Found> {
    let token = read(row)?;
    let stands = status_from(row.int(28)?)? == Status::Active && row.int(29)? == token.epoch;
    Ok(Found { token, stands })
}

pub(super) fn read(row: &Row<'_>) -> Result<Token> {
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
        reviewed_at: row.time(27)?,
    })
}

fn addresses(text: &str) -> Result<Vec<ipnet::IpNet>> {
    let all: Vec<String> = serde_json::from_str(text)?;
    Ok(all.iter().map(|net| net.parse()).collect::<std::result::Result<_, _>>()?)
}
