//! Registering, changing and ending applications, and their secrets.
//!
//! A secret is told once, when it is made. A change that takes rights away moves the epoch, so that
//! nothing issued under the old rights outlives it.

mod sql;
mod validate;

#[cfg(test)]
mod tests;

use std::time::Duration;

use doorward_proto::{
    id::{self, Id, Org},
    secret::{Kind, Opaque, TokenHash},
    time::Time,
};

pub use validate::GRANT_TYPES;
use validate::check_client_id;
pub(crate) use validate::{is_name, is_unseen};

use super::{AuthMethod, Client, GATEWAY, Metadata, of_org, sql as read};
use crate::{
    apis,
    audit::{self, Event},
    call::{Actor, Call},
    claims,
    db::Tx,
    orgs::{self, OrgScope},
    outcome::{Code, Error, Refusal, Result, refuse},
    page::{Page, PageAsk},
    principals::{self, Kind as PrincipalKind, Status},
};

/// What can be changed of an application.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// What people see.
    pub name: String,
    /// Whether it can keep a secret; never changes.
    pub is_confidential: bool,
    /// Whether people need not consent.
    pub is_first_party: bool,
    /// Everything else.
    pub metadata: Metadata,
}

/// An application to register.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// Its public name; one of ours where none is chosen.
    pub client_id: Option<String>,
    /// The organisation that will own it; the instance's where none is named.
    pub org: Option<Id<Org>>,
    /// The rest.
    pub registration: Registration,
}

/// An application with the secret that was made for it.
#[derive(Debug, Clone)]
pub struct WithSecret {
    /// The application.
    pub client: Client,
    /// Told this once; `None` where the client proves itself in another way.
    pub secret: Option<Opaque>,
}

/// A page of applications.
#[derive(Debug, Clone, Default)]
pub struct ListAsk {
    /// Which page; the query is a prefix of the folded name, or an id.
    pub page: PageAsk,
    /// Only those of one organisation.
    pub org: Option<Id<Org>>,
    /// Only those of this status.
    pub status: Option<Status>,
}

struct Register {
    call: Call,
    id: Id<id::Client>,
    secret: Option<(TokenHash, String)>,
    ask: NewClient,
    within: Option<OrgScope>,
}

impl Metadata {
    /// Whether the client proves itself by a secret of ours.
    pub const fn has_secret(&self) -> bool {
        matches!(
            self.token_endpoint_auth_method,
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost
        )
    }
}

/// Registers an application.
pub async fn register(call: &Call, ask: NewClient) -> Result<WithSecret> {
    register_within(call, ask, None).await
}

/// The same by who runs an organisation, where that has room for it.
pub(super) async fn register_within(
    call: &Call,
    ask: NewClient,
    within: Option<OrgScope>,
) -> Result<WithSecret> {
    validate::check(&ask.registration)?;
    if let Some(chosen) = &ask.client_id {
        check_client_id(chosen)?;
        // Its codes go to hosts that the server itself names.
        if chosen == GATEWAY && call.actor != Actor::System {
            return Err(Refusal::new(Code::Conflict)
                .field("client_id")
                .hint("It is the gateway's own name")
                .into());
        }
    }
    let has_secret = ask.registration.metadata.has_secret();
    let secret = has_secret.then(|| call.secret(Kind::ClientSecret)).transpose()?;
    let id = call.id()?;
    let stored = secret.as_ref().map(|secret| hashed(call, secret));
    let ask = Register { call: call.clone(), id, secret: stored, ask, within };
    let client = call.realm.db.write("clients.register", ask, |tx, ask| Box::pin(insert(tx, ask))).await?;
    Ok(WithSecret { client, secret })
}

fn hashed(call: &Call, secret: &Opaque) -> (TokenHash, String) {
    (call.realm.vault.hash(secret), call.realm.vault.hash_key_id().to_owned())
}

async fn insert(tx: &mut Tx<'_>, ask: &Register) -> Result<Client> {
    let (now, new) = (ask.call.now, &ask.ask);
    if let Some(scope) = &ask.within {
        scope.lock(tx).await?;
        of_org::must_have_room(sql::count(tx, scope.id()).await?)?;
    }
    let org = match new.org {
        Some(org) if !orgs::takes(tx, org).await? => {
            let unknown = Refusal::new(Code::ClientMetadataInvalid).field("org_id");
            return Err(unknown.hint("No such organisation").into());
        }
        Some(org) => org,
        None => ask.call.realm.instance_org,
    };
    check_apis(tx, &new.registration.metadata).await?;
    let client_id = new.client_id.clone().unwrap_or_else(|| ask.id.to_string());
    principals::insert(tx, ask.id, PrincipalKind::Client, org, now).await?;
    if !sql::insert(tx, ask.id, &client_id, (org, now), &new.registration).await? {
        let taken = Refusal::new(Code::Conflict).field("client_id").hint("The client_id is taken");
        return Err(taken.into());
    }
    if let Some((hash, key)) = &ask.secret {
        sql::insert_secret(tx, ask.id, *hash, key, now).await?;
    }
    let event = Event::new(&ask.call, "client.created")?.subject(ask.id).client(ask.id).org(org);
    audit::record(tx, &event.fact("client_id", client_id).detail("name", new.registration.name.clone()))
        .await?;
    present(tx, ask.id).await
}

async fn check_apis(tx: &mut Tx<'_>, metadata: &Metadata) -> Result<()> {
    let unknown = |field: &'static str| {
        Error::from(Refusal::new(Code::ClientMetadataInvalid).field(field).hint("No such API"))
    };
    for identifier in &metadata.apis {
        if !apis::exists(tx, identifier).await? {
            return Err(unknown("apis"));
        }
    }
    if let Some(identifier) = &metadata.default_api {
        let is_allowed = metadata.apis.is_empty() || metadata.apis.contains(identifier);
        if !is_allowed || !apis::exists(tx, identifier).await? {
            return Err(unknown("default_api"));
        }
    }
    Ok(())
}

async fn present(tx: &mut Tx<'_>, id: Id<id::Client>) -> Result<Client> {
    match read::find(tx, id).await? {
        Some(client) if client.status != Status::Ended => Ok(client),
        _ => refuse(Code::NotFound),
    }
}

/// An application by our own key or its public name; one that was ended is not found.
pub async fn get(call: &Call, name: &str) -> Result<Client> {
    let found = call
        .realm
        .db
        .read("clients.get", name.to_owned(), |tx, name| {
            Box::pin(async move {
                match name.parse() {
                    Ok(id) => read::find(tx, id).await,
                    Err(_) => read::find_by_client_id(tx, name).await,
                }
            })
        })
        .await?;
    match found {
        Some(client) if client.status != Status::Ended => Ok(client),
        _ => refuse(Code::NotFound),
    }
}

/// A page of applications that were not ended, by id.
pub async fn list(call: &Call, ask: ListAsk) -> Result<Page<Client>> {
    call.realm
        .db
        .read("clients.list", ask, |tx, ask| {
            Box::pin(async move {
                let query = ask.page.query.as_deref().map(str::trim);
                let filter = sql::Filter { org: ask.org, status: ask.status.map(Status::number), query };
                let rows = sql::list(tx, &filter, &ask.page).await?;
                Ok(ask.page.page(rows, |client| client.id.to_string()))
            })
        })
        .await
}

struct Update {
    call: Call,
    id: Id<id::Client>,
    seen: i64,
    registration: Registration,
    within: Option<OrgScope>,
}

/// Changes an application that is still at the version seen.
pub async fn update(
    call: &Call,
    id: Id<id::Client>,
    seen: i64,
    registration: Registration,
) -> Result<Client> {
    update_within(call, (id, seen), registration, None).await
}

/// The same by who runs an organisation.
pub(super) async fn update_within(
    call: &Call,
    (id, seen): (Id<id::Client>, i64),
    registration: Registration,
    within: Option<OrgScope>,
) -> Result<Client> {
    validate::check(&registration)?;
    let ask = Update { call: call.clone(), id, seen, registration, within };
    call.realm.db.write("clients.update", ask, |tx, ask| Box::pin(change(tx, ask))).await
}

async fn change(tx: &mut Tx<'_>, ask: &Update) -> Result<Client> {
    if let Some(scope) = &ask.within {
        scope.lock(tx).await?;
    }
    let before = present(tx, ask.id).await?;
    let after = &ask.registration;
    if before.client_id == GATEWAY && ask.call.actor != Actor::System {
        let hint = "The gateway keeps its own registration; suspend it instead";
        return Err(Refusal::new(Code::ClientMetadataInvalid).hint(hint).into());
    }
    if before.is_confidential != after.is_confidential {
        let hint = "The type stays; register another application";
        return Err(Refusal::new(Code::ClientMetadataInvalid).field("type").hint(hint).into());
    }
    check_apis(tx, &after.metadata).await?;
    if !sql::update(tx, ask.id, ask.seen, after, ask.call.now).await? {
        return refuse(Code::VersionMismatch);
    }
    if loses_rights(&before, after) {
        principals::move_epoch(tx, &ask.call.realm.env, ask.id).await?;
    } else {
        tx.raise_changes().await?;
    }
    let event = Event::new(&ask.call, "client.changed")?.subject(ask.id).client(ask.id).org(before.org);
    audit::record(tx, &event.fact("members", changed(&before, after)?)).await?;
    present(tx, ask.id).await
}

/// Whether something that was issued before might now not be.
fn loses_rights(before: &Client, after: &Registration) -> bool {
    let (old, new) = (&before.metadata, &after.metadata);
    let lost = |old: &[String], new: &[String]| old.iter().any(|one| !new.contains(one));
    lost(&old.scopes, &new.scopes)
        || lost(&old.grant_types, &new.grant_types)
        || (!new.apis.is_empty() && (old.apis.is_empty() || lost(&old.apis, &new.apis)))
        || (before.is_first_party && !after.is_first_party)
        || (!old.dpop_bound_access_tokens && new.dpop_bound_access_tokens)
}

/// The names of the members that differ; values stay out of the audit trail.
fn changed(before: &Client, after: &Registration) -> Result<Vec<String>> {
    let (old, new) = (serde_json::to_value(&before.metadata)?, serde_json::to_value(&after.metadata)?);
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default()
    };
    let mut all = names(&old);
    all.extend(names(&new));
    all.sort_unstable();
    all.dedup();
    all.retain(|name| old.get(name) != new.get(name));
    if before.name != after.name {
        all.push("name".to_owned());
    }
    if before.is_first_party != after.is_first_party {
        all.push("first_party".to_owned());
    }
    Ok(all)
}

struct Rotate {
    call: Call,
    id: Id<id::Client>,
    hash: TokenHash,
    hash_key: String,
    until: Time,
    within: Option<OrgScope>,
}

/// Makes a new secret; the present ones end after `overlap`.
pub async fn rotate_secret(call: &Call, id: Id<id::Client>, overlap: Duration) -> Result<WithSecret> {
    rotate_within(call, id, overlap, None).await
}

/// The same by who runs an organisation.
pub(super) async fn rotate_within(
    call: &Call,
    id: Id<id::Client>,
    overlap: Duration,
    within: Option<OrgScope>,
) -> Result<WithSecret> {
    let secret = call.secret(Kind::ClientSecret)?;
    let (hash, hash_key) = hashed(call, &secret);
    let ask = Rotate { call: call.clone(), id, hash, hash_key, until: call.now + overlap, within };
    let client =
        call.realm.db.write("clients.rotate_secret", ask, |tx, ask| Box::pin(rotate(tx, ask))).await?;
    Ok(WithSecret { client, secret: Some(secret) })
}

async fn rotate(tx: &mut Tx<'_>, ask: &Rotate) -> Result<Client> {
    if let Some(scope) = &ask.within {
        scope.lock(tx).await?;
    }
    let client = present(tx, ask.id).await?;
    if !client.metadata.has_secret() {
        let hint = "The application does not use a secret";
        return Err(Refusal::new(Code::Conflict).field("token_endpoint_auth_method").hint(hint).into());
    }
    sql::end_secrets(tx, ask.id, ask.until).await?;
    sql::insert_secret(tx, ask.id, ask.hash, &ask.hash_key, ask.call.now).await?;
    sql::touch(tx, ask.id, ask.call.now).await?;
    tx.raise_changes().await?;
    let event =
        Event::new(&ask.call, "client.secret_rotated")?.subject(ask.id).client(ask.id).org(client.org);
    audit::record(tx, &event.fact("old_ends_at", ask.until.to_string())).await?;
    present(tx, ask.id).await
}

struct Retire {
    call: Call,
    id: Id<id::Client>,
    within: Option<OrgScope>,
}

/// Ends the secrets that were replaced and still work: all but the newest.
pub async fn retire_secrets(call: &Call, id: Id<id::Client>) -> Result<Client> {
    retire_within(call, id, None).await
}

/// The same by who runs an organisation.
pub(super) async fn retire_within(
    call: &Call,
    id: Id<id::Client>,
    within: Option<OrgScope>,
) -> Result<Client> {
    let ask = Retire { call: call.clone(), id, within };
    call.realm
        .db
        .write("clients.retire_secrets", ask, |tx, ask| {
            Box::pin(async move {
                if let Some(scope) = &ask.within {
                    scope.lock(tx).await?;
                }
                let (client, now) = (present(tx, ask.id).await?, ask.call.now);
                if sql::retire_secrets(tx, ask.id, now).await? == 0 {
                    return Ok(client);
                }
                sql::touch(tx, ask.id, now).await?;
                tx.raise_changes().await?;
                let event = Event::new(&ask.call, "client.secrets_retired")?.subject(ask.id).client(ask.id);
                audit::record(tx, &event.org(client.org)).await?;
                present(tx, ask.id).await
            })
        })
        .await
}

/// How much an application is used: counted up to [`Uses::MOST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uses {
    /// People who have allowed it something.
    pub consents: i64,
    /// What has not ended of what it was given.
    pub grants: i64,
}

impl Uses {
    /// What is counted no further.
    pub const MOST: i64 = 10_000;
}

/// How much an application is used now.
pub async fn uses(call: &Call, id: Id<id::Client>) -> Result<Uses> {
    call.realm
        .db
        .read("clients.uses", (id, call.now), |tx, (id, now)| {
            Box::pin(async move { sql::uses(tx, *id, *now).await })
        })
        .await
}

struct SetStatus {
    call: Call,
    id: Id<id::Client>,
    status: Status,
    within: Option<OrgScope>,
}

/// Suspends, resumes or ends an application: what was issued to it is over at once.
pub async fn set_status(call: &Call, id: Id<id::Client>, status: Status) -> Result<Client> {
    set_status_within(call, id, status, None).await
}

/// The same by who runs an organisation.
pub(super) async fn set_status_within(
    call: &Call,
    id: Id<id::Client>,
    status: Status,
    within: Option<OrgScope>,
) -> Result<Client> {
    let ask = SetStatus { call: call.clone(), id, status, within };
    call.realm
        .db
        .write("clients.set_status", ask, |tx, ask| {
            Box::pin(async move {
                if let Some(scope) = &ask.within {
                    scope.lock(tx).await?;
                }
                let mut client = present(tx, ask.id).await?;
                if principals::set_status(tx, &ask.call.realm.env, ask.id, ask.status).await? {
                    sql::touch(tx, ask.id, ask.call.now).await?;
                    if ask.status == Status::Ended {
                        claims::remove_of(tx, client.org, claims::Owner::Client(ask.id)).await?;
                    }
                    (client.version, client.updated_at) = (client.version + 1, ask.call.now);
                    let code = match ask.status {
                        Status::Active => "client.resumed",
                        Status::Suspended => "client.suspended",
                        Status::Ended => "client.ended",
                    };
                    let event = Event::new(&ask.call, code)?.subject(ask.id).client(ask.id).org(client.org);
                    audit::record(tx, &event).await?;
                    client.status = ask.status;
                }
                Ok(client)
            })
        })
        .await
}
