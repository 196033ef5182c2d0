//! Counting in memory, and writing what was counted.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use doorward_proto::{
    id::{Id, Job},
    time::Time,
};

use super::{Counts, Kind, Sample, hour_of, sql};
use crate::{
    analytics::{self, Mark, Tally},
    call::Call,
    env::Env,
    outcome::Result,
};

/// Parts of the memory that are locked by themselves.
const SHARDS: usize = 16;
/// Different keys in memory at the most; beyond that, what is new is counted as [`OTHERS`]. The database
/// would have to be away for long, or strangers' issuers to name thousands of people in a second.
const MOST: usize = 20_000;
/// Longer names, which other issuers may give, are cut.
const LONGEST: usize = 200;
/// Under whom is counted what there was no room for.
const OTHERS: &str = "(others)";

/// What has not been written yet.
pub struct Meter {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// Keys in memory.
    keys: AtomicUsize,
    /// Which process writes.
    writer: Id<Job>,
    outbox: tokio::sync::Mutex<Outbox>,
    most: usize,
}

/// Keys by their hash: looked up without copying a name.
type Shard = HashMap<u64, Vec<(Key, Counts)>>;

#[derive(Default)]
struct Outbox {
    /// The number of the last batch.
    number: i64,
    /// What may or may not have been written.
    waiting: Option<Arc<Batch>>,
}

/// What is written at once.
#[derive(Debug)]
pub struct Batch {
    pub(super) writer: Id<Job>,
    pub(super) number: i64,
    pub(super) rows: Vec<(Key, Counts)>,
}

impl Batch {
    /// Who was there: people who were let through somewhere.
    fn people(&self) -> BTreeSet<Mark> {
        let there = self
            .rows
            .iter()
            .filter(|(key, counts)| key.principal.starts_with("usr_") && counts.requests > counts.denied);
        there.flat_map(|(key, _)| Mark::both(&key.org, key.hour, &key.principal)).collect()
    }
}

/// Whose counts they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) org: String,
    pub(super) hour: Time,
    pub(super) principal: String,
    pub(super) client: String,
    pub(super) agent: String,
    pub(super) route: String,
    pub(super) kind: Kind,
    pub(super) status: u8,
}

impl Key {
    fn new(hour: Time, sample: &Sample<'_>) -> Self {
        Self {
            org: sample.org.to_owned(),
            hour,
            principal: sample.principal.to_owned(),
            client: sample.client.to_owned(),
            agent: sample.agent.to_owned(),
            route: sample.route.to_owned(),
            kind: sample.kind,
            status: sample.status,
        }
    }

    fn is(&self, hour: Time, sample: &Sample<'_>) -> bool {
        self.hour == hour
            && self.kind == sample.kind
            && self.status == sample.status
            && self.principal == sample.principal
            && self.route == sample.route
            && self.client == sample.client
            && self.agent == sample.agent
            && self.org == sample.org
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name that can be stored: no longer than others, without what PostgreSQL does not take.
fn storable(name: &str) -> Cow<'_, str> {
    if name.len() <= LONGEST && !name.bytes().any(|byte| byte.is_ascii_control()) {
        return name.into();
    }
    let mut kept = String::new();
    for c in name.chars().filter(|c| !c.is_control()) {
        if kept.len() + c.len_utf8() > LONGEST {
            break;
        }
        kept.push(c);
    }
    kept.into()
}

impl Meter {
    /// Has counted nothing.
    pub(crate) fn new(env: &Env) -> Result<Self> {
        Self::with_room(env, MOST)
    }

    fn with_room(env: &Env, most: usize) -> Result<Self> {
        Ok(Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            keys: AtomicUsize::new(0),
            writer: env.id(env.now())?,
            outbox: tokio::sync::Mutex::default(),
            most,
        })
    }

    /// Counts something that happened at this time.
    pub fn count(&self, at: Time, sample: &Sample<'_>, counts: Counts) {
        let [org, principal, client, agent, route] =
            [sample.org, sample.principal, sample.client, sample.agent, sample.route].map(storable);
        let (org, principal, client) = (&*org, &*principal, &*client);
        let sample = Sample { org, principal, client, agent: &agent, route: &route, ..*sample };
        let hour = hour_of(at);
        if !self.add(hour, &sample, counts, false) {
            let others = Sample { principal: OTHERS, client: "", agent: "", ..sample };
            self.add(hour, &others, counts, true);
        }
    }

    /// Whether there was room.
    fn add(&self, hour: Time, sample: &Sample<'_>, counts: Counts, at_any_rate: bool) -> bool {
        let hash = self.hasher.hash_one((hour.as_micros(), sample));
        let place = usize::try_from(hash % SHARDS as u64).unwrap_or_default();
        let Some(shard) = self.shards.get(place) else { return false };
        let mut shard = lock(shard);
        let same = shard.entry(hash).or_default();
        if let Some((_, sum)) = same.iter_mut().find(|(key, _)| key.is(hour, sample)) {
            *sum += counts;
            return true;
        }
        if !at_any_rate && self.keys.load(Ordering::Relaxed) >= self.most {
            if same.is_empty() {
                shard.remove(&hash);
            }
            return false;
        }
        self.keys.fetch_add(1, Ordering::Relaxed);
        same.push((Key::new(hour, sample), counts));
        true
    }

    /// What is to be written next: the same until [`flush`] has written it.
    pub async fn next(&self) -> Option<Arc<Batch>> {
        self.outbox.lock().await.next(self)
    }

    /// Takes what was counted, in an order that is the same everywhere: two nodes never wait for each other.
    fn take(&self) -> Vec<(Key, Counts)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = std::mem::take(&mut *lock(shard));
            all.extend(shard.into_values().flatten());
        }
        self.keys.fetch_sub(all.len(), Ordering::Relaxed);
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        all
    }
}

impl Outbox {
    /// What is to be written next.
    fn next(&mut self, meter: &Meter) -> Option<Arc<Batch>> {
        if self.waiting.is_none() {
            let rows = meter.take();
            if !rows.is_empty() {
                self.number += 1;
                self.waiting = Some(Arc::new(Batch { writer: meter.writer, number: self.number, rows }));
            }
        }
        self.waiting.clone()
    }
}

/// Writes what has been counted up to now.
///
/// # Errors
/// A fault when it cannot be written; it is counted still.
pub async fn flush(call: &Call) -> Result<()> {
    let meter = &call.realm.usage;
    let mut outbox = meter.outbox.lock().await;
    // What was kept goes first, and by itself: it may have been written already.
    let rounds = if outbox.waiting.is_some() { 2 } else { 1 };
    for _ in 0..rounds {
        let Some(batch) = outbox.next(meter) else { break };
        write(call, batch).await?;
        outbox.waiting = None;
    }
    Ok(())
}

/// Writes a batch, unless it is written already; answers whether it was not.
///
/// # Errors
/// A fault, after which it is written or not.
pub async fn write(call: &Call, batch: Arc<Batch>) -> Result<bool> {
    let now = call.realm.env.now();
    let tally = Tally::of_people(call.realm.marked.new_of(batch.people()));
    let marks = tally.marks.clone();
    let is_new = call
        .realm
        .db
        .write("usage.flush", (batch, tally, now), |tx, (batch, tally, now)| {
            Box::pin(async move {
                let is_new = sql::write(tx, batch, *now).await?;
                if is_new {
                    analytics::write(tx, tally, *now).await?;
                }
                Ok(is_new)
            })
        })
        .await?;
    if is_new {
        call.realm.marked.learn(marks, now);
    }
    Ok(is_new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::no_fetch;

    fn meter(most: usize) -> Meter {
        Meter::with_room(&Env::fixed(Time::from_seconds(1_795_000_000), 7, no_fetch()), most).unwrap()
    }

    fn sum(rows: &[(Key, Counts)]) -> Counts {
        rows.iter().map(|(_, counts)| *counts).sum()
    }

    #[test]
    fn what_there_is_no_room_for_is_counted_all_the_same() {
        let (meter, at) = (meter(10), Time::from_seconds(3_600 * 100 + 5));
        for n in 0..500 {
            let name = format!("usr_{}", n % 50);
            meter.count(at, &Sample { principal: &name, route: "reports", ..Sample::default() }, Counts::ONE);
        }
        let rows = meter.take();
        assert_eq!((sum(&rows).requests, rows.len()), (500, 11));
        let others = rows.iter().find(|(key, _)| key.principal == OTHERS).unwrap();
        assert_eq!((others.1.requests, others.0.route.as_str()), (400, "reports"));
        assert!(meter.take().is_empty());
        meter.count(at, &Sample { principal: "usr_50", ..Sample::default() }, Counts::ONE);
        assert_eq!(meter.take().first().unwrap().0.principal, "usr_50", "there is room again");
    }

    #[test]
    fn no_name_keeps_a_batch_from_being_written() {
        for (given, kept) in [
            ("usr_1", "usr_1".to_owned()),
            ("a\0b\u{85}c\n", "abc".to_owned()),
            (&"\u{e4}".repeat(300), "\u{e4}".repeat(100)),
            (&format!("x{}", "\u{e4}".repeat(300)), format!("x{}", "\u{e4}".repeat(99))),
        ] {
            assert_eq!(storable(given), kept, "{given}");
        }
    }

    #[test]
    fn an_hour_is_a_whole_one() {
        for (at, hour) in [(0, 0), (3_599, 0), (3_600, 3_600), (-1, -3_600)] {
            assert_eq!(hour_of(Time::from_seconds(at)), Time::from_seconds(hour));
        }
    }

    #[test]
    fn two_hundred_threads_lose_nothing_while_it_is_taken() {
        let meter = meter(MOST);
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..200)
                .map(|n| {
                    let meter = &meter;
                    scope.spawn(move || {
                        let name = format!("usr_{}", n % 7);
                        let sample = Sample { principal: &name, ..Sample::default() };
                        (0..100).for_each(|_| meter.count(Time::default(), &sample, Counts::ONE));
                    })
                })
                .collect();
            let mut taken = Vec::new();
            while threads.iter().any(|thread| !thread.is_finished()) {
                taken.extend(meter.take());
            }
            taken
        });
        assert_eq!(sum(&taken).requests + sum(&meter.take()).requests, 20_000);
    }
}
