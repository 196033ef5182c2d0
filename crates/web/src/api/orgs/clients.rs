//! The applications of an organisation: `/api/v1/orgs/{org}/clients`.

use std::time::Duration;

use axum::extract::Path;
use doorward_core::{
    clients::of_org,
    outcome::{Code, Refusal},
    principals::Status,
};
use http::StatusCode;

use super::Second;
use crate::api::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::{Caller, Entered},
    clients::{ClientBody, ClientView, RotateBody, may_have_secret, overlap, says_from_where, view},
    endpoint::Endpoint,
};

use of_org::{READ, WRITE};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/clients", list)
            .org(READ)
            .lists::<ClientView>(&["status"])
            .says("Lists an organisation's applications"),
        Endpoint::post("/api/v1/orgs/{org}/clients", create)
            .org(WRITE)
            .takes::<ClientBody>()
            .status(StatusCode::CREATED)
            .answers::<ClientView>()
            .confirmed_where(may_have_secret)
            .says(
                "Registers an application of the organisation, under a name of ours, at its proven domains",
            ),
        Endpoint::get("/api/v1/orgs/{org}/clients/{client}", show)
            .org(READ)
            .answers::<ClientView>()
            .says("Shows an application of the organisation"),
        Endpoint::patch("/api/v1/orgs/{org}/clients/{client}", change)
            .org(WRITE)
            .takes::<ClientBody>()
            .answers::<ClientView>()
            .grave_where(says_from_where)
            .says("Changes an application of the organisation"),
        Endpoint::delete("/api/v1/orgs/{org}/clients/{client}", end)
            .grave()
            .org(WRITE)
            .says("Ends an application of the organisation and everything that was issued to it"),
        Endpoint::post("/api/v1/orgs/{org}/clients/{client}/rotate", rotate)
            .org(WRITE)
            .guarded()
            .takes::<RotateBody>()
            .answers::<ClientView>()
            .confirmed()
            .says("Makes a new secret; the present one ends after the overlap"),
        Endpoint::post("/api/v1/orgs/{org}/clients/{client}/retire", retire)
            .org(WRITE)
            .guarded()
            .answers::<ClientView>()
            .says("Ends the secrets that were replaced and still work"),
        Endpoint::post("/api/v1/orgs/{org}/clients/{client}/suspend", suspend)
            .org(WRITE)
            .guarded()
            .answers::<ClientView>()
            .says("Suspends an application of the organisation"),
        Endpoint::post("/api/v1/orgs/{org}/clients/{client}/resume", resume)
            .org(WRITE)
            .guarded()
            .answers::<ClientView>()
            .says("Lets a suspended application of the organisation work again"),
    ]
}

async fn list(caller: Caller, Entered(scope): Entered, mut listing: Listing) -> Answer {
    let status = listing.one_of("status", [Status::Active, Status::Suspended], Status::name)?;
    let found = of_org::list(&caller.call, &scope, (listing.ask()?, status)).await?;
    page(&found, |client| view(client, None))
}

async fn create(caller: Caller, Entered(scope): Entered, Input(body): Input<ClientBody>) -> Answer {
    if body.client_id.is_some() {
        return Err(wrong("client_id", "The server chooses the name of an organization's application").into());
    }
    if body.org_id.as_ref().is_some_and(|org| *org != scope.id().to_string()) {
        return Err(wrong("org_id", "The organization is in the path").into());
    }
    let made = of_org::register(&caller.call, &scope, body.into_registration()?).await?;
    let secret = made.secret.map(|secret| secret.expose().to_owned());
    let location = format!("/api/v1/orgs/{}/clients/{}", scope.id(), made.client.id);
    created(&location, &view(&made.client, secret)?, Some(made.client.version))
}

async fn show(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    let client = of_org::find(&caller.call, &scope, &name).await?;
    versioned(&view(&client, None)?, client.version)
}

async fn change(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    for _ in 0..TRIES {
        let client = of_org::find(&caller.call, &scope, &name).await?;
        seen.check(client.version)?;
        let before = ClientBody::of(&client)?;
        let after = patched(&before, &patch)?;
        if after.client_id != before.client_id || after.org_id != before.org_id || after.kind != before.kind {
            return Err(wrong("client_id", "client_id, type and org_id stay as they are").into());
        }
        let registration = after.into_registration()?;
        match of_org::update(&caller.call, &scope, (&name, client.version), registration).await {
            Ok(client) => return versioned(&view(&client, None)?, client.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(caller: Caller, Entered(scope): Entered, Path((_, name)): Second, seen: IfMatch) -> Answer {
    let client = of_org::find(&caller.call, &scope, &name).await?;
    seen.check(client.version)?;
    of_org::set_status(&caller.call, &scope, &name, Status::Ended).await?;
    done()
}

async fn rotate(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    seen: IfMatch,
    Input(body): Input<RotateBody>,
) -> Answer {
    let client = of_org::find(&caller.call, &scope, &name).await?;
    seen.check(client.version)?;
    let overlap: Duration = overlap(&body)?;
    let made = of_org::rotate_secret(&caller.call, &scope, (&name, overlap)).await?;
    let secret = made.secret.map(|secret| secret.expose().to_owned());
    versioned(&view(&made.client, secret)?, made.client.version)
}

async fn retire(caller: Caller, Entered(scope): Entered, Path((_, name)): Second, seen: IfMatch) -> Answer {
    let client = of_org::find(&caller.call, &scope, &name).await?;
    seen.check(client.version)?;
    let client = of_org::retire_secrets(&caller.call, &scope, &name).await?;
    versioned(&view(&client, None)?, client.version)
}

async fn suspend(caller: Caller, Entered(scope): Entered, Path((_, name)): Second, seen: IfMatch) -> Answer {
    let client = of_org::find(&caller.call, &scope, &name).await?;
    seen.check(client.version)?;
    let client = of_org::set_status(&caller.call, &scope, &name, Status::Suspended).await?;
    versioned(&view(&client, None)?, client.version)
}

async fn resume(caller: Caller, Entered(scope): Entered, Path((_, name)): Second, seen: IfMatch) -> Answer {
    let client = of_org::find(&caller.call, &scope, &name).await?;
    seen.check(client.version)?;
    let client = of_org::set_status(&caller.call, &scope, &name, Status::Active).await?;
    versioned(&view(&client, None)?, client.version)
}
