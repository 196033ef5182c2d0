//! Statements on custom claims.

use doorward_proto::id::{ClaimMapping, Id, Org};

use super::{Mapping, Owner, Target};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
    page::PageAsk,
};

const OF: &str = "SELECT id, org_id, owner, name, expression, targets, version, created_at, updated_at
    FROM claim_mappings WHERE org_id = $1 AND owner = $2 ORDER BY name";
const COUNT: &str = "SELECT COUNT(*) FROM claim_mappings WHERE org_id = $1 AND owner = $2";
const LIST: &str = "SELECT id, org_id, owner, name, expression, targets, version, created_at, updated_at
    FROM claim_mappings WHERE org_id = $1 AND id > $2 AND (owner = $4 OR $4 IS NULL) ORDER BY id LIMIT $3";
const FIND: &str = "SELECT id, org_id, owner, name, expression, targets, version, created_at, updated_at
    FROM claim_mappings WHERE org_id = $1 AND id = $2";
const INSERT: &str = "INSERT INTO claim_mappings
    (org_id, id, owner, name, expression, targets, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE claim_mappings
    SET expression = $4, targets = $5, updated_at = $6, version = version + 1
    WHERE org_id = $1 AND id = $2 AND version = $3";
const REMOVE: &str = "DELETE FROM claim_mappings WHERE org_id = $1 AND id = $2";
const REMOVE_OF: &str = "DELETE FROM claim_mappings WHERE org_id = $1 AND owner = $2";
const REMOVE_ALL_OF: &str = "DELETE FROM claim_mappings WHERE org_id = $1";

pub(super) async fn of(tx: &mut ReadTx<'_>, org: Id<Org>, owner: Owner) -> Result<Vec<Mapping>> {
    tx.all(OF, args![org, owner.text()], read).await
}

pub(super) async fn count(tx: &mut ReadTx<'_>, org: Id<Org>, owner: Owner) -> Result<usize> {
    let count = tx.opt(COUNT, args![org, owner.text()], |row| row.int(0)).await?.unwrap_or_default();
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

pub(super) async fn list(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    owner: Option<Owner>,
    page: &PageAsk,
) -> Result<Vec<Mapping>> {
    let after = page.after.as_deref().unwrap_or_default();
    tx.all(LIST, args![org, after, page.rows(), owner.map(Owner::text)], read).await
}

pub(super) async fn find(tx: &mut ReadTx<'_>, org: Id<Org>, id: Id<ClaimMapping>) -> Result<Option<Mapping>> {
    tx.opt(FIND, args![org, id], read).await
}

pub(super) async fn insert(tx: &mut Tx<'_>, new: &Mapping) -> Result<bool> {
    let values =
        args![new.org, new.id, new.owner.text(), &new.name, &new.expression, targets(new), new.created_at];
    Ok(tx.exec(INSERT, values).await? > 0)
}

/// Changes it while it is still at the version that it says.
pub(super) async fn update(tx: &mut Tx<'_>, after: &Mapping) -> Result<bool> {
    let values =
        args![after.org, after.id, after.version, &after.expression, targets(after), after.updated_at];
    Ok(tx.exec(UPDATE, values).await? > 0)
}

pub(super) async fn remove(tx: &mut Tx<'_>, org: Id<Org>, id: Id<ClaimMapping>) -> Result<bool> {
    Ok(tx.exec(REMOVE, args![org, id]).await? > 0)
}

pub(super) async fn remove_of(tx: &mut Tx<'_>, org: Id<Org>, owner: &str) -> Result<()> {
    tx.exec(REMOVE_OF, args![org, owner]).await?;
    Ok(())
}

pub(super) async fn remove_all_of(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(REMOVE_ALL_OF, args![org]).await?;
    Ok(())
}

fn targets(mapping: &Mapping) -> String {
    mapping.into.iter().map(|target| target.name()).collect::<Vec<_>>().join(" ")
}

fn read(row: &Row<'_>) -> Result<Mapping> {
    Ok(Mapping {
        id: row.id(0)?,
        org: row.id(1)?,
        owner: Owner::stored(&row.text(2)?)?,
        name: row.text(3)?,
        expression: row.text(4)?,
        into: row.text(5)?.split_ascii_whitespace().filter_map(Target::from_name).collect(),
        version: row.int(6)?,
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
    })
}
