//! Statements that count what waits.

use std::time::Duration;

use doorward_proto::time::Time;

use super::Figures;
use crate::{args, db::ReadTx, outcome::Result};

const MAILS: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM mails WHERE status = $1";
const JOBS: &str = "SELECT CAST(COUNT(*) AS BIGINT), CAST(COUNT(last_error) AS BIGINT) FROM jobs
    WHERE done_at IS NULL";
// scan: the intake holds the events of the last second
const UNSEALED: &str = "SELECT CAST(COUNT(*) AS BIGINT), MIN(at) FROM event_intake";

const WAITING: i64 = 0;
const GIVEN_UP: i64 = 2;

pub(super) async fn read(tx: &mut ReadTx<'_>, now: Time) -> Result<Figures> {
    let (jobs_waiting, jobs_failing) =
        tx.opt(JOBS, &[], |row| Ok((count(row.int(0)?), count(row.int(1)?)))).await?.unwrap_or_default();
    let unsealed = tx.opt(UNSEALED, &[], |row| Ok((count(row.int(0)?), row.opt_time(1)?))).await?;
    let (events_unsealed, oldest) = unsealed.unwrap_or_default();
    Ok(Figures {
        mails_waiting: mails(tx, WAITING).await?,
        mails_given_up: mails(tx, GIVEN_UP).await?,
        jobs_waiting,
        jobs_failing,
        events_unsealed,
        seal_lag: oldest.map_or(Duration::ZERO, |oldest| now.since(oldest)),
        passwords_waiting: 0,
    })
}

async fn mails(tx: &mut ReadTx<'_>, status: i64) -> Result<u64> {
    Ok(tx.opt(MAILS, args![status], |row| row.int(0)).await?.map(count).unwrap_or_default())
}

fn count(value: i64) -> u64 {
    value.unsigned_abs()
}
