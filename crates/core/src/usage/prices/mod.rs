//! Prices: what one of something costs, from an hour on.
//!
//! A price begins at an hour that is still to come and stays: what was billed under it comes to the same
//! whenever it is asked for again. Another price ends it, from an hour that is still to come; one that has not
//! begun can be taken back. What an hour of usage costs is reckoned row by row in billionths of the currency
//! unit, so sums are exact whatever they are put together by.

pub(super) mod sql;

use std::time::Duration;

use doorward_proto::{
    id::{self, Id},
    time::Time,
};

use super::{Kind, hour_of};
use crate::{
    audit::{self, Event},
    call::Call,
    db::Tx,
    outcome::{Code, Error, Refusal, Result},
};

const HOUR: Duration = Duration::from_hours(1);
/// Prices at the most.
const MOST: i64 = 1_000;
/// The highest price: a hundred of the currency unit.
pub const HIGHEST: i64 = 100_000_000;
/// How far ahead one may begin.
const AHEAD: Duration = Duration::from_hours(24 * 3_660);
const LONGEST_ROUTE: usize = 64;
/// Held by every change, so that prices of one thing follow one another.
const LOCK: &str = "doorward.prices";
/// The end of a price that nothing ends.
pub(super) const OPEN: Time = Time::from_micros(i64::MAX);

/// What has a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meter {
    /// A request that was let through.
    Request,
    /// A sign-in to an application.
    SignIn,
    /// An answer with tokens.
    Token,
    /// A gigabyte (1,000,000,000 bytes) of bodies that came in.
    GigabyteIn,
    /// A gigabyte of bodies that went out.
    GigabyteOut,
}

impl Meter {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Request, Self::SignIn, Self::Token, Self::GigabyteIn, Self::GigabyteOut];

    /// `request`, `sign_in`, `token`, `gigabyte_in` or `gigabyte_out`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::SignIn => "sign_in",
            Self::Token => "token",
            Self::GigabyteIn => "gigabyte_in",
            Self::GigabyteOut => "gigabyte_out",
        }
    }

    /// Of what it is a part.
    pub const fn kind(self) -> Kind {
        match self {
            Self::SignIn => Kind::SignIn,
            Self::Token => Kind::Token,
            Self::Request | Self::GigabyteIn | Self::GigabyteOut => Kind::Request,
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Request => 0,
            Self::SignIn => 1,
            Self::Token => 2,
            Self::GigabyteIn => 3,
            Self::GigabyteOut => 4,
        }
    }
}

/// A price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Its id.
    pub id: Id<id::Price>,
    /// Of what.
    pub meter: Meter,
    /// Under which route; an empty text for those that have no price of their own.
    pub route: String,
    /// Millionths of the currency unit for one.
    pub micros: i64,
    /// From this hour on.
    pub valid_from: Time,
    /// Before this hour; none where nothing ends it.
    pub valid_until: Option<Time>,
    /// When it was set.
    pub created_at: Time,
}

impl Price {
    /// Whether it counts already, or has.
    pub fn has_begun(&self, now: Time) -> bool {
        self.valid_from <= now
    }

    fn event(&self, call: &Call, code: &'static str) -> Result<Event> {
        Ok(Event::new(call, code)?
            .subject(self.id)
            .fact("meter", self.meter.name())
            .fact("route", self.route.clone())
            .fact("price_micros", self.micros)
            .fact("valid_from", self.valid_from.to_string()))
    }
}

/// A price to set.
#[derive(Debug, Clone)]
pub struct NewPrice {
    /// Of what.
    pub meter: Meter,
    /// Under which route; of all that have no price of their own where it is none.
    pub route: Option<String>,
    /// Millionths of the currency unit for one.
    pub micros: i64,
    /// From this hour on; the next one unless set.
    pub valid_from: Option<Time>,
}

fn wrong(field: &'static str, hint: &'static str) -> Error {
    Refusal::new(Code::RequestInvalid).field(field).hint(hint).into()
}

impl NewPrice {
    fn check(self, call: &Call) -> Result<Price> {
        let next = hour_of(call.now) + HOUR;
        let valid_from = self.valid_from.unwrap_or(next);
        if hour_of(valid_from) != valid_from {
            return Err(wrong("valid_from", "Name a whole hour, as in 2026-12-01T00:00:00Z"));
        }
        if valid_from < next {
            return Err(wrong("valid_from", "Name an hour to come: what was billed stays as it was"));
        }
        if valid_from > call.now + AHEAD {
            return Err(wrong("valid_from", "That is more than ten years ahead"));
        }
        if !(0..=HIGHEST).contains(&self.micros) {
            return Err(wrong("price_micros", "It is millionths, from 0 to 100000000"));
        }
        let route = self.route.unwrap_or_default();
        if !route.is_empty() && self.meter.kind() != Kind::Request {
            return Err(wrong("route", "Sign-ins and tokens are not counted by route"));
        }
        if route.len() > LONGEST_ROUTE || route.chars().any(char::is_control) {
            return Err(wrong("route", "A route has a name of 64 characters at the most"));
        }
        Ok(Price {
            id: call.id()?,
            meter: self.meter,
            route,
            micros: self.micros,
            valid_from,
            valid_until: None,
            created_at: call.now,
        })
    }
}

/// Every price, of each thing from the first on.
///
/// # Errors
/// A fault when the database does not answer.
pub async fn list(call: &Call) -> Result<Vec<Price>> {
    call.realm.db.read("prices.list", (), |tx, ()| Box::pin(async move { sql::all(tx, MOST).await })).await
}

/// Sets a price.
///
/// # Errors
/// `RequestInvalid` for what makes no sense, and for an hour that has begun; `Conflict` when one begins in
/// that hour already, or there are too many.
pub async fn create(call: &Call, new: NewPrice) -> Result<Price> {
    let ask = (call.clone(), new.check(call)?);
    call.realm.db.write("prices.create", ask, |tx, (call, price)| Box::pin(insert(tx, call, price))).await
}

async fn insert(tx: &mut Tx<'_>, call: &Call, price: &Price) -> Result<Price> {
    tx.lock_exclusive(&[LOCK]).await?;
    let all = sql::all(tx, MOST).await?;
    if i64::try_from(all.len())? >= MOST {
        return Err(Refusal::new(Code::Conflict).hint("There are 1000 prices already").into());
    }
    let same: Vec<&Price> =
        all.iter().filter(|one| one.meter == price.meter && one.route == price.route).collect();
    if same.iter().any(|one| one.valid_from == price.valid_from) {
        let hint = "Another price begins in this hour; take it back first";
        return Err(Refusal::new(Code::Conflict).field("valid_from").hint(hint).into());
    }
    let next = same.iter().map(|one| one.valid_from).filter(|at| *at > price.valid_from).min();
    let price = Price { valid_until: next, ..price.clone() };
    if let Some(before) = same.iter().rfind(|one| one.valid_from < price.valid_from) {
        sql::end(tx, before.id, price.valid_from).await?;
    }
    sql::insert(tx, &price).await?;
    audit::record(tx, &price.event(call, "price.created")?).await?;
    Ok(price)
}

/// Takes back a price that has not begun.
///
/// # Errors
/// `NotFound`; `Conflict` when it has begun.
pub async fn delete(call: &Call, id: Id<id::Price>) -> Result<()> {
    let ask = (call.clone(), id);
    call.realm.db.write("prices.delete", ask, |tx, (call, id)| Box::pin(take_back(tx, call, *id))).await
}

async fn take_back(tx: &mut Tx<'_>, call: &Call, id: Id<id::Price>) -> Result<()> {
    tx.lock_exclusive(&[LOCK]).await?;
    let all = sql::all(tx, MOST).await?;
    let Some(price) = all.iter().find(|one| one.id == id) else {
        return Err(Refusal::new(Code::NotFound).into());
    };
    if price.has_begun(call.now) {
        let hint = "It counts already. Set another price, which ends it; 0 is for nothing";
        return Err(Refusal::new(Code::Conflict).hint(hint).into());
    }
    let is_before = |one: &&Price| {
        one.meter == price.meter && one.route == price.route && one.valid_from < price.valid_from
    };
    sql::delete(tx, id).await?;
    if let Some(before) = all.iter().rfind(is_before) {
        sql::end(tx, before.id, price.valid_until.unwrap_or(OPEN)).await?;
    }
    audit::record(tx, &price.event(call, "price.deleted")?).await
}

/// An amount in billionths of the currency unit, with nine places: `12.340000000`.
pub fn amount(nanos: i64) -> String {
    let whole = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    format!("{sign}{}.{:09}", whole / 1_000_000_000, whole % 1_000_000_000)
}
