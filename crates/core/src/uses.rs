//! How often a credential is used, when last and from where: counted in memory, written together.
//!
//! A clean stop writes what is left; a crash loses the last second at most. The first use in an hour is told
//! to the audit trail, with the counts.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use doorward_proto::{
    id::{Id, Kind},
    time::Time,
};

use crate::{
    audit::{self, Event},
    call::Call,
    db::{Tx, Value},
    outcome::Result,
};

const HOUR: i64 = 3600;

/// The uses of every credential of one kind that this process has met.
pub(crate) struct Uses<K>(Mutex<HashMap<Id<K>, Arc<Usage>>>);

impl<K> Default for Uses<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// The uses of one credential.
#[derive(Debug, Default)]
pub(crate) struct Usage(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// Not written yet.
    count: i64,
    last_at: Time,
    address: Option<IpAddr>,
    /// The hour in which a use was last told.
    hour: Option<i64>,
    event: Option<Event>,
}

/// What is written of one credential.
struct Batch<K> {
    id: Id<K>,
    count: i64,
    last_at: Time,
    address: Option<IpAddr>,
    event: Option<Event>,
}

impl<K> Clone for Batch<K> {
    fn clone(&self) -> Self {
        Self { event: self.event.clone(), ..*self }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Kind> Uses<K> {
    /// The uses of this credential.
    pub(crate) fn of(&self, id: Id<K>) -> Arc<Usage> {
        Arc::clone(lock(&self.0).entry(id).or_default())
    }

    /// Takes what is not written yet, and forgets credentials that nobody remembers.
    fn take(&self, hour: i64) -> Vec<Batch<K>> {
        let mut all = lock(&self.0);
        let mut batches = Vec::new();
        all.retain(|id, usage| {
            let mut noted = lock(&usage.0);
            if noted.count > 0 {
                batches.push(Batch {
                    id: *id,
                    count: std::mem::take(&mut noted.count),
                    last_at: noted.last_at,
                    address: noted.address,
                    event: noted.event.take(),
                });
                return true;
            }
            Arc::strong_count(usage) > 1 || noted.hour == Some(hour)
        });
        // In one order everywhere, so that two nodes never wait for each other.
        batches.sort_unstable_by_key(|batch| batch.id.to_string());
        batches
    }

    fn put_back(&self, batches: &[Batch<K>]) {
        for batch in batches {
            let usage = self.of(batch.id);
            let mut noted = lock(&usage.0);
            noted.count += batch.count;
            if noted.last_at < batch.last_at {
                (noted.last_at, noted.address) = (batch.last_at, batch.address);
            }
            if noted.event.is_none() {
                noted.event.clone_from(&batch.event);
            }
        }
    }

    /// Writes what has been counted since the last time. The statement takes the id, the count, the time and
    /// the address.
    ///
    /// # Errors
    /// A fault when it cannot be written; it is counted still.
    pub(crate) async fn flush(
        &self,
        call: &Call,
        operation: &'static str,
        statement: &'static str,
    ) -> Result<()> {
        let batches = self.take(call.now.as_seconds().div_euclid(HOUR));
        if batches.is_empty() {
            return Ok(());
        }
        let ask = (batches.clone(), statement);
        let write = call.realm.db.write(operation, ask, |tx, (batches, statement)| {
            Box::pin(async move { write(tx, batches, statement).await })
        });
        let written = write.await;
        if written.is_err() {
            self.put_back(&batches);
        }
        written
    }
}

impl Usage {
    /// Counts a use at this time; `tell` makes the event of the first one in an hour.
    pub(crate) fn note(
        &self,
        now: Time,
        address: Option<IpAddr>,
        tell: impl FnOnce() -> Result<Event>,
    ) -> Result<()> {
        let hour = now.as_seconds().div_euclid(HOUR);
        let mut noted = lock(&self.0);
        noted.count += 1;
        if noted.last_at <= now {
            noted.last_at = now;
            noted.address = address.map(|address| address.to_canonical()).or(noted.address);
        }
        if noted.hour != Some(hour) {
            noted.hour = Some(hour);
            noted.event = Some(tell()?);
        }
        Ok(())
    }
}

async fn write<K: Kind>(tx: &mut Tx<'_>, batches: &[Batch<K>], statement: &'static str) -> Result<()> {
    let rows: Vec<Vec<Value<'_>>> = batches
        .iter()
        .map(|batch| {
            let address = batch.address.map(|address| address.to_string());
            vec![batch.id.into(), batch.count.into(), batch.last_at.into(), address.into()]
        })
        .collect();
    tx.exec_each(statement, &rows).await?;
    for event in batches.iter().filter_map(|batch| batch.event.as_ref()) {
        audit::record(tx, event).await?;
    }
    Ok(())
}
