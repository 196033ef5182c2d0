//! Statements on principals.

use doorward_proto::{
    id::{Id, Org},
    time::Time,
};

use super::{Kind, Principal, Status};
use crate::{
    args,
    db::{ReadTx, Row, Tx},
    outcome::{Error, Result},
};

const INSERT: &str = "INSERT INTO principals (id, kind, org_id, created_at) VALUES ($1, $2, $3, $4)";
const FIND: &str = "SELECT id, kind, org_id, status, epoch, epoch_at FROM principals WHERE id = $1";
const MOVE_EPOCH: &str = "UPDATE principals SET epoch = epoch + 1, epoch_at = $2 WHERE id = $1";
const SET_STATUS: &str = "UPDATE principals SET status = $2, epoch = epoch + 1, epoch_at = $3
    WHERE id = $1 AND status <> $2 AND status <> 2 AND NOT (status = 3 AND $2 = 0)";

const OF_ORG: &str = "SELECT id FROM principals WHERE org_id = $1 AND kind > 0 AND status <> 2 ORDER BY id";
const END_ALL_OF: &str = "UPDATE principals SET status = 2, epoch = epoch + 1, epoch_at = $2
    WHERE org_id = $1 AND kind > 0 AND status <> 2";

// The secrets of a service (3) are bound to its epoch and wait with it; what others were issued is over.
const HOLD: &str = "UPDATE principals SET status = 3, epoch_at = $2,
        epoch = CASE WHEN kind = 3 THEN epoch ELSE epoch + 1 END
    WHERE org_id = $1 AND kind > 0 AND status = 0";
const LET_GO: &str = "UPDATE principals SET status = 0, epoch_at = $2,
        epoch = CASE WHEN kind = 3 THEN epoch ELSE epoch + 1 END
    WHERE org_id = $1 AND kind > 0 AND status = 3";

pub(super) async fn hold(tx: &mut Tx<'_>, org: Id<Org>, is_held: bool, now: Time) -> Result<()> {
    tx.exec(if is_held { HOLD } else { LET_GO }, args![org, now]).await?;
    Ok(())
}

pub(super) async fn of_org(tx: &mut ReadTx<'_>, org: Id<Org>) -> Result<Vec<String>> {
    tx.all(OF_ORG, args![org], |row| row.text(0)).await
}

pub(super) async fn end_all_of(tx: &mut Tx<'_>, org: Id<Org>, now: Time) -> Result<u64> {
    tx.exec(END_ALL_OF, args![org, now]).await
}

pub(super) async fn insert(tx: &mut Tx<'_>, id: &str, kind: Kind, org: Id<Org>, now: Time) -> Result<()> {
    tx.exec(INSERT, args![id, kind.number(), org, now]).await?;
    Ok(())
}

pub(super) async fn find(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<Principal>> {
    tx.opt(FIND, args![id], read).await
}

pub(super) async fn move_epoch(tx: &mut Tx<'_>, id: &str, now: Time) -> Result<()> {
    tx.exec(MOVE_EPOCH, args![id, now]).await?;
    Ok(())
}

pub(super) async fn set_status(tx: &mut Tx<'_>, id: &str, status: Status, now: Time) -> Result<bool> {
    Ok(tx.exec(SET_STATUS, args![id, status.number(), now]).await? > 0)
}

fn read(row: &Row<'_>) -> Result<Principal> {
    let kind = match row.int(1)? {
        0 => Kind::User,
        1 => Kind::Client,
        2 => Kind::Agent,
        3 => Kind::Service,
        other => return Err(Error::fault(format!("principal kind {other}"))),
    };
    Ok(Principal {
        id: row.text(0)?,
        kind,
        org: row.id(2)?,
        status: status(row.int(3)?)?,
        epoch: row.int(4)?,
        epoch_at: row.time(5)?,
    })
}

/// A stored status.
pub(super) fn status(number: i64) -> Result<Status> {
    match number {
        0 => Ok(Status::Active),
        1 | 3 => Ok(Status::Suspended),
        2 => Ok(Status::Ended),
        other => Err(Error::fault(format!("principal status {other}"))),
    }
}
