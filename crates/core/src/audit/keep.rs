//! How long the trail is kept, and what is taken out of it before.

use doorward_proto::{
    id::{self, Id},
    time::Time,
};

use super::{
    Event,
    chain::{Checkpoint, Notary},
    record,
    sql::{self, Tip},
};
use crate::{call::Call, db::Tx, outcome::Result};

/// Events dropped in one operation: few enough that other writers hardly wait.
const STEP: i64 = 500;

/// Takes the personal details out of every event that `who` (an id) did or that happened to it. The
/// events stay, and the chain still verifies.
pub async fn erase(tx: &mut Tx<'_>, who: impl ToString, now: Time) -> Result<()> {
    sql::erase(tx, &who.to_string(), now).await
}

/// The last event that is older than the retention time, when there is one.
async fn cut(call: &Call) -> Result<Option<(i64, Tip)>> {
    let limit = Id::<id::Event>::new(call.now - call.realm.settings.audit.retention, [0; 10]).to_string();
    call.realm
        .db
        .read("audit.cut", limit, |tx, limit| {
            Box::pin(async move {
                let Some(first) = sql::first_seq(tx).await? else { return Ok(None) };
                let tip = match sql::first_seq_since(tx, limit).await? {
                    Some(kept) => sql::link_at(tx, kept - 1).await?,
                    None => sql::last(tx).await?,
                };
                Ok(tip.map(|tip| (first, tip)))
            })
        })
        .await
}

/// Drops what is older than `audit.retention`, behind a signed checkpoint, and records that it did;
/// answers how many events went. Cut short, it goes on where it was.
pub async fn retain(call: &Call) -> Result<u64> {
    let Some((first, Tip { seq: through, link, .. })) = cut(call).await? else { return Ok(0) };
    let point = Notary::of(&call.realm)?.sign(through, call.now, &link, "retention");
    let event = Event::new(call, "audit.retained")?.fact("first", first).fact("through", through);
    call.realm.db.write("audit.mark", (point, event), |tx, ask| Box::pin(mark(tx, ask))).await?;
    let (mut dropped, mut upto) = (0, first - 1);
    while upto < through {
        upto = through.min(upto + STEP);
        dropped += call
            .realm
            .db
            .write("audit.drop", upto, |tx, upto| Box::pin(async move { sql::drop_through(tx, *upto).await }))
            .await?;
    }
    call.realm
        .db
        .write("audit.drop", through, |tx, through| {
            Box::pin(async move { sql::drop_checkpoints_before(tx, *through).await })
        })
        .await?;
    Ok(dropped)
}

async fn mark(tx: &mut Tx<'_>, (point, event): &(Checkpoint, Event)) -> Result<()> {
    sql::insert_checkpoint(tx, point).await?;
    record(tx, event).await
}
