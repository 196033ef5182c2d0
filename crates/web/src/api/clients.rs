//! Applications: `/api/v1/clients`, and the registration that agent platforms know,
//! `POST /api/admin/clients/register`.

use std::time::Duration;

use axum::extract::Path;
use doorward_core::{
    apis::catalog,
    clients::manage::{self, ListAsk, NewClient},
    outcome::{Code, Refusal, Result},
    principals::Status,
};
use http::StatusCode;
use serde_json::{Map, Value as Json};

mod forms;

pub(super) use self::forms::{ClientBody, ClientType, ClientView, RotateBody, defaults, view};
use super::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::{Caller, lacks},
    endpoint::Endpoint,
};

const READ: &str = "admin:clients:read";
const WRITE: &str = "admin:clients:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/clients", list)
            .scope(READ)
            .lists::<ClientView>(&["org_id", "status"])
            .says("Lists applications"),
        Endpoint::post("/api/v1/clients", create)
            .scope(WRITE)
            .takes::<ClientBody>()
            .status(StatusCode::CREATED)
            .answers::<ClientView>()
            .confirmed_where(may_have_secret)
            .says("Registers an application; the secret is told this once"),
        Endpoint::get("/api/v1/clients/{id}", show)
            .scope(READ)
            .answers::<ClientView>()
            .says("Shows an application"),
        Endpoint::patch("/api/v1/clients/{id}", change)
            .scope(WRITE)
            .takes::<ClientBody>()
            .answers::<ClientView>()
            .grave_where(says_from_where)
            .says("Changes an application"),
        Endpoint::delete("/api/v1/clients/{id}", end)
            .grave()
            .scope(WRITE)
            .says("Ends an application and everything that was issued to it"),
        Endpoint::post("/api/v1/clients/{id}/rotate", rotate)
            .scope(WRITE)
            .guarded()
            .takes::<RotateBody>()
            .answers::<ClientView>()
            .confirmed()
            .says("Makes a new secret; the present one ends after the overlap"),
        Endpoint::post("/api/v1/clients/{id}/retire", retire)
            .scope(WRITE)
            .guarded()
            .answers::<ClientView>()
            .says("Ends the secrets that were replaced and still work"),
        Endpoint::post("/api/v1/clients/{id}/suspend", suspend)
            .scope(WRITE)
            .guarded()
            .answers::<ClientView>()
            .says("Suspends an application"),
        Endpoint::post("/api/v1/clients/{id}/resume", resume)
            .scope(WRITE)
            .guarded()
            .answers::<ClientView>()
            .says("Lets a suspended application work again"),
    ]
}

/// Whether the application that is described has something to prove itself by.
pub(super) fn may_have_secret(members: &Map<String, Json>) -> bool {
    members.get("type").is_none_or(|kind| kind != "public")
}

/// Whether a change is about from where something may be used.
pub(in crate::api) fn says_from_where(members: &Map<String, Json>) -> bool {
    members.contains_key("allowed_addresses")
}

/// Nobody hands on a right over this server that the caller does not hold. Who changes how an
/// application proves itself, or where its codes go, can act as it.
pub(super) fn may_hand_on(caller: &Caller, scopes: &[String]) -> Result<()> {
    let missing = scopes.iter().find(|scope| catalog::is_management(scope) && !caller.has(scope));
    missing.map_or(Ok(()), |scope| Err(lacks(scope).into()))
}

/// The same, and nobody but an administrator decides over an application that changes people's accounts
/// without asking them: administrators are people, too.
pub(super) fn may_manage(caller: &Caller, is_first_party: bool, scopes: &[String]) -> Result<()> {
    may_hand_on(caller, scopes)?;
    let asks_nobody = is_first_party && scopes.iter().any(|scope| catalog::is_account(scope));
    if asks_nobody { caller.must_have("admin:*") } else { Ok(()) }
}

async fn list(caller: Caller, mut listing: Listing) -> Answer {
    let org = listing.filter("org_id").map(|text| text.parse()).transpose();
    let org = org.map_err(|_| wrong("org_id", "This is not the id of an organisation"))?;
    let status = listing.one_of("status", [Status::Active, Status::Suspended], Status::name)?;
    let found = manage::list(&caller.call, ListAsk { page: listing.ask()?, org, status }).await?;
    page(&found, |client| view(client, None))
}

async fn create(caller: Caller, Input(body): Input<ClientBody>) -> Answer {
    let org = body.org_id.as_ref().map(|text| text.parse()).transpose();
    let org = org.map_err(|_| wrong("org_id", "This is not the id of an organisation"))?;
    let client_id = body.client_id.clone();
    let registration = body.into_registration()?;
    may_manage(&caller, registration.is_first_party, &registration.metadata.scopes)?;
    let made = manage::register(&caller.call, NewClient { client_id, org, registration }).await?;
    let secret = made.secret.map(|secret| secret.expose().to_owned());
    let location = format!("/api/v1/clients/{}", made.client.id);
    created(&location, &view(&made.client, secret)?, Some(made.client.version))
}

async fn show(caller: Caller, Path(name): Path<String>) -> Answer {
    let client = manage::get(&caller.call, &name).await?;
    versioned(&view(&client, None)?, client.version)
}

async fn change(caller: Caller, Path(name): Path<String>, seen: IfMatch, Members(patch): Members) -> Answer {
    for _ in 0..TRIES {
        let client = manage::get(&caller.call, &name).await?;
        seen.check(client.version)?;
        let before = ClientBody::of(&client)?;
        let after = patched(&before, &patch)?;
        if after.client_id != before.client_id || after.org_id != before.org_id || after.kind != before.kind {
            return Err(wrong("client_id", "client_id, type and org_id stay as they are").into());
        }
        let registration = after.into_registration()?;
        may_manage(&caller, client.is_first_party, &client.metadata.scopes)?;
        may_manage(&caller, registration.is_first_party, &registration.metadata.scopes)?;
        match manage::update(&caller.call, client.id, client.version, registration).await {
            Ok(client) => return versioned(&view(&client, None)?, client.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    let client = manage::get(&caller.call, &name).await?;
    may_manage(&caller, client.is_first_party, &client.metadata.scopes)?;
    seen.check(client.version)?;
    manage::set_status(&caller.call, client.id, Status::Ended).await?;
    done()
}

async fn rotate(
    caller: Caller,
    Path(name): Path<String>,
    seen: IfMatch,
    Input(body): Input<RotateBody>,
) -> Answer {
    let overlap = overlap(&body)?;
    let client = manage::get(&caller.call, &name).await?;
    may_manage(&caller, client.is_first_party, &client.metadata.scopes)?;
    seen.check(client.version)?;
    let made = manage::rotate_secret(&caller.call, client.id, overlap).await?;
    let secret = made.secret.map(|secret| secret.expose().to_owned());
    versioned(&view(&made.client, secret)?, made.client.version)
}

/// How long the secrets go on working that are replaced.
pub(super) fn overlap(body: &RotateBody) -> Result<Duration> {
    let seconds = body.overlap_seconds.unwrap_or(300);
    if seconds > 30 * 24 * 60 * 60 {
        return Err(wrong("overlap_seconds", "The overlap is 30 days at most").into());
    }
    Ok(Duration::from_secs(seconds))
}

async fn retire(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    let client = manage::get(&caller.call, &name).await?;
    may_manage(&caller, client.is_first_party, &client.metadata.scopes)?;
    seen.check(client.version)?;
    let client = manage::retire_secrets(&caller.call, client.id).await?;
    versioned(&view(&client, None)?, client.version)
}

async fn suspend(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    set_status(&caller, &name, &seen, Status::Suspended).await
}

async fn resume(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    set_status(&caller, &name, &seen, Status::Active).await
}

async fn set_status(caller: &Caller, name: &str, seen: &IfMatch, status: Status) -> Answer {
    let client = manage::get(&caller.call, name).await?;
    seen.check(client.version)?;
    may_manage(caller, client.is_first_party, &client.metadata.scopes)?;
    let client = manage::set_status(&caller.call, client.id, status).await?;
    versioned(&view(&client, None)?, client.version)
}
