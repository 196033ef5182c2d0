//! Statements on the applications by which people join organisations, and on who has.

use doorward_proto::{
    id::{Client, Id, Org, User},
    time::Time,
};

use crate::{
    args,
    db::{ReadTx, Tx},
    orgs::joins::{JoinClient, Joining},
    outcome::Result,
};

const ALL: &str = "SELECT j.client_id, c.client_id, c.name, j.created_at, j.is_asked FROM org_join_clients j
    JOIN clients c ON c.id = j.client_id JOIN principals p ON p.id = c.id
    WHERE j.org_id = $1 AND p.status <> 2 ORDER BY j.client_id";
const INSERT: &str =
    "INSERT INTO org_join_clients (org_id, client_id, created_at, is_asked) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING";
const ASK_NOBODY: &str = "UPDATE org_join_clients SET is_asked = 0 WHERE org_id = $1 AND client_id = $2";
const REMOVE: &str = "DELETE FROM org_join_clients WHERE org_id = $1 AND client_id = $2";
const REMOVE_ALL: &str = "DELETE FROM org_join_clients WHERE org_id = $1";
const FORGET_ALL: &str = "DELETE FROM org_joined WHERE org_id = $1";
// every org: those that are joined by one application.
const COUNT_OF: &str = "SELECT COUNT(*) FROM org_join_clients WHERE client_id = $1";
// every org: those that one person would join by one application.
const AHEAD: &str = "SELECT j.org_id, o.name, j.is_asked, j.created_at FROM org_join_clients j
    JOIN orgs o ON o.id = j.org_id
    WHERE j.client_id = $1
    AND NOT EXISTS (SELECT 1 FROM org_joined d WHERE d.org_id = j.org_id AND d.user_id = $2)
    AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.org_id = j.org_id AND m.user_id = $2)
    ORDER BY j.org_id LIMIT 100";
const NOTE: &str = "INSERT INTO org_joined (org_id, user_id, client_id, joined_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING";
// every org: a person who is deleted has joined none.
const FORGET: &str = "DELETE FROM org_joined WHERE user_id = $1";

pub(in crate::orgs) async fn all(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<Vec<JoinClient>> {
    tx.all(ALL, args![org], |row| {
        Ok(JoinClient {
            id: row.id(0)?,
            client_id: row.text(1)?,
            name: row.text(2)?,
            created_at: row.time(3)?,
            is_asked: row.flag(4)?,
        })
    })
    .await
}

pub(in crate::orgs) async fn insert(tx: &mut Tx<'_>, org: Id<Org>, new: &JoinClient) -> Result<()> {
    tx.exec(INSERT, args![org, new.id, new.created_at, i64::from(new.is_asked)]).await?;
    Ok(())
}

pub(in crate::orgs) async fn ask_nobody(tx: &mut Tx<'_>, org: Id<Org>, client: Id<Client>) -> Result<()> {
    tx.exec(ASK_NOBODY, args![org, client]).await?;
    Ok(())
}

pub(in crate::orgs) async fn remove(tx: &mut Tx<'_>, org: Id<Org>, client: Id<Client>) -> Result<()> {
    tx.exec(REMOVE, args![org, client]).await?;
    Ok(())
}

pub(in crate::orgs) async fn remove_all(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(REMOVE_ALL, args![org]).await?;
    tx.exec(FORGET_ALL, args![org]).await?;
    Ok(())
}

/// How many organisations are joined by an application.
pub(in crate::orgs) async fn count_of(tx: &mut ReadTx<'_>, client: Id<Client>) -> Result<usize> {
    let count = tx.opt(COUNT_OF, args![client], |row| row.int(0)).await?.unwrap_or_default();
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The organisations that a person would join by an application.
pub(in crate::orgs) async fn ahead(
    tx: &mut ReadTx<'_>,
    client: Id<Client>,
    user: Id<User>,
) -> Result<Vec<Joining>> {
    tx.all(AHEAD, args![client, user], |row| {
        Ok(Joining { org: row.id(0)?, name: row.text(1)?, is_asked: row.flag(2)?, since: row.time(3)? })
    })
    .await
}

/// Notes that a person has joined, or (by no application) has left; whether that is the first time.
pub(in crate::orgs) async fn note(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    user: Id<User>,
    (client, now): (Option<Id<Client>>, Time),
) -> Result<bool> {
    Ok(tx.exec(NOTE, args![org, user, client, now]).await? > 0)
}

pub(in crate::orgs) async fn forget(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.exec(FORGET, args![user]).await?;
    Ok(())
}
