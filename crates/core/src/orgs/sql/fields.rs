//! Statements on what organisations ask of their people, and on the answers.

use doorward_proto::{
    id::{Id, Org, User},
    time::Time,
};
use serde_json::Value as Json;

use crate::{
    args,
    db::{ReadTx, Row, Tx},
    orgs::fields::{Field, Kind},
    outcome::{Error, Result},
};

const ALL: &str = "SELECT name, kind, label, options, is_required, in_claims, position, version
    FROM org_fields WHERE org_id = $1 ORDER BY position, name";
const INSERT: &str = "INSERT INTO org_fields
    (org_id, name, kind, label, options, is_required, in_claims, position, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
const UPDATE: &str = "UPDATE org_fields SET label = $3, options = $4, is_required = $5, in_claims = $6,
    updated_at = $7, version = version + 1 WHERE org_id = $1 AND name = $2";
const PLACE: &str = "UPDATE org_fields SET position = $3 WHERE org_id = $1 AND name = $2";
const REMOVE: &str = "DELETE FROM org_fields WHERE org_id = $1 AND name = $2";
const REMOVE_ANSWERS: &str = "DELETE FROM org_values WHERE org_id = $1 AND field = $2";
const REMOVE_ALL: &str = "DELETE FROM org_fields WHERE org_id = $1";
const REMOVE_ALL_ANSWERS: &str = "DELETE FROM org_values WHERE org_id = $1";
const VALUES: &str = "SELECT field, value FROM org_values WHERE org_id = $1 AND user_id = $2";
const PUT: &str = "INSERT INTO org_values (org_id, user_id, field, value, updated_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (org_id, user_id, field) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";
const TAKE: &str = "DELETE FROM org_values WHERE org_id = $1 AND user_id = $2 AND field = $3";
const FORGET: &str = "DELETE FROM org_values WHERE org_id = $1 AND user_id = $2";
// every org: a person who is deleted leaves all.
const FORGET_EVERYWHERE: &str = "DELETE FROM org_values WHERE user_id = $1";
// every org: those of one person.
const ASKING: &str = "SELECT m.org_id FROM memberships m WHERE m.user_id = $1
    AND EXISTS (SELECT 1 FROM org_fields f WHERE f.org_id = m.org_id) ORDER BY m.org_id";

pub(in crate::orgs) async fn all(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<Vec<Field>> {
    tx.all(ALL, args![org], read).await
}

pub(in crate::orgs) async fn insert(tx: &mut Tx<'_>, org: Id<Org>, field: &Field, now: Time) -> Result<()> {
    let (required, claims) = (i64::from(field.is_required), i64::from(field.in_claims));
    let options = serde_json::to_string(&field.options)?;
    let values = args![
        org,
        &field.key,
        field.kind.number(),
        &field.label,
        options,
        required,
        claims,
        number(field.position),
        now
    ];
    tx.exec(INSERT, values).await?;
    Ok(())
}

pub(in crate::orgs) async fn update(tx: &mut Tx<'_>, org: Id<Org>, field: &Field, now: Time) -> Result<()> {
    let (required, claims) = (i64::from(field.is_required), i64::from(field.in_claims));
    let options = serde_json::to_string(&field.options)?;
    tx.exec(UPDATE, args![org, &field.key, &field.label, options, required, claims, now]).await?;
    Ok(())
}

pub(in crate::orgs) async fn place(tx: &mut Tx<'_>, org: Id<Org>, key: &str, position: usize) -> Result<()> {
    tx.exec(PLACE, args![org, key, number(position)]).await?;
    Ok(())
}

/// Removes a field with everybody's answers; whether there was one.
pub(in crate::orgs) async fn remove(tx: &mut Tx<'_>, org: Id<Org>, key: &str) -> Result<bool> {
    tx.exec(REMOVE_ANSWERS, args![org, key]).await?;
    Ok(tx.exec(REMOVE, args![org, key]).await? > 0)
}

pub(in crate::orgs) async fn remove_all(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    tx.exec(REMOVE_ALL_ANSWERS, args![org]).await?;
    tx.exec(REMOVE_ALL, args![org]).await?;
    Ok(())
}

pub(in crate::orgs) async fn values(
    tx: &mut ReadTx<'_>,
    org: Id<Org>,
    user: Id<User>,
) -> Result<Vec<(String, Json)>> {
    let read = |row: &Row<'_>| Ok((row.text(0)?, serde_json::from_str(&row.text(1)?)?));
    tx.all(VALUES, args![org, user], read).await
}

pub(in crate::orgs) async fn put(
    tx: &mut Tx<'_>,
    (org, user): (Id<Org>, Id<User>),
    (key, value): (&str, &Json),
    now: Time,
) -> Result<()> {
    tx.exec(PUT, args![org, user, key, value.to_string(), now]).await?;
    Ok(())
}

pub(in crate::orgs) async fn take(
    tx: &mut Tx<'_>,
    (org, user): (Id<Org>, Id<User>),
    key: &str,
) -> Result<()> {
    tx.exec(TAKE, args![org, user, key]).await?;
    Ok(())
}

/// Forgets what somebody who leaves has answered.
pub(in crate::orgs) async fn forget(tx: &mut Tx<'_>, org: Id<Org>, user: Id<User>) -> Result<()> {
    tx.exec(FORGET, args![org, user]).await?;
    Ok(())
}

pub(in crate::orgs) async fn forget_everywhere(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.exec(FORGET_EVERYWHERE, args![user]).await?;
    Ok(())
}

/// The organisations of a person that ask for anything.
pub(in crate::orgs) async fn asking(tx: &mut ReadTx<'_>, user: Id<User>) -> Result<Vec<Id<Org>>> {
    tx.all(ASKING, args![user], |row| row.id(0)).await
}

fn number(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn read(row: &Row<'_>) -> Result<Field> {
    let position = usize::try_from(row.int(6)?);
    Ok(Field {
        key: row.text(0)?,
        kind: Kind::from_number(row.int(1)?)?,
        label: row.text(2)?,
        options: serde_json::from_str(&row.text(3)?)?,
        is_required: row.int(4)? != 0,
        in_claims: row.int(5)? != 0,
        position: position.map_err(|_| Error::fault("a field before the first"))?,
        version: row.int(7)?,
    })
}
