//! Routes of the gateway that were made through the API, beside those of the configuration.
//!
//! A route is kept as it is written; what its members mean, and whether they make sense, is not known here.
//! Every change raises the `changes` counter, by which the nodes learn to read the routes again.

mod sql;

use doorward_proto::{
    id::{Id, Route as RouteKind},
    time::Time,
};
use serde_json::{Map, Value as Json};

use crate::{
    audit::{self, Event},
    call::Call,
    db::{ReadTx, Tx},
    outcome::{Code, Error, Refusal, Result, refuse},
};

/// Routes at the most: every request is held against all of them.
const MOST: i64 = 1_000;
/// Bytes of one at the most.
const LONGEST: usize = 16 * 1024;
const LONGEST_NAME: usize = 64;
/// Held by every change, so that names and the number of routes are counted once.
const LOCK: &str = "doorward.routes";

/// A route.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Its id.
    pub id: Id<RouteKind>,
    /// What it is called.
    pub name: String,
    /// Its members, the name among them.
    pub spec: Map<String, Json>,
    /// Rises with every change; the entity tag.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// By whom, as the audit trail names actors.
    pub created_by: String,
    /// When it was changed last.
    pub updated_at: Time,
    /// By whom.
    pub updated_by: String,
}

impl Route {
    fn event(&self, call: &Call, code: &'static str) -> Result<Event> {
        Ok(Event::new(call, code)?.subject(self.id).fact("name", self.name.clone()))
    }
}

/// The name of a route as it is written.
///
/// # Errors
/// `RequestInvalid`.
pub fn name(spec: &Map<String, Json>) -> Result<&str> {
    let wrong =
        || Refusal::new(Code::RequestInvalid).field("name").hint("A name is 1 to 64 of A-Z a-z 0-9 . _ -");
    let name = spec.get("name").and_then(Json::as_str).ok_or_else(wrong)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_id = name.parse::<Id<RouteKind>>().is_ok();
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) || is_id {
        return Err(wrong().into());
    }
    Ok(name)
}

fn check(spec: &Map<String, Json>) -> Result<String> {
    let name = name(spec)?.to_owned();
    if serde_json::to_string(spec)?.len() > LONGEST {
        return Err(Refusal::new(Code::RequestInvalid).hint("A route is 16 KiB at the most").into());
    }
    Ok(name)
}

/// Every route, in the order in which they were made.
///
/// # Errors
/// A fault when the database does not answer.
pub async fn all(call: &Call) -> Result<Vec<Route>> {
    call.realm.db.read("routes.all", (), |tx, ()| Box::pin(async move { sql::all(tx, MOST).await })).await
}

/// Looks a route up by its id or its name.
///
/// # Errors
/// `RouteUnknown`.
pub async fn find(call: &Call, key: &str) -> Result<Route> {
    call.realm
        .db
        .read("routes.find", key.to_owned(), |tx, key| Box::pin(async move { present(tx, key).await }))
        .await
}

async fn present(tx: &mut ReadTx<'_>, key: &str) -> Result<Route> {
    let found = match key.parse() {
        Ok(id) => sql::find(tx, id).await?,
        Err(_) => sql::find_named(tx, key).await?,
    };
    found.map_or_else(|| refuse(Code::RouteUnknown), Ok)
}

fn taken() -> Error {
    Refusal::new(Code::Conflict).field("name").hint("Another route has this name").into()
}

/// Makes a route whose members make sense.
///
/// # Errors
/// `RequestInvalid`; `Conflict` when the name is taken or there are too many.
pub async fn create(call: &Call, spec: Map<String, Json>) -> Result<Route> {
    let (name, by) = (check(&spec)?, call.actor.name());
    let route = Route {
        id: call.id()?,
        name,
        spec,
        version: 1,
        created_at: call.now,
        created_by: by.clone(),
        updated_at: call.now,
        updated_by: by,
    };
    let ask = (call.clone(), route);
    call.realm.db.write("routes.create", ask, |tx, (call, route)| Box::pin(insert(tx, call, route))).await
}

async fn insert(tx: &mut Tx<'_>, call: &Call, route: &Route) -> Result<Route> {
    tx.lock_exclusive(&[LOCK]).await?;
    if i64::try_from(sql::all(tx, MOST).await?.len())? >= MOST {
        return Err(Refusal::new(Code::Conflict).hint("There are 1000 routes already").into());
    }
    if !sql::insert(tx, route).await? {
        return Err(taken());
    }
    tx.raise_changes().await?;
    let event = route.event(call, "route.created")?.fact("route", Json::Object(route.spec.clone()));
    audit::record(tx, &event).await?;
    Ok(route.clone())
}

struct Update {
    call: Call,
    id: Id<RouteKind>,
    seen: i64,
    name: String,
    spec: Map<String, Json>,
}

/// Writes a route anew that is still at the version seen.
///
/// # Errors
/// `RouteUnknown`, `VersionMismatch`, `RequestInvalid`; `Conflict` when the name is taken.
pub async fn update(call: &Call, (id, seen): (Id<RouteKind>, i64), spec: Map<String, Json>) -> Result<Route> {
    let name = check(&spec)?;
    let ask = Update { call: call.clone(), id, seen, name, spec };
    call.realm.db.write("routes.update", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Update {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Route> {
        tx.lock_exclusive(&[LOCK]).await?;
        let (call, key) = (&self.call, self.id.to_string());
        let before = present(tx, &key).await?;
        if sql::find_named(tx, &self.name).await?.is_some_and(|other| other.id != self.id) {
            return Err(taken());
        }
        let spec = serde_json::to_string(&self.spec)?;
        let by = (call.now, &*call.actor.name());
        if !sql::update(tx, (self.id, self.seen), (&self.name, spec), by).await? {
            return refuse(Code::VersionMismatch);
        }
        tx.raise_changes().await?;
        let event = before.event(call, "route.changed")?.fact("before", Json::Object(before.spec.clone()));
        audit::record(tx, &event.fact("route", Json::Object(self.spec.clone()))).await?;
        present(tx, &key).await
    }
}

/// Takes a route away that is still at the version seen.
///
/// # Errors
/// `RouteUnknown`, `VersionMismatch`.
pub async fn delete(call: &Call, id: Id<RouteKind>, seen: i64) -> Result<()> {
    let ask = (call.clone(), id, seen);
    call.realm
        .db
        .write("routes.delete", ask, |tx, (call, id, seen)| {
            Box::pin(async move {
                tx.lock_exclusive(&[LOCK]).await?;
                let before = present(tx, &id.to_string()).await?;
                if !sql::delete(tx, (*id, *seen)).await? {
                    return refuse(Code::VersionMismatch);
                }
                tx.raise_changes().await?;
                let event = before.event(call, "route.deleted")?;
                audit::record(tx, &event.fact("before", Json::Object(before.spec.clone()))).await
            })
        })
        .await
}
