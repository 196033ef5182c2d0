//! Statements on memberships.

use doorward_proto::{
    id::{Id, Org, User},
    time::Time,
};

use crate::{
    args,
    db::{ReadTx, Row, Tx},
    orgs::{
        members::{ListAsk, Member},
        permissions::OWNER,
    },
    outcome::Result,
    principals,
};

// The place in the list is asked of every table, as in the list of all people.
const LIST: &str = "SELECT m.user_id, u.name, e.address, m.role, p.status, m.created_at FROM memberships m
    JOIN users u ON u.id = m.user_id AND u.id > $2
    JOIN principals p ON p.id = m.user_id AND p.id > $2
    LEFT JOIN emails e ON e.user_id = m.user_id AND e.user_id > $2 AND e.is_primary = 1
    WHERE m.org_id = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3";
// Written so that only the index by role serves: of the largest organisation SQLite would walk everybody else.
const LIST_ROLE: &str =
    "SELECT m.user_id, u.name, e.address, m.role, p.status, m.created_at FROM memberships m
    JOIN users u ON u.id = m.user_id AND u.id > $2
    JOIN principals p ON p.id = m.user_id AND p.id > $2
    LEFT JOIN emails e ON e.user_id = m.user_id AND e.user_id > $2 AND e.is_primary = 1
    WHERE m.org_id = $1 AND (m.role, m.user_id) > ($4, $2) AND m.role <= $4 ORDER BY m.role, m.user_id LIMIT $3";
const SEARCH: &str = "SELECT m.user_id, u.name, e.address, m.role, p.status, m.created_at FROM memberships m
    JOIN users u ON u.id = m.user_id AND u.id > $2
    JOIN principals p ON p.id = m.user_id AND p.id > $2
    LEFT JOIN emails e ON e.user_id = m.user_id AND e.user_id > $2 AND e.is_primary = 1
    WHERE m.org_id = $1 AND m.user_id > $2 AND (m.role = $4 OR $4 IS NULL)
    AND m.user_id IN (SELECT user_id FROM emails WHERE folded = $5 UNION SELECT id FROM users WHERE id = $5)
    ORDER BY m.user_id LIMIT $3";
const FIND: &str = "SELECT m.user_id, u.name, e.address, m.role, p.status, m.created_at FROM memberships m
    JOIN users u ON u.id = m.user_id JOIN principals p ON p.id = m.user_id
    LEFT JOIN emails e ON e.user_id = m.user_id AND e.is_primary = 1
    WHERE m.org_id = $1 AND m.user_id = $2";
const ROLE: &str = "SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2";
const SET_ROLE: &str = "UPDATE memberships SET role = $3 WHERE org_id = $1 AND user_id = $2";
const REMOVE: &str = "DELETE FROM memberships WHERE org_id = $1 AND user_id = $2";
const OTHER_OWNER: &str = "SELECT m.user_id FROM memberships m JOIN principals p ON p.id = m.user_id
    WHERE m.org_id = $1 AND m.role = $3 AND m.user_id <> $2 AND p.status = 0 LIMIT 1";
// every org: the teams of one person.
const OWNED: &str = "SELECT o.id, o.name FROM memberships m JOIN orgs o ON o.id = m.org_id
    WHERE m.user_id = $1 AND m.role = $2 AND o.kind = 2 AND o.status <> 2 ORDER BY o.id";
const HAS_ROLE: &str = "SELECT user_id FROM memberships WHERE org_id = $1 AND role = $2 LIMIT 1";
const END_GRANTS: &str = "UPDATE grants SET ended_at = $2, end_reason = 'org_ended'
    WHERE org_id = $1 AND principal_id IN (SELECT user_id FROM memberships WHERE org_id = $1) AND ended_at IS NULL";
const SEND_HOME: &str = "UPDATE sessions SET org_id = (SELECT p.org_id FROM principals p WHERE p.id = sessions.user_id)
    WHERE user_id IN (SELECT user_id FROM memberships WHERE org_id = $1) AND org_id = $1 AND ended_at IS NULL";
const EMPTY: &str = "DELETE FROM memberships WHERE org_id = $1";

pub(in crate::orgs) async fn list(tx: &mut ReadTx<'_>, org: Id<Org>, ask: &ListAsk) -> Result<Vec<Member>> {
    let (after, rows) = (ask.page.after.as_deref().unwrap_or_default(), ask.page.rows());
    match (ask.page.folded_query(), &ask.role) {
        (Some(query), role) => tx.all(SEARCH, args![org, after, rows, role, query], read).await,
        (None, Some(role)) => tx.all(LIST_ROLE, args![org, after, rows, role], read).await,
        (None, None) => tx.all(LIST, args![org, after, rows], read).await,
    }
}

pub(in crate::orgs) async fn find(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    user: Id<User>,
) -> Result<Option<Member>> {
    tx.opt(FIND, args![org, user], read).await
}

pub(in crate::orgs) async fn role(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    user: Id<User>,
) -> Result<Option<String>> {
    tx.opt(ROLE, args![org, user], |row| row.text(0)).await
}

pub(in crate::orgs) async fn set_role(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    user: Id<User>,
    role: &str,
) -> Result<()> {
    tx.exec(SET_ROLE, args![org, user, role]).await?;
    Ok(())
}

pub(in crate::orgs) async fn remove(tx: &mut Tx<'_>, org: Id<Org>, user: Id<User>) -> Result<()> {
    tx.exec(REMOVE, args![org, user]).await?;
    Ok(())
}

/// Whether somebody else owns it who can sign in.
pub(in crate::orgs) async fn other_owner(tx: &mut ReadTx<'_>, org: Id<Org>, than: Id<User>) -> Result<bool> {
    Ok(tx.opt(OTHER_OWNER, args![org, than, OWNER], |row| row.text(0)).await?.is_some())
}

/// What the person owns, by id.
pub(in crate::orgs) async fn owned(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Vec<(Id<Org>, String)>> {
    tx.all(OWNED, args![user, OWNER], |row| Ok((row.id(0)?, row.text(1)?))).await
}

/// Whether anybody has the role.
pub(in crate::orgs) async fn has_role(tx: &mut ReadTx<'_>, org: Id<Org>, role: &str) -> Result<bool> {
    Ok(tx.opt(HAS_ROLE, args![org, role], |row| row.text(0)).await?.is_some())
}

/// Takes everybody out, with grants in its name; answers how many there were.
pub(in crate::orgs) async fn empty(tx: &mut Tx<'_>, org: Id<Org>, now: Time) -> Result<u64> {
    tx.exec(END_GRANTS, args![org, now]).await?;
    tx.exec(SEND_HOME, args![org]).await?;
    tx.exec(EMPTY, args![org]).await
}

fn read(row: &Row<'_>) -> Result<Member> {
    Ok(Member {
        user: row.id(0)?,
        name: row.opt_text(1)?,
        email: row.opt_text(2)?,
        role: row.text(3)?,
        status: principals::status_from(row.int(4)?)?,
        since: row.time(5)?,
    })
}
