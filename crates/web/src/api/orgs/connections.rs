//! Identity providers of an organisation: `/api/v1/orgs/{org}/connections`.

use axum::extract::Path;
use doorward_core::{
    outcome::{Code, Refusal},
    providers::of_org,
};
use http::StatusCode;

use super::Second;
use crate::api::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, found, page, versioned},
    body::{Input, Members},
    caller::{Caller, Entered},
    endpoint::Endpoint,
    providers::{ProviderBody, ProviderUsage, ProviderView, TestedProvider, after, view},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/connections", list)
            .org(of_org::READ)
            .lists::<ProviderView>(&[])
            .says("Lists the identity providers of an organisation"),
        Endpoint::post("/api/v1/orgs/{org}/connections", create)
            .grave()
            .org(of_org::WRITE)
            .takes::<ProviderBody>()
            .status(StatusCode::CREATED)
            .answers::<ProviderView>()
            .says("Adds an identity provider for the organisation's people, with addresses of its proven domains"),
        Endpoint::get("/api/v1/orgs/{org}/connections/{connection}", show)
            .org(of_org::READ)
            .answers::<ProviderView>()
            .says("Shows an identity provider of an organisation"),
        Endpoint::patch("/api/v1/orgs/{org}/connections/{connection}", change)
            .grave()
            .org(of_org::WRITE)
            .takes::<ProviderBody>()
            .answers::<ProviderView>()
            .says("Changes an identity provider; without client_secret the present one stays"),
        Endpoint::delete("/api/v1/orgs/{org}/connections/{connection}", end)
            .grave()
            .org(of_org::WRITE)
            .says("Removes an identity provider; who signed in there alone needs another way"),
        Endpoint::post("/api/v1/orgs/{org}/connections/{connection}/test", test)
            .org(of_org::WRITE)
            .answers::<TestedProvider>()
            .says("Asks the provider what it says of itself, and says what is wrong"),
        Endpoint::get("/api/v1/orgs/{org}/connections/{connection}/usage", used)
            .org(of_org::READ)
            .answers::<ProviderUsage>()
            .says("Says how many people use an identity provider, and how often"),
    ]
}

async fn list(caller: Caller, Entered(scope): Entered, listing: Listing) -> Answer {
    let all = of_org::list(&caller.call, &scope, listing.ask()?).await?;
    page(&all, |provider| view(&caller, provider))
}

async fn create(caller: Caller, Entered(scope): Entered, Input(body): Input<ProviderBody>) -> Answer {
    let provider = of_org::create(&caller.call, &scope, body.into_new()?).await?;
    let path = format!("/api/v1/orgs/{}/connections/{}", scope.id(), provider.id);
    created(&path, &view(&caller, &provider)?, Some(provider.version))
}

async fn show(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    let provider = of_org::find(&caller.call, &scope, &name).await?;
    versioned(&view(&caller, &provider)?, provider.version)
}

async fn change(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, name)): Second,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    for _ in 0..TRIES {
        let provider = of_org::find(&caller.call, &scope, &name).await?;
        seen.check(provider.version)?;
        let (settings, secret) = after(&provider, &patch)?;
        match of_org::update(&caller.call, &scope, (&name, provider.version), settings, secret).await {
            Ok(provider) => return versioned(&view(&caller, &provider)?, provider.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(caller: Caller, Entered(scope): Entered, Path((_, name)): Second, seen: IfMatch) -> Answer {
    let provider = of_org::find(&caller.call, &scope, &name).await?;
    seen.check(provider.version)?;
    of_org::end(&caller.call, &scope, &name).await?;
    done()
}

async fn test(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    let provider = of_org::find(&caller.call, &scope, &name).await?;
    let tested = of_org::test(&caller.call, &scope, &name).await?;
    found(&TestedProvider::of(tested, provider.redirect_uri(&caller.call)))
}

async fn used(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    found(&ProviderUsage::of(of_org::usage(&caller.call, &scope, &name).await?))
}
