//! How much of it: counters, and what is said of them.
//!
//! [`Limits`] keeps counters: [`MemoryLimits`] in this process, `RedisLimits` (feature `redis`) for several at once. Both
//! come to the same answers, by the arithmetic of [`doorward_judge::limit`]. [`Limiter`] asks them at the
//! right moments: failures before a credential is looked up, rates and quotas once it is let through.

mod failures;
mod limiter;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod shown;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use doorward_judge::limit::{By, Measure, Standing, Window};
use doorward_proto::time::Time;
use futures_util::future::BoxFuture;

pub use failures::FailureLimits;
pub use limiter::{Limiter, Over};
pub use memory::MemoryLimits;
#[cfg(feature = "redis")]
pub use redis::{NotAnAddress, RedisLimits};
pub use shown::Shown;

/// What a counter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A rate.
    Rate,
    /// A quota.
    Quota,
    /// Failures.
    Failures,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rate, Self::Quota, Self::Failures];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Quota => "quota",
            Self::Failures => "failures",
        }
    }
}

/// The name of a counter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// What it is for.
    pub kind: Kind,
    /// The rule that it belongs to; empty for failures, which belong to all of them.
    pub route: String,
    /// Its place among the rule's limits of this kind.
    pub place: u8,
    /// What tells who is counted.
    pub by: By,
    /// Who is.
    pub who: String,
}

/// Something to be taken from a limit.
#[derive(Debug, Clone)]
pub struct Take {
    /// The counter.
    pub key: Key,
    /// How it counts.
    pub measure: Measure,
    /// How much is taken.
    pub cost: u32,
}

/// A counter of failures.
#[derive(Debug, Clone)]
pub struct Failing {
    /// Its name.
    pub key: Key,
    /// How many it allows.
    pub window: Window,
}

/// Which counters are meant; what is left out says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Which {
    /// Those of this address, as [`doorward_judge::limit::network`] writes it.
    pub address: Option<String>,
    /// Those of this identity.
    pub identity: Option<String>,
    /// Those of this rule.
    pub route: Option<String>,
}

impl Which {
    /// Whether a counter is meant.
    pub fn holds(&self, key: &Key) -> bool {
        let is_of = |who: &String| {
            let rest = key.by != By::Address && key.by != By::Route;
            // Behind the name stand its issuer and, for failures, where they came from.
            rest && (key.who == *who
                || key.who.strip_prefix(who.as_str()).is_some_and(|it| it.starts_with(['@', ' '])))
        };
        let is_at = |address: &String| {
            let is_failure_there = key.kind == Kind::Failures
                && key.who.rsplit_once(' ').is_some_and(|(_, network)| network == address);
            (key.by == By::Address && key.who == *address) || is_failure_there
        };
        self.address.as_ref().is_none_or(is_at)
            && self.identity.as_ref().is_none_or(is_of)
            && self.route.as_ref().is_none_or(|route| key.route == *route)
    }
}

/// Keeps counters. Every method is one step that nothing comes between: of two hundred who take at once,
/// exactly as many are let through as there is room for.
pub trait Limits: Send + Sync + 'static {
    /// Takes from all of these, or from none of them when one has too little left. Says how each stands then.
    fn take<'a>(&'a self, takes: &'a [Take], now: Time) -> BoxFuture<'a, Vec<Standing>>;

    /// How long each of these has to wait, if it has to.
    fn waits<'a>(&'a self, failing: &'a [Failing], now: Time) -> BoxFuture<'a, Vec<Option<Duration>>>;

    /// Counts a failure in each of these that has not had too many; says how long the others have to wait.
    fn fail<'a>(&'a self, failing: &'a [Failing], now: Time) -> BoxFuture<'a, Vec<Option<Duration>>>;

    /// Forgets what these counters hold; says how many they were.
    fn clear<'a>(&'a self, which: &'a Which) -> BoxFuture<'a, u64>;
}

impl fmt::Debug for dyn Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limits")
    }
}

/// Where nothing was taken, what would have fitted is still there.
fn settled(mut standings: Vec<Standing>, takes: &[Take]) -> Vec<Standing> {
    if standings.iter().all(|standing| standing.fits) {
        return standings;
    }
    for (standing, take) in standings.iter_mut().zip(takes).filter(|(standing, _)| standing.fits) {
        standing.left = standing.left.saturating_add(take.cost).min(standing.limit);
    }
    standings
}
