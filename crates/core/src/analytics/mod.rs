//! Analytics: how many signed in, failed to, were given tokens, were refused, and how many people were there,
//! by the hour (UTC), of the whole server and of each organisation.
//!
//! What the audit trail holds is counted as it is sealed, in the operation that seals it: the numbers are
//! those of the trail, whatever happens in between, and nobody ever reads the trail to count. Who is active
//! is also told by [usage](crate::usage), in the operation that writes it.
//!
//! People are told apart by a mark for each hour and day, which is needed only for as long as somebody may
//! still write late, and by the last hour of each person, from which a range up to now is counted. Days of
//! marks would have to be gone through for that.

mod count;
mod spend;
mod sql;

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use doorward_proto::time::Time;

pub(crate) use count::{Happened, Tally};
pub use spend::{Spend, spend};

use crate::{
    call::Call,
    db::Tx,
    orgs::OrgScope,
    outcome::{Code, Refusal, Result},
    usage::hour_of,
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Who was there longer ago than this when it is written is not counted as active: the marks are swept.
const LATEST: Duration = Duration::from_hours(48);
/// Marks that a process remembers; beyond, it asks the database.
const REMEMBERED: usize = 200_000;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Somebody signed in.
    SignIns,
    /// Somebody tried to sign in and was not let in.
    SignInsFailed,
    /// Somebody who was signed in to an application.
    AppSignIns,
    /// An access token was issued.
    Tokens,
    /// A credential was refused: at the gateway, by the API, by the protocol endpoints.
    Denials,
    /// People who were there, each once an hour and once a day.
    ActiveUsers,
}

impl Figure {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SignIns,
        Self::SignInsFailed,
        Self::AppSignIns,
        Self::Tokens,
        Self::Denials,
        Self::ActiveUsers,
    ];

    /// `sign_ins`, `sign_ins_failed`, `app_sign_ins`, `tokens`, `denials` or `active_users`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIns => "sign_ins",
            Self::SignInsFailed => "sign_ins_failed",
            Self::AppSignIns => "app_sign_ins",
            Self::Tokens => "tokens",
            Self::Denials => "denials",
            Self::ActiveUsers => "active_users",
        }
    }

    /// As what it is stored.
    const fn number(self, width: Width) -> i64 {
        match (self, width) {
            (Self::SignIns, _) => 0,
            (Self::SignInsFailed, _) => 1,
            (Self::AppSignIns, _) => 2,
            (Self::Tokens, _) => 3,
            (Self::Denials, _) => 4,
            (Self::ActiveUsers, Width::Hour) => 5,
            (Self::ActiveUsers, Width::Day) => 6,
        }
    }
}

/// The time that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Width {
    /// An hour.
    Hour,
    /// A day, in UTC.
    #[default]
    Day,
}

impl Width {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// `hour` or `day`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long it is.
    pub const fn length(self) -> Duration {
        match self {
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }

    /// The greatest range that is told at once.
    const fn most(self) -> Duration {
        match self {
            Self::Hour => Duration::from_hours(24 * 93),
            Self::Day => Duration::from_hours(24 * 3_700),
        }
    }

    /// The beginning of the hour or day that an instant is in.
    pub fn begin(self, at: Time) -> Time {
        match self {
            Self::Hour => hour_of(at),
            Self::Day => {
                let day = i64::try_from(DAY.as_secs()).unwrap_or(1);
                Time::from_seconds(at.as_seconds().div_euclid(day) * day)
            }
        }
    }
}

/// What of each there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([i64; Figure::ALL.len()]);

impl Counts {
    /// Of one.
    pub fn of(&self, figure: Figure) -> i64 {
        self.0.get(figure as usize).copied().unwrap_or_default()
    }

    fn add(&mut self, figure: Figure, times: i64) {
        if let Some(sum) = self.0.get_mut(figure as usize) {
            *sum = sum.saturating_add(times);
        }
    }

    /// Whether nothing has happened.
    pub fn is_nothing(&self) -> bool {
        self.0 == [0; Figure::ALL.len()]
    }
}

/// An hour or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its beginning.
    pub at: Time,
    /// What there was in it.
    pub counts: Counts,
}

/// Which time is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// From this hour or day on.
    pub from: Time,
    /// Before this one.
    pub to: Time,
    /// By what.
    pub width: Width,
}

impl Range {
    /// The last hours or days, the running one among them.
    pub fn last(now: Time, width: Width, number: u32) -> Self {
        let to = width.begin(now) + width.length();
        Self { from: to - width.length() * number, to, width }
    }

    fn check(&self) -> Result<()> {
        let refused = |field: &'static str, hint: &'static str| {
            Err(Refusal::new(Code::RequestInvalid).field(field).hint(hint).into())
        };
        for (field, at) in [("from", self.from), ("to", self.to)] {
            if self.width.begin(at) != at {
                return refused(field, "Name the beginning of an hour, or by the day of a day, in UTC");
            }
        }
        if self.from > self.to {
            return refused("from", "It is after the end");
        }
        if self.from + self.width.most() < self.to {
            return refused("from", "That is too much at once: by the hour 93 days, by the day ten years");
        }
        Ok(())
    }
}

/// What there was in a range.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Every hour or day of it, the oldest first.
    pub rows: Vec<Row>,
    /// What they come to. People are not added up: those of the whole range, where it reaches up to now.
    pub totals: Counts,
    /// Whether the people of the whole range are known.
    pub knows_people: bool,
}

/// What there was in a range, of the whole server.
///
/// # Errors
/// `RequestInvalid` for a range that is none, or too long.
pub async fn of_all(call: &Call, range: Range) -> Result<Found> {
    read(call, String::new(), range).await
}

/// What there was in an organisation's name.
///
/// # Errors
/// As [`of_all`].
pub async fn of_org(call: &Call, scope: &OrgScope, range: Range) -> Result<Found> {
    read(call, scope.id().to_string(), range).await
}

async fn read(call: &Call, org: String, range: Range) -> Result<Found> {
    range.check()?;
    let knows_people = range.to > call.now;
    let (stored, people) = call
        .realm
        .db
        .scan("analytics.read", (org, range, knows_people), |tx, (org, range, knows_people)| {
            Box::pin(async move {
                let people = if *knows_people { sql::people(tx, org, range.from).await? } else { 0 };
                Ok((sql::read(tx, org, range).await?, people))
            })
        })
        .await?;
    let mut found = Found { knows_people, ..Found::default() };
    let mut stored = stored.into_iter().peekable();
    let mut at = range.from;
    while at < range.to {
        let mut row = Row { at, counts: Counts::default() };
        while let Some((_, number, times)) = stored.next_if(|(begin, _, _)| *begin <= at) {
            let Some(figure) = Figure::ALL.into_iter().find(|it| it.number(range.width) == number) else {
                continue;
            };
            row.counts.add(figure, times);
            if figure != Figure::ActiveUsers {
                found.totals.add(figure, times);
            }
        }
        found.rows.push(row);
        at = at + range.width.length();
    }
    found.totals.add(Figure::ActiveUsers, people);
    Ok(found)
}

/// Somebody was there in this hour, in the name of an organisation or of none (an empty text).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) org: String,
    pub(crate) hour: Time,
    pub(crate) user: String,
}

impl Mark {
    /// The marks of a person: the server's, and the organisation's.
    pub(crate) fn both<'a>(org: &'a str, hour: Time, user: &'a str) -> impl Iterator<Item = Self> + 'a {
        let orgs = std::iter::once("").chain(Some(org).filter(|org| !org.is_empty()));
        orgs.map(move |org| Self { org: org.to_owned(), hour, user: user.to_owned() })
    }
}

/// Marks that this process knows to be written: most of what is met again is not written again.
#[derive(Default)]
pub(crate) struct Marked(Mutex<HashSet<Mark>>);

impl Marked {
    fn with<T>(&self, work: impl FnOnce(&mut HashSet<Mark>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those that may not be written yet.
    pub(crate) fn new_of(&self, marks: BTreeSet<Mark>) -> BTreeSet<Mark> {
        self.with(|known| marks.into_iter().filter(|mark| !known.contains(mark)).collect())
    }

    /// These are written, and that is committed.
    pub(crate) fn learn(&self, marks: BTreeSet<Mark>, now: Time) {
        self.with(|known| {
            if known.len() + marks.len() > REMEMBERED {
                known.retain(|mark| mark.hour >= hour_of(now));
            }
            let room = REMEMBERED.saturating_sub(known.len());
            known.extend(marks.into_iter().take(room));
        });
    }
}

/// Writes what was counted; with what it was counted from.
pub(crate) async fn write(tx: &mut Tx<'_>, tally: &Tally, now: Time) -> Result<()> {
    sql::write(tx, tally, now - LATEST).await
}

/// Drops what is older than that, a batch of it; answers how many rows went.
pub(crate) async fn clean(tx: &mut Tx<'_>, now: Time, kept: Duration) -> Result<u64> {
    // Whole days: what is dropped of a day is missed from its sum.
    sql::drop_before(tx, Width::Day.begin(now - kept), Width::Day.begin(now - LATEST)).await
}

#[cfg(test)]
mod tests;
