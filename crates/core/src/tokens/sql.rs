//! Statements on grants, codes, refresh tokens and access tokens.

use doorward_proto::{
    access_token::AccessTokenClaims,
    id::{self, Id},
    pkce::Challenge,
    secret::TokenHash,
    time::Time,
};

use super::{Grant, issue::Person};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

const GRANT: &str =
    "SELECT id, org_id, principal_id, client_id, session_id, scope, resource, facts, is_offline,
    ended_at FROM grants WHERE id = $1";
const INSERT_GRANT: &str = "INSERT INTO grants
    (id, org_id, principal_id, client_id, session_id, scope, resource, facts, is_offline, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM principals
    WHERE id = $3 AND epoch = $11 AND status = 0
    AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = $5 AND s.ended_at IS NULL AND s.expires_at > $10)";
const END_GRANT: &str = "UPDATE grants SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL";
const END_GRANTS_OF_CLIENT: &str = "UPDATE grants SET ended_at = $3, end_reason = $4
    WHERE principal_id = $1 AND client_id = $2 AND ended_at IS NULL";

const INSERT_CODE: &str = "INSERT INTO codes
    (hash, family, client_id, principal_id, epoch, redirect_uri, challenge, nonce, dpop_jkt, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const CODE: &str =
    "SELECT family, client_id, principal_id, epoch, redirect_uri, challenge, nonce, dpop_jkt, expires_at,
    consumed_at FROM codes WHERE hash = $1";
const PRESENTED_CODE: &str = "SELECT g.id, g.org_id, g.principal_id, g.client_id, g.session_id, g.scope,
        g.resource, g.facts, g.is_offline, g.ended_at, u.platform_role, u.roles, m.role,
        c.family, c.client_id, c.principal_id, c.epoch, c.redirect_uri, c.challenge, c.nonce, c.dpop_jkt,
        c.expires_at, c.consumed_at
    FROM codes c
    JOIN grants g ON g.id = c.family
    JOIN users u ON u.id = g.principal_id
    LEFT JOIN memberships m ON m.user_id = g.principal_id AND m.org_id = g.org_id
    WHERE c.hash = $1";
const CONSUME_CODE: &str = "UPDATE codes SET consumed_at = $2
    WHERE hash = $1 AND consumed_at IS NULL AND expires_at > $2
    AND EXISTS (SELECT 1 FROM grants g WHERE g.id = codes.family AND g.ended_at IS NULL)
    AND EXISTS (SELECT 1 FROM principals p WHERE p.id = $3 AND p.epoch = $4 AND p.status = 0)";

const INSERT_REFRESH: &str = "INSERT INTO refresh_tokens
    (hash, family, client_id, principal_id, epoch, generation, cnf, created_at, expires_at, absolute_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const REFRESH: &str = "SELECT family, client_id, principal_id, epoch, generation, cnf, expires_at,
    absolute_at, consumed_at, successor, revoked_at, created_at FROM refresh_tokens WHERE hash = $1";
const PRESENTED_REFRESH: &str = "SELECT g.id, g.org_id, g.principal_id, g.client_id, g.session_id, g.scope,
        g.resource, g.facts, g.is_offline, g.ended_at, u.platform_role, u.roles, m.role,
        r.family, r.client_id, r.principal_id, r.epoch, r.generation, r.cnf, r.expires_at,
        r.absolute_at, r.consumed_at, r.successor, r.revoked_at, r.created_at
    FROM refresh_tokens r
    JOIN grants g ON g.id = r.family
    JOIN users u ON u.id = g.principal_id
    LEFT JOIN memberships m ON m.user_id = g.principal_id AND m.org_id = g.org_id
    WHERE r.hash = $1";
const CONSUME_REFRESH: &str = "UPDATE refresh_tokens SET consumed_at = $2, successor = $3
    WHERE hash = $1 AND consumed_at IS NULL AND revoked_at IS NULL AND expires_at > $2
    AND EXISTS (SELECT 1 FROM grants g WHERE g.id = refresh_tokens.family AND g.ended_at IS NULL)
    AND EXISTS (SELECT 1 FROM principals p WHERE p.id = $4 AND p.epoch = $5 AND p.status = 0)";
const FORGET_SUCCESSORS: &str = "UPDATE refresh_tokens SET successor = NULL WHERE hash IN (
    SELECT hash FROM refresh_tokens WHERE successor IS NOT NULL AND consumed_at < $1
    ORDER BY consumed_at LIMIT 500)";

const IS_CURRENT: &str = "SELECT epoch FROM principals WHERE id = $1 AND epoch = $2 AND status = 0";

const INSERT_ACCESS: &str = "INSERT INTO access_tokens
    (hash, family, client_id, principal_id, epoch, claims, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const ACCESS: &str = "SELECT claims FROM access_tokens WHERE hash = $1 AND revoked_at IS NULL";
const REVOKE_ACCESS: &str = "UPDATE access_tokens SET revoked_at = $2 WHERE hash = $1 AND revoked_at IS NULL";
const REVOKE_JTI: &str = "INSERT INTO revoked_jtis (jti, revoked_at, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT (jti) DO NOTHING";
const IS_REVOKED: &str = "SELECT revoked_at FROM revoked_jtis WHERE jti = $1";
const NOTE_ONCE: &str =
    "INSERT INTO replays (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";

/// What a client presents, with all that it stands on: nothing of it changes but its being used, the
/// grant's end and what the person may do.
pub(crate) struct Presented<R> {
    pub(crate) row: R,
    pub(crate) grant: Grant,
    pub(crate) person: Person,
    /// The epoch of the person under which it was made.
    pub(crate) epoch: i64,
}

/// An application as it was read: a write that names it fails once its epoch has moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) id: &'a str,
    pub(crate) epoch: i64,
}

/// A stored code.
#[derive(Debug)]
pub(crate) struct CodeRow {
    pub(crate) family: Id<id::Grant>,
    pub(crate) client: Id<id::Client>,
    pub(crate) principal: String,
    pub(crate) epoch: i64,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) nonce: Option<String>,
    pub(crate) dpop_jkt: Option<String>,
    pub(crate) expires_at: Time,
    pub(crate) consumed_at: Option<Time>,
}

/// A stored refresh token.
#[derive(Debug)]
pub(crate) struct RefreshRow {
    pub(crate) family: Id<id::Grant>,
    pub(crate) client: Id<id::Client>,
    pub(crate) principal: String,
    pub(crate) epoch: i64,
    pub(crate) generation: i64,
    pub(crate) cnf: Option<String>,
    pub(crate) expires_at: Time,
    pub(crate) absolute_at: Time,
    pub(crate) consumed_at: Option<Time>,
    pub(crate) successor: Option<Vec<u8>>,
    pub(crate) revoked_at: Option<Time>,
    pub(crate) created_at: Time,
}

/// A code to be stored.
#[derive(Debug)]
pub(crate) struct NewCode {
    pub(crate) hash: TokenHash,
    pub(crate) family: Id<id::Grant>,
    pub(crate) client: Id<id::Client>,
    pub(crate) user: Id<id::User>,
    pub(crate) epoch: i64,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) nonce: Option<String>,
    pub(crate) dpop_jkt: Option<String>,
    pub(crate) now: Time,
    pub(crate) expires_at: Time,
}

/// A refresh token to be stored.
#[derive(Debug)]
pub(crate) struct NewRefresh {
    pub(crate) hash: TokenHash,
    pub(crate) family: Id<id::Grant>,
    pub(crate) client: Id<id::Client>,
    pub(crate) principal: String,
    pub(crate) epoch: i64,
    pub(crate) generation: i64,
    pub(crate) cnf: Option<String>,
    pub(crate) now: Time,
    pub(crate) expires_at: Time,
    pub(crate) absolute_at: Time,
}

pub(crate) async fn find_grant(tx: &mut ReadTx<'_>, id: Id<id::Grant>) -> Result<Option<Grant>> {
    tx.opt(GRANT, args![id], read_grant).await
}

/// Writes the grant only while the person is active under this epoch and the session that it is made in
/// is live; says whether it did.
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

pub(crate) async fn insert_code(tx: &mut Tx<'_>, code: &NewCode) -> Result<()> {
    let challenge = code.challenge.as_ref().map(ToString::to_string);
    let values = args![
        code.hash,
        code.family,
        code.client,
        code.user,
        code.epoch,
        &code.redirect_uri,
        challenge,
        &code.nonce,
        &code.dpop_jkt,
        code.now,
        code.expires_at
    ];
    tx.exec(INSERT_CODE, values).await?;
    Ok(())
}

pub(crate) async fn find_code(tx: &mut ReadTx<'_>, hash: TokenHash) -> Result<Option<CodeRow>> {
    tx.opt(CODE, args![hash], |row| read_code(row, 0)).await
}

/// A code with its grant and its person.
pub(crate) async fn presented_code(
    tx: &mut ReadTx<'_>,
    hash: TokenHash,
) -> Result<Option<Presented<CodeRow>>> {
    tx.opt(PRESENTED_CODE, args![hash], |row| {
        let code = read_code(row, 13)?;
        let (grant, person, epoch) = (read_grant(row)?, read_person(row, 10)?, code.epoch);
        Ok(Presented { row: code, grant, person, epoch })
    })
    .await
}

/// The one statement that decides who redeems the code; not once its grant is over or the client's epoch
/// has moved.
pub(crate) async fn consume_code(
    tx: &mut Tx<'_>,
    hash: TokenHash,
    client: Reader<'_>,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(CONSUME_CODE, args![hash, now, client.id, client.epoch]).await? == 1)
}

pub(crate) async fn insert_refresh(tx: &mut Tx<'_>, new: &NewRefresh) -> Result<()> {
    let values = args![
        new.hash,
        new.family,
        new.client,
        &new.principal,
        new.epoch,
        new.generation,
        &new.cnf,
        new.now,
        new.expires_at,
        new.absolute_at
    ];
    tx.exec(INSERT_REFRESH, values).await?;
    Ok(())
}

pub(crate) async fn find_refresh(tx: &mut ReadTx<'_>, hash: TokenHash) -> Result<Option<RefreshRow>> {
    tx.opt(REFRESH, args![hash], |row| read_refresh(row, 0)).await
}

/// A refresh token with its grant and its person.
pub(crate) async fn presented_refresh(
    tx: &mut ReadTx<'_>,
    hash: TokenHash,
) -> Result<Option<Presented<RefreshRow>>> {
    tx.opt(PRESENTED_REFRESH, args![hash], |row| {
        let token = read_refresh(row, 13)?;
        let (grant, person, epoch) = (read_grant(row)?, read_person(row, 10)?, token.epoch);
        Ok(Presented { row: token, grant, person, epoch })
    })
    .await
}

/// The one statement that decides who rotates the refresh token; not once its grant is over or the
/// client's epoch has moved.
pub(crate) async fn consume_refresh(
    tx: &mut Tx<'_>,
    hash: TokenHash,
    successor: &[u8],
    client: Reader<'_>,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(CONSUME_REFRESH, args![hash, now, successor, client.id, client.epoch]).await? == 1)
}

/// Erases sealed successors whose reuse window is over, a batch at a time; answers how many.
pub(crate) async fn forget_successors(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    tx.exec(FORGET_SUCCESSORS, args![before]).await
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

fn read_grant(row: &Row<'_>) -> Result<Grant> {
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

fn read_person(row: &Row<'_>, from: usize) -> Result<Person> {
    let roles = serde_json::from_str(&row.text(from + 1)?)?;
    Ok(Person { platform_role: row.int(from)?, roles, org_role: row.opt_text(from + 2)? })
}

fn read_code(row: &Row<'_>, from: usize) -> Result<CodeRow> {
    Ok(CodeRow {
        family: row.id(from)?,
        client: row.id(from + 1)?,
        principal: row.text(from + 2)?,
        epoch: row.int(from + 3)?,
        redirect_uri: row.text(from + 4)?,
        challenge: row.opt_text(from + 5)?.map(|text| text.parse()).transpose()?,
        nonce: row.opt_text(from + 6)?,
        dpop_jkt: row.opt_text(from + 7)?,
        expires_at: row.time(from + 8)?,
        consumed_at: row.opt_time(from + 9)?,
    })
}

fn read_refresh(row: &Row<'_>, from: usize) -> Result<RefreshRow> {
    Ok(RefreshRow {
        family: row.id(from)?,
        client: row.id(from + 1)?,
        principal: row.text(from + 2)?,
        epoch: row.int(from + 3)?,
        generation: row.int(from + 4)?,
        cnf: row.opt_text(from + 5)?,
        expires_at: row.time(from + 6)?,
        absolute_at: row.time(from + 7)?,
        consumed_at: row.opt_time(from + 8)?,
        successor: row.opt_bytes(from + 9)?,
        revoked_at: row.opt_time(from + 10)?,
        created_at: row.time(from + 11)?,
    })
}
