//! Statements on routes.

use doorward_proto::{
    id::{Id, Route as RouteKind},
    time::Time,
};

use super::Route;
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::Result,
};

const FIND: &str = "SELECT id, name, spec, version, created_at, created_by, updated_at, updated_by
    FROM routes WHERE id = $1";
const FIND_NAMED: &str = "SELECT id, name, spec, version, created_at, created_by, updated_at, updated_by
    FROM routes WHERE name = $1";
const ALL: &str = "SELECT id, name, spec, version, created_at, created_by, updated_at, updated_by
    FROM routes WHERE id > $1 ORDER BY id LIMIT $2";
const INSERT: &str = "INSERT INTO routes (id, name, spec, created_at, created_by, updated_at, updated_by)
    VALUES ($1, $2, $3, $4, $5, $4, $5) ON CONFLICT (name) DO NOTHING";
const UPDATE: &str = "UPDATE routes SET name = $3, spec = $4, updated_at = $5, updated_by = $6,
    version = version + 1 WHERE id = $1 AND version = $2";
const DELETE: &str = "DELETE FROM routes WHERE id = $1 AND version = $2";

pub(super) async fn find(tx: &mut ReadTx<'_>, id: Id<RouteKind>) -> Result<Option<Route>> {
    tx.opt(FIND, args![id], read).await
}

pub(super) async fn find_named(tx: &mut ReadTx<'_>, name: &str) -> Result<Option<Route>> {
    tx.opt(FIND_NAMED, args![name], read).await
}

pub(super) async fn all(tx: &mut ReadTx<'_>, most: i64) -> Result<Vec<Route>> {
    tx.all(ALL, args!["", most], read).await
}

pub(super) async fn insert(tx: &mut Tx<'_>, route: &Route) -> Result<bool> {
    let spec = serde_json::to_string(&route.spec)?;
    let values = args![route.id, &route.name, spec, route.created_at, &route.created_by];
    Ok(tx.exec(INSERT, values).await? > 0)
}

pub(super) async fn update(
    tx: &mut Tx<'_>,
    (id, seen): (Id<RouteKind>, i64),
    (name, spec): (&str, String),
    (at, by): (Time, &str),
) -> Result<bool> {
    Ok(tx.exec(UPDATE, args![id, seen, name, spec, at, by]).await? > 0)
}

pub(super) async fn delete(tx: &mut Tx<'_>, (id, seen): (Id<RouteKind>, i64)) -> Result<bool> {
    Ok(tx.exec(DELETE, args![id, seen]).await? > 0)
}

fn read(row: &Row<'_>) -> Result<Route> {
    Ok(Route {
        id: row.id(0)?,
        name: row.text(1)?,
        spec: serde_json::from_str(&row.text(2)?)?,
        version: row.int(3)?,
        created_at: row.time(4)?,
        created_by: row.text(5)?,
        updated_at: row.time(6)?,
        updated_by: row.text(7)?,
    })
}
