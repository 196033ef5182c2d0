//! Statements on the master key that a database belongs to, and on what is sealed under it.

use doorward_proto::time::Time;

use super::Left;
use crate::{
    args,
    db::{ReadTx, Row, Tx, Value},
    outcome::Result,
};

const FIND: &str = "SELECT value FROM settings WHERE key = 'master_key'";
const LEFT: &str = "SELECT key, value, updated_at FROM settings
    WHERE key IN ('master_key', 'master_key.lasting', 'master_key.audit', $1)";
const INSERT: &str = "INSERT INTO settings (key, value, updated_at) VALUES ('master_key', $1, $2)";
const STORE: &str = "INSERT INTO settings (key, value, updated_at) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";
const NODES: &str = "SELECT MAX(until) FROM leases WHERE name >= 'node/' AND name < 'node0' AND until > $1";
const COUNT_NODES: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM leases
    WHERE name >= 'node/' AND name < 'node0' AND until > $1";
const DROP_NODES: &str = "DELETE FROM leases WHERE name >= 'node/' AND name < 'node0' AND until <= $1";

/// Every column that holds values sealed at rest: the name of the place before the row's key, how a page
/// of the rows is read, and how one is replaced.
const SEALED: &[Column] = &[
    Column {
        place: "signing_keys",
        page: "SELECT id, sealed FROM signing_keys WHERE id > $1 ORDER BY id LIMIT $2",
        replace: "UPDATE signing_keys SET sealed = $2 WHERE id = $1 AND sealed = $3",
    },
    Column {
        place: "mails",
        page: "SELECT id, parameters FROM mails WHERE id > $1 ORDER BY id LIMIT $2",
        replace: "UPDATE mails SET parameters = $2 WHERE id = $1 AND parameters = $3",
    },
    Column {
        place: "providers",
        page: "SELECT id, sealed FROM providers WHERE id > $1 AND sealed IS NOT NULL ORDER BY id LIMIT $2",
        replace: "UPDATE providers SET sealed = $2 WHERE id = $1 AND sealed = $3",
    },
];

/// A column of sealed values.
#[derive(Debug)]
pub(crate) struct Column {
    place: &'static str,
    page: &'static str,
    replace: &'static str,
}

/// A value sealed for its place.
#[derive(Debug)]
pub(crate) struct Kept {
    key: String,
    pub(crate) place: String,
    pub(crate) sealed: Vec<u8>,
}

/// All there are.
pub(crate) const fn columns() -> &'static [Column] {
    SEALED
}

/// The values of a column behind `after`, so many at the most; the last one's key goes on from there.
pub(crate) async fn page(
    tx: &mut ReadTx<'_>,
    column: &Column,
    after: &mut String,
    limit: i64,
) -> Result<Vec<Kept>> {
    let read = |row: &Row<'_>| Ok((row.text(0)?, row.bytes(1)?));
    let found = tx.all(column.page, args![after.as_str(), limit], read).await?;
    if let Some((last, _)) = found.last() {
        after.clone_from(last);
    }
    let place = |key: &str| format!("{}/{key}", column.place);
    Ok(found.into_iter().map(|(key, sealed)| Kept { place: place(&key), key, sealed }).collect())
}

/// Puts other values in the place of these; answers how many were there still.
pub(super) async fn replace(tx: &mut Tx<'_>, column: &Column, values: &[(Kept, Vec<u8>)]) -> Result<u64> {
    let rows: Vec<Vec<Value<'_>>> =
        values.iter().map(|(old, new)| args![&old.key, new, &old.sealed].to_vec()).collect();
    tx.exec_each(column.replace, &rows).await
}

pub(super) async fn master_key(tx: &mut ReadTx<'_>) -> Result<Option<String>> {
    tx.opt(FIND, &[], |row| row.text(0)).await
}

/// What is known of master keys, and of the one with this id.
pub(super) async fn left(tx: &mut ReadTx<'_>, id: &str) -> Result<Left> {
    let replaced = replaced(id);
    let read = |row: &Row<'_>| Ok((row.text(0)?, row.text(1)?, row.time(2)?));
    let mut left = Left::default();
    for (key, value, at) in tx.all(LEFT, args![&replaced], read).await? {
        match key.as_str() {
            "master_key" => left.owner = Some(value),
            "master_key.lasting" => left.lasting = Some(value),
            "master_key.audit" => left.audit = Some(value),
            _ => left.replaced_at = Some(at),
        }
    }
    Ok(left)
}

fn replaced(id: &str) -> String {
    format!("master_key/{id}")
}

pub(super) async fn insert_master_key(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<()> {
    tx.exec(INSERT, args![id, now]).await?;
    Ok(())
}

/// Gives the database to another master key, with what it needs of those before.
pub(super) async fn succeed(
    tx: &mut Tx<'_>,
    (from, to): (&str, &str),
    (lasting, audit): (&str, &str),
    now: Time,
) -> Result<()> {
    let replaced = replaced(from);
    let rows = [
        ("master_key", to),
        ("master_key.lasting", lasting),
        ("master_key.audit", audit),
        (replaced.as_str(), to),
    ];
    for (key, value) in rows {
        tx.exec(STORE, args![key, value, now]).await?;
    }
    Ok(())
}

/// Hands the keys of keyed hashes on.
pub(super) async fn store_lasting(tx: &mut Tx<'_>, sealed: &str, now: Time) -> Result<()> {
    tx.exec(STORE, args!["master_key.lasting", sealed, now]).await?;
    Ok(())
}

/// How many nodes and commands are at work.
pub(super) async fn count_nodes(tx: &mut ReadTx<'_>, now: Time) -> Result<i64> {
    Ok(tx.opt(COUNT_NODES, args![now], |row| row.int(0)).await?.unwrap_or(0))
}

/// Until when a node is counted as running, at the latest.
pub(super) async fn nodes_until(tx: &mut ReadTx<'_>, now: Time) -> Result<Option<Time>> {
    Ok(tx.opt(NODES, args![now], |row| row.opt_time(0)).await?.flatten())
}

pub(super) async fn drop_nodes(tx: &mut Tx<'_>, now: Time) -> Result<()> {
    tx.exec(DROP_NODES, args![now]).await.map(|_| ())
}
