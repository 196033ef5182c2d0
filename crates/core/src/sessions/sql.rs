//! Statements on browsers and sessions.

use doorward_proto::{
    id::{Browser, Id, Org, Session as SessionKind, User},
    secret::TokenHash,
    time::Time,
};

use super::{Account, OfPerson, Session, Signed, Start, limits::Limit};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
    principals::{Kind, Principal, Status},
    users::PlatformRole,
};

const SIGNED: &str = "SELECT s.id, s.browser_id, s.user_id, s.org_id, s.auth_time, s.acr, s.amr, s.address,
        s.user_agent, s.created_at, s.seen_at, s.expires_at, b.id, b.active_session, p.org_id, p.status,
        p.epoch, p.epoch_at, u.name, u.platform_role, u.locale, u.zone, e.address,
        u.username
    FROM browsers b
    LEFT JOIN sessions s ON s.browser_id = b.id AND s.ended_at IS NULL AND s.expires_at > $2 AND s.seen_at > $3
    LEFT JOIN principals p ON p.id = s.user_id
    LEFT JOIN users u ON u.id = s.user_id
    LEFT JOIN emails e ON e.user_id = s.user_id AND e.is_primary = 1
    WHERE b.hash = $1 ORDER BY s.id";
const FIND: &str = "SELECT id, browser_id, user_id, org_id, auth_time, acr, amr, address, user_agent,
        created_at, seen_at, expires_at
    FROM sessions WHERE id = $1 AND ended_at IS NULL AND expires_at > $2";
const OF_USER: &str = "SELECT id, browser_id, user_id, org_id, auth_time, acr, amr, address, user_agent,
        created_at, seen_at, expires_at
    FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND seen_at > $3
    ORDER BY id DESC LIMIT 500";
const PAGE: &str = "SELECT s.id, s.browser_id, s.user_id, s.org_id, s.auth_time, s.acr, s.amr, s.address,
        s.user_agent, s.created_at, s.seen_at, s.expires_at, COALESCE(e.address, u.username, u.name)
    FROM sessions s JOIN users u ON u.id = s.user_id
    LEFT JOIN emails e ON e.user_id = s.user_id AND e.is_primary = 1
    WHERE s.id > $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.seen_at > $3
    ORDER BY s.id LIMIT $4";
const PAGE_OF_USER: &str =
    "SELECT s.id, s.browser_id, s.user_id, s.org_id, s.auth_time, s.acr, s.amr, s.address,
        s.user_agent, s.created_at, s.seen_at, s.expires_at, COALESCE(e.address, u.username, u.name)
    FROM sessions s JOIN users u ON u.id = s.user_id
    LEFT JOIN emails e ON e.user_id = s.user_id AND e.is_primary = 1
    WHERE s.user_id = $5 AND s.id > $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.seen_at > $3
    ORDER BY s.id LIMIT $4";
const FIND_NAMED: &str =
    "SELECT s.id, s.browser_id, s.user_id, s.org_id, s.auth_time, s.acr, s.amr, s.address,
        s.user_agent, s.created_at, s.seen_at, s.expires_at, COALESCE(e.address, u.username, u.name)
    FROM sessions s JOIN users u ON u.id = s.user_id
    LEFT JOIN emails e ON e.user_id = s.user_id AND e.is_primary = 1
    WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.seen_at > $3";
const SEEN: &str = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at <= $3 AND ended_at IS NULL";
const KNOWN_BROWSER: &str = "SELECT b.id FROM browsers b
    WHERE b.hash = $1 AND EXISTS (SELECT 1 FROM sessions s WHERE s.browser_id = b.id AND s.user_id = $2)";
const REPLACE_SECRET: &str = "UPDATE browsers SET hash = $2, seen_at = $3 WHERE hash = $1 RETURNING id";
const INSERT_BROWSER: &str = "INSERT INTO browsers (id, hash, created_at, seen_at) VALUES ($1, $2, $3, $3)";
const ACTIVATE: &str = "UPDATE browsers SET active_session = $2, seen_at = $3 WHERE id = $1";
const ACTIVATE_ANY: &str = "UPDATE browsers SET active_session = (
        SELECT MAX(s.id) FROM sessions s
        WHERE s.browser_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.seen_at > $3)
    WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM sessions s
        WHERE s.id = browsers.active_session AND s.ended_at IS NULL AND s.expires_at > $2 AND s.seen_at > $3)";
const RENEW: &str = "UPDATE sessions SET auth_time = $3, seen_at = $3, acr = $4, amr = $5, address = $6,
        user_agent = $7, expires_at = $8
    WHERE browser_id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3 AND seen_at > $9
    RETURNING id";
const INSERT: &str = "INSERT INTO sessions (id, browser_id, user_id, org_id, auth_time, acr, amr, address,
        user_agent, created_at, seen_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $5, $5, $10)";
const ACT_FOR: &str = "UPDATE sessions SET org_id = $3
    WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $4
    AND EXISTS (SELECT 1 FROM memberships m WHERE m.org_id = $3 AND m.user_id = $2)";
const END: &str = "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL";
const END_ALL_OF: &str = "UPDATE sessions SET ended_at = $3, end_reason = $4
    WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL";
const END_GRANTS_OF_SESSION: &str = "UPDATE grants SET ended_at = $2, end_reason = $3
    WHERE session_id = $1 AND is_offline = 0 AND ended_at IS NULL";
const END_GRANTS_OF_SESSIONS: &str = "UPDATE grants SET ended_at = $3, end_reason = $4
    WHERE principal_id = $1 AND session_id IS NOT NULL AND session_id <> $2
        AND is_offline = 0 AND ended_at IS NULL";
const END_GRANTS_OF: &str = "UPDATE grants SET ended_at = $3, end_reason = 'credential_changed'
    WHERE principal_id = $1 AND (session_id IS NULL OR session_id <> $2) AND ended_at IS NULL";
const FORGET_PLACES: &str = "UPDATE sessions SET address = '', user_agent = NULL WHERE user_id = $1";
const CARRIES: &str = "SELECT id FROM sessions
    WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 AND seen_at > $3";
const HAS_EXPIRED: &str = "SELECT id FROM sessions WHERE ended_at IS NULL AND expires_at <= $1 LIMIT 1";
const HAS_IDLED: &str = "SELECT id FROM sessions WHERE ended_at IS NULL AND seen_at <= $1 LIMIT 1";
const END_EXPIRED: &str = "UPDATE sessions SET ended_at = $2, end_reason = 'expired'
    WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL AND expires_at <= $1
            ORDER BY expires_at LIMIT 100)
        AND ended_at IS NULL AND expires_at <= $1
    RETURNING id, user_id";
const END_IDLED: &str = "UPDATE sessions SET ended_at = $2, end_reason = 'idle'
    WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL AND seen_at <= $1
            ORDER BY seen_at LIMIT 100)
        AND ended_at IS NULL AND seen_at <= $1
    RETURNING id, user_id";
const CLEAN_SESSIONS: &str = "DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE expires_at < $1 AND noticed_at IS NOT NULL ORDER BY expires_at LIMIT 500)";
const CLEAN_BROWSERS: &str = "DELETE FROM browsers WHERE id IN (
    SELECT b.id FROM browsers b WHERE b.seen_at < $1
        AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.browser_id = b.id) ORDER BY b.seen_at LIMIT 500)";

/// Makes an organisation of the person's the active one of a live session; says whether it did.
pub(super) async fn act_for(
    tx: &mut Tx<'_>,
    (session, user): (Id<SessionKind>, Id<User>),
    org: Id<Org>,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(ACT_FOR, args![session, user, org, now]).await? == 1)
}

pub(super) async fn signed(
    tx: &mut ReadTx<'_>,
    hash: TokenHash,
    now: Time,
    idle_since: Time,
) -> Result<Option<Signed>> {
    let rows = tx.all(SIGNED, args![hash, now, idle_since], read_signed).await?;
    let mut signed = None;
    for (browser, active, account) in rows {
        let signed = signed.get_or_insert(Signed { browser, accounts: Vec::new(), active });
        signed.accounts.extend(account);
    }
    Ok(signed.map(|mut signed: Signed| {
        signed.active = signed.active().map(|account| account.session.id);
        signed
    }))
}

type SignedRow = (Id<Browser>, Option<Id<SessionKind>>, Option<Account>);

fn read_signed(row: &Row<'_>) -> Result<SignedRow> {
    let (browser, active) = (row.id(12)?, row.opt_id(13)?);
    if row.opt_text(0)?.is_none() {
        return Ok((browser, active, None));
    }
    let session = read(row)?;
    let principal = Principal {
        id: session.user.to_string(),
        kind: Kind::User,
        org: row.id(14)?,
        status: Status::from_number(row.int(15)?)?,
        epoch: row.int(16)?,
        epoch_at: row.time(17)?,
    };
    let account = Account {
        session,
        principal,
        name: row.opt_text(18)?,
        platform_role: PlatformRole::from_number(row.int(19)?)?,
        locale: row.opt_text(20)?,
        zone: row.opt_text(21)?,
        email: row.opt_text(22)?,
        username: row.opt_text(23)?,
    };
    Ok((browser, active, Some(account).filter(|account| account.principal.status == Status::Active)))
}

fn read(row: &Row<'_>) -> Result<Session> {
    Ok(Session {
        id: row.id(0)?,
        browser: row.id(1)?,
        user: row.id(2)?,
        org: row.id(3)?,
        auth_time: row.time(4)?,
        acr: row.text(5)?,
        amr: row.text(6)?.split(' ').map(str::to_owned).collect(),
        address: row.text(7)?,
        user_agent: row.opt_text(8)?,
        created_at: row.time(9)?,
        seen_at: row.time(10)?,
        expires_at: row.time(11)?,
    })
}

fn read_named(row: &Row<'_>) -> Result<OfPerson> {
    Ok(OfPerson { session: read(row)?, who: row.opt_text(12)? })
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<SessionKind>, now: Time) -> Result<Option<Session>> {
    tx.opt(FIND, args![id, now], read).await
}

pub(super) async fn of_user(
    tx: &mut ReadTx<'_>,
    user: Id<User>,
    now: Time,
    idle_since: Time,
) -> Result<Vec<Session>> {
    tx.all(OF_USER, args![user, now, idle_since], read).await
}

pub(super) async fn find_named(
    tx: &mut ReadTx<'_>,
    id: Id<SessionKind>,
    now: Time,
    idle_since: Time,
) -> Result<Option<OfPerson>> {
    tx.opt(FIND_NAMED, args![id, now, idle_since], read_named).await
}

pub(super) async fn page(
    tx: &mut ReadTx<'_>,
    (after, rows): (&str, i64),
    now: Time,
    idle_since: Time,
) -> Result<Vec<OfPerson>> {
    tx.all(PAGE, args![after, now, idle_since, rows], read_named).await
}

pub(super) async fn page_of_user(
    tx: &mut ReadTx<'_>,
    user: Id<User>,
    (after, rows): (&str, i64),
    now: Time,
    idle_since: Time,
) -> Result<Vec<OfPerson>> {
    tx.all(PAGE_OF_USER, args![after, now, idle_since, rows, user], read_named).await
}

pub(super) async fn seen(tx: &mut Tx<'_>, id: Id<SessionKind>, now: Time, before: Time) -> Result<()> {
    tx.exec(SEEN, args![id, now, before]).await?;
    Ok(())
}

pub(super) async fn known_browser(
    tx: &mut ReadTx<'_>,
    hash: TokenHash,
    user: Id<User>,
) -> Result<Option<Id<Browser>>> {
    tx.opt(KNOWN_BROWSER, args![hash, user], |row| row.id(0)).await
}

pub(super) async fn replace_secret(
    tx: &mut Tx<'_>,
    old: TokenHash,
    new: TokenHash,
    now: Time,
) -> Result<Option<Id<Browser>>> {
    tx.opt(REPLACE_SECRET, args![old, new, now], |row| row.id(0)).await
}

pub(super) async fn insert_browser(
    tx: &mut Tx<'_>,
    id: Id<Browser>,
    hash: TokenHash,
    now: Time,
) -> Result<()> {
    tx.exec(INSERT_BROWSER, args![id, hash, now]).await?;
    Ok(())
}

pub(super) async fn activate(
    tx: &mut Tx<'_>,
    browser: Id<Browser>,
    session: Id<SessionKind>,
    now: Time,
) -> Result<()> {
    tx.exec(ACTIVATE, args![browser, session, now]).await?;
    Ok(())
}

/// Makes the newest live session the active one where the active one is over.
pub(super) async fn activate_any(
    tx: &mut Tx<'_>,
    browser: Id<Browser>,
    now: Time,
    idle_since: Time,
) -> Result<()> {
    tx.exec(ACTIVATE_ANY, args![browser, now, idle_since]).await?;
    Ok(())
}

pub(super) async fn renew(
    tx: &mut Tx<'_>,
    browser: Id<Browser>,
    user: Id<User>,
    start: &Start,
) -> Result<Option<Id<SessionKind>>> {
    let values = args![
        browser,
        user,
        start.now,
        start.acr,
        &start.amr,
        &start.address,
        &start.user_agent,
        start.expires_at,
        start.idle_since
    ];
    tx.opt(RENEW, values, |row| row.id(0)).await
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    browser: Id<Browser>,
    user: Id<User>,
    org: Id<Org>,
    start: &Start,
) -> Result<()> {
    let values = args![
        start.session,
        browser,
        user,
        org,
        start.now,
        start.acr,
        &start.amr,
        &start.address,
        &start.user_agent,
        start.expires_at
    ];
    tx.exec(INSERT, values).await?;
    Ok(())
}

pub(super) async fn end(tx: &mut Tx<'_>, id: Id<SessionKind>, now: Time, reason: &str) -> Result<u64> {
    tx.exec(END, args![id, now, reason]).await
}

/// Whether the session is live: not ended and within both limits.
pub(super) async fn carries(
    tx: &mut ReadTx<'_>,
    id: Id<SessionKind>,
    now: Time,
    idle_since: Time,
) -> Result<bool> {
    Ok(tx.opt(CARRIES, args![id, now, idle_since], |row| row.text(0)).await?.is_some())
}

/// Whether a session is beyond this limit and has not ended.
pub(super) async fn is_any_overdue(tx: &mut ReadTx<'_>, limit: Limit) -> Result<bool> {
    let (statement, before) = match limit {
        Limit::Absolute(before) => (HAS_EXPIRED, before),
        Limit::Idle(before) => (HAS_IDLED, before),
    };
    Ok(tx.opt(statement, args![before], |row| row.text(0)).await?.is_some())
}

/// Ends a batch of the sessions that are beyond this limit. Of several who do so at once, each session
/// is answered to one.
pub(super) async fn end_overdue(
    tx: &mut Tx<'_>,
    limit: Limit,
    now: Time,
) -> Result<Vec<(Id<SessionKind>, Id<User>)>> {
    let (statement, before) = match limit {
        Limit::Absolute(before) => (END_EXPIRED, before),
        Limit::Idle(before) => (END_IDLED, before),
    };
    tx.all(statement, args![before, now], |row| Ok((row.id(0)?, row.id(1)?))).await
}

pub(super) async fn end_all_of(
    tx: &mut Tx<'_>,
    user: Id<User>,
    keep: Option<Id<SessionKind>>,
    now: Time,
    reason: &str,
) -> Result<u64> {
    let keep = keep.map_or_else(String::new, |id| id.to_string());
    let ended = tx.exec(END_ALL_OF, args![user, &keep, now, reason]).await?;
    tx.exec(END_GRANTS_OF_SESSIONS, args![user, &keep, now, reason]).await?;
    Ok(ended)
}

pub(super) async fn end_grants_of_session(
    tx: &mut Tx<'_>,
    id: Id<SessionKind>,
    now: Time,
    reason: &str,
) -> Result<()> {
    tx.exec(END_GRANTS_OF_SESSION, args![id, now, reason]).await?;
    Ok(())
}

pub(super) async fn end_grants_of(
    tx: &mut Tx<'_>,
    user: Id<User>,
    keep: Option<Id<SessionKind>>,
    now: Time,
) -> Result<()> {
    let keep = keep.map_or_else(String::new, |id| id.to_string());
    tx.exec(END_GRANTS_OF, args![user, keep, now]).await?;
    Ok(())
}

pub(super) async fn forget_places(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.exec(FORGET_PLACES, args![user]).await?;
    Ok(())
}

pub(super) async fn clean(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    Ok(tx.exec(CLEAN_SESSIONS, args![before]).await? + tx.exec(CLEAN_BROWSERS, args![before]).await?)
}
