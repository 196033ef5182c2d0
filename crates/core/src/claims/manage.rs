//! Making, changing and removing mappings.

use doorward_proto::id::{self, Id};

use super::{MOST, Mapping, Owner, Target, engine, may_be_called, sql};
use crate::{
    apis,
    audit::{self, Event},
    call::Call,
    clients,
    db::Tx,
    orgs::OrgScope,
    outcome::{Code, Refusal, Result, refuse},
    page::{Page, PageAsk},
};

/// What it takes to see them.
pub const READ: &str = "org:claims:read";
/// What it takes to make, change, remove and try them.
pub const WRITE: &str = "org:claims:write";

// Those of the server belong to who runs it.
const SEEN_BY: &str = "admin:orgs:read";
pub(super) const CHANGED_BY: &str = "admin:orgs:write";

/// What of an organisation a mapping is of, as it is named.
#[derive(Debug, Clone, Default)]
pub struct Whose {
    /// The public name or id of one of its applications.
    pub client: Option<String>,
    /// The identifier or id of one of its APIs.
    pub api: Option<String>,
}

/// A mapping to make.
#[derive(Debug, Clone)]
pub struct NewMapping {
    /// The organisation itself, unless it says more.
    pub whose: Whose,
    /// The claim's name.
    pub name: String,
    /// What it shall be.
    pub change: Change,
}

/// What a mapping shall be.
#[derive(Debug, Clone)]
pub struct Change {
    /// The CEL expression.
    pub expression: String,
    /// Where it is told.
    pub into: Vec<Target>,
}

/// A page of mappings, by id.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Which page.
    pub page: PageAsk,
    /// Only those of an application or API.
    pub whose: Whose,
}

/// A page of an organisation's mappings.
///
/// # Errors
/// `ScopeMissing`, `NotFound` for an application or API that is not the organisation's.
pub async fn list(call: &Call, scope: &OrgScope, ask: ListAsk) -> Result<Page<Mapping>> {
    scope.runs(READ, SEEN_BY)?;
    let owner = owner(call, scope, &ask.whose).await?;
    let ask = (scope.id(), Some(owner).filter(|owner| *owner != Owner::Org), ask.page);
    call.realm
        .db
        .read("claims.list", ask, |tx, (org, owner, page)| {
            Box::pin(async move {
                let rows = sql::list(tx, *org, *owner, page).await?;
                Ok(page.page(rows, |mapping| mapping.id.to_string()))
            })
        })
        .await
}

/// One mapping; who changes mappings also sees them.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn get(call: &Call, scope: &OrgScope, id: Id<id::ClaimMapping>) -> Result<Mapping> {
    scope.runs(WRITE, CHANGED_BY).or_else(|_| scope.runs(READ, SEEN_BY))?;
    let read = call.realm.db.read("claims.get", (scope.id(), id), |tx, (org, id)| {
        Box::pin(async move { sql::find(tx, *org, *id).await })
    });
    read.await?.map_or_else(|| refuse(Code::NotFound), Ok)
}

/// What is named has to be the organisation's own.
async fn owner(call: &Call, scope: &OrgScope, whose: &Whose) -> Result<Owner> {
    let (owner, org) = match (&whose.client, &whose.api) {
        (None, None) => return Ok(Owner::Org),
        (Some(client), None) => {
            let client = clients::manage::get(call, client).await?;
            (Owner::Client(client.id), client.org)
        }
        (None, Some(api)) => {
            let api = apis::get(call, api).await?;
            (Owner::Api(api.id), api.org)
        }
        (Some(_), Some(_)) => {
            let hint = "A claim is of an application or of an API";
            return Err(Refusal::new(Code::RequestInvalid).field("api").hint(hint).into());
        }
    };
    if org == scope.id() { Ok(owner) } else { refuse(Code::NotFound) }
}

struct Ask {
    call: Call,
    scope: OrgScope,
    mapping: Mapping,
}

/// Makes a mapping.
///
/// # Errors
/// `ScopeMissing`, `NotFound` for an application or API that is not the organisation's, `RequestInvalid` for a
/// name that is not free and an expression that is refused, `Conflict` where there is one of the name.
pub async fn create(call: &Call, scope: &OrgScope, new: NewMapping) -> Result<Mapping> {
    scope.runs(WRITE, CHANGED_BY)?;
    let owner = owner(call, scope, &new.whose).await?;
    if !may_be_called(&new.name, scope.is_platform()) {
        let hint = "A claim's name has 1 to 128 visible letters, and is none that tokens have already";
        return Err(Refusal::new(Code::RequestInvalid).field("name").hint(hint).into());
    }
    let Change { expression, into } = checked(new.change)?;
    let (id, now) = (call.id()?, call.now);
    let mapping = Mapping {
        id,
        org: scope.id(),
        owner,
        name: new.name,
        expression,
        into,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let ask = Ask { call: call.clone(), scope: scope.clone(), mapping };
    call.realm
        .db
        .write("claims.create", ask, |tx, ask| {
            Box::pin(async move {
                ask.scope.lock(tx).await?;
                let (org, mapping) = (ask.scope.id(), &ask.mapping);
                if sql::count(tx, org, mapping.owner).await? >= MOST {
                    let hint = "An application, an API, or an organisation itself has 100 claims at most";
                    return Err(Refusal::new(Code::Conflict).hint(hint).into());
                }
                if !sql::insert(tx, mapping).await? {
                    let taken = Refusal::new(Code::Conflict).field("name");
                    return Err(taken.hint("There is a claim of this name").into());
                }
                ask.record(tx, "claim.created").await?;
                Ok(mapping.clone())
            })
        })
        .await
}

fn checked(change: Change) -> Result<Change> {
    let Change { expression, mut into } = change;
    if into.is_empty() {
        let hint = "Say where it is told: access_token, id_token, userinfo";
        return Err(Refusal::new(Code::RequestInvalid).field("into").hint(hint).into());
    }
    into.dedup();
    let into = Target::ALL.into_iter().filter(|target| into.contains(target)).collect();
    engine::compile(&expression)?;
    Ok(Change { expression, into })
}

/// Changes a mapping that is still at the version seen.
///
/// # Errors
/// `ScopeMissing`, `RequestInvalid`, `NotFound`, `VersionMismatch`.
pub async fn update(
    call: &Call,
    scope: &OrgScope,
    (id, seen): (Id<id::ClaimMapping>, i64),
    change: Change,
) -> Result<Mapping> {
    let before = get(call, scope, id).await?;
    scope.runs(WRITE, CHANGED_BY)?;
    let Change { expression, into } = checked(change)?;
    let mapping = Mapping { expression, into, version: seen, updated_at: call.now, ..before };
    let ask = Ask { call: call.clone(), scope: scope.clone(), mapping };
    call.realm
        .db
        .write("claims.update", ask, |tx, ask| {
            Box::pin(async move {
                ask.scope.lock(tx).await?;
                if !sql::update(tx, &ask.mapping).await? {
                    return refuse(Code::VersionMismatch);
                }
                ask.record(tx, "claim.changed").await?;
                let found = sql::find(tx, ask.scope.id(), ask.mapping.id).await?;
                found.map_or_else(|| refuse(Code::NotFound), Ok)
            })
        })
        .await
}

/// Removes a mapping: the next token is without the claim.
///
/// # Errors
/// `ScopeMissing`, `NotFound`.
pub async fn remove(call: &Call, scope: &OrgScope, id: Id<id::ClaimMapping>) -> Result<()> {
    scope.runs(WRITE, CHANGED_BY)?;
    let mapping = get(call, scope, id).await?;
    let ask = Ask { call: call.clone(), scope: scope.clone(), mapping };
    call.realm
        .db
        .write("claims.remove", ask, |tx, ask| {
            Box::pin(async move {
                ask.scope.lock(tx).await?;
                if !sql::remove(tx, ask.scope.id(), ask.mapping.id).await? {
                    return refuse(Code::NotFound);
                }
                ask.record(tx, "claim.removed").await
            })
        })
        .await
}

impl Ask {
    async fn record(&self, tx: &mut Tx<'_>, code: &'static str) -> Result<()> {
        tx.raise_changes().await?;
        let Mapping { id, owner, name, into, .. } = &self.mapping;
        let event = Event::new(&self.call, code)?.subject(*id).org(self.scope.id());
        let event = event.fact("claim", name.clone()).fact("owner", owner.text());
        let into: Vec<&str> = into.iter().map(|target| target.name()).collect();
        audit::record(tx, &event.fact("into", into)).await
    }
}
