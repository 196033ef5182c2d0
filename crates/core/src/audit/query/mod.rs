//! Reading the trail: filters, paging by key, following.
//!
//! An event is in the intake or in the chain, and in both the order is that of arrival, which sealing
//! keeps. So a page begins behind the last event of the page before, wherever that one is by now, and
//! nothing is lost or shown twice. A follower goes by the number in the chain.

mod sql;

use std::{net::IpAddr, time::Duration};

use doorward_proto::{
    id::{self, Id},
    time::Time,
};
use serde_json::{Map, Value as Json};

use super::Outcome;
use crate::{
    outcome::{Error, Result},
    realm::Realm,
};

/// Rows in one page at the most.
pub const MAX_PAGE: usize = 1_000;
/// Events arrive in the order of their times but for this much: the clocks of nodes differ, and
/// operations take their time.
const DISORDER: Duration = Duration::from_mins(60);

/// Which events are wanted; what is not set does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Who did it: an id, or `anonymous`, `bootstrap`, `local`, `system`.
    pub actor: Option<String>,
    /// Whom or what it happened to.
    pub subject: Option<String>,
    /// The application it happened through.
    pub client: Option<String>,
    /// The organisation it belongs to.
    pub org: Option<String>,
    /// What happened; `user.` stands for everything that begins so.
    pub code: Option<String>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Not before.
    pub since: Option<Time>,
    /// Before.
    pub until: Option<Time>,
    /// The request it happened in.
    pub request_id: Option<String>,
    /// From where: the client's address, as long as the personal detail is there.
    pub address: Option<IpAddr>,
}

/// One event, as it is shown.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Entry {
    /// Its number in the chain, once it is sealed.
    pub seq: Option<i64>,
    /// Its id.
    pub id: String,
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub code: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The organisation, or empty.
    pub org: String,
    /// Who did it.
    pub actor: String,
    /// Whom or what it happened to, or empty.
    pub subject: String,
    /// The application, or empty.
    pub client: String,
    /// The request it happened in.
    pub request_id: String,
    /// What stays for ever.
    pub facts: Map<String, Json>,
    /// The personal part; none once it is erased.
    pub detail: Option<Map<String, Json>>,
}

impl Filter {
    /// How an event's detail says where it came from.
    fn detail_pattern(&self) -> Option<String> {
        // An address has nothing that a pattern could take for more than itself.
        self.address.map(|address| format!("%\"address\":\"{address}\"%"))
    }

    /// The ids from which on, and before which, every event must have arrived that happened in time.
    fn arrived(&self) -> (Option<String>, Option<String>) {
        let at = |time: Time| Id::<id::Event>::new(time, [0; 10]).to_string();
        (self.since.map(|since| at(since - DISORDER)), self.until.map(|until| at(until + DISORDER)))
    }
}

/// The newest events first, at most `limit`, older than the event `before` (the last of the page before).
pub async fn list(realm: &Realm, filter: Filter, before: Option<String>, limit: usize) -> Result<Vec<Entry>> {
    let limit = limit.min(MAX_PAGE);
    let ask = (filter, before, i64::try_from(limit)?);
    realm
        .db
        .scan("audit.list", ask, |tx, (filter, before, limit)| {
            Box::pin(async move {
                let begin = match before {
                    Some(id) => sql::place(tx, id).await?,
                    None => Begin::AtTheEnd,
                };
                let mut found = sql::list_unsealed(tx, filter, begin, *limit).await?;
                if let rest @ 1.. = *limit - i64::try_from(found.len())? {
                    found.extend(sql::list_sealed(tx, filter, begin, rest).await?);
                }
                Ok(found)
            })
        })
        .await
}

/// Behind what a page begins.
#[derive(Debug, Clone, Copy)]
enum Begin {
    AtTheEnd,
    /// This number in the intake.
    Unsealed(i64),
    /// This number in the chain.
    Sealed(i64),
}

/// The next sealed events after number `after`, oldest first.
pub async fn follow(realm: &Realm, filter: Filter, after: i64, limit: usize) -> Result<Vec<Entry>> {
    let ask = (filter, after, i64::try_from(limit.min(MAX_PAGE))?);
    realm
        .db
        .scan("audit.follow", ask, |tx, (filter, after, limit)| {
            Box::pin(async move { sql::follow(tx, filter, *after, *limit).await })
        })
        .await
}

/// The number of the newest sealed event: where a follower begins.
pub async fn tip(realm: &Realm) -> Result<i64> {
    let tip =
        realm.db.read("audit.tip", (), |tx, ()| Box::pin(async move { super::sql::last(tx).await })).await?;
    Ok(tip.map_or(0, |tip| tip.seq))
}

/// One event.
pub async fn find(realm: &Realm, id: Id<id::Event>) -> Result<Option<Entry>> {
    let id = id.to_string();
    realm.db.read("audit.find", id, |tx, id| Box::pin(async move { sql::find(tx, id).await })).await
}

fn outcome(number: i64) -> Result<Outcome> {
    match number {
        0 => Ok(Outcome::Granted),
        1 => Ok(Outcome::Refused),
        _ => Err(Error::fault("an event has an unknown outcome")),
    }
}
