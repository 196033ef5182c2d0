//! Statements on announcements, and on who is written to.

use doorward_proto::{
    id::{Announcement as Kind, Id, Org, User},
    time::Time,
};

use super::{Announcement, Consent, Status};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

const INSERT: &str = "INSERT INTO announcements (org_id, id, subject, body, created_by, created_at, next_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6)";
const COUNT: &str = "SELECT COUNT(*) FROM announcements WHERE org_id = $1";
const FIND: &str = "SELECT id, org_id, subject, body, status, written, created_by, created_at, finished_at
    FROM announcements WHERE org_id = $1 AND id = $2";
const LIST: &str = "SELECT id, org_id, subject, body, status, written, created_by, created_at, finished_at
    FROM announcements WHERE org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
const STOP: &str = "UPDATE announcements SET status = 2, finished_at = $3
    WHERE org_id = $1 AND id = $2 AND status = 0";
// every org: those whose turn it is, who has waited longest first.
// scan: along the index of what is not over, as far as the limit
const TURNS: &str =
    "SELECT id, org_id, subject, body, status, written, created_by, created_at, finished_at, reached
    FROM announcements WHERE status = 0 ORDER BY next_at, id LIMIT $1";
const ADVANCE: &str =
    "UPDATE announcements SET reached = $3, written = written + $4, finished_at = $5, status = $6, next_at = $7
    WHERE org_id = $1 AND id = $2 AND status = 0 AND reached = $8";
// every org: all of them keep one pace, also those that are over.
const PACE: &str = "SELECT MAX(next_at) FROM announcements";
// every org: whether anybody has something to say.
// scan: the first of the index of what is not over
const IS_ANY: &str = "SELECT id FROM announcements WHERE status = 0 LIMIT 1";
const READERS: &str = "SELECT u.id, e.address, u.locale
    FROM users u JOIN principals p ON p.id = u.id
    JOIN emails e ON e.user_id = u.id AND e.is_primary = 1
    WHERE u.id > $1 AND u.marketing_consent_at IS NOT NULL AND p.status = 0 AND e.verified_at IS NOT NULL
    ORDER BY u.id LIMIT $2";
const MEMBERS: &str = "SELECT u.id, e.address, u.locale
    FROM memberships m JOIN users u ON u.id = m.user_id JOIN principals p ON p.id = u.id
    JOIN emails e ON e.user_id = u.id AND e.is_primary = 1
    WHERE m.org_id = $3 AND m.user_id > $1 AND u.marketing_consent_at IS NOT NULL AND p.status = 0
        AND e.verified_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM announcement_leavers l WHERE l.org_id = $3 AND l.user_id = m.user_id)
    ORDER BY m.user_id LIMIT $2";
const WANTS: &str = "SELECT u.id
    FROM users u JOIN principals p ON p.id = u.id
    JOIN emails e ON e.user_id = u.id AND e.is_primary = 1
    WHERE u.id = $1 AND u.marketing_consent_at IS NOT NULL AND p.status = 0 AND e.verified_at IS NOT NULL
        AND e.address = $2";
const IS_READER: &str = "SELECT m.user_id FROM memberships m
    WHERE m.org_id = $1 AND m.user_id = $2
        AND NOT EXISTS (SELECT 1 FROM announcement_leavers l WHERE l.org_id = $1 AND l.user_id = $2)";
const LEAVE: &str = "INSERT INTO announcement_leavers (org_id, user_id, left_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";
const CONSENTS: &str =
    "SELECT u.id, e.address, e.verified_at, u.marketing_consent_at, u.marketing_consent_text
    FROM users u JOIN principals p ON p.id = u.id
    LEFT JOIN emails e ON e.user_id = u.id AND e.is_primary = 1
    WHERE u.id > $1 AND u.marketing_consent_at IS NOT NULL AND p.status <> 2
    ORDER BY u.id LIMIT $2";
const REMOVE_ALL: &str = "DELETE FROM announcements WHERE org_id = $1";
const REMOVE_LEAVERS: &str = "DELETE FROM announcement_leavers WHERE org_id = $1";
// every org: of a person who is deleted.
const FORGET: &str = "DELETE FROM announcement_leavers WHERE user_id = $1";

/// Somebody who is written to.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) user: Id<User>,
    pub(super) email: String,
    pub(super) locale: Option<String>,
}

fn read(row: &Row<'_>) -> Result<Announcement> {
    Ok(Announcement {
        id: row.id(0)?,
        org: row.id(1)?,
        subject: row.text(2)?,
        text: row.text(3)?,
        status: Status::from_number(row.int(4)?)?,
        written: row.int(5)?,
        created_by: row.text(6)?,
        created_at: row.time(7)?,
        finished_at: row.opt_time(8)?,
    })
}

pub(super) async fn insert(tx: &mut Tx<'_>, one: &Announcement) -> Result<()> {
    let values = args![one.org, one.id, &one.subject, &one.text, &one.created_by, one.created_at];
    tx.exec(INSERT, values).await?;
    Ok(())
}

pub(super) async fn count(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<i64> {
    Ok(tx.opt(COUNT, args![org], |row| row.int(0)).await?.unwrap_or_default())
}

pub(super) async fn find(tx: &mut ReadTx<'_>, org: Id<Org>, id: Id<Kind>) -> Result<Option<Announcement>> {
    tx.opt(FIND, args![org, id], read).await
}

pub(super) async fn list(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<Announcement>> {
    // Ids are lower-case letters and digits: every one lies before this.
    tx.all(LIST, args![org, after.unwrap_or("~"), rows], read).await
}

pub(super) async fn stop(tx: &mut Tx<'_>, org: Id<Org>, id: Id<Kind>, now: Time) -> Result<u64> {
    tx.exec(STOP, args![org, id, now]).await
}

/// The announcements whose turn it is, each with the reader who was written to last.
pub(super) async fn turns(tx: &mut ReadTx<'_>, most: i64) -> Result<Vec<(Announcement, String)>> {
    tx.all(TURNS, args![most], |row| Ok((read(row)?, row.text(9)?))).await
}

/// How far an announcement has come now.
#[derive(Debug, Clone)]
pub(super) struct Advance<'a> {
    /// The reader who was written to last before.
    pub(super) from: &'a str,
    /// The one who was written to last now.
    pub(super) to: &'a str,
    /// Mails.
    pub(super) written: i64,
    /// When its turn is next.
    pub(super) next: Time,
    /// When the last mail was written.
    pub(super) finished: Option<Time>,
}

/// Answers whether it was still where it was.
pub(super) async fn advance(tx: &mut Tx<'_>, one: &Announcement, by: &Advance<'_>) -> Result<bool> {
    let status = if by.finished.is_some() { Status::Sent } else { one.status };
    let values = args![one.org, one.id, by.to, by.written, by.finished, status.number(), by.next, by.from];
    Ok(tx.exec(ADVANCE, values).await? > 0)
}

/// When the next batch may be written; `None` where nothing is to be said.
pub(super) async fn next_due(tx: &mut ReadTx<'_>) -> Result<Option<Time>> {
    if tx.opt(IS_ANY, &[], |_| Ok(())).await?.is_none() {
        return Ok(None);
    }
    Ok(tx.opt(PACE, &[], |row| row.opt_time(0)).await?.flatten())
}

fn reader(row: &Row<'_>) -> Result<Reader> {
    Ok(Reader { user: row.id(0)?, email: row.text(1)?, locale: row.opt_text(2)? })
}

pub(super) async fn readers(
    tx: &mut ReadTx<'_>,
    members_of: Option<Id<Org>>,
    after: &str,
    most: i64,
) -> Result<Vec<Reader>> {
    match members_of {
        Some(org) => tx.all(MEMBERS, args![after, most, org], reader).await,
        None => tx.all(READERS, args![after, most], reader).await,
    }
}

pub(super) async fn reach(tx: &mut ReadTx<'_>, members_of: Option<Id<Org>>, most: i64) -> Result<i64> {
    let found = readers(tx, members_of, "", most).await?;
    Ok(i64::try_from(found.len()).unwrap_or(most))
}

pub(super) async fn wants(
    tx: &mut ReadTx<'_>,
    members_of: Option<Id<Org>>,
    user: Id<User>,
    email: &str,
) -> Result<bool> {
    if tx.opt(WANTS, args![user, email], |_| Ok(())).await?.is_none() {
        return Ok(false);
    }
    match members_of {
        Some(org) => Ok(tx.opt(IS_READER, args![org, user], |_| Ok(())).await?.is_some()),
        None => Ok(true),
    }
}

pub(super) async fn leave(tx: &mut Tx<'_>, org: Id<Org>, user: Id<User>, now: Time) -> Result<bool> {
    Ok(tx.exec(LEAVE, args![org, user, now]).await? > 0)
}

pub(super) async fn consents(tx: &mut ReadTx<'_>, after: Option<&str>, rows: i64) -> Result<Vec<Consent>> {
    let read = |row: &Row<'_>| {
        Ok(Consent {
            user: row.id(0)?,
            email: row.opt_text(1)?,
            is_verified: row.opt_time(2)?.is_some(),
            at: row.time(3)?,
            words: row.opt_text(4)?,
        })
    };
    tx.all(CONSENTS, args![after.unwrap_or_default(), rows], read).await
}

pub(super) async fn remove_all(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(REMOVE_ALL, args![org]).await?;
    tx.exec(REMOVE_LEAVERS, args![org]).await?;
    Ok(())
}

pub(super) async fn forget(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.exec(FORGET, args![user]).await?;
    Ok(())
}
