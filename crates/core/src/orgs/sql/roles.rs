//! Statements on the roles of organisations.

use doorward_proto::{
    id::{Id, Org},
    time::Time,
};

use crate::{
    args,
    db::{ReadTx, Row, Tx},
    orgs::{
        permissions::BUILT_IN,
        roles::{Role, Terms},
    },
    outcome::Result,
};

const ALL: &str = "SELECT name, description, permissions, version, updated_at FROM org_roles
    WHERE org_id = $1 ORDER BY name";
const FIND: &str = "SELECT name, description, permissions, version, updated_at FROM org_roles
    WHERE org_id = $1 AND name = $2";
const INSERT: &str = "INSERT INTO org_roles (org_id, name, description, permissions, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING";
const UPDATE: &str =
    "UPDATE org_roles SET description = $3, permissions = $4, updated_at = $5, version = version + 1
    WHERE org_id = $1 AND name = $2";
const REMOVE: &str = "DELETE FROM org_roles WHERE org_id = $1 AND name = $2";
const REMOVE_ALL: &str = "DELETE FROM org_roles WHERE org_id = $1";

pub(in crate::orgs) async fn all(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<Vec<Role>> {
    tx.all(ALL, args![org], read).await
}

pub(in crate::orgs) async fn find(tx: &mut ReadTx<'_>, org: Id<Org>, name: &str) -> Result<Option<Role>> {
    tx.opt(FIND, args![org, name], read).await
}

pub(in crate::orgs) async fn insert(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    (name, terms): (&str, &Terms),
    now: Time,
) -> Result<bool> {
    let values = args![org, name, &terms.description, terms.permissions.join(" "), now];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(in crate::orgs) async fn update(
    tx: &mut Tx<'_>,
    org: Id<Org>,
    (name, terms): (&str, &Terms),
    now: Time,
) -> Result<()> {
    tx.exec(UPDATE, args![org, name, &terms.description, terms.permissions.join(" "), now]).await?;
    Ok(())
}

pub(in crate::orgs) async fn remove(tx: &mut Tx<'_>, org: Id<Org>, name: &str) -> Result<()> {
    tx.exec(REMOVE, args![org, name]).await?;
    Ok(())
}

pub(in crate::orgs) async fn remove_all(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(REMOVE_ALL, args![org]).await?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Role> {
    let name = row.text(0)?;
    Ok(Role {
        is_built_in: BUILT_IN.contains(&name.as_str()),
        name,
        description: row.text(1)?,
        permissions: row.text(2)?.split_ascii_whitespace().map(str::to_owned).collect(),
        version: row.int(3)?,
        updated_at: row.opt_time(4)?,
    })
}
