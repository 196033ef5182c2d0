//! Statements on drafts, pushed requests and consents.

use doorward_proto::{
    id::{self, Id, Org},
    scope::ScopeSet,
    secret::TokenHash,
    time::Time,
};

use super::{Connected, Progress, draft::Draft};
use crate::{
    args,
    db::{ReadTx, Tx},
    outcome::Result,
};

const INSERT: &str = "INSERT INTO drafts (id, client_id, request, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5)";
const FIND: &str = "SELECT id, request, session_id, login_at, consented_at, org_id, created_at FROM drafts
    WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2";
const MARK: &str = "UPDATE drafts SET session_id = $2, consented_at = NULL,
    org_id = CASE WHEN session_id = $2 THEN org_id END,
    login_at = COALESCE($3, CASE WHEN session_id = $2 THEN login_at END)
    WHERE id = $1 AND consumed_at IS NULL AND expires_at > $4";
const MARK_CONSENTED: &str = "UPDATE drafts SET session_id = $2, consented_at = $3, step = 3,
    org_id = CASE WHEN session_id = $2 THEN org_id END,
    login_at = CASE WHEN session_id = $2 THEN login_at END
    WHERE id = $1 AND consumed_at IS NULL AND expires_at > $3";
const CHOOSE_ORG: &str = "UPDATE drafts SET session_id = $2, org_id = $3, consented_at = NULL,
    login_at = CASE WHEN session_id = $2 THEN login_at END
    WHERE id = $1 AND consumed_at IS NULL AND expires_at > $4";
const JOIN: &str = "UPDATE drafts SET session_id = $2, org_id = $3,
    consented_at = CASE WHEN session_id = $2 THEN consented_at END,
    login_at = CASE WHEN session_id = $2 THEN login_at END
    WHERE id = $1 AND consumed_at IS NULL AND expires_at > $4";
const CONSUME: &str = "UPDATE drafts SET consumed_at = $2, step = 4
    WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2";

const INSERT_PUSHED: &str = "INSERT INTO pushed_requests (hash, client_id, request, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5)";
const TAKE_PUSHED: &str = "UPDATE pushed_requests SET consumed_at = $3
    WHERE hash = $1 AND client_id = $2 AND consumed_at IS NULL AND expires_at > $3 RETURNING request";

const CONSENTED: &str = "SELECT scope FROM consents WHERE user_id = $1 AND client_id = $2 AND org_id = $3
    AND resource = $4 AND agent_id = '' AND delegation_id = '' AND revoked_at IS NULL";
const UPSERT_CONSENT: &str = "INSERT INTO consents
    (user_id, client_id, org_id, resource, scope, granted_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (user_id, client_id, org_id, resource, agent_id, delegation_id)
    DO UPDATE SET scope = $5, granted_at = $6, revoked_at = NULL";
const REVOKE_CONSENTS: &str = "UPDATE consents SET revoked_at = $3
    WHERE user_id = $1 AND client_id = $2 AND revoked_at IS NULL";
// sort: the consents of one person
const CONNECTED: &str = "SELECT c.client_id, k.client_id, k.name, c.org_id, c.resource, c.scope, c.granted_at
    FROM consents c JOIN clients k ON k.id = c.client_id
    WHERE c.user_id = $1 AND c.revoked_at IS NULL ORDER BY c.granted_at DESC LIMIT 500";
// sort: the grants of one person
const HELD: &str = "SELECT g.client_id, k.client_id, k.name, g.org_id, g.scope, g.created_at, g.resource
    FROM grants g JOIN clients k ON k.id = g.client_id
    WHERE g.principal_id = $1 AND g.ended_at IS NULL
    AND EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.family = g.id AND r.consumed_at IS NULL
        AND r.revoked_at IS NULL AND r.expires_at > $2)
    ORDER BY g.id LIMIT 500";

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    id: Id<id::Draft>,
    (client, request): &(Id<id::Client>, String),
    (now, expires): (Time, Time),
) -> Result<()> {
    tx.exec(INSERT, args![id, *client, request.as_str(), now, expires]).await?;
    Ok(())
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<id::Draft>, now: Time) -> Result<Option<Draft>> {
    tx.opt(FIND, args![id, now], |row| {
        Ok(Draft {
            request: serde_json::from_str(&row.text(1)?)?,
            progress: Progress {
                draft: Some(row.id(0)?),
                session: row.opt_id(2)?,
                login_at: row.opt_time(3)?,
                consented_at: row.opt_time(4)?,
                org: row.opt_id(5)?,
                began_at: row.opt_time(6)?,
            },
        })
    })
    .await
}

/// A change of account takes back what another has said or proven.
pub(super) async fn mark(
    tx: &mut Tx<'_>,
    id: Id<id::Draft>,
    session: Id<id::Session>,
    login_at: Option<Time>,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(MARK, args![id, session, login_at, now]).await? == 1)
}

/// A yes that was said for another organisation does not count for this one.
pub(super) async fn choose_org(
    tx: &mut Tx<'_>,
    id: Id<id::Draft>,
    session: Id<id::Session>,
    org: Id<Org>,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(CHOOSE_ORG, args![id, session, org, now]).await? == 1)
}

pub(super) async fn join(
    tx: &mut Tx<'_>,
    id: Id<id::Draft>,
    session: Id<id::Session>,
    org: Id<id::Org>,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(JOIN, args![id, session, org, now]).await? == 1)
}

pub(super) async fn mark_consented(
    tx: &mut Tx<'_>,
    id: Id<id::Draft>,
    session: Id<id::Session>,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(MARK_CONSENTED, args![id, session, now]).await? == 1)
}

pub(super) async fn consume(tx: &mut Tx<'_>, id: Id<id::Draft>, now: Time) -> Result<bool> {
    Ok(tx.exec(CONSUME, args![id, now]).await? == 1)
}

pub(super) async fn insert_pushed(
    tx: &mut Tx<'_>,
    hash: TokenHash,
    client: Id<id::Client>,
    kept: &[u8],
    (now, expires): (Time, Time),
) -> Result<()> {
    tx.exec(INSERT_PUSHED, args![hash, client, kept, now, expires]).await?;
    Ok(())
}

pub(super) async fn take_pushed(
    tx: &mut Tx<'_>,
    hash: TokenHash,
    client: Id<id::Client>,
    now: Time,
) -> Result<Option<Vec<u8>>> {
    tx.opt(TAKE_PUSHED, args![hash, client, now], |row| row.bytes(0)).await
}

pub(super) async fn consented(
    tx: &mut ReadTx<'_>,
    user: Id<id::User>,
    client: Id<id::Client>,
    org: Id<Org>,
    resource: &str,
) -> Result<Option<ScopeSet>> {
    tx.opt(CONSENTED, args![user, client, org, resource], |row| Ok(row.text(0)?.parse()?)).await
}

pub(super) async fn upsert_consent(
    tx: &mut Tx<'_>,
    (user, client, org): (Id<id::User>, Id<id::Client>, Id<Org>),
    resource: &str,
    scope: &ScopeSet,
    now: Time,
) -> Result<()> {
    tx.exec(UPSERT_CONSENT, args![user, client, org, resource, scope.as_str(), now]).await?;
    Ok(())
}

pub(super) async fn revoke_consents(
    tx: &mut Tx<'_>,
    user: Id<id::User>,
    client: Id<id::Client>,
    now: Time,
) -> Result<u64> {
    tx.exec(REVOKE_CONSENTS, args![user, client, now]).await
}

pub(super) async fn connected(tx: &mut ReadTx<'_>, user: Id<id::User>) -> Result<Vec<Connected>> {
    tx.all(CONNECTED, args![user], |row| {
        Ok(Connected {
            client: row.id(0)?,
            client_id: row.text(1)?,
            name: row.text(2)?,
            org: row.id(3)?,
            resource: row.text(4)?,
            scope: row.text(5)?.parse()?,
            granted_at: row.time(6)?,
        })
    })
    .await
}

/// The grants by which applications can come back without the person, as what they were allowed.
pub(super) async fn held(tx: &mut ReadTx<'_>, user: Id<id::User>, now: Time) -> Result<Vec<Connected>> {
    let grants = tx
        .all(HELD, args![user, now], |row| {
            let resources: Vec<String> = serde_json::from_str(&row.text(6)?)?;
            let one = Connected {
                client: row.id(0)?,
                client_id: row.text(1)?,
                name: row.text(2)?,
                org: row.id(3)?,
                resource: String::new(),
                scope: row.text(4)?.parse()?,
                granted_at: row.time(5)?,
            };
            Ok((one, resources))
        })
        .await?;
    Ok(grants
        .into_iter()
        .map(|(one, resources)| Connected { resource: resources.join(" "), ..one })
        .collect())
}
