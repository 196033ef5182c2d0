//! Refusals, without a flood: the first per identity, route, code and minute is recorded as it is; the
//! others of that minute are counted, and the count is recorded when the minute is over.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use doorward_proto::{
    id::{Id, Org},
    time::Time,
};

use super::{Event, note};
use crate::{
    call::Call,
    outcome::{Code, Result},
};

/// Identities remembered in one minute. Beyond, refusals are counted per event, route and code only.
const CAPACITY: usize = 10_000;
const MINUTE: i64 = 60;

/// The refusals of the running minute.
#[derive(Default)]
pub struct Refusals(Mutex<Running>);

#[derive(Default)]
struct Running {
    minute: i64,
    seen: HashMap<Refused, u64>,
}

/// What was refused, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Refused {
    /// The event that says so.
    pub event: &'static str,
    /// Where.
    pub route: &'static str,
    /// Why.
    pub code: Code,
    /// The organisation in whose name it was asked for, where that is proven.
    pub org: Option<Id<Org>>,
    /// Who was refused as far as it is known: an id, else the network ([`crate::call::Origin::network`]).
    /// Empty for those that found no room.
    pub identity: String,
}

/// What a minute that is over left uncounted.
#[derive(Default)]
struct Over {
    minute: i64,
    counts: Vec<(Refused, u64)>,
}

impl Refusals {
    /// Takes note of a refusal: whether it is to be recorded by itself, and what the minutes before it
    /// left uncounted.
    fn see(&self, minute: i64, key: Refused) -> (bool, Over) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = if running.minute == minute { Over::default() } else { running.close(minute) };
        if let Some(more) = running.seen.get_mut(&key) {
            *more += 1;
            return (false, over);
        }
        if running.seen.len() < CAPACITY {
            running.seen.insert(key, 0);
            return (true, over);
        }
        let crowd = Refused { identity: String::new(), org: None, ..key };
        let more = running.seen.entry(crowd).or_insert(0);
        *more += 1;
        (false, over)
    }

    fn take(&self, minute: i64) -> Over {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.minute == minute { Over::default() } else { running.close(minute) }
    }
}

impl Running {
    fn close(&mut self, minute: i64) -> Over {
        let counts = self.seen.drain().filter(|(_, more)| *more > 0).collect();
        Over { minute: std::mem::replace(&mut self.minute, minute), counts }
    }
}

/// Records a refusal, or counts it when the same one was recorded in this minute. What is known of it is added
/// to the event, which is made only when it is needed.
pub async fn refused(call: &Call, what: Refused, add: impl FnOnce(Event) -> Event + Send) -> Result<()> {
    let Refused { event, code, org, .. } = what;
    let (is_first, over) = call.realm.refusals.see(call.now.as_seconds().div_euclid(MINUTE), what);
    write_counts(call, over).await?;
    if !is_first {
        return Ok(());
    }
    let event = Event::refused(call, event, code)?;
    let event = match org {
        Some(org) => event.org(org),
        None => event,
    };
    note(call, add(event)).await
}

/// Records the counts of the minutes that are over. Run once a minute, and with `everything` before the
/// process ends.
pub async fn count_refusals(call: &Call, everything: bool) -> Result<()> {
    let minute = if everything { i64::MAX } else { call.now.as_seconds().div_euclid(MINUTE) };
    let over = call.realm.refusals.take(minute);
    write_counts(call, over).await
}

async fn write_counts(call: &Call, over: Over) -> Result<()> {
    if over.counts.is_empty() {
        return Ok(());
    }
    let minute = Time::from_seconds(over.minute * MINUTE).to_string();
    let mut events = Vec::with_capacity(over.counts.len());
    for (what, more) in over.counts {
        let event = Event::refused(call, "refusals.counted", what.code)?
            .without_origin()
            .fact("event", what.event)
            .fact("route", what.route)
            .fact("minute", minute.clone())
            .fact("more", more)
            .detail("identity", what.identity);
        events.push(match what.org {
            Some(org) => event.org(org),
            None => event,
        });
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
