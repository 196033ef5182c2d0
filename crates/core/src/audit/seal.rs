//! The sealer: moves events from the intake into the chain, and signs checkpoints.
//!
//! Many nodes may run one; a lease lets one of them work. Taking the lease, taking events out of the
//! intake, linking and counting them (for [`crate::analytics`]) is one operation, so nothing is lost
//! or doubled wherever it is cut short.
//!
//! A sealed event lies in the month in which it happened, or in that of the event before it when that is
//! later: months are parts of the chain that follow one another. No month is later than the clock of who
//! seals. The next one is opened ahead, so that nothing waits when it begins.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use doorward_proto::time::Time;
use tokio::time::MissedTickBehavior;

use super::{
    chain::{Body, Chain, GENESIS, Hash, Notary},
    sql::{self, Linked, Tip},
};
use crate::{
    analytics::{self, Happened, Tally},
    db::{EngineName, Tx, month_after, month_of},
    leases,
    outcome::{Error, Result},
    realm::Realm,
};

const LEASE: &str = "audit.seal";
const TERM: Duration = Duration::from_secs(10);
/// Events in one operation: few enough that other writers hardly wait.
const BATCH: u16 = 500;
/// Events are linked within a second.
const PAUSE: Duration = Duration::from_millis(500);
const CHECKPOINT_EVERY: Duration = Duration::from_mins(1);

/// One node's sealer.
pub struct Sealer {
    realm: Arc<Realm>,
    notary: Notary,
    holder: String,
    /// No checkpoint is due before.
    next_checkpoint: Time,
    /// The last month that is known to be open.
    open_through: i64,
}

/// What one batch did.
struct Batch {
    events: usize,
    /// Who was there, and is written now.
    marks: BTreeSet<analytics::Mark>,
    /// The last events of months that ended in it.
    months: Vec<(i64, Hash)>,
}

impl Sealer {
    /// A sealer for this realm.
    pub fn new(realm: &Arc<Realm>) -> Result<Self> {
        let holder = match realm.db.engine() {
            // One process per file: after a restart the lease is its own still.
            EngineName::Sqlite => "local".to_owned(),
            EngineName::Postgres => data_encoding::HEXLOWER.encode(&realm.env.bytes::<8>()?),
        };
        let notary = Notary::of(realm)?;
        Ok(Self {
            realm: Arc::clone(realm),
            notary,
            holder,
            next_checkpoint: Time::from_micros(0),
            open_through: 0,
        })
    }

    /// Works until it is dropped.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.round().await {
                tracing::warn!(?error, "the audit trail was not sealed; trying again");
            }
        }
    }

    /// Seals what waits, and signs a checkpoint when one is due; answers how many events were sealed.
    pub async fn round(&mut self) -> Result<usize> {
        let sealed = self.seal().await?;
        let now = self.realm.env.now();
        if now >= self.next_checkpoint {
            self.next_checkpoint = now + PAUSE;
            if let Some(signed_at) = self.checkpoint(CHECKPOINT_EVERY).await? {
                self.next_checkpoint = signed_at + CHECKPOINT_EVERY;
            }
        }
        self.open_ahead(month_after(month_of(now))).await?;
        Ok(sealed)
    }

    async fn open_ahead(&mut self, month: i64) -> Result<()> {
        if month > self.open_through {
            let open = self.realm.db.write("audit.open", month, |tx, month| Box::pin(open(tx, *month)));
            open.await?;
            self.open_through = month;
        }
        Ok(())
    }

    /// The last round of a process: seals, signs the end, and leaves the work to other nodes.
    pub async fn finish(self) -> Result<usize> {
        let sealed = self.seal().await?;
        self.checkpoint(Duration::ZERO).await?;
        self.realm
            .db
            .write("audit.release", self.holder, |tx, holder| {
                Box::pin(async move { leases::release(tx, LEASE, holder).await })
            })
            .await?;
        Ok(sealed)
    }

    async fn seal(&self) -> Result<usize> {
        let db = &self.realm.db;
        let mut sealed = 0;
        while db
            .read("audit.waiting", (), |tx, ()| Box::pin(async move { sql::is_waiting(tx).await }))
            .await?
        {
            let ask = (Arc::clone(&self.realm), self.holder.clone());
            let batch = db
                .write("audit.seal", ask, |tx, (realm, holder)| Box::pin(seal_batch(tx, realm, holder)))
                .await?;
            self.realm.marked.learn(batch.marks, self.realm.env.now());
            for (seq, link) in batch.months {
                self.sign(seq, &link, "month").await?;
            }
            sealed += batch.events;
            if batch.events < usize::from(BATCH) {
                break;
            }
        }
        Ok(sealed)
    }

    /// Signs the end of the chain, unless that is done, or was done for an earlier end less than `every`
    /// ago; answers when the last signature was made.
    async fn checkpoint(&self, every: Duration) -> Result<Option<Time>> {
        let now = self.realm.env.now();
        let (tip, before) = self
            .realm
            .db
            .read("audit.tip", (), |tx, ()| {
                Box::pin(async move { Ok((sql::last(tx).await?, sql::last_checkpoint(tx).await?)) })
            })
            .await?;
        let Some(tip) = tip else { return Ok(None) };
        if before.as_ref().is_some_and(|point| point.seq >= tip.seq || point.at + every > now) {
            return Ok(before.filter(|point| point.seq < tip.seq).map(|point| point.at));
        }
        self.sign(tip.seq, &tip.link, "minute").await?;
        Ok(Some(now))
    }

    async fn sign(&self, seq: i64, link: &[u8], reason: &'static str) -> Result<()> {
        let point = self.notary.sign(seq, self.realm.env.now(), link, reason);
        tracing::debug!(seq, link = data_encoding::HEXLOWER.encode(link), "audit checkpoint");
        self.realm
            .db
            .write("audit.checkpoint", point, |tx, point| {
                Box::pin(async move { sql::insert_checkpoint(tx, point).await })
            })
            .await
    }
}

async fn seal_batch(tx: &mut Tx<'_>, realm: &Realm, holder: &str) -> Result<Batch> {
    let env = &realm.env;
    let mut batch = Batch { events: 0, marks: BTreeSet::new(), months: Vec::new() };
    if !leases::hold(tx, LEASE, holder, (env.now(), TERM)).await? {
        return Ok(batch);
    }
    let Tip { seq, link, mut month } = match (sql::last(tx).await?, sql::last_checkpoint(tx).await?) {
        (Some(tip), _) => tip,
        (None, Some(point)) => Tip { seq: point.seq, link: point.link, month: 0 },
        (None, None) => Tip { seq: 0, link: GENESIS.to_vec(), month: 0 },
    };
    let mut chain = Chain { seq, link: to_hash(&link)? };
    let this_month = month_of(env.now());
    let (mut linked, mut tally) = (Vec::new(), Tally::default());
    for (body, detail) in sql::take(tx, i64::from(BATCH)).await? {
        let next_month = month_of(body.at).min(this_month);
        if next_month > month {
            if month > 0 {
                batch.months.push((chain.seq, chain.link));
            }
            month = next_month;
            open(tx, month).await?;
        }
        tally.count(happened(&body));
        let salt: [u8; 16] = env.bytes()?;
        let detail_hash = chain.append(&body, &salt, &detail);
        linked.push(Linked { seq: chain.seq, month, body, detail_hash, link: chain.link, salt, detail });
    }
    batch.events = linked.len();
    sql::insert_sealed(tx, &linked).await?;
    tally.marks = realm.marked.new_of(tally.marks);
    analytics::write(tx, &tally, env.now()).await?;
    batch.marks = tally.marks;
    Ok(batch)
}

fn happened(body: &Body) -> Happened<'_> {
    Happened { at: body.at, code: &body.code, org: &body.org, subject: &body.subject, facts: &body.facts }
}

/// For a sealed event and its detail.
async fn open(tx: &mut Tx<'_>, month: i64) -> Result<()> {
    tx.open_month("events", month).await?;
    tx.open_month("event_details", month).await
}

fn to_hash(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map_err(|_| Error::fault("a stored link has another length"))
}
