//! How often a token is used, when last and from where: counted in memory, written together.
//!
//! A clean stop writes what is left; a crash loses the last second at most. The first use of a version in
//! an hour is told to the audit trail, with the counts.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use doorward_proto::{
    id::{Id, ServiceToken},
    time::Time,
};

use super::{Token, sql};
use crate::{
    audit::{self, Event},
    call::{Actor, Call},
    db::{Tx, Value},
    outcome::Result,
};

const HOUR: i64 = 3600;

/// The uses of every version that this process has met.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<Id<ServiceToken>, Arc<Usage>>>);

/// The uses of one version.
#[derive(Debug, Default)]
pub(super) struct Usage(Mutex<Noted>);

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

/// What is written of one version.
#[derive(Clone)]
struct Batch {
    id: Id<ServiceToken>,
    count: i64,
    last_at: Time,
    address: Option<IpAddr>,
    event: Option<Event>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Uses {
    /// The uses of this version.
    pub(super) fn of(&self, id: Id<ServiceToken>) -> Arc<Usage> {
        Arc::clone(lock(&self.0).entry(id).or_default())
    }

    /// Takes what is not written yet, and forgets versions that nobody remembers.
    fn take(&self, hour: i64) -> Vec<Batch> {
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

    fn put_back(&self, batches: &[Batch]) {
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
}

impl Usage {
    /// Counts a use by this request.
    pub(super) fn note(&self, call: &Call, token: &Token) -> Result<()> {
        let hour = call.now.as_seconds().div_euclid(HOUR);
        let mut noted = lock(&self.0);
        noted.count += 1;
        if noted.last_at <= call.now {
            (noted.last_at, noted.address) = (call.now, Some(call.origin.address.to_canonical()));
        }
        if noted.hour != Some(hour) {
            noted.hour = Some(hour);
            noted.event = Some(token.event(&call.by(Actor::ServiceToken(token.id)), "service_token.used")?);
        }
        Ok(())
    }
}

/// Writes the uses that have been counted since the last time. Run once a second, and before the process
/// ends.
///
/// # Errors
/// A fault when they cannot be written; they are counted still.
pub async fn flush(call: &Call) -> Result<()> {
    let uses = &call.realm.service_uses;
    let batches = uses.take(call.now.as_seconds().div_euclid(HOUR));
    if batches.is_empty() {
        return Ok(());
    }
    let written = call
        .realm
        .db
        .write("service_tokens.uses", batches.clone(), |tx, batches| Box::pin(write(tx, batches)))
        .await;
    if written.is_err() {
        uses.put_back(&batches);
    }
    written
}

async fn write(tx: &mut Tx<'_>, batches: &[Batch]) -> Result<()> {
    let rows: Vec<Vec<Value<'_>>> = batches
        .iter()
        .map(|batch| {
            let address = batch.address.map(|address| address.to_string());
            vec![batch.id.into(), batch.count.into(), batch.last_at.into(), address.into()]
        })
        .collect();
    sql::used(tx, &rows).await?;
    for event in batches.iter().filter_map(|batch| batch.event.as_ref()) {
        audit::record(tx, event).await?;
    }
    Ok(())
}
