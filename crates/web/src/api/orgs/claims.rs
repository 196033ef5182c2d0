//! Custom claims: `/api/v1/orgs/{org}/claims`.

use axum::extract::Path;
use doorward_core::{
    claims::{self, Change, ListAsk, Mapping, NewMapping, Owner, READ, SampleAsk, Target, WRITE, Whose},
    outcome::{Code, Refusal, Result},
};
use doorward_proto::{
    id::{ClaimMapping, Id},
    scope::ScopeSet,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::Second;
use crate::api::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, found, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/claims", list)
            .org(READ)
            .lists::<ClaimView>(&["client_id", "api"])
            .says("Lists the custom claims of an organisation, its applications and its APIs"),
        Endpoint::post("/api/v1/orgs/{org}/claims", create)
            .org(WRITE)
            .takes::<NewClaim>()
            .status(StatusCode::CREATED)
            .answers::<ClaimView>()
            .says("Adds a custom claim to tokens"),
        Endpoint::post("/api/v1/orgs/{org}/claims/test", test)
            .org(WRITE)
            .takes::<ClaimTest>()
            .answers::<ClaimSample>()
            .says("Shows which custom claims tokens for somebody would have, and tries an expression"),
        Endpoint::get("/api/v1/orgs/{org}/claims/{claim}", show)
            .org(READ)
            .answers::<ClaimView>()
            .says("Shows a custom claim"),
        Endpoint::patch("/api/v1/orgs/{org}/claims/{claim}", change)
            .org(WRITE)
            .takes::<ClaimBody>()
            .answers::<ClaimView>()
            .says("Changes where a custom claim comes from, and where it is told"),
        Endpoint::delete("/api/v1/orgs/{org}/claims/{claim}", remove)
            .org(WRITE)
            .grave()
            .says("Removes a custom claim: the next tokens are without it"),
    ]
}

/// Where a claim is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClaimTarget)]
enum TargetWord {
    /// In access tokens, and their introspection.
    AccessToken,
    /// In ID tokens.
    IdToken,
    /// In the answer of userinfo.
    Userinfo,
}

impl From<TargetWord> for Target {
    fn from(word: TargetWord) -> Self {
        match word {
            TargetWord::AccessToken => Self::AccessToken,
            TargetWord::IdToken => Self::IdToken,
            TargetWord::Userinfo => Self::Userinfo,
        }
    }
}

impl From<Target> for TargetWord {
    fn from(target: Target) -> Self {
        match target {
            Target::AccessToken => Self::AccessToken,
            Target::IdToken => Self::IdToken,
            Target::Userinfo => Self::Userinfo,
        }
    }
}

/// A custom claim to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewClaim {
    /// The claim's name: none that tokens have already.
    name: String,
    /// What it comes to, in CEL: `user`, `org`, `client` and `scopes` are there.
    expression: String,
    /// Where it is told: in `access_token` unless set.
    into: Option<Vec<TargetWord>>,
    /// The application whose tokens have it: one of the organisation's, by `client_id` or id.
    client_id: Option<String>,
    /// The API whose access tokens have it: one of the organisation's, by identifier or id. Without either, it is
    /// in tokens of the organisation for all of its applications and APIs.
    api: Option<String>,
}

/// A custom claim as it is changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClaimBody {
    /// What it comes to, in CEL.
    expression: String,
    /// Where it is told.
    into: Vec<TargetWord>,
}

/// A custom claim.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Claim)]
struct ClaimView {
    /// Its id.
    id: String,
    /// The claim's name.
    name: String,
    /// What it comes to, in CEL.
    expression: String,
    /// Where it is told.
    into: Vec<TargetWord>,
    /// The id of the application whose tokens have it.
    client: Option<String>,
    /// The id of the API whose access tokens have it.
    api: Option<String>,
    /// When it was added.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// For whom tokens would be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClaimTest {
    /// The id of somebody who belongs to the organisation.
    user_id: String,
    /// One of its applications, by `client_id` or id.
    client_id: String,
    /// One of its APIs, by identifier or id, where the access token is for one.
    api: Option<String>,
    /// The granted scopes: `openid`, `profile` and `email` unless set.
    scopes: Option<Vec<String>>,
    /// An expression to try.
    expression: Option<String>,
}

/// Which claims tokens would have.
#[derive(Debug, Default, Serialize, ToSchema)]
struct ClaimSample {
    /// Those of access tokens.
    #[schema(value_type = Object)]
    access_token: Map<String, Json>,
    /// Those of ID tokens.
    #[schema(value_type = Object)]
    id_token: Map<String, Json>,
    /// Those of the answer of userinfo.
    #[schema(value_type = Object)]
    userinfo: Map<String, Json>,
    /// How much is added to the largest of them, of 8192 bytes of JSON at most.
    bytes: usize,
    /// What is left out.
    left_out: Vec<ClaimLeftOut>,
    /// What the expression to try comes to; null where it says nothing, or fails.
    #[schema(value_type = Object)]
    value: Json,
    /// Why the expression to try says nothing: `evaluation`, `too_large`.
    failed: Option<&'static str>,
}

/// A claim that is left out.
#[derive(Debug, Serialize, ToSchema)]
struct ClaimLeftOut {
    /// Where.
    from: TargetWord,
    /// The claim's name.
    name: String,
    /// Why: `evaluation`, `too_large` or `too_costly`.
    reason: &'static str,
}

#[expect(clippy::unnecessary_wraps, reason = "what a page shows may fail")]
fn view(mapping: &Mapping) -> Result<ClaimView> {
    let (client, api) = match mapping.owner {
        Owner::Org => (None, None),
        Owner::Client(id) => (Some(id.to_string()), None),
        Owner::Api(id) => (None, Some(id.to_string())),
    };
    Ok(ClaimView {
        id: mapping.id.to_string(),
        name: mapping.name.clone(),
        expression: mapping.expression.clone(),
        into: words(&mapping.into),
        client,
        api,
        created_at: mapping.created_at.to_string(),
        updated_at: mapping.updated_at.to_string(),
    })
}

fn words(targets: &[Target]) -> Vec<TargetWord> {
    targets.iter().copied().map(Into::into).collect()
}

fn targets(words: Vec<TargetWord>) -> Vec<Target> {
    words.into_iter().map(Into::into).collect()
}

fn named(text: &str) -> Result<Id<ClaimMapping>> {
    text.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}

async fn list(caller: Caller, Entered(scope): Entered, mut listing: Listing) -> Answer {
    let whose = Whose { client: listing.filter("client_id"), api: listing.filter("api") };
    let ask = ListAsk { page: listing.ask()?, whose };
    page(&claims::list(&caller.call, &scope, ask).await?, view)
}

async fn create(caller: Caller, Entered(scope): Entered, Input(body): Input<NewClaim>) -> Answer {
    let into = body.into.unwrap_or_else(|| vec![TargetWord::AccessToken]);
    let change = Change { expression: body.expression, into: targets(into) };
    let whose = Whose { client: body.client_id, api: body.api };
    let made = claims::create(&caller.call, &scope, NewMapping { whose, name: body.name, change }).await?;
    let place = format!("/api/v1/orgs/{}/claims/{}", scope.id(), made.id);
    created(&place, &view(&made)?, Some(made.version))
}

async fn show(caller: Caller, Entered(scope): Entered, Path((_, id)): Second) -> Answer {
    let mapping = claims::get(&caller.call, &scope, named(&id)?).await?;
    versioned(&view(&mapping)?, mapping.version)
}

async fn change(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, id)): Second,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    let id = named(&id)?;
    for _ in 0..TRIES {
        let mapping = claims::get(&caller.call, &scope, id).await?;
        seen.check(mapping.version)?;
        let before = ClaimBody { into: words(&mapping.into), expression: mapping.expression };
        let after = patched(&before, &patch)?;
        let change = Change { expression: after.expression, into: targets(after.into) };
        match claims::update(&caller.call, &scope, (id, mapping.version), change).await {
            Ok(mapping) => return versioned(&view(&mapping)?, mapping.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn remove(caller: Caller, Entered(scope): Entered, Path((_, id)): Second, seen: IfMatch) -> Answer {
    let id = named(&id)?;
    seen.check(claims::get(&caller.call, &scope, id).await?.version)?;
    claims::remove(&caller.call, &scope, id).await?;
    done()
}

async fn test(caller: Caller, Entered(scope): Entered, Input(body): Input<ClaimTest>) -> Answer {
    let user = body.user_id.parse().map_err(|_| wrong("user_id", "No such person"))?;
    let usual = || ["openid", "profile", "email"].map(str::to_owned).to_vec();
    let scopes = body.scopes.unwrap_or_else(usual);
    let scopes = ScopeSet::from_names(scopes.iter().map(String::as_str));
    let scopes = scopes.map_err(|_| wrong("scopes", "Scopes are words without spaces"))?;
    let (client, api, expression) = (body.client_id, body.api, body.expression);
    let ask = SampleAsk { user, client, api, scopes, expression };
    let sample = claims::sample(&caller.call, &scope, ask).await?;
    let mut view = ClaimSample { bytes: sample.bytes, ..ClaimSample::default() };
    for (target, claims) in sample.claims {
        match target {
            Target::AccessToken => view.access_token = claims,
            Target::IdToken => view.id_token = claims,
            Target::Userinfo => view.userinfo = claims,
        }
    }
    let left_out = sample.left_out.into_iter();
    let left_out =
        left_out.map(|(from, name, reason)| ClaimLeftOut { from: from.into(), name, reason: reason.name() });
    view.left_out = left_out.collect();
    match sample.value {
        Some(Ok(value)) => view.value = value,
        Some(Err(reason)) => view.failed = Some(reason.name()),
        None => {}
    }
    found(&view)
}
