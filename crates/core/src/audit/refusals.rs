//! Refusals, without a flood: the first per identity, route, code and minute is recorded as it is; the
//! others of that minute are counted, and the count is recorded when the minute is over.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{Event, note};
use crate::{
    call::Call,
    outcome::{Code, Result},
};

/// Identities remembered in one minute. Beyond, refusals are counted per route and code only.
const CAPACITY: usize = 10_000;
const MINUTE: i64 = 60;

/// The refusals of the running minute.
#[derive(Default)]
pub struct Refusals(Mutex<Running>);

#[derive(Default)]
struct Running {
    minute: i64,
    seen: HashMap<Key, u64>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    /// Empty for the identities that found no room.
    identity: String,
    route: &'static str,
    code: Code,
}

impl Refusals {
    /// Takes note of a refusal: whether it is to be recorded by itself, and what the minutes before it
    /// left uncounted.
    fn see(&self, minute: i64, key: Key) -> (bool, Vec<(Key, u64)>) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = if running.minute == minute { Vec::new() } else { running.close(minute) };
        if let Some(more) = running.seen.get_mut(&key) {
            *more += 1;
            return (false, over);
        }
        if running.seen.len() < CAPACITY {
            running.seen.insert(key, 0);
            return (true, over);
        }
        let crowd = Key { identity: String::new(), ..key };
        let more = running.seen.entry(crowd).or_insert(0);
        *more += 1;
        (false, over)
    }

    fn take(&self, minute: i64) -> Vec<(Key, u64)> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.minute == minute { Vec::new() } else { running.close(minute) }
    }
}

impl Running {
    fn close(&mut self, minute: i64) -> Vec<(Key, u64)> {
        self.minute = minute;
        self.seen.drain().filter(|(_, more)| *more > 0).collect()
    }
}

/// Records a refusal, or counts it when the same one was recorded in this minute. `identity` is who was
/// refused as far as it is known: an id, else the network ([`crate::call::Origin::network`]). The event is made only when it is needed.
pub async fn refused(
    call: &Call,
    (route, code): (&'static str, Code),
    identity: &str,
    event: impl FnOnce() -> Result<Event> + Send,
) -> Result<()> {
    let key = Key { identity: identity.to_owned(), route, code };
    let (is_first, over) = call.realm.refusals.see(call.now.as_seconds().div_euclid(MINUTE), key);
    write_counts(call, over).await?;
    if is_first { note(call, event()?).await } else { Ok(()) }
}

/// Records the counts of the minutes that are over. Run once a minute, and with `everything` before the
/// process ends.
pub async fn count_refusals(call: &Call, everything: bool) -> Result<()> {
    let minute = if everything { i64::MAX } else { call.now.as_seconds().div_euclid(MINUTE) };
    let over = call.realm.refusals.take(minute);
    write_counts(call, over).await
}

async fn write_counts(call: &Call, counts: Vec<(Key, u64)>) -> Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    let mut events = Vec::with_capacity(counts.len());
    for (key, more) in counts {
        let event = Event::refused(call, "refusals.counted", key.code)?
            .without_origin()
            .fact("route", key.route)
            .fact("more", more)
            .detail("identity", key.identity);
        events.push(event);
    }
    call.realm
        .db
        .write("audit.counts", events, |tx, events| {
            Box::pin(async move {
                for event in events {
                    super::record(tx, event).await?;
                }
                Ok(())
            })
        })
        .await
}
