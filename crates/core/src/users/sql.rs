//! Statements on people and their mail addresses.

use doorward_proto::{
    id::{Id, User as UserKind},
    time::Time,
};

use super::{Email, PlatformRole, Prepared, User};
use crate::{
    args,
    branding::{Format, Picture},
    db::{ReadTx, Row, Tx},
    outcome::Result,
    principals::Status,
};

const INSERT: &str = "INSERT INTO users (id, name, name_folded, username, username_folded, platform_role,
        roles, profile, locale, zone, marketing_consent_at, marketing_consent_text, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) ON CONFLICT DO NOTHING";
const INSERT_EMAIL: &str =
    "INSERT INTO emails (folded, user_id, address, is_primary, verified_at, created_at)
    VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT DO NOTHING";
const FIND: &str = "SELECT u.id, p.org_id, p.status, p.epoch, u.name, u.username, e.address, e.verified_at,
        u.platform_role, u.roles, u.profile, u.locale, u.zone, u.marketing_consent_at,
        u.marketing_consent_text, u.anonymous_seen_at, u.version, u.created_at, u.updated_at
    FROM users u JOIN principals p ON p.id = u.id
    LEFT JOIN emails e ON e.user_id = u.id AND e.is_primary = 1
    WHERE u.id = $1 AND p.status <> 2";
// The places in each list are asked of every table: PostgreSQL may join them along their ids, and would read the
// others from their beginning.
const LIST: &str = "SELECT u.id, p.org_id, p.status, p.epoch, u.name, u.username, e.address, e.verified_at,
        u.platform_role, u.roles, u.profile, u.locale, u.zone, u.marketing_consent_at,
        u.marketing_consent_text, u.anonymous_seen_at, u.version, u.created_at, u.updated_at
    FROM users u JOIN principals p ON p.id = u.id
    LEFT JOIN emails e ON e.user_id = u.id AND e.user_id > $1 AND e.is_primary = 1
    WHERE u.id > $1 AND p.id > $1 AND p.status <> 2 AND (p.status = $3 OR $3 IS NULL)
        AND (u.platform_role = $4 OR $4 IS NULL)
        AND (CAST($5 AS TEXT) IS NULL OR u.id = $5 OR u.name_folded >= $5 AND u.name_folded < $6
            OR u.username_folded >= $5 AND u.username_folded < $6
            OR e.folded >= $5 AND e.folded < $6)
    ORDER BY u.id LIMIT $2";
/// Of the few who administer the instance, or of all others.
const LIST_ROLE: &str =
    "SELECT u.id, p.org_id, p.status, p.epoch, u.name, u.username, e.address, e.verified_at,
        u.platform_role, u.roles, u.profile, u.locale, u.zone, u.marketing_consent_at,
        u.marketing_consent_text, u.anonymous_seen_at, u.version, u.created_at, u.updated_at
    FROM users u JOIN principals p ON p.id = u.id
    LEFT JOIN emails e ON e.user_id = u.id AND e.user_id > $1 AND e.is_primary = 1
    WHERE u.platform_role = $4 AND u.id > $1 AND p.id > $1 AND p.status <> 2 AND (p.status = $3 OR $3 IS NULL)
        AND (CAST($5 AS TEXT) IS NULL OR u.id = $5 OR u.name_folded >= $5 AND u.name_folded < $6
            OR u.username_folded >= $5 AND u.username_folded < $6
            OR e.folded >= $5 AND e.folded < $6)
    ORDER BY u.id LIMIT $2";
/// Of the few whose account is suspended, along an index of those alone.
const LIST_SUSPENDED: &str =
    "SELECT u.id, p.org_id, p.status, p.epoch, u.name, u.username, e.address, e.verified_at,
        u.platform_role, u.roles, u.profile, u.locale, u.zone, u.marketing_consent_at,
        u.marketing_consent_text, u.anonymous_seen_at, u.version, u.created_at, u.updated_at
    FROM principals p CROSS JOIN users u
    LEFT JOIN emails e ON e.user_id = u.id AND e.user_id > $1 AND e.is_primary = 1
    WHERE p.kind = 0 AND p.status IN (1, 3) AND p.status = $3 AND p.id > $1 AND u.id = p.id
        AND (u.platform_role = $4 OR $4 IS NULL)
        AND (CAST($5 AS TEXT) IS NULL OR u.id = $5 OR u.name_folded >= $5 AND u.name_folded < $6
            OR u.username_folded >= $5 AND u.username_folded < $6
            OR e.folded >= $5 AND e.folded < $6)
    ORDER BY p.id LIMIT $2";
/// Whom a beginning finds that few have: those first, then in order.
const SEARCH: &str = "SELECT u.id, p.org_id, p.status, p.epoch, u.name, u.username, e.address, e.verified_at,
        u.platform_role, u.roles, u.profile, u.locale, u.zone, u.marketing_consent_at,
        u.marketing_consent_text, u.anonymous_seen_at, u.version, u.created_at, u.updated_at
    FROM users u JOIN principals p ON p.id = u.id
    LEFT JOIN emails e ON e.user_id = u.id AND e.user_id > $1 AND e.is_primary = 1
    WHERE u.id > $1 AND p.id > $1 AND p.status <> 2 AND (p.status = $3 OR $3 IS NULL)
        AND (u.platform_role = $4 OR $4 IS NULL) AND u.id IN (
        SELECT user_id FROM emails WHERE folded >= $5 AND folded < $6 AND is_primary = 1
        UNION SELECT id FROM users WHERE username_folded >= $5 AND username_folded < $6
        UNION SELECT id FROM users WHERE name_folded >= $5 AND name_folded < $6
        UNION SELECT id FROM users WHERE id = $5)
    ORDER BY u.id LIMIT $2";
// scan: of the rows that an index found, as many as are counted at the most
const MATCHES: &str = "SELECT CAST(
        (SELECT COUNT(*) FROM (SELECT user_id FROM emails WHERE folded >= $1 AND folded < $2 LIMIT $3) AS a)
        + (SELECT COUNT(*) FROM (SELECT id FROM users
            WHERE username_folded >= $1 AND username_folded < $2 LIMIT $3) AS b)
        + (SELECT COUNT(*) FROM (SELECT id FROM users
            WHERE name_folded >= $1 AND name_folded < $2 LIMIT $3) AS c) AS BIGINT)";
const INSERT_PICTURE: &str =
    "INSERT INTO pictures (user_id, name, picture, format, width, height, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const DROP_PICTURE: &str = "DELETE FROM pictures WHERE user_id = $1";
const PICTURE: &str = "SELECT picture, format, width, height FROM pictures WHERE name = $1";
const OWNER_OF_EMAIL: &str = "SELECT user_id FROM emails WHERE folded = $1";
const OWNER_OF_USERNAME: &str = "SELECT id FROM users WHERE username_folded = $1";
const UPDATE: &str = "UPDATE users SET name = $3, name_folded = $4, username = $5, username_folded = $6,
        platform_role = $7, roles = $8, profile = $9, locale = $10, zone = $11, marketing_consent_at = $12,
        marketing_consent_text = $13, updated_at = $14, version = version + 1
    WHERE id = $1 AND version = $2 RETURNING version";
const USERNAME_TAKEN: &str = "SELECT 1 FROM users WHERE username_folded = $1 AND id <> $2";
const WITHDRAW_CONSENT: &str = "UPDATE users SET marketing_consent_at = NULL, marketing_consent_text = NULL,
        updated_at = $2, version = version + 1
    WHERE id = $1 AND marketing_consent_at IS NOT NULL";
const TOUCH: &str = "UPDATE users SET updated_at = $2, version = version + 1 WHERE id = $1";
const REMOVE_EMAILS_EXCEPT: &str = "DELETE FROM emails WHERE user_id = $1 AND folded <> $2";
const PROVE_EMAIL: &str = "UPDATE emails SET address = $3, is_primary = 1,
        verified_at = COALESCE(verified_at, $4) WHERE folded = $2 AND user_id = $1";
const HAS_ADMINISTRATOR: &str = "SELECT 1 FROM users u JOIN principals p ON p.id = u.id
    WHERE u.platform_role = 1 AND p.status = 0 LIMIT 1";
const HAS_PROTECTED_ADMINISTRATOR: &str = "SELECT 1 FROM users u JOIN principals p ON p.id = u.id
    WHERE u.platform_role = 1 AND p.status = 0 AND (
        EXISTS (SELECT 1 FROM passkeys k WHERE k.user_id = u.id)
        OR EXISTS (SELECT 1 FROM totps t WHERE t.user_id = u.id AND t.confirmed_at IS NOT NULL)) LIMIT 1";
const OTHER_ADMINISTRATOR: &str = "SELECT 1 FROM users u JOIN principals p ON p.id = u.id
    WHERE u.platform_role = 1 AND p.status = 0 AND u.id <> $1 LIMIT 1";
const INSERT_ANONYMOUS: &str = "INSERT INTO users (id, created_at, updated_at, anonymous_seen_at)
    VALUES ($1, $2, $2, $2)";
const SEE_ANONYMOUS: &str =
    "UPDATE users SET anonymous_seen_at = $2 WHERE id = $1 AND anonymous_seen_at < $3";
const REGISTER: &str = "UPDATE users SET anonymous_seen_at = NULL, name = $2, name_folded = $3, locale = $4,
        marketing_consent_at = $5, marketing_consent_text = $6, updated_at = $7, version = version + 1
    WHERE id = $1 AND anonymous_seen_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM principals p WHERE p.id = users.id AND p.status = 0)";
const UNUSED_ANONYMOUS: &str = "SELECT id FROM users WHERE anonymous_seen_at < $1
    ORDER BY anonymous_seen_at LIMIT $2";
const ANONYMISE: &str = "UPDATE users SET name = NULL, name_folded = NULL, username = NULL,
        username_folded = NULL, platform_role = 0, roles = '[]', profile = '{}', locale = NULL, zone = NULL,
        marketing_consent_at = NULL, marketing_consent_text = NULL, anonymous_seen_at = NULL, updated_at = $2, version = version + 1
    WHERE id = $1";

pub(super) async fn insert(tx: &mut Tx<'_>, new: &Prepared) -> Result<u64> {
    let user = &new.ask;
    let values = args![
        new.id,
        &user.name,
        user.name.as_deref().map(str::to_lowercase),
        &user.username,
        user.username.as_deref().map(str::to_lowercase),
        user.platform_role.number(),
        serde_json::to_string(&user.roles)?,
        serde_json::to_string(&user.profile)?,
        &user.locale,
        &user.zone,
        user.marketing_consent.as_ref().map(|_| new.now),
        &user.marketing_consent,
        new.now
    ];
    tx.exec(INSERT, values).await
}

/// Somebody without an account.
pub(super) async fn insert_anonymous(tx: &mut Tx<'_>, id: Id<UserKind>, now: Time) -> Result<()> {
    tx.exec(INSERT_ANONYMOUS, args![id, now]).await?;
    Ok(())
}

/// Notes a use, unless one was noted since `since`.
pub(super) async fn see_anonymous(tx: &mut Tx<'_>, id: Id<UserKind>, now: Time, since: Time) -> Result<()> {
    tx.exec(SEE_ANONYMOUS, args![id, now, since]).await?;
    Ok(())
}

/// Somebody without an account has one now; says whether it was so.
pub(super) async fn register(tx: &mut Tx<'_>, new: &Prepared) -> Result<bool> {
    let user = &new.ask;
    let values = args![
        new.id,
        &user.name,
        user.name.as_deref().map(str::to_lowercase),
        &user.locale,
        user.marketing_consent.as_ref().map(|_| new.now),
        &user.marketing_consent,
        new.now
    ];
    Ok(tx.exec(REGISTER, values).await? == 1)
}

/// People without an account who were not seen since.
pub(super) async fn unused_anonymous(
    tx: &mut ReadTx<'_>,
    before: Time,
    most: i64,
) -> Result<Vec<Id<UserKind>>> {
    tx.all(UNUSED_ANONYMOUS, args![before, most], |row| row.id(0)).await
}

pub(super) async fn insert_email(
    tx: &mut Tx<'_>,
    id: Id<UserKind>,
    email: &Email,
    verified_at: Option<Time>,
    now: Time,
) -> Result<u64> {
    tx.exec(INSERT_EMAIL, args![email.folded(), id, email.address(), verified_at, now]).await
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<UserKind>) -> Result<Option<User>> {
    tx.opt(FIND, args![id], read).await
}

/// How many who are found by a beginning are looked at one by one. Of more, so many are among all people that
/// a page of them is soon met on the way through everybody.
const MANY: i64 = 20_000;

/// Which rows of a list.
pub(super) struct Filter<'a> {
    pub(super) after: &'a str,
    pub(super) rows: i64,
    pub(super) status: Option<Status>,
    pub(super) platform_role: Option<PlatformRole>,
    /// Between which folded texts an address or a name is, or which id it is.
    pub(super) range: Option<(&'a str, &'a str)>,
}

pub(super) async fn list(tx: &mut ReadTx<'_>, filter: &Filter<'_>) -> Result<Vec<User>> {
    let Filter { after, rows, status, platform_role, range } = *filter;
    let is_suspended = status == Some(Status::Suspended);
    let statement = match (platform_role, range) {
        (Some(PlatformRole::Administrator), _) => LIST_ROLE,
        (_, Some(range)) if !are_many(tx, range).await? => SEARCH,
        _ if is_suspended => LIST_SUSPENDED,
        (Some(_), _) => LIST_ROLE,
        (None, _) => LIST,
    };
    let (from, to) = range.unzip();
    let (status, role) = (status.map(Status::number), platform_role.map(PlatformRole::number));
    tx.all(statement, args![after, rows, status, role, from, to], read).await
}

async fn are_many(tx: &mut ReadTx<'_>, (from, to): (&str, &str)) -> Result<bool> {
    Ok(tx.opt(MATCHES, args![from, to, MANY], |row| row.int(0)).await?.unwrap_or(0) >= MANY)
}

pub(super) async fn owner_of_email(tx: &mut ReadTx<'_>, folded: &str) -> Result<Option<Id<UserKind>>> {
    tx.opt(OWNER_OF_EMAIL, args![folded], |row| row.id(0)).await
}

pub(super) async fn owner_of_username(tx: &mut ReadTx<'_>, folded: &str) -> Result<Option<Id<UserKind>>> {
    tx.opt(OWNER_OF_USERNAME, args![folded], |row| row.id(0)).await
}

/// Writes every column that may change; `None` when the version has moved meanwhile.
pub(super) async fn update(tx: &mut Tx<'_>, user: &User, now: Time) -> Result<Option<i64>> {
    let values = args![
        user.id,
        user.version,
        &user.name,
        user.name.as_deref().map(str::to_lowercase),
        &user.username,
        user.username.as_deref().map(str::to_lowercase),
        user.platform_role.number(),
        serde_json::to_string(&user.roles)?,
        serde_json::to_string(&user.profile)?,
        &user.locale,
        &user.zone,
        user.marketing_consent_at,
        &user.marketing_consent_text,
        now
    ];
    tx.opt(UPDATE, values, |row| row.int(0)).await
}

pub(super) async fn username_taken(tx: &mut ReadTx<'_>, folded: &str, by: Id<UserKind>) -> Result<bool> {
    Ok(tx.opt(USERNAME_TAKEN, args![folded, by], |_| Ok(())).await?.is_some())
}

pub(super) async fn touch(tx: &mut Tx<'_>, id: Id<UserKind>, now: Time) -> Result<()> {
    tx.exec(TOUCH, args![id, now]).await?;
    Ok(())
}

pub(super) async fn remove_emails_except(tx: &mut Tx<'_>, id: Id<UserKind>, folded: &str) -> Result<()> {
    tx.exec(REMOVE_EMAILS_EXCEPT, args![id, folded]).await?;
    Ok(())
}

pub(super) async fn prove_email(tx: &mut Tx<'_>, id: Id<UserKind>, email: &Email, now: Time) -> Result<()> {
    tx.exec(PROVE_EMAIL, args![id, email.folded(), email.address(), now]).await?;
    Ok(())
}

pub(super) async fn has_administrator(tx: &mut ReadTx<'_>) -> Result<bool> {
    Ok(tx.opt(HAS_ADMINISTRATOR, &[], |_| Ok(())).await?.is_some())
}

pub(super) async fn has_protected_administrator(tx: &mut ReadTx<'_>) -> Result<bool> {
    Ok(tx.opt(HAS_PROTECTED_ADMINISTRATOR, &[], |_| Ok(())).await?.is_some())
}

pub(super) async fn other_administrator(tx: &mut ReadTx<'_>, than: Id<UserKind>) -> Result<bool> {
    Ok(tx.opt(OTHER_ADMINISTRATOR, args![than], |_| Ok(())).await?.is_some())
}

pub(super) async fn anonymise(tx: &mut Tx<'_>, id: Id<UserKind>, now: Time) -> Result<()> {
    remove_emails_except(tx, id, "").await?;
    tx.exec(ANONYMISE, args![id, now]).await?;
    Ok(())
}

pub(super) async fn insert_picture(
    tx: &mut Tx<'_>,
    (id, name): (Id<UserKind>, &str),
    picture: &Picture,
    now: Time,
) -> Result<()> {
    let (width, height) = picture.size;
    let values = args![
        id,
        name,
        picture.bytes.as_slice(),
        picture.format.extension(),
        i64::from(width),
        i64::from(height),
        now
    ];
    tx.exec(INSERT_PICTURE, values).await?;
    Ok(())
}

pub(super) async fn drop_picture(tx: &mut Tx<'_>, id: Id<UserKind>) -> Result<()> {
    tx.exec(DROP_PICTURE, args![id]).await?;
    Ok(())
}

pub(super) async fn picture(tx: &mut ReadTx<'_>, name: &str) -> Result<Option<Picture>> {
    tx.opt(PICTURE, args![name], |row| {
        let size = (u32::try_from(row.int(2)?)?, u32::try_from(row.int(3)?)?);
        Ok(Picture { bytes: row.bytes(0)?, format: Format::from_extension(&row.text(1)?)?, size })
    })
    .await
}

fn read(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: row.id(0)?,
        org: row.id(1)?,
        status: Status::from_number(row.int(2)?)?,
        epoch: row.int(3)?,
        name: row.opt_text(4)?,
        username: row.opt_text(5)?,
        email: row.opt_text(6)?,
        email_verified_at: row.opt_time(7)?,
        platform_role: PlatformRole::from_number(row.int(8)?)?,
        roles: serde_json::from_str(&row.text(9)?)?,
        profile: serde_json::from_str(&row.text(10)?)?,
        locale: row.opt_text(11)?,
        zone: row.opt_text(12)?,
        marketing_consent_at: row.opt_time(13)?,
        marketing_consent_text: row.opt_text(14)?,
        is_anonymous: row.opt_time(15)?.is_some(),
        version: row.int(16)?,
        created_at: row.time(17)?,
        updated_at: row.time(18)?,
    })
}

pub(super) async fn withdraw_consent(tx: &mut Tx<'_>, id: Id<UserKind>, now: Time) -> Result<bool> {
    Ok(tx.exec(WITHDRAW_CONSENT, args![id, now]).await? > 0)
}
