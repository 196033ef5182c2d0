//! How many in which time, as operators and tokens write it: `100/minute`.

use std::{fmt, str::FromStr, time::Duration};

use crate::time::Time;

/// More than this is no limit; it keeps the arithmetic of limits within what every machine counts exactly.
pub const MOST: u32 = 1_000_000;

/// A time that limits are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month of the calendar.
    Month,
}

impl Period {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Month];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// How long it is; a month as the longest one.
    pub const fn longest(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Month => 31 * 86_400,
        })
    }

    /// The one of the calendar (UTC) that an instant is in: its first instant, and the first one after it.
    pub fn around(self, now: Time) -> (Time, Time) {
        if self == Self::Month {
            return now.month();
        }
        let length = self.longest();
        let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        let start = Time::from_micros(now.as_micros().div_euclid(micros) * micros);
        (start, start + length)
    }
}

impl FromStr for Period {
    type Err = NotARate;
    fn from_str(text: &str) -> Result<Self, NotARate> {
        Self::ALL.into_iter().find(|period| period.name() == text).ok_or(NotARate)
    }
}

/// So many in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many: at least one, at most [`MOST`].
    pub limit: u32,
    /// In which time.
    pub per: Period,
}

/// The text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a number from 1 to 1000000, a slash and second, minute, hour, day or month, as 100/minute")]
pub struct NotARate;

impl FromStr for Rate {
    type Err = NotARate;
    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (limit, per) = text.split_once('/').ok_or(NotARate)?;
        let limit = limit.trim();
        if limit.is_empty() || !limit.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotARate);
        }
        let limit = limit.parse().map_err(|_| NotARate)?;
        Self::new(limit, per.trim().parse()?)
    }
}

impl Rate {
    /// # Errors
    /// A number out of bounds.
    pub const fn new(limit: u32, per: Period) -> Result<Self, NotARate> {
        if limit == 0 || limit > MOST { Err(NotARate) } else { Ok(Self { limit, per }) }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.limit, self.per.name())
    }
}

#[cfg(test)]
mod tests;
