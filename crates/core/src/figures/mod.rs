//! What waits, read when somebody looks: the figures that no counter can tell.

mod sql;

use std::time::Duration;

use crate::{call::Call, outcome::Result};

/// What waits in one realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Mails that are still to be handed over.
    pub mails_waiting: u64,
    /// Mails that were given up and are still kept.
    pub mails_given_up: u64,
    /// Jobs that are not done.
    pub jobs_waiting: u64,
    /// Those of them that have failed before.
    pub jobs_failing: u64,
    /// Audit events that are not linked into the chain yet.
    pub events_unsealed: u64,
    /// The age of the oldest of them.
    pub seal_lag: Duration,
    /// Passwords that wait for a thread of this process.
    pub passwords_waiting: usize,
}

/// Reads the figures of the realm.
pub async fn read(call: &Call) -> Result<Figures> {
    let now = call.now;
    let found = call
        .realm
        .db
        .read("figures.read", now, |tx, now| Box::pin(async move { sql::read(tx, *now).await }))
        .await?;
    Ok(Figures { passwords_waiting: call.realm.passwords.waiting(), ..found })
}
