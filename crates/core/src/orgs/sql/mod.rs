//! Statements on organisations.

pub(super) mod domains;
pub(super) mod fields;
pub(super) mod invitations;
pub(super) mod joins;
pub(super) mod members;
pub(super) mod roles;
pub(super) mod workspaces;

use doorward_proto::{
    id::{Id, Org as OrgKind, User},
    time::Time,
};
use ipnet::IpNet;

use super::{JoinedBy, Kind, Membership, Org, Standing, manage::ListAsk};
use crate::{
    addresses, args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
    page::prefix_range,
};

const ALLOWED: &str = "SELECT allowed_addresses FROM orgs WHERE id = $1";
const INSERT: &str = "INSERT INTO orgs (id, kind, slug, name, name_folded, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING";
const INSTANCE: &str = "SELECT id FROM orgs WHERE kind = 0";
const FIND: &str = "SELECT id, kind, slug, name, status, joined_by, allowed_addresses, version, created_at,
    updated_at
    FROM orgs WHERE id = $1 AND status <> 2";
const FIND_SLUG: &str =
    "SELECT id, kind, slug, name, status, joined_by, allowed_addresses, version, created_at,
    updated_at
    FROM orgs WHERE slug = $1 AND status <> 2";
const LIST: &str = "SELECT id, kind, slug, name, status, joined_by, allowed_addresses, version, created_at,
    updated_at FROM orgs
    WHERE id > $1 AND kind <> 1 AND status <> 2 AND (status = $3 OR $3 IS NULL) ORDER BY id LIMIT $2";
const LIST_SUSPENDED: &str =
    "SELECT id, kind, slug, name, status, joined_by, allowed_addresses, version, created_at,
    updated_at FROM orgs WHERE id > $1 AND kind <> 1 AND status = 1 ORDER BY id LIMIT $2";
const SEARCH: &str = "SELECT id, kind, slug, name, status, joined_by, allowed_addresses, version, created_at,
    updated_at FROM orgs
    WHERE id IN (SELECT id FROM orgs WHERE name_folded >= $4 AND name_folded < $5 AND kind <> 1 AND status <> 2
        UNION SELECT id FROM orgs WHERE slug = $6 UNION SELECT id FROM orgs WHERE id = $6)
    AND id > $1 AND kind <> 1 AND status <> 2 AND (status = $3 OR $3 IS NULL) ORDER BY id LIMIT $2";
const UPDATE: &str =
    "UPDATE orgs SET name = $3, name_folded = $4, slug = $5, joined_by = $7, allowed_addresses = $8,
    updated_at = $6, version = version + 1 WHERE id = $1 AND version = $2 AND status <> 2";
const SLUG_TAKEN: &str = "SELECT id FROM orgs WHERE slug = $1 AND id <> $2";
const SET_STATUS: &str = "UPDATE orgs SET status = $2, updated_at = $3, version = version + 1
    WHERE id = $1 AND kind = 2 AND status <> $2 AND status <> 2";
const ERASE: &str = "UPDATE orgs SET name = '', name_folded = '', slug = NULL WHERE id = $1 AND status = 2";
const JOIN: &str = "INSERT INTO memberships (org_id, user_id, role, created_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
// every org: those of one person.
const OF_USER: &str = "SELECT o.id, o.name, o.kind, m.role FROM memberships m
    JOIN orgs o ON o.id = m.org_id
    WHERE m.user_id = $1 AND o.status = 0
    ORDER BY CASE o.kind WHEN 1 THEN 0 ELSE 1 END, o.id";
// every org: all that one person belongs to.
const STANDINGS: &str = "SELECT m.org_id, m.role, r.permissions FROM memberships m
    JOIN orgs o ON o.id = m.org_id
    LEFT JOIN org_roles r ON r.org_id = m.org_id AND r.name = m.role
    WHERE m.user_id = $1 AND o.status = 0 AND o.kind <> 1";
const STANDING: &str = "SELECT m.role, r.permissions FROM memberships m JOIN orgs o ON o.id = m.org_id
    LEFT JOIN org_roles r ON r.org_id = m.org_id AND r.name = m.role
    WHERE m.org_id = $1 AND m.user_id = $2 AND o.status = 0";
// every org: the personal one of one person.
const CLOSE_PERSONAL: &str = "UPDATE orgs SET name = '', name_folded = '', status = 1, updated_at = $2
    WHERE kind = 1 AND id IN (SELECT org_id FROM memberships WHERE user_id = $1)";
// every org: a person who is deleted leaves all.
const LEAVE_ALL: &str = "DELETE FROM memberships WHERE user_id = $1";
const END_GRANTS: &str = "UPDATE grants SET ended_at = $3, end_reason = 'membership_ended'
    WHERE principal_id = $2 AND org_id = $1 AND ended_at IS NULL";
const SEND_HOME: &str =
    "UPDATE sessions SET org_id = (SELECT p.org_id FROM principals p WHERE p.id = sessions.user_id)
    WHERE user_id = $2 AND org_id = $1 AND ended_at IS NULL";

pub(super) async fn insert(tx: &mut Tx<'_>, org: &Org) -> Result<bool> {
    let folded = org.name.to_lowercase();
    let values = args![org.id, org.kind.number(), &org.slug, &org.name, folded, org.created_at];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(super) async fn instance(tx: &mut ReadTx<'_>) -> Result<Option<Id<OrgKind>>> {
    tx.opt(INSTANCE, &[], |row| row.id(0)).await
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<OrgKind>) -> Result<Option<Org>> {
    tx.opt(FIND, args![id], read).await
}

pub(super) async fn allowed(tx: &mut ReadTx<'_>, id: Id<OrgKind>) -> Result<Vec<IpNet>> {
    let found = tx.opt(ALLOWED, args![id], |row| row.text(0)).await?;
    found.map_or_else(|| Ok(Vec::new()), |text| addresses::stored(&text))
}

pub(super) async fn find_slug(tx: &mut ReadTx<'_>, slug: &str) -> Result<Option<Org>> {
    tx.opt(FIND_SLUG, args![slug], read).await
}

pub(super) async fn list(tx: &mut ReadTx<'_>, ask: &ListAsk) -> Result<Vec<Org>> {
    let page = &ask.page;
    let after = page.after.as_deref().unwrap_or_default();
    let status = ask.is_active.map(|is_active| i64::from(!is_active));
    let Some(folded) = page.folded_query() else {
        if ask.is_active == Some(false) {
            return tx.all(LIST_SUSPENDED, args![after, page.rows()], read).await;
        }
        return tx.all(LIST, args![after, page.rows(), status], read).await;
    };
    let (from, to) = prefix_range(&folded);
    let exact = page.query.as_deref().map(str::trim).unwrap_or_default();
    tx.all(SEARCH, args![after, page.rows(), status, from, to, exact], read).await
}

pub(super) async fn update(tx: &mut Tx<'_>, org: &Org, seen: i64, now: Time) -> Result<bool> {
    let (folded, allowed) = (org.name.to_lowercase(), addresses::text(&org.allowed_addresses)?);
    let values = args![org.id, seen, &org.name, folded, &org.slug, now, org.joined_by.number(), allowed];
    Ok(tx.exec(UPDATE, values).await? > 0)
}

pub(super) async fn is_slug_taken(
    tx: &mut ReadTx<'_>,
    slug: &str,
    by_others_than: Id<OrgKind>,
) -> Result<bool> {
    Ok(tx.opt(SLUG_TAKEN, args![slug, by_others_than], |row| row.text(0)).await?.is_some())
}

/// Sets the status of a team: 0 active, 1 suspended, 2 ended.
pub(super) async fn set_status(tx: &mut Tx<'_>, org: Id<OrgKind>, status: i64, now: Time) -> Result<bool> {
    Ok(tx.exec(SET_STATUS, args![org, status, now]).await? > 0)
}

pub(super) async fn erase(tx: &mut Tx<'_>, org: Id<OrgKind>) -> Result<()> {
    tx.exec(ERASE, args![org]).await?;
    Ok(())
}

pub(super) async fn join(
    tx: &mut Tx<'_>,
    org: Id<OrgKind>,
    user: Id<User>,
    role: &str,
    now: Time,
) -> Result<bool> {
    Ok(tx.exec(JOIN, args![org, user, role, now]).await? > 0)
}

pub(super) async fn of_user(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Vec<Membership>> {
    tx.all(OF_USER, args![user], |row| {
        Ok(Membership {
            org: row.id(0)?,
            name: row.text(1)?,
            kind: Kind::from_number(row.int(2)?)?,
            role: row.text(3)?,
        })
    })
    .await
}

pub(super) async fn standing(
    tx: &mut ReadTx<'_>,
    org: Id<OrgKind>,
    user: Id<User>,
) -> Result<Option<Standing>> {
    tx.opt(STANDING, args![org, user], |row| Ok(Standing::of(row.text(0)?, row.opt_text(1)?.as_deref())))
        .await
}

/// The same in every organisation but the personal one.
pub(super) async fn standings(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Vec<(Id<OrgKind>, Standing)>> {
    tx.all(STANDINGS, args![user], |row| {
        Ok((row.id(0)?, Standing::of(row.text(1)?, row.opt_text(2)?.as_deref())))
    })
    .await
}

pub(super) async fn end_grants(tx: &mut Tx<'_>, org: Id<OrgKind>, user: Id<User>, now: Time) -> Result<()> {
    tx.exec(END_GRANTS, args![org, user, now]).await?;
    Ok(())
}

/// The person's sessions in this organisation go back to the personal one.
pub(super) async fn send_home(tx: &mut Tx<'_>, org: Id<OrgKind>, user: Id<User>) -> Result<()> {
    tx.exec(SEND_HOME, args![org, user]).await?;
    Ok(())
}

pub(super) async fn close_personal(tx: &mut Tx<'_>, user: Id<User>, now: Time) -> Result<()> {
    tx.exec(CLOSE_PERSONAL, args![user, now]).await?;
    Ok(())
}

pub(super) async fn leave_all(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.exec(LEAVE_ALL, args![user]).await?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Org> {
    read_org(row, 0)
}

/// The ten columns of an organisation, from this one on.
fn read_org(row: &Row<'_>, from: usize) -> Result<Org> {
    Ok(Org {
        id: row.id(from)?,
        kind: Kind::from_number(row.int(from + 1)?)?,
        slug: row.opt_text(from + 2)?,
        name: row.text(from + 3)?,
        is_active: row.int(from + 4)? == 0,
        joined_by: JoinedBy::from_number(row.int(from + 5)?)?,
        allowed_addresses: addresses::stored(&row.text(from + 6)?)?,
        version: row.int(from + 7)?,
        created_at: row.time(from + 8)?,
        updated_at: row.time(from + 9)?,
    })
}
