//! Statements on organisations and memberships.

use doorward_proto::{
    id::{Id, Org as OrgKind, User},
    time::Time,
};

use super::{Kind, Membership, Org};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

const INSERT: &str = "INSERT INTO orgs (id, kind, slug, name, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING";
const INSTANCE: &str = "SELECT id FROM orgs WHERE kind = 0";
const FIND: &str = "SELECT id, kind, slug, name, status, created_at FROM orgs WHERE id = $1";
const FIND_SLUG: &str = "SELECT id, kind, slug, name, status, created_at FROM orgs WHERE slug = $1";
const JOIN: &str = "INSERT INTO memberships (org_id, user_id, role, created_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const OF_USER: &str = "SELECT o.id, o.name, o.kind, m.role FROM memberships m
    JOIN orgs o ON o.id = m.org_id
    WHERE m.user_id = $1 AND o.status = 0
    ORDER BY CASE o.kind WHEN 1 THEN 0 ELSE 1 END, o.id";
const ROLE_OF: &str = "SELECT m.role FROM memberships m JOIN orgs o ON o.id = m.org_id
    WHERE m.org_id = $1 AND m.user_id = $2 AND o.status = 0";
const CLOSE_PERSONAL: &str = "UPDATE orgs SET name = '', status = 1, updated_at = $2
    WHERE kind = 1 AND id IN (SELECT org_id FROM memberships WHERE user_id = $1)";
const LEAVE_ALL: &str = "DELETE FROM memberships WHERE user_id = $1";

pub(super) async fn insert(tx: &mut Tx<'_>, org: &Org) -> Result<()> {
    let values = args![org.id, org.kind.number(), &org.slug, &org.name, org.created_at];
    tx.exec(INSERT, values).await?;
    Ok(())
}

pub(super) async fn instance(tx: &mut ReadTx<'_>) -> Result<Option<Id<OrgKind>>> {
    tx.opt(INSTANCE, &[], |row| row.id(0)).await
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<OrgKind>) -> Result<Option<Org>> {
    tx.opt(FIND, args![id], read).await
}

pub(super) async fn find_slug(tx: &mut ReadTx<'_>, slug: &str) -> Result<Option<Org>> {
    tx.opt(FIND_SLUG, args![slug], read).await
}

pub(super) async fn join(
    tx: &mut Tx<'_>,
    org: Id<OrgKind>,
    user: Id<User>,
    role: &str,
    now: Time,
) -> Result<()> {
    tx.exec(JOIN, args![org, user, role, now]).await?;
    Ok(())
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

pub(super) async fn role_of(tx: &mut ReadTx<'_>, org: Id<OrgKind>, user: Id<User>) -> Result<Option<String>> {
    tx.opt(ROLE_OF, args![org, user], |row| row.text(0)).await
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
    Ok(Org {
        id: row.id(0)?,
        kind: Kind::from_number(row.int(1)?)?,
        slug: row.opt_text(2)?,
        name: row.text(3)?,
        is_active: row.int(4)? == 0,
        created_at: row.time(5)?,
    })
}
