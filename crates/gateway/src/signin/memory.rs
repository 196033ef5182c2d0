//! What was used once and must not be used again, for as long as it could be: in the memory of this process, and
//! never more of it than fits.
//!
//! A code is good once at its issuer and a token is ended there, whatever is forgotten here: this is what keeps
//! anybody from having the same work done over and over, and what makes an end be one at once.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use doorward_proto::time::Time;

/// Kept at the most, of each kind; then the one that was used longest ago is forgotten.
const CAPACITY: usize = 65_536;

/// What signing in and out has used up. It outlives the gateway: reading routes again forgives nothing.
#[derive(Default)]
pub struct Memory {
    states: Used,
    ended: Used,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    /// Whether this is the first exchange of a state.
    pub(super) fn is_first(&self, state: &str, until: Time, now: Time) -> bool {
        self.states.note(state, until, now)
    }

    /// Ends a token here; answers whether it had not ended before.
    pub(super) fn end(&self, token: &str, until: Time, now: Time) -> bool {
        self.ended.note(token, until, now)
    }

    /// Whether somebody has signed out of the session of this token.
    pub fn is_ended(&self, token: &str) -> bool {
        self.ended.holds(token)
    }

    /// Another number after each end.
    pub fn ends(&self) -> i64 {
        self.ended.0.lock().unwrap_or_else(PoisonError::into_inner).noted
    }
}

#[derive(Default)]
struct Used(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    keys: HashSet<[u8; 32]>,
    /// In the order of their use.
    order: VecDeque<([u8; 32], Time)>,
    noted: i64,
}

impl Used {
    /// Notes one; answers whether it was not noted before.
    fn note(&self, text: &str, until: Time, now: Time) -> bool {
        let key = key(text);
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((oldest, end)) = entries.order.front().copied()
            && (end <= now || entries.order.len() >= CAPACITY)
        {
            entries.order.pop_front();
            entries.keys.remove(&oldest);
        }
        let is_new = entries.keys.insert(key);
        if is_new {
            entries.order.push_back((key, until));
            entries.noted += 1;
        }
        is_new
    }

    fn holds(&self, text: &str) -> bool {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !entries.keys.is_empty() && entries.keys.contains(&key(text))
    }
}

fn key(text: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    key
}

#[cfg(test)]
mod tests;
