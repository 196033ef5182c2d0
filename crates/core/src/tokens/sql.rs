//! Statements on grants and access tokens.

use doorward_proto::{
    access_token::AccessTokenClaims,
    id::{self, Id},
    secret::TokenHash,
    time::Time,
};

use super::{Grant, issue::Person};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    orgs::Standing,
    outcome::Result,
};

const GRANT: &str =
    "SELECT id, org_id, principal_id, client_id, session_id, scope, resource, facts, is_offline,
    ended_at FROM grants WHERE id = $1";
const INSERT_GRANT: &str = "INSERT INTO grants
    (id, org_id, principal_id, client_id, session_id, scope, resource, facts, is_offline, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM principals
    WHERE id = $3 AND epoch = $11 AND status = 0
    AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = $5 AND s.ended_at IS NULL AND s.expires_at > $10)
    AND EXISTS (SELECT 1 FROM memberships m JOIN orgs o ON o.id = m.org_id
        WHERE m.org_id = $2 AND m.user_id = $3 AND o.status = 0)";
/// Of an application that acts for somebody who has not signed in.
const INSERT_GRANT_ALONE: &str = "INSERT INTO grants
    (id, org_id, principal_id, client_id, scope, resource, facts, is_offline, device, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9)";
const NAME_DEVICE: &str = "UPDATE grants SET device = $2 WHERE id = $1";
const END_GRANT: &str = "UPDATE grants SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL";
const END_GRANTS_OF_CLIENT: &str = "UPDATE grants SET ended_at = $3, end_reason = $4
    WHERE principal_id = $1 AND client_id = $2 AND ended_at IS NULL";

const IS_CURRENT: &str = "SELECT epoch FROM principals WHERE id = $1 AND epoch = $2 AND status = 0";

const INSERT_ACCESS: &str = "INSERT INTO access_tokens
    (hash, family, client_id, principal_id, epoch, claims, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const COMPLETE_ACCESS: &str = "UPDATE access_tokens SET claims = $2 WHERE hash = $1";
const ACCESS: &str = "SELECT claims FROM access_tokens WHERE hash = $1 AND revoked_at IS NULL";
const REVOKE_ACCESS: &str = "UPDATE access_tokens SET revoked_at = $2 WHERE hash = $1 AND revoked_at IS NULL";
const REVOKE_JTI: &str = "INSERT INTO revoked_jtis (jti, revoked_at, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT (jti) DO NOTHING";
const IS_REVOKED: &str = "SELECT revoked_at FROM revoked_jtis WHERE jti = $1";
const NOTE_ONCE: &str =
    "INSERT INTO replays (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";

pub(crate) async fn find_grant(tx: &mut ReadTx<'_>, id: Id<id::Grant>) -> Result<Option<Grant>> {
    tx.opt(GRANT, args![id], read_grant).await
}

/// Writes the grant only while the person is active under this epoch and belongs to its organisation, and
/// the session that it is made in is live; says whether it did.
pub(crate) async fn insert_grant(tx: &mut Tx<'_>, grant: &Grant, epoch: i64, now: Time) -> Result<bool> {
    let (resources, facts) = (serde_json::to_string(&grant.resources)?, serde_json::to_string(&grant.facts)?);
    let values = args![
        grant.id,
        grant.org,
        grant.user,
        grant.client,
        grant.session,
        grant.scope.as_str(),
        resources,
        facts,
        grant.is_offline,
        now,
        epoch
    ];
    Ok(tx.exec(INSERT_GRANT, values).await? == 1)
}

/// Writes a grant that nobody has signed in for.
pub(crate) async fn insert_grant_alone(
    tx: &mut Tx<'_>,
    grant: &Grant,
    device: Option<&str>,
    now: Time,
) -> Result<()> {
    let (resources, facts) = (serde_json::to_string(&grant.resources)?, serde_json::to_string(&grant.facts)?);
    let scope = grant.scope.as_str();
    let values = args![grant.id, grant.org, grant.user, grant.client, scope, resources, facts, device, now];
    tx.exec(INSERT_GRANT_ALONE, values).await?;
    Ok(())
}

/// Notes what the application says it runs on.
pub(crate) async fn name_device(tx: &mut Tx<'_>, grant: Id<id::Grant>, device: &str) -> Result<()> {
    tx.exec(NAME_DEVICE, args![grant, device]).await?;
    Ok(())
}

/// Ends a family and with it every token made from it.
pub(crate) async fn end_grant(tx: &mut Tx<'_>, id: Id<id::Grant>, now: Time, reason: &str) -> Result<bool> {
    let ended = tx.exec(END_GRANT, args![id, now, reason]).await? > 0;
    if ended {
        tx.raise_changes().await?;
    }
    Ok(ended)
}

/// Ends every grant that a person gave one application.
pub(crate) async fn end_grants_of_client(
    tx: &mut Tx<'_>,
    user: Id<id::User>,
    client: Id<id::Client>,
    now: Time,
    reason: &str,
) -> Result<u64> {
    let ended = tx.exec(END_GRANTS_OF_CLIENT, args![user, client, now, reason]).await?;
    if ended > 0 {
        tx.raise_changes().await?;
    }
    Ok(ended)
}

/// Whether the principal is active under this epoch still.
pub(crate) async fn is_current(tx: &mut ReadTx<'_>, principal: &str, epoch: i64) -> Result<bool> {
    Ok(tx.opt(IS_CURRENT, args![principal, epoch], |row| row.int(0)).await?.is_some())
}

/// Stores an opaque access token under its hash.
pub(crate) async fn insert_access(
    tx: &mut Tx<'_>,
    hash: TokenHash,
    claims: &AccessTokenClaims,
    owner: (&str, Id<id::Client>, i64),
    now: Time,
) -> Result<()> {
    let (principal, client, epoch) = owner;
    let text = serde_json::to_string(claims)?;
    let expires = Time::from_seconds(claims.exp);
    let values = args![hash, &claims.grant_id, client, principal, epoch, text, now, expires];
    tx.exec(INSERT_ACCESS, values).await?;
    Ok(())
}

/// Says more in one that was made a moment ago.
pub(crate) async fn complete_access(
    tx: &mut Tx<'_>,
    hash: TokenHash,
    claims: &AccessTokenClaims,
) -> Result<()> {
    tx.exec(COMPLETE_ACCESS, args![hash, serde_json::to_string(claims)?]).await?;
    Ok(())
}

pub(crate) async fn find_access(tx: &mut ReadTx<'_>, hash: TokenHash) -> Result<Option<AccessTokenClaims>> {
    tx.opt(ACCESS, args![hash], |row| Ok(serde_json::from_str(&row.text(0)?)?)).await
}

pub(crate) async fn revoke_access(tx: &mut Tx<'_>, hash: TokenHash, now: Time) -> Result<bool> {
    Ok(tx.exec(REVOKE_ACCESS, args![hash, now]).await? > 0)
}

pub(crate) async fn revoke_jti(tx: &mut Tx<'_>, jti: &str, now: Time, expires: Time) -> Result<bool> {
    Ok(tx.exec(REVOKE_JTI, args![jti, now, expires]).await? > 0)
}

pub(crate) async fn is_revoked(tx: &mut ReadTx<'_>, jti: &str) -> Result<bool> {
    Ok(tx.opt(IS_REVOKED, args![jti], |row| row.int(0)).await?.is_some())
}

/// Remembers a value that may be seen once; says whether this was the first time.
pub(crate) async fn note_once(tx: &mut Tx<'_>, hash: TokenHash, expires: Time) -> Result<bool> {
    Ok(tx.exec(NOTE_ONCE, args![hash, expires]).await? == 1)
}

/// The ten columns of a grant.
pub(crate) fn read_grant(row: &Row<'_>) -> Result<Grant> {
    Ok(Grant {
        id: row.id(0)?,
        org: row.id(1)?,
        user: row.id(2)?,
        client: row.id(3)?,
        session: row.opt_id(4)?,
        scope: row.text(5)?.parse()?,
        resources: serde_json::from_str(&row.text(6)?)?,
        facts: serde_json::from_str(&row.text(7)?)?,
        is_offline: row.flag(8)?,
        ended_at: row.opt_time(9)?,
    })
}

/// Five columns, from this one on.
pub(crate) fn read_person(row: &Row<'_>, from: usize) -> Result<Person> {
    let roles = serde_json::from_str(&row.text(from + 1)?)?;
    let custom = row.opt_text(from + 3)?;
    let standing = row.opt_text(from + 2)?.map(|role| Standing::of(role, custom.as_deref()));
    let is_anonymous = row.opt_time(from + 4)?.is_some();
    Ok(Person { platform_role: row.int(from)?, roles, standing, workspaces: Vec::new(), is_anonymous })
}
