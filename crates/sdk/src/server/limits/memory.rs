//! Counters in this process.
//!
//! They are bounded: when there are too many, those go first that mean nothing any more, then those that
//! would end soonest. Counters of addresses, which a stranger can make at will, never push out those of
//! somebody who was recognised.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use doorward_judge::limit::{By, Counted, Measure, Standing};
use doorward_proto::time::Time;
use futures_util::future::{BoxFuture, ready};

use super::{Failing, Key, Kind, Limits, Take, Which, settled};

const SHARDS: usize = 32;
/// Counters at the most: of addresses, and the same number of others.
const CAPACITY: usize = 65_536;

/// See the module.
pub struct MemoryLimits {
    /// Those of addresses, then the others.
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    room: usize,
}

#[derive(Default)]
struct Shard(HashMap<Key, Counter>);

struct Counter {
    held: Held,
    /// From then on it means nothing, in microseconds.
    end: i64,
}

enum Held {
    Rate(i64),
    Quota(Counted),
    /// When they happened, the newest first.
    Failures(VecDeque<i64>),
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self::with_room(CAPACITY)
    }
}

impl MemoryLimits {
    /// No counters, and room for so many of each kind.
    pub fn with_room(counters: usize) -> Self {
        let shards = std::iter::repeat_with(Mutex::default).take(2 * SHARDS).collect();
        Self { shards, hasher: RandomState::new(), room: counters.div_ceil(SHARDS) }
    }

    /// How many counters there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).0.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn place(&self, key: &Key) -> usize {
        let hash = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        // Whoever fails is a stranger, too.
        let is_made_by_strangers = key.by == By::Address || key.kind == Kind::Failures;
        if is_made_by_strangers { hash } else { SHARDS + hash }
    }

    /// The shards of these counters, each once, always in one order, so that nobody waits for each other.
    fn locked(&self, keys: &[&Key]) -> Vec<(usize, MutexGuard<'_, Shard>)> {
        let mut places: Vec<usize> = keys.iter().map(|key| self.place(key)).collect();
        places.sort_unstable();
        places.dedup();
        places.iter().filter_map(|place| Some((*place, lock(self.shards.get(*place)?)))).collect()
    }

    fn take_now(&self, takes: &[Take], now: Time) -> Vec<Standing> {
        let keys: Vec<&Key> = takes.iter().map(|take| &take.key).collect();
        let mut shards = self.locked(&keys);
        let mut standings = Vec::with_capacity(takes.len());
        let mut counters = Vec::with_capacity(takes.len());
        for take in takes {
            let held = self.held(&shards, &take.key);
            let (standing, counter) = taken(take, held, now);
            standings.push(standing);
            counters.push(counter);
        }
        if standings.iter().all(|standing| standing.fits) {
            for (take, counter) in takes.iter().zip(counters) {
                let place = self.place(&take.key);
                if let Some((_, shard)) = shards.iter_mut().find(|(at, _)| *at == place) {
                    shard.keep(&take.key, counter, (self.room, now));
                }
            }
        }
        settled(standings, takes)
    }

    fn held<'s>(&self, shards: &'s [(usize, MutexGuard<'_, Shard>)], key: &Key) -> Option<&'s Held> {
        let place = self.place(key);
        let (_, shard) = shards.iter().find(|(at, _)| *at == place)?;
        Some(&shard.0.get(key)?.held)
    }

    fn wait(&self, failing: &Failing, now: Time) -> Option<Duration> {
        let shard = lock(self.shards.get(self.place(&failing.key))?);
        shard.wait(failing, now)
    }

    fn fail_now(&self, failing: &Failing, now: Time) -> Option<Duration> {
        let mut shard = lock(self.shards.get(self.place(&failing.key))?);
        if let Some(wait) = shard.wait(failing, now) {
            return Some(wait);
        }
        let mut times = match shard.0.remove(&failing.key) {
            Some(Counter { held: Held::Failures(times), .. }) => times,
            _ => VecDeque::new(),
        };
        times.push_front(now.as_micros());
        times.truncate(failing.window.limit as usize);
        let end = (now + failing.window.length).as_micros();
        shard.keep(&failing.key, Counter { held: Held::Failures(times), end }, (self.room, now));
        None
    }
}

impl Limits for MemoryLimits {
    fn take<'a>(&'a self, takes: &'a [Take], now: Time) -> BoxFuture<'a, Vec<Standing>> {
        Box::pin(ready(self.take_now(takes, now)))
    }

    fn waits<'a>(&'a self, failing: &'a [Failing], now: Time) -> BoxFuture<'a, Vec<Option<Duration>>> {
        Box::pin(ready(failing.iter().map(|failing| self.wait(failing, now)).collect()))
    }

    fn fail<'a>(&'a self, failing: &'a [Failing], now: Time) -> BoxFuture<'a, Vec<Option<Duration>>> {
        Box::pin(ready(failing.iter().map(|failing| self.fail_now(failing, now)).collect()))
    }

    fn clear<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, u64> {
        let mut cleared = 0;
        for shard in &self.shards {
            let mut shard = lock(shard);
            let before = shard.0.len();
            shard.0.retain(|key, _| !which.holds(key));
            cleared += before - shard.0.len();
        }
        Box::pin(ready(cleared as u64))
    }
}

impl Shard {
    fn keep(&mut self, key: &Key, counter: Counter, (room, now): (usize, Time)) {
        if let Some(kept) = self.0.get_mut(key) {
            *kept = counter;
            return;
        }
        if self.0.len() >= room {
            self.0.retain(|_, counter| counter.end > now.as_micros());
        }
        if self.0.len() >= room {
            let soonest = self.0.iter().min_by_key(|(_, counter)| counter.end).map(|(key, _)| key.clone());
            soonest.map(|key| self.0.remove(&key));
        }
        self.0.insert(key.clone(), counter);
    }

    fn wait(&self, Failing { key, window }: &Failing, now: Time) -> Option<Duration> {
        let Held::Failures(times) = &self.0.get(key)?.held else { return None };
        window.wait(times.get((window.limit as usize).checked_sub(1)?).copied(), now)
    }
}

fn taken(take: &Take, held: Option<&Held>, now: Time) -> (Standing, Counter) {
    match take.measure {
        Measure::Rate(gcra) => {
            let kept = if let Some(Held::Rate(kept)) = held { *kept } else { 0 };
            let (standing, then) = gcra.take(kept, now, take.cost);
            (standing, Counter { held: Held::Rate(then), end: then })
        }
        Measure::Quota(quota) => {
            let kept = if let Some(Held::Quota(kept)) = held { *kept } else { Counted::default() };
            let (standing, then) = quota.take(kept, now, take.cost);
            let (_, end) = quota.per.around(now);
            (standing, Counter { held: Held::Quota(then), end: end.as_micros() })
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
