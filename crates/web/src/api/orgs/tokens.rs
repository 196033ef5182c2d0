//! The service tokens of an organisation: `/api/v1/orgs/{org}/service-tokens`.

use axum::extract::Path;
use doorward_core::{
    outcome::{Code, Refusal},
    service_tokens::{
        ListAsk, State,
        of_org::{self, READ, WRITE},
    },
};
use http::StatusCode;

use super::Second;
use crate::api::{
    answer::{Answer, IfMatch, Listing, TRIES, created, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::{Caller, Entered},
    endpoint::Endpoint,
    service_tokens::{NotesBody, RevokeBody, RotateBody, TokenBody, TokenView, view},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/service-tokens", list)
            .org(READ)
            .lists::<TokenView>(&["name", "owner", "status"])
            .says("Lists an organisation's service tokens, every version in every state"),
        Endpoint::post("/api/v1/orgs/{org}/service-tokens", create)
            .org(WRITE)
            .takes::<TokenBody>()
            .status(StatusCode::CREATED)
            .answers::<TokenView>()
            .confirmed()
            .says("Makes a service token of the organisation; the secret is told this once"),
        Endpoint::get("/api/v1/orgs/{org}/service-tokens/{token}", show)
            .org(READ)
            .answers::<TokenView>()
            .says("Shows a service token of the organisation"),
        Endpoint::patch("/api/v1/orgs/{org}/service-tokens/{token}", change)
            .org(WRITE)
            .takes::<NotesBody>()
            .answers::<TokenView>()
            .says("Changes what is noted of a service token of the organisation"),
        Endpoint::post("/api/v1/orgs/{org}/service-tokens/{token}/rotate", rotate)
            .org(WRITE)
            .guarded()
            .takes::<RotateBody>()
            .answers::<TokenView>()
            .confirmed()
            .says("Makes the next version with a new secret; the present one ends after the overlap"),
        Endpoint::post("/api/v1/orgs/{org}/service-tokens/{token}/revoke", revoke)
            .org(WRITE)
            .guarded()
            .takes::<RevokeBody>()
            .answers::<TokenView>()
            .says("Revokes a service token of the organisation at once"),
    ]
}

async fn list(caller: Caller, Entered(scope): Entered, mut listing: Listing) -> Answer {
    let state = listing.one_of("status", State::ALL, State::name)?;
    let ask = ListAsk {
        name: listing.filter("name"),
        owner: listing.filter("owner"),
        state,
        page: listing.ask()?,
        ..ListAsk::default()
    };
    let found = of_org::list(&caller.call, &scope, ask).await?;
    page(&found, |token| Ok(view(&caller, token, None)))
}

async fn create(caller: Caller, Entered(scope): Entered, Input(body): Input<TokenBody>) -> Answer {
    let new = body.into_new()?;
    if new.org.is_some_and(|org| org != scope.id()) {
        return Err(wrong("org_id", "The organization is in the path").into());
    }
    let made = of_org::create(&caller.call, &scope, new).await?;
    let secret = Some(made.secret.expose().to_owned());
    let location = format!("/api/v1/orgs/{}/service-tokens/{}", scope.id(), made.token.id);
    created(&location, &view(&caller, &made.token, secret), Some(made.token.revision))
}

async fn show(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    let token = of_org::find(&caller.call, &scope, &name).await?;
    versioned(&view(&caller, &token, None), token.revision)
}

async fn change(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    for _ in 0..TRIES {
        let token = of_org::find(&caller.call, &scope, &name).await?;
        seen.check(token.revision)?;
        let notes = patched(&NotesBody::of(&token.notes), &patch)?.into_notes()?;
        match of_org::update(&caller.call, &scope, (&name, token.revision), notes).await {
            Ok(token) => return versioned(&view(&caller, &token, None), token.revision),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn rotate(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    seen: IfMatch,
    Input(body): Input<RotateBody>,
) -> Answer {
    let token = of_org::find(&caller.call, &scope, &name).await?;
    seen.check(token.revision)?;
    let made = of_org::rotate(&caller.call, &scope, &token.id.to_string(), body.into_ask()).await?;
    let secret = Some(made.secret.expose().to_owned());
    versioned(&view(&caller, &made.token, secret), made.token.revision)
}

async fn revoke(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    seen: IfMatch,
    Input(body): Input<RevokeBody>,
) -> Answer {
    let token = of_org::find(&caller.call, &scope, &name).await?;
    seen.check(token.revision)?;
    let token = of_org::revoke(&caller.call, &scope, &name, body.reason).await?;
    versioned(&view(&caller, &token, None), token.revision)
}
