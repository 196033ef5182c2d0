//! The APIs of an organisation: `/api/v1/orgs/{org}/apis`.

use axum::extract::Path;
use doorward_core::{
    apis::of_org::{self, New, READ, WRITE},
    outcome::{Code, Refusal},
};
use http::StatusCode;

use super::Second;
use crate::api::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, page, versioned, wrong},
    apis::{ApiBody, ApiView, view},
    body::{Input, Members, patched},
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/apis", list)
            .org(READ)
            .lists::<ApiView>(&[])
            .says("Lists an organisation's APIs"),
        Endpoint::post("/api/v1/orgs/{org}/apis", create)
            .org(WRITE)
            .takes::<ApiBody>()
            .status(StatusCode::CREATED)
            .answers::<ApiView>()
            .says("Creates an API of the organisation; its id begins the identifier and the scopes"),
        Endpoint::get("/api/v1/orgs/{org}/apis/{api}", show)
            .org(READ)
            .answers::<ApiView>()
            .says("Shows an API of the organisation"),
        Endpoint::patch("/api/v1/orgs/{org}/apis/{api}", change)
            .org(WRITE)
            .takes::<ApiBody>()
            .answers::<ApiView>()
            .says("Changes an API of the organisation"),
        Endpoint::delete("/api/v1/orgs/{org}/apis/{api}", end)
            .org(WRITE)
            .says("Ends an API of the organisation"),
    ]
}

async fn list(caller: Caller, Entered(scope): Entered, listing: Listing) -> Answer {
    let found = of_org::list(&caller.call, &scope, listing.ask()?).await?;
    page(&found, |api| Ok(view(api)))
}

async fn create(caller: Caller, Entered(scope): Entered, Input(body): Input<ApiBody>) -> Answer {
    if body.org_id.as_ref().is_some_and(|org| *org != scope.id().to_string()) {
        return Err(wrong("org_id", "The organization is in the path").into());
    }
    let own = body.identifier.strip_prefix(&of_org::prefix(&scope)).unwrap_or(&body.identifier);
    let name = own.to_owned();
    let new = New { name, settings: body.into_settings()? };
    let api = of_org::create(&caller.call, &scope, new).await?;
    let location = format!("/api/v1/orgs/{}/apis/{}", scope.id(), api.id);
    created(&location, &view(&api), Some(api.version))
}

async fn show(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    let api = of_org::find(&caller.call, &scope, &name).await?;
    versioned(&view(&api), api.version)
}

async fn change(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    for _ in 0..TRIES {
        let api = of_org::find(&caller.call, &scope, &name).await?;
        seen.check(api.version)?;
        let before = ApiBody::of(&api);
        let after = patched(&before, &patch)?;
        if after.identifier != before.identifier || after.org_id != before.org_id {
            return Err(wrong("identifier", "identifier and org_id stay as they are").into());
        }
        match of_org::update(&caller.call, &scope, (&name, api.version), after.into_settings()?).await {
            Ok(api) => return versioned(&view(&api), api.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(caller: Caller, Entered(scope): Entered, Path((_, name)): Second, seen: IfMatch) -> Answer {
    let api = of_org::find(&caller.call, &scope, &name).await?;
    seen.check(api.version)?;
    of_org::end(&caller.call, &scope, &name).await?;
    done()
}
