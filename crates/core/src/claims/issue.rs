//! What mappings say in tokens.
//!
//! All that they depend on is read in the operation that grants the token, and none of them runs in it: others wait
//! for that operation, and whoever writes an expression decides how long it runs.

use std::sync::Arc;

use doorward_proto::{
    id::{self, Id},
    scope::ScopeSet,
};
use serde_json::{Map, Value as Json};

use super::{
    BUDGET, MOST_BYTES, Mapping, Owner, Reason, Target,
    context::{Context, Place, Told},
    engine::Scope,
    may_be_called, sql,
};
use crate::{
    apis::{self, Api},
    audit::{self, Event},
    call::Call,
    clients::Client,
    db::ReadTx,
    orgs::{self, workspaces},
    outcome::{Error, Result},
    tokens::{self, Grant},
    users,
};

/// A claim that is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) name: String,
    pub(super) reason: Reason,
    org: Id<id::Org>,
    id: Id<id::ClaimMapping>,
    version: i64,
}

/// What mappings say, and what they fail to.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) claims: Map<String, Json>,
    pub(super) left_out: Vec<LeftOut>,
    /// The size of the claims as JSON, and what finding them costs at the most.
    pub(super) bytes: usize,
    pub(super) cost: u64,
}

/// For whom something is issued.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whom<'a> {
    pub(super) client: &'a Client,
    /// The audience of an access token, where that is not the issuer itself.
    pub(super) api: Option<&'a Api>,
    /// The organisation of the token.
    pub(super) org: Id<id::Org>,
}

impl Whom<'_> {
    /// Whose mappings count, the most particular first. What an organisation says reaches its own applications
    /// and APIs, in tokens of that organisation; what an application says, APIs of the same owner.
    fn owners(&self, target: Target) -> Vec<(Id<id::Org>, Owner)> {
        let Self { client, org, .. } = *self;
        let api = self.api.filter(|_| target == Target::AccessToken);
        let reader = api.map_or(client.org, |api| api.org);
        let mut owners: Vec<_> = api.map(|api| (api.org, Owner::Api(api.id))).into_iter().collect();
        if reader == client.org {
            owners.push((client.org, Owner::Client(client.id)));
        }
        if reader == org {
            owners.push((org, Owner::Org));
        }
        owners
    }
}

/// The mappings that say something there, where all are remembered.
fn remembered(call: &Call, whom: Whom<'_>, target: Target) -> Option<Vec<Set>> {
    let changes = call.realm.db.changes();
    let known = |key| call.realm.caches.claims.get(&key, changes);
    let all: Option<Vec<_>> = whom.owners(target).into_iter().map(known).collect();
    all.map(|all| all.into_iter().filter(|set| tells(set, target)).collect())
}

fn tells(set: &[Mapping], target: Target) -> bool {
    set.iter().any(|mapping| mapping.into.contains(&target))
}

/// The mappings that say something there; warm look-ups do no I/O.
pub(super) async fn mappings(
    tx: &mut ReadTx<'_>,
    call: &Call,
    whom: Whom<'_>,
    target: Target,
) -> Result<Vec<Set>> {
    let mut sets = Vec::new();
    for key in whom.owners(target) {
        let changes = call.realm.db.changes();
        let set = if let Some(known) = call.realm.caches.claims.get(&key, changes) {
            known
        } else {
            let read: Set = sql::of(tx, key.0, key.1).await?.into();
            call.realm.caches.claims.insert(key, changes, Arc::clone(&read));
            read
        };
        if tells(&set, target) {
            sets.push(set);
        }
    }
    Ok(sets)
}

/// Runs every mapping that tells something there. The first of a name counts.
pub(super) fn run(call: &Call, sets: &[Set], target: Target, context: &Context) -> Said {
    let mut said = Said { bytes: 2, ..Said::default() };
    let scope = Scope::new(context);
    let all = sets.iter().flat_map(|set| set.iter());
    for mapping in all.filter(|mapping| mapping.into.contains(&target)) {
        // Whatever is stored: no mapping says what is not a mapping's to say.
        if said.claims.contains_key(&mapping.name) || !may_be_called(&mapping.name, true) {
            continue;
        }
        match one(call, mapping, &scope, &mut said) {
            Ok(Some(value)) => {
                said.claims.insert(mapping.name.clone(), value);
            }
            Ok(None) => {}
            Err(reason) => said.left_out.push(LeftOut {
                name: mapping.name.clone(),
                reason,
                org: mapping.org,
                id: mapping.id,
                version: mapping.version,
            }),
        }
    }
    said
}

fn one(
    call: &Call,
    mapping: &Mapping,
    scope: &Scope,
    said: &mut Said,
) -> std::result::Result<Option<Json>, Reason> {
    let program = call.realm.expressions.get(&mapping.expression).ok_or(Reason::Evaluation)?;
    if said.cost.saturating_add(program.cost) > BUDGET {
        return Err(Reason::TooCostly);
    }
    said.cost += program.cost;
    let Some(value) = program.run(scope)? else { return Ok(None) };
    // `"name":value,`
    let bytes = mapping.name.len() + value.to_string().len() + 4;
    if said.bytes + bytes > MOST_BYTES {
        return Err(Reason::TooLarge);
    }
    said.bytes += bytes;
    Ok(Some(value))
}

/// What an expression sees of a person in an organisation, through an application, as far as whoever reads the token is
/// told.
/// Permissions are those that the token says.
pub(super) async fn seen(
    tx: &mut ReadTx<'_>,
    call: &Call,
    (whom, target): (Whom<'_>, Target),
    (user, told): (Id<id::User>, Told<'_>),
) -> Result<Context> {
    let (person, found) = (users::find_in(tx, user).await?, orgs::look_up(tx, whom.org).await?);
    let (Some(person), Some(org)) = (person, found) else {
        return Err(Error::fault("a token without its person or organisation"));
    };
    let standing = orgs::standing(tx, org.id, user).await?;
    let mut permissions = standing.as_ref().map(|standing| standing.permissions.clone()).unwrap_or_default();
    if let Some(api) = whom.api.filter(|_| target == Target::AccessToken) {
        let beside = apis::scopes_beside(tx, call, (org.id, &api.identifier)).await?;
        permissions = tokens::without(&permissions, &beside);
    }
    let profile =
        if standing.is_some() { orgs::fields::for_claims(tx, org.id, user).await? } else { Vec::new() };
    let roles = workspaces::roles_of(tx, org.id, user).await?;
    let place = Place {
        org: &org,
        role: standing.as_ref().map(|standing| standing.role.as_str()),
        permissions: &permissions,
        workspaces: &roles,
        profile: &profile,
    };
    Ok(Context::of_person(&person, &place, whom.client, told))
}

/// Mappings with all that they depend on, as it was when the token was granted.
#[derive(Debug, Default)]
pub(crate) struct Unsaid(Option<(Vec<Set>, Target, Context)>);

/// The mappings of one owner.
type Set = Arc<[Mapping]>;

impl Unsaid {
    /// Runs them, outside every operation. What fails is in the audit trail.
    pub(crate) async fn say(self, call: &Call, client: &Client) -> Result<Map<String, Json>> {
        let Some((sets, target, context)) = self.0 else { return Ok(Map::new()) };
        let said = run(call, &sets, target, &context);
        note(call, client, &said.left_out).await?;
        Ok(said.claims)
    }
}

/// The custom claims of a token for a person, of which an access token has these scopes.
pub(crate) async fn of_person(
    tx: &mut ReadTx<'_>,
    (call, client): (&Call, &Client),
    (api, target): (Option<&Api>, Target),
    (grant, scopes): (&Grant, &ScopeSet),
) -> Result<Unsaid> {
    let whom = Whom { client, api, org: grant.org };
    let sets = mappings(tx, call, whom, target).await?;
    if sets.is_empty() {
        return Ok(Unsaid::default());
    }
    // What a person tells an application is not told to an API of somebody else's: it reads what its token says.
    let told = match api {
        Some(api) if api.org != client.org => Told { scopes, is_first_party: false },
        _ => Told { scopes: &grant.scope, is_first_party: client.is_first_party },
    };
    let context = seen(tx, call, (whom, target), (grant.user, told)).await?;
    Ok(Unsaid(Some((sets, target, context))))
}

/// The custom claims of the userinfo answer.
pub(crate) async fn of_userinfo(
    call: &Call,
    client: &Arc<Client>,
    grant: &Grant,
) -> Result<Map<String, Json>> {
    let ask = (call.clone(), Arc::clone(client), grant.clone());
    let read = call.realm.db.read("claims.userinfo", ask, |tx, (call, client, grant)| {
        Box::pin(async move {
            let place = (None, Target::Userinfo);
            of_person(tx, (call, client), place, (grant, &grant.scope)).await
        })
    });
    read.await?.say(call, client).await
}

/// The custom claims of the access token of an application that acts for itself.
pub(crate) async fn of_client(
    call: &Call,
    client: &Client,
    api: Option<&Arc<Api>>,
    scopes: &ScopeSet,
) -> Result<Map<String, Json>> {
    let whom = Whom { client, api: api.map(AsRef::as_ref), org: client.org };
    if remembered(call, whom, Target::AccessToken).is_some_and(|sets| sets.is_empty()) {
        return Ok(Map::new());
    }
    let ask = (call.clone(), client.clone(), api.cloned(), scopes.clone());
    let read = call.realm.db.read("claims.client", ask, |tx, (call, client, api, scopes)| {
        Box::pin(async move {
            let whom = Whom { client, api: api.as_deref(), org: client.org };
            let sets = mappings(tx, call, whom, Target::AccessToken).await?;
            if sets.is_empty() {
                return Ok(Unsaid::default());
            }
            let org = orgs::look_up(tx, client.org).await?;
            let org = org.ok_or_else(|| Error::fault("an application without its organisation"))?;
            let place = Place { org: &org, role: None, permissions: &[], workspaces: &[], profile: &[] };
            let context = Context::of_client(client, &place, scopes);
            Ok(Unsaid(Some((sets, Target::AccessToken, context))))
        })
    });
    read.await?.say(call, client).await
}

/// What is recorded of claims that are left out: once for a mapping as it is, not with every token. What the
/// expression was given is personal, and is not told.
async fn note(call: &Call, client: &Client, left_out: &[LeftOut]) -> Result<()> {
    /// What was recorded does not depend on the database.
    const ALWAYS: i64 = 0;
    let memory = &call.realm.caches.claims_left_out;
    for one in left_out {
        let key = (one.id.to_string(), one.version, one.reason);
        if memory.get(&key, ALWAYS).is_some() {
            continue;
        }
        let event = Event::new(call, "claim.left_out")?.subject(one.id).org(one.org).client(client.id);
        let event = event.fact("claim", one.name.clone()).fact("reason", one.reason.name());
        audit::note(call, event).await?;
        // Only now: one that could not be written is written with the next token.
        memory.insert(key, ALWAYS, ());
    }
    Ok(())
}
