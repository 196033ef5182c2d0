//! How long the trail is kept, and what is taken out of it before.
//!
//! It goes by whole months, which PostgreSQL drops with their tables and SQLite deletes in steps.

use doorward_proto::time::Time;

use super::{
    Event,
    chain::{Checkpoint, Notary},
    record,
    sql::{self, Tip},
};
use crate::{
    call::Call,
    db::{Tx, month_of},
    outcome::Result,
};

/// Events dropped in one operation: few enough that other writers hardly wait.
const STEP: i64 = 500;

/// Takes the personal details out of every event that `who` (an id) did or that happened to it. The
/// events stay, and the chain still verifies.
pub async fn erase(tx: &mut Tx<'_>, who: impl ToString, now: Time) -> Result<()> {
    sql::erase(tx, &who.to_string(), now).await
}

/// What may go: the months that ended before all that is to be kept.
struct Cut {
    /// The first event of the chain.
    first: i64,
    /// The last event that goes.
    last: Tip,
    /// The first month that stays.
    month: i64,
}

/// What is to be dropped, when there is something. The month in which the chain ends stays, whatever its
/// age: events are being linked there.
async fn cut(call: &Call) -> Result<Option<Cut>> {
    let oldest = month_of(call.now - call.realm.settings.audit.retention);
    call.realm
        .db
        .scan("audit.cut", oldest, |tx, oldest| {
            Box::pin(async move {
                let (Some(first), Some(tip)) = (sql::first(tx).await?, sql::last(tx).await?) else {
                    return Ok(None);
                };
                let month = tip.month.min(*oldest);
                if first.month >= month {
                    return Ok(None);
                }
                let Some(kept) = sql::first_seq_in(tx, month).await? else { return Ok(None) };
                let last = sql::link_at(tx, kept - 1).await?;
                Ok(last.map(|last| Cut { first: first.seq, last, month }))
            })
        })
        .await
}

/// Drops the months that are older than `audit.retention`, behind a signed checkpoint, and records that
/// it did; answers how many events went. Cut short, it goes on where it was.
pub async fn retain(call: &Call) -> Result<u64> {
    let Some(Cut { first, last, month }) = cut(call).await? else { return Ok(0) };
    let (db, through) = (&call.realm.db, last.seq);
    let point = Notary::of(&call.realm)?.sign(through, call.now, &last.link, "retention");
    let event = Event::new(call, "audit.retained")?.fact("first", first).fact("through", through);
    db.write("audit.mark", (point, event), |tx, ask| Box::pin(mark(tx, ask))).await?;
    // The events go last: while there are some, the next time does the rest.
    if !(db.drop_months("event_details", month).await? && db.drop_months("events", month).await?) {
        let mut upto = first - 1;
        while upto < through {
            upto = through.min(upto + STEP);
            db.write("audit.drop", upto, |tx, upto| {
                Box::pin(async move { sql::drop_through(tx, *upto).await })
            })
            .await?;
        }
    }
    db.write("audit.drop", through, |tx, through| {
        Box::pin(async move { sql::drop_checkpoints_before(tx, *through).await })
    })
    .await?;
    Ok(u64::try_from(through + 1 - first)?)
}

async fn mark(tx: &mut Tx<'_>, (point, event): &(Checkpoint, Event)) -> Result<()> {
    sql::insert_checkpoint(tx, point).await?;
    record(tx, event).await
}
