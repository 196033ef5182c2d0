//! How much of it: the arithmetic of limits, and how they are written at a rule.
//!
//! A *rate* is counted by the generic cell rate algorithm: one instant per counter tells how far ahead of its
//! rate somebody is, and a burst may be so far ahead. In no span of time are there more than a burst and what
//! the rate gives back in that span. A *quota* is a number for a minute, hour, day or month of the calendar
//! (UTC). *Failures* are counted in a window that slides.
//!
//! Nothing here holds a counter: who does hands in what it remembers and keeps what comes out. All numbers
//! are whole microseconds below 2^53, so that a counter in another program comes to the same answers.

mod key;
mod spec;

use std::time::Duration;

use doorward_proto::{
    rate::{Period, Rate},
    time::Time,
};

pub use key::{By, network};
pub use spec::LimitsSpec;
pub(crate) use spec::compile;

use spec::micros;

/// How somebody stands with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether the request fits.
    pub fits: bool,
    /// The most that there can be at once.
    pub limit: u32,
    /// What is left: after this request, if it fits.
    pub left: u32,
    /// After this time all of it is there again.
    pub whole_in: Duration,
    /// After this time the request would fit; nothing if it does.
    pub fits_in: Duration,
}

/// A rate with a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gcra {
    /// Microseconds after which one more is given.
    pub interval: i64,
    /// How many may come at once.
    pub burst: u32,
}

impl Gcra {
    /// A rate, of which so many may come at once.
    pub fn new(rate: Rate, burst: u32) -> Self {
        let per = micros(rate.per.longest());
        // Rounded up: a limit that is not a divisor of its time gives a little less, never more.
        Self {
            interval: per.div_euclid(i64::from(rate.limit)) + i64::from(per % i64::from(rate.limit) != 0),
            burst,
        }
    }

    /// How far ahead of the rate somebody may be.
    pub fn tolerance(&self) -> i64 {
        self.interval * i64::from(self.burst)
    }

    /// Takes `cost`, given the instant that was kept (0 when there is none); answers the one to keep if it fits.
    pub fn take(&self, kept: i64, now: Time, cost: u32) -> (Standing, i64) {
        let now = now.as_micros();
        // Nobody is further ahead than the burst allows, whatever a clock said that was set back since.
        let ahead = (kept - now).clamp(0, self.tolerance());
        let then = ahead + self.interval * i64::from(cost);
        let fits = then <= self.tolerance();
        let ahead = if fits { then } else { ahead };
        let left = (self.tolerance() - ahead).div_euclid(self.interval.max(1));
        let standing = Standing {
            fits,
            limit: self.burst,
            left: u32::try_from(left).unwrap_or(0),
            whole_in: duration(ahead),
            fits_in: duration(then - self.tolerance()),
        };
        (standing, now + then)
    }
}

/// A number for a part of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub limit: u32,
    /// In which part.
    pub per: Period,
}

/// What is kept of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// When its part of the calendar began, in microseconds.
    pub start: i64,
    /// How much was taken since.
    pub count: u32,
}

impl Quota {
    /// Takes `cost`, given what was kept; answers what to keep if it fits.
    pub fn take(&self, kept: Counted, now: Time, cost: u32) -> (Standing, Counted) {
        let (start, end) = self.per.around(now);
        let start = start.as_micros();
        let before = if kept.start == start { kept.count } else { 0 };
        let then = before.saturating_add(cost);
        let fits = then <= self.limit;
        let whole_in = end.since(now);
        let standing = Standing {
            fits,
            limit: self.limit,
            left: self.limit.saturating_sub(if fits { then } else { before }),
            whole_in,
            fits_in: if fits { Duration::ZERO } else { whole_in },
        };
        (standing, Counted { start, count: then })
    }
}

/// So many failures in a window that slides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many are allowed: at least one.
    pub limit: u32,
    /// How long the window is.
    pub length: Duration,
}

impl Window {
    /// How long to wait, given when the failure happened that is as far back as the limit is; nothing when
    /// that is long ago, or there were fewer.
    pub fn wait(&self, limiting: Option<i64>, now: Time) -> Option<Duration> {
        let left = limiting? + micros(self.length) - now.as_micros();
        (left > 0).then(|| duration(left).min(self.length))
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How fast.
    Rate(Gcra),
    /// How many.
    Quota(Quota),
}

impl Measure {
    /// The most that there can be at once, and the time in which all of it comes back.
    pub fn policy(&self) -> (u32, Duration) {
        match self {
            Self::Rate(gcra) => (gcra.burst, duration(gcra.tolerance())),
            Self::Quota(quota) => (quota.limit, quota.per.longest()),
        }
    }
}

/// One limit of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is counted.
    pub measure: Measure,
    /// For whom together.
    pub by: By,
    /// Its place among the limits of its kind at its rule.
    pub place: u8,
}

fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests;
