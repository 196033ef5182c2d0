//! Statements on the domains of organisations, and on who belongs to them without being asked.

use doorward_proto::{
    id::{Id, Org},
    time::Time,
};

use crate::{
    args,
    db::{ReadTx, Row, Tx},
    orgs::domains::{
        Domain,
        recheck::{Due, Missed, Owner},
    },
    outcome::Result,
};

const ALL: &str =
    "SELECT domain, token, verified_at, created_at FROM org_domains WHERE org_id = $1 ORDER BY domain";
const FIND: &str =
    "SELECT domain, token, verified_at, created_at FROM org_domains WHERE org_id = $1 AND domain = $2";
const INSERT: &str = "INSERT INTO org_domains (org_id, domain, token, created_at) VALUES ($1, $2, $3, $4)";
// every org: which one has proven a domain is for all to heed.
const OWNER: &str = "SELECT org_id FROM org_domains WHERE domain = $1 AND verified_at IS NOT NULL";
const VERIFIED: &str = "UPDATE org_domains SET verified_at = COALESCE(verified_at, $3), checked_at = $3,
        missed_at = NULL, misses = 0
    WHERE org_id = $1 AND domain = $2 RETURNING domain, token, verified_at, created_at";
// every org: each is looked at when it is its turn.
const TAKE_DUE: &str = "UPDATE org_domains SET checked_at = $1
    WHERE verified_at IS NOT NULL AND checked_at <= $2 AND (org_id, domain) IN (
        SELECT org_id, domain FROM org_domains WHERE verified_at IS NOT NULL AND checked_at <= $2
        ORDER BY checked_at LIMIT $3)
    RETURNING org_id, domain, token, verified_at, created_at";
const SEEN: &str = "UPDATE org_domains SET missed_at = NULL, misses = 0
    WHERE org_id = $1 AND domain = $2 AND missed_at IS NOT NULL";
const MISSED: &str = "UPDATE org_domains SET missed_at = COALESCE(missed_at, $3), misses = misses + 1
    WHERE org_id = $1 AND domain = $2 AND verified_at IS NOT NULL RETURNING misses, missed_at";
const LOSE: &str = "UPDATE org_domains SET verified_at = NULL, missed_at = NULL, misses = 0
    WHERE org_id = $1 AND domain = $2";
// sort: the owners of one organisation.
const OWNERS: &str = "SELECT u.id, e.address, u.locale FROM memberships m
    JOIN users u ON u.id = m.user_id JOIN principals p ON p.id = u.id
    JOIN emails e ON e.user_id = u.id AND e.is_primary = 1
    WHERE m.org_id = $1 AND m.role = 'owner' AND p.status = 0 ORDER BY u.id LIMIT 100";
const REMOVE: &str = "DELETE FROM org_domains WHERE org_id = $1 AND domain = $2";
const REMOVE_ALL: &str = "DELETE FROM org_domains WHERE org_id = $1";
// every org: the one that is joined by a domain, for whoever has proven an address of it.
const JOINED_BY: &str = "SELECT d.org_id FROM org_domains d JOIN orgs o ON o.id = d.org_id
    WHERE d.domain = $1 AND d.verified_at IS NOT NULL AND o.joined_by IN (1, 2) AND o.status = 0";
// scan: the index holds those alone that everybody belongs to, which who administers the instance has chosen.
const JOINED_BY_EVERYBODY: &str =
    "SELECT id FROM orgs WHERE joined_by = 2 AND status = 0 ORDER BY id LIMIT 100";

pub(in crate::orgs) async fn all(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<Vec<Domain>> {
    tx.all(ALL, args![org], read).await
}

pub(in crate::orgs) async fn find(tx: &mut ReadTx<'_>, org: Id<Org>, name: &str) -> Result<Option<Domain>> {
    tx.opt(FIND, args![org, name], read).await
}

pub(in crate::orgs) async fn insert(tx: &mut Tx<'_>, org: Id<Org>, domain: &Domain) -> Result<()> {
    tx.exec(INSERT, args![org, &domain.name, domain.token(), domain.created_at]).await?;
    Ok(())
}

/// Which organisation has proven it.
pub(in crate::orgs) async fn owner(tx: &mut ReadTx<'_>, name: &str) -> Result<Option<Id<Org>>> {
    tx.opt(OWNER, args![name], |row| row.id(0)).await
}

pub(in crate::orgs) async fn verified(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    name: &str,
    now: Time,
) -> Result<Option<Domain>> {
    tx.opt(VERIFIED, args![org, name, now], read).await
}

/// Takes those that were not looked at since `before`: they are looked at now.
pub(in crate::orgs) async fn take_due(
    tx: &mut Tx<'_>,
    (now, before): (Time, Time),
    most: i64,
) -> Result<Vec<Due>> {
    tx.all(TAKE_DUE, args![now, before, most], |row| {
        let domain = Domain::new(row.text(1)?, row.text(2)?, row.opt_time(3)?, row.time(4)?);
        Ok(Due { org: row.id(0)?, domain })
    })
    .await
}

/// Its record is there.
pub(in crate::orgs) async fn seen(tx: &mut Tx<'_>, org: Id<Org>, name: &str) -> Result<()> {
    tx.exec(SEEN, args![org, name]).await?;
    Ok(())
}

/// Its record is not there; none for one that is not proven by now.
pub(in crate::orgs) async fn missed(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    name: &str,
    now: Time,
) -> Result<Option<Missed>> {
    tx.opt(MISSED, args![org, name, now], |row| Ok((row.int(0)?, row.time(1)?))).await
}

/// It is not proven any more.
pub(in crate::orgs) async fn lose(tx: &mut Tx<'_>, org: Id<Org>, name: &str) -> Result<()> {
    tx.exec(LOSE, args![org, name]).await?;
    Ok(())
}

/// Who owns an organisation and can be written to.
pub(in crate::orgs) async fn owners(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<Vec<Owner>> {
    tx.all(OWNERS, args![org], |row| Ok((row.id(0)?, row.text(1)?, row.opt_text(2)?))).await
}

pub(in crate::orgs) async fn remove(tx: &mut Tx<'_>, org: Id<Org>, name: &str) -> Result<bool> {
    Ok(tx.exec(REMOVE, args![org, name]).await? > 0)
}

pub(in crate::orgs) async fn remove_all(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(REMOVE_ALL, args![org]).await?;
    Ok(())
}

/// The organisation that who proves an address of this domain belongs to.
pub(in crate::orgs) async fn joined_by(tx: &mut ReadTx<'_>, domain: &str) -> Result<Option<Id<Org>>> {
    tx.opt(JOINED_BY, args![domain], |row| row.id(0)).await
}

/// The organisations that everybody belongs to.
pub(in crate::orgs) async fn joined_by_everybody(tx: &mut ReadTx<'_>) -> Result<Vec<Id<Org>>> {
    tx.all(JOINED_BY_EVERYBODY, &[], |row| row.id(0)).await
}

fn read(row: &Row<'_>) -> Result<Domain> {
    Ok(Domain::new(row.text(0)?, row.text(1)?, row.opt_time(2)?, row.time(3)?))
}
