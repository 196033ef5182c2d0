//! Usage: how often somebody did something, by the hour, for billing and for charts.
//!
//! What happens is counted in memory ([`Meter`]) and written together, once a second and at a stop, so that
//! a request waits for nothing. The numbers are exact: a batch that was not written for certain is kept and
//! written again before anything newer, under its old number, and the database takes each number of a
//! process once. What a process that is killed had not written yet is lost: a second's counts at the most,
//! while the database answers.
//!
//! Only ids are kept, no names and no addresses: who was deleted is a number like any other.

mod meter;
pub mod prices;
mod query;
mod sql;

use std::{iter::Sum, ops::AddAssign};

pub use meter::{Batch, Meter, flush, write};
pub use query::{Ask, By, Filter, Found, GREATEST_PAGE, Row, Sum as Total, read, sum, totals};

use doorward_proto::time::Time;

use crate::{db::Tx, outcome::Result};

/// Seconds of an hour.
const HOUR: i64 = 3600;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Kind {
    /// A request that the gateway has judged.
    #[default]
    Request,
    /// Somebody who was signed in to an application.
    SignIn,
    /// An answer with tokens.
    Token,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Request, Self::SignIn, Self::Token];

    /// `request`, `sign_in` or `token`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::SignIn => "sign_in",
            Self::Token => "token",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Request => 0,
            Self::SignIn => 1,
            Self::Token => 2,
        }
    }
}

/// Whose it is and how it ended; an empty text where nobody or nothing is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sample<'s> {
    /// What is counted.
    pub kind: Kind,
    /// The organisation.
    pub org: &'s str,
    /// The person, service token or application.
    pub principal: &'s str,
    /// The application it came through.
    pub client: &'s str,
    /// The agent that acted.
    pub agent: &'s str,
    /// The route of the gateway.
    pub route: &'s str,
    /// The class of the HTTP status, 1 to 5; 0 for who left before the answer.
    pub status: u8,
}

/// How often, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Times.
    pub requests: i64,
    /// Of these, those that were not let through.
    pub denied: i64,
    /// Bytes of bodies that came in.
    pub request_bytes: i64,
    /// Bytes of bodies that went out.
    pub response_bytes: i64,
    /// Time in all, in microseconds.
    pub micros: i64,
}

impl Counts {
    /// One that was let through.
    pub const ONE: Self = Self { requests: 1, denied: 0, request_bytes: 0, response_bytes: 0, micros: 0 };
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.denied = self.denied.saturating_add(other.denied);
        self.request_bytes = self.request_bytes.saturating_add(other.request_bytes);
        self.response_bytes = self.response_bytes.saturating_add(other.response_bytes);
        self.micros = self.micros.saturating_add(other.micros);
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

/// The hour that an instant is in.
pub fn hour_of(at: Time) -> Time {
    Time::from_seconds(at.as_seconds().div_euclid(HOUR) * HOUR)
}

/// Drops hours that began before this, a batch of them; answers how many rows went.
pub(crate) async fn clean(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    sql::drop_before(tx, before).await
}

/// Forgets processes that have written nothing since then.
pub(crate) async fn forget_writers(tx: &mut Tx<'_>, before: Time) -> Result<u64> {
    sql::forget_writers(tx, before).await
}
