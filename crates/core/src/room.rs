//! Room for what anybody may have kept: bounded, however many addresses it comes from.
//!
//! What comes in is counted against what goes away by itself, on this node and without asking the database:
//! the bounds are for floods, far above what honest use comes to, and need not be exact over several nodes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use doorward_proto::time::Time;

use crate::outcome::{Code, Refusal, Result};

/// Who is counted apart, at the most. Beyond it, everybody begins anew.
const KEYS: usize = 50_000;

/// A bound on what is kept for each of several.
pub(crate) struct Room {
    most: u64,
    lasts: Duration,
    held: Mutex<HashMap<String, Held>>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    amount: u64,
    at: Time,
}

impl Room {
    /// Room for `most` at once of what lasts for so long.
    pub(crate) fn new(most: u64, lasts: Duration) -> Self {
        Self { most, lasts, held: Mutex::default() }
    }

    /// Counts `amount` for `key`, or refuses it with the time until there is room.
    ///
    /// # Errors
    /// `code`.
    pub(crate) fn take(&self, key: &str, amount: u64, (now, code): (Time, Code)) -> Result<()> {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get(key).map_or(0, |held| self.left(*held, now));
        let over = left.saturating_add(amount).saturating_sub(self.most);
        if over > 0 {
            let wait = self.time_of(over).as_secs().saturating_add(1);
            return Err(Refusal::new(code).retry_after(u32::try_from(wait).unwrap_or(u32::MAX)).into());
        }
        if all.len() >= KEYS && !all.contains_key(key) {
            all.retain(|_, held| self.left(*held, now) > 0);
            if all.len() >= KEYS {
                all.clear();
            }
        }
        all.insert(key.to_owned(), Held { amount: left + amount, at: now });
        Ok(())
    }

    /// What is not gone by now.
    fn left(&self, held: Held, now: Time) -> u64 {
        let gone = now.since(held.at).as_micros() * u128::from(self.most) / self.lasts.as_micros().max(1);
        held.amount.saturating_sub(u64::try_from(gone).unwrap_or(u64::MAX))
    }

    /// How long so much takes to go.
    fn time_of(&self, amount: u64) -> Duration {
        let micros = self.lasts.as_micros() * u128::from(amount) / u128::from(self.most.max(1));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests;
