//! Statements on codes and refresh tokens.

use doorward_proto::{
    id::{self, Id},
    pkce::Challenge,
    secret::TokenHash,
    time::Time,
};

use super::devices::Device;
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    orgs::workspaces,
    outcome::Result,
    tokens::{
        Grant,
        issue::Person,
        sql::{read_grant, read_person},
    },
};

const INSERT_CODE: &str = "INSERT INTO codes
    (hash, family, client_id, principal_id, epoch, redirect_uri, challenge, nonce, dpop_jkt, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const CODE: &str =
    "SELECT family, client_id, principal_id, epoch, redirect_uri, challenge, nonce, dpop_jkt, expires_at,
    consumed_at FROM codes WHERE hash = $1";
// every org: the grant names its own.
const PRESENTED_CODE: &str = "SELECT g.id, g.org_id, g.principal_id, g.client_id, g.session_id, g.scope,
        g.resource, g.facts, g.is_offline, g.ended_at, u.platform_role, u.roles, m.role, o.permissions,
        u.anonymous_seen_at,
        c.family, c.client_id, c.principal_id, c.epoch, c.redirect_uri, c.challenge, c.nonce, c.dpop_jkt,
        c.expires_at, c.consumed_at
    FROM codes c
    JOIN grants g ON g.id = c.family
    JOIN users u ON u.id = g.principal_id
    LEFT JOIN memberships m ON m.user_id = g.principal_id AND m.org_id = g.org_id
        AND EXISTS (SELECT 1 FROM orgs a WHERE a.id = g.org_id AND a.status = 0)
    LEFT JOIN org_roles o ON o.org_id = m.org_id AND o.name = m.role
    WHERE c.hash = $1";
const CONSUME_CODE: &str = "UPDATE codes SET consumed_at = $2
    WHERE hash = $1 AND consumed_at IS NULL AND expires_at > $2
    AND EXISTS (SELECT 1 FROM grants g WHERE g.id = codes.family AND g.ended_at IS NULL)
    AND EXISTS (SELECT 1 FROM principals p WHERE p.id = $3 AND p.epoch = $4 AND p.status = 0)
    AND EXISTS (SELECT 1 FROM principals u
        WHERE u.id = codes.principal_id AND u.epoch = codes.epoch AND u.status = 0)";

const INSERT_REFRESH: &str = "INSERT INTO refresh_tokens
    (hash, family, client_id, principal_id, epoch, generation, cnf, created_at, expires_at, absolute_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const REFRESH: &str = "SELECT family, client_id, principal_id, epoch, generation, cnf, expires_at,
    absolute_at, consumed_at, successor, revoked_at, created_at FROM refresh_tokens WHERE hash = $1";
// every org: the grant names its own.
const PRESENTED_REFRESH: &str = "SELECT g.id, g.org_id, g.principal_id, g.client_id, g.session_id, g.scope,
        g.resource, g.facts, g.is_offline, g.ended_at, u.platform_role, u.roles, m.role, o.permissions,
        u.anonymous_seen_at,
        r.family, r.client_id, r.principal_id, r.epoch, r.generation, r.cnf, r.expires_at,
        r.absolute_at, r.consumed_at, r.successor, r.revoked_at, r.created_at
    FROM refresh_tokens r
    JOIN grants g ON g.id = r.family
    JOIN users u ON u.id = g.principal_id
    LEFT JOIN memberships m ON m.user_id = g.principal_id AND m.org_id = g.org_id
        AND EXISTS (SELECT 1 FROM orgs a WHERE a.id = g.org_id AND a.status = 0)
    LEFT JOIN org_roles o ON o.org_id = m.org_id AND o.name = m.role
    WHERE r.hash = $1";
const CONSUME_REFRESH: &str = "UPDATE refresh_tokens SET consumed_at = $2, successor = $3
    WHERE hash = $1 AND consumed_at IS NULL AND revoked_at IS NULL AND expires_at > $2
    AND EXISTS (SELECT 1 FROM grants g WHERE g.id = refresh_tokens.family AND g.ended_at IS NULL)
    AND EXISTS (SELECT 1 FROM principals p WHERE p.id = $4 AND p.epoch = $5 AND p.status = 0)
    AND EXISTS (SELECT 1 FROM principals u
        WHERE u.id = refresh_tokens.principal_id AND u.epoch = refresh_tokens.epoch AND u.status = 0)";
// sort: the devices of one person
const DEVICES: &str = "SELECT g.id, c.name, g.device, g.created_at, r.created_at
    FROM grants g JOIN clients c ON c.id = g.client_id
    JOIN refresh_tokens r ON r.family = g.id AND r.consumed_at IS NULL
    WHERE g.principal_id = $1 AND g.is_offline = 1 AND g.ended_at IS NULL
        AND r.revoked_at IS NULL AND r.expires_at > $2
    ORDER BY r.created_at DESC, g.id LIMIT 200";
const FORGET_SUCCESSORS: &str = "UPDATE refresh_tokens SET successor = NULL WHERE hash IN (
    SELECT hash FROM refresh_tokens WHERE successor IS NOT NULL AND consumed_at < $1
    ORDER BY consumed_at LIMIT 500)";

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
    let found = tx.opt(PRESENTED_CODE, args![hash], |row| read_presented(row, read_code)).await?;
    with_workspaces(tx, found).await
}

/// The one statement that decides who redeems the code; not once its grant is over or the epoch of the
/// person or the client has moved.
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
    let found = tx.opt(PRESENTED_REFRESH, args![hash], |row| read_presented(row, read_refresh)).await?;
    with_workspaces(tx, found).await
}

/// The one statement that decides who rotates the refresh token; not once its grant is over or the epoch
/// of the person or the client has moved.
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

/// Where an application can come back for a person.
pub(super) async fn devices(tx: &mut ReadTx<'_>, user: Id<id::User>, now: Time) -> Result<Vec<Device>> {
    let read = |row: &Row<'_>| {
        Ok(Device {
            grant: row.id(0)?,
            client_name: row.text(1)?,
            device: row.opt_text(2)?,
            since: row.time(3)?,
            seen: row.time(4)?,
        })
    };
    tx.all(DEVICES, args![user, now], read).await
}

/// Adds the workspaces that the person is in, in the organisation of the grant.
async fn with_workspaces<R>(
    tx: &mut ReadTx<'_>,
    found: Option<Presented<R>>,
) -> Result<Option<Presented<R>>> {
    let Some(mut found) = found else { return Ok(None) };
    if found.person.standing.is_some() {
        found.person.workspaces = workspaces::ids_of(tx, found.grant.org, found.grant.user).await?;
    }
    Ok(Some(found))
}

/// Grant, person, and what is presented, in the columns of both statements.
fn read_presented<R>(row: &Row<'_>, read: fn(&Row<'_>, usize) -> Result<R>) -> Result<Presented<R>> {
    const PRESENTED: usize = 15;
    const EPOCH: usize = PRESENTED + 3;
    let (grant, person, epoch) = (read_grant(row)?, read_person(row, 10)?, row.int(EPOCH)?);
    Ok(Presented { row: read(row, PRESENTED)?, grant, person, epoch })
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
