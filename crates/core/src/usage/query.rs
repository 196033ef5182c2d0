//! Reading usage: any groups, any filters, a page at a time, and what it comes to in all.

use doorward_proto::time::Time;
use serde::{Deserialize, Serialize};

use super::{Counts, Kind, hour_of, prices, sql};
use crate::{
    call::Call,
    outcome::{Code, Refusal, Result},
};

/// Rows in one page at the most.
pub const GREATEST_PAGE: u32 = 5_000;

/// By what counts are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The hour.
    Hour,
    /// The day, in UTC.
    Day,
    /// The organisation.
    Org,
    /// The person, service token or application.
    User,
    /// The application it came through.
    Client,
    /// The agent that acted.
    Agent,
    /// The route of the gateway.
    Route,
    /// The class of the HTTP status.
    Status,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Hour, Self::Day, Self::Org, Self::User, Self::Client, Self::Agent, Self::Route, Self::Status];

    /// `hour`, `day`, `org`, `user`, `client`, `agent`, `route` or `status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Org => "org",
            Self::User => "user",
            Self::Client => "client",
            Self::Agent => "agent",
            Self::Route => "route",
            Self::Status => "status",
        }
    }
}

/// Which counts are wanted; what is not set does not matter, and an empty text is who or what has no name.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// From this hour on.
    pub from: Time,
    /// Before this hour.
    pub to: Time,
    /// What was counted.
    pub kind: Kind,
    /// Of this organisation.
    pub org: Option<String>,
    /// Of this person, service token or application.
    pub user: Option<String>,
    /// Through this application.
    pub client: Option<String>,
    /// By this agent.
    pub agent: Option<String>,
    /// Under this route.
    pub route: Option<String>,
    /// Of this class.
    pub status: Option<u8>,
}

/// One page of groups.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Of which counts.
    pub filter: Filter,
    /// By what; one group of all without any.
    pub by: Vec<By>,
    /// The last group of the page before.
    pub after: Option<String>,
    /// Groups at the most.
    pub limit: u32,
}

/// Which group it is. What it was not put together by is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) at: i64,
    pub(super) org: String,
    pub(super) user: String,
    pub(super) client: String,
    pub(super) agent: String,
    pub(super) route: String,
    pub(super) status: i64,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    pub(super) group: Group,
    /// What it comes to.
    pub counts: Counts,
    /// What it costs, in billionths of the currency unit.
    pub cost: i64,
}

impl Row {
    /// The beginning of its hour or day.
    pub const fn at(&self) -> Time {
        Time::from_micros(self.group.at)
    }

    /// What it is called by one of what it was put together by, in words.
    pub fn name(&self, by: By) -> String {
        match by {
            By::Hour => self.at().to_string(),
            By::Day => self.at().to_string().chars().take(10).collect(),
            By::Org => self.group.org.clone(),
            By::User => self.group.user.clone(),
            By::Client => self.group.client.clone(),
            By::Agent => self.group.agent.clone(),
            By::Route => self.group.route.clone(),
            By::Status => match self.group.status {
                0 => "none".to_owned(),
                class => format!("{class}xx"),
            },
        }
    }
}

/// One page.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Its groups, in the order of their names.
    pub rows: Vec<Row>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
    /// Whether anything of this kind has, had or will have a price.
    pub is_priced: bool,
}

/// What something comes to in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// How often, and how much.
    pub counts: Counts,
    /// What it costs, in billionths of the currency unit; none where nothing has a price.
    pub cost: Option<i64>,
}

fn check(filter: &Filter) -> Result<()> {
    let refused = |field: &'static str, hint: &'static str| {
        Err(Refusal::new(Code::RequestInvalid).field(field).hint(hint).into())
    };
    for (field, at) in [("from", filter.from), ("to", filter.to)] {
        if hour_of(at) != at {
            return refused(
                field,
                "Usage is counted by the hour: name a whole one, as in 2026-11-22T10:00:00Z",
            );
        }
    }
    if filter.from > filter.to {
        return refused("from", "It is after the end");
    }
    Ok(())
}

/// A page of groups.
///
/// # Errors
/// `RequestInvalid` for what is no whole hour, and for what cannot be put together.
pub async fn read(call: &Call, ask: Ask) -> Result<Found> {
    check(&ask.filter)?;
    let mut by = ask.by.clone();
    by.sort_unstable();
    by.dedup();
    let refused = |field, hint| Refusal::new(Code::RequestInvalid).field(field).hint(hint);
    if by.starts_with(&[By::Hour, By::Day]) {
        return Err(refused("by", "It is by the hour or by the day").into());
    }
    let after = ask.after.as_deref().map(serde_json::from_str::<Group>).transpose();
    let after = after.map_err(|_| refused("cursor", "The cursor is not one of ours"))?;
    let limit = ask.limit.clamp(1, GREATEST_PAGE);
    let select = (ask.filter, by, after, i64::from(limit) + 1);
    let (mut rows, is_priced) = call
        .realm
        .db
        .scan("usage.read", select, |tx, (filter, by, after, limit)| {
            Box::pin(async move {
                let is_priced = prices::sql::is_priced(tx, filter.kind).await?;
                Ok((sql::read(tx, filter, (by, after.as_ref()), (*limit, is_priced)).await?, is_priced))
            })
        })
        .await?;
    let limit = usize::try_from(limit)?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more);
    let next = last.map(|row| serde_json::to_string(&row.group)).transpose()?;
    Ok(Found { rows, next, is_priced })
}

/// What it comes to in all.
///
/// # Errors
/// As [`read`].
pub async fn totals(call: &Call, filter: Filter) -> Result<Counts> {
    Ok(sum(call, filter).await?.counts)
}

/// What it comes to in all, and what that costs.
///
/// # Errors
/// As [`read`].
pub async fn sum(call: &Call, filter: Filter) -> Result<Sum> {
    let found = read(call, Ask { filter, by: Vec::new(), after: None, limit: 1 }).await?;
    let row = found.rows.into_iter().next().unwrap_or_default();
    Ok(Sum { counts: row.counts, cost: found.is_priced.then_some(row.cost) })
}
