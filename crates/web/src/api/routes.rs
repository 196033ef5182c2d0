//! Routes of the gateway: `/api/v1/routes`. Those of the configuration are shown beside those that are made
//! here, and stay as they are.

use std::sync::Arc;

use axum::extract::{Path, State};
use doorward_core::{
    call::Call,
    outcome::{Code, Refusal, Result},
    page::Page,
    routes::{self, Route},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, TRIES, created, done, found, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::Caller,
    endpoint::Endpoint,
};
use crate::{
    app::App,
    routing::{Routing, Spec},
};

const READ: &str = "admin:routes:read";
const WRITE: &str = "admin:routes:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/routes", all)
            .scope(READ)
            .lists_all::<RouteView>()
            .says("Lists the routes of the gateway, those of the configuration first"),
        Endpoint::post("/api/v1/routes", make)
            .scope(WRITE)
            .takes::<RouteBody>()
            .status(StatusCode::CREATED)
            .answers::<RouteView>()
            .says("Makes a route; it is in force with the answer"),
        Endpoint::get("/api/v1/routes/{id}", show)
            .scope(READ)
            .answers::<RouteView>()
            .says("Shows a route, by its name or its id"),
        Endpoint::patch("/api/v1/routes/{id}", change)
            .scope(WRITE)
            .takes::<RouteBody>()
            .answers::<RouteView>()
            .says("Changes a route; it is in force with the answer"),
        Endpoint::delete("/api/v1/routes/{id}", end).scope(WRITE).says("Takes a route away"),
        Endpoint::post("/api/v1/routes/test", test)
            .scope(READ)
            .takes::<TestBody>()
            .answers::<Tested>()
            .says("Says which route is for a request, and what it demands"),
    ]
}

/// A route: which requests it is for, and what they need.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRoute)]
struct RouteBody {
    /// What it is called: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    name: String,
    /// `app.example.com` or `*.example.com`; every host unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    hosts: Option<Vec<String>>,
    /// `/reports`, `/reports/*` for one more segment, `/reports/{owner}` for one that a policy can
    /// name, `/reports/**` for everything below; every path unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    paths: Option<Vec<String>>,
    /// Every method unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<String>>,
    /// `required`, `optional` or `disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    /// Kinds of credentials that count; every kind unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    accept: Option<Vec<String>>,
    /// Whose tokens count.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuers: Option<Vec<String>>,
    /// For whom a token must have been issued: one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    audiences: Option<Vec<String>>,
    /// Scopes that the credential must have, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// Roles of which the holder must have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    /// Permissions that the holder must have, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<String>>,
    /// Workspaces that the credential must open, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    workspaces: Option<Vec<String>>,
    /// Policies in Cedar, of which one must permit and none forbid.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// How fast: `"100/minute"`, an object, or a list of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<Json>,
    /// How many in a part of the calendar, written alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Json>,
    /// The application behind: `http://127.0.0.1:9000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<String>,
    /// Where else the same application runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstreams: Option<Vec<String>>,
    /// What is spoken with it: `auto`, `http1` or `h2c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_protocol: Option<String>,
    /// A path that tells whether it is well: `/healthz`.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<String>,
    /// Headers of its answers that stay inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    strip_headers: Option<Vec<String>>,
    /// Members of the JSON objects that it answers, which stay inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    strip_fields: Option<Vec<String>>,
    /// In which words refusals are told: `problem`, `orcheo`, `chroma` or `plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<String>,
    /// Whether whoever is let through to a Chroma (`errors`) may use every tenant of it, not their organisation's alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    any_tenant: Option<bool>,
    /// Whether the application gets the credential, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_authorization: Option<bool>,
    /// Whether the application is asked under the name that the client used.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_host: Option<bool>,
    /// Whether `WebSockets` are let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    websocket: Option<bool>,
    /// Whether a WebSocket may bring its credential in the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    websocket_query: Option<bool>,
    /// Seconds within which the application must begin its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u64>,
    /// Bytes that the body of a request may have; as many as it has unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_body: Option<u64>,
}

/// A route, and where it comes from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Route)]
pub(crate) struct RouteView {
    /// Its id; none for a route of the configuration.
    pub(crate) id: Option<String>,
    /// `file` (the configuration, which only changes there) or `api`.
    pub(crate) source: &'static str,
    /// Whether it is in force as it is written; one whose name the configuration takes, or which would not be
    /// safe any more, is not.
    pub(crate) in_force: bool,
    #[serde(flatten)]
    #[schema(value_type = RouteBody)]
    pub(crate) route: Spec,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// By whom.
    pub(crate) created_by: Option<String>,
    /// When it was changed last.
    #[schema(format = DateTime)]
    pub(crate) updated_at: Option<String>,
    /// By whom.
    pub(crate) updated_by: Option<String>,
}

impl RouteView {
    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        self.route.get("name").and_then(Json::as_str).unwrap_or_default()
    }
}

/// A request to find the route of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TestRoute)]
struct TestBody {
    /// `GET` unless set.
    method: Option<String>,
    /// `https://app.example.com/reports/1`.
    target: String,
}

/// Which route is for a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestedRoute)]
struct Tested {
    /// Its name; `default` where no other is for the request.
    name: String,
    /// What it demands; none where nothing but a credential is demanded (`auth.mode`).
    route: Option<RouteView>,
}

pub(crate) fn of_file(spec: Spec) -> RouteView {
    RouteView {
        id: None,
        source: "file",
        in_force: true,
        route: spec,
        created_at: None,
        created_by: None,
        updated_at: None,
        updated_by: None,
    }
}

fn view(app: &App, route: &Route) -> RouteView {
    RouteView {
        id: Some(route.id.to_string()),
        source: "api",
        in_force: routing(app).is_ok_and(|routing| routing.is_in_force(&route.name)),
        route: route.spec.clone(),
        created_at: Some(route.created_at.to_string()),
        created_by: Some(route.created_by.clone()),
        updated_at: Some(route.updated_at.to_string()),
        updated_by: Some(route.updated_by.clone()),
    }
}

fn routing(app: &App) -> Result<&Arc<dyn Routing>> {
    let routing = app.settings.routing.as_ref();
    routing.ok_or_else(|| Refusal::new(Code::Conflict).hint("There is no gateway here").into())
}

fn fixed(app: &App) -> Vec<Spec> {
    app.settings.routing.as_ref().map(|routing| routing.fixed()).unwrap_or_default()
}

fn fixed_named(app: &App, name: &str) -> Option<Spec> {
    fixed(app).into_iter().find(|spec| spec.get("name").and_then(Json::as_str) == Some(name))
}

fn of_configuration(name: &str) -> Refusal {
    let hint = format!("{name} is a route of the configuration, which is changed there");
    Refusal::new(Code::Conflict).field("name").hint(hint)
}

/// The members that are written, checked in the words of the configuration.
fn checked(app: &App, body: &RouteBody) -> Result<Spec> {
    let Json::Object(spec) = serde_json::to_value(body)? else { return Ok(Map::new()) };
    let name = routes::name(&spec)?;
    if fixed_named(app, name).is_some() {
        return Err(of_configuration(name).into());
    }
    routing(app)?.check(&spec)?;
    Ok(spec)
}

/// Every route, those of the configuration first.
///
/// # Errors
/// A fault when the database does not answer.
pub(crate) async fn views(app: &App, call: &Call) -> Result<Vec<RouteView>> {
    let mut views: Vec<RouteView> = fixed(app).into_iter().map(of_file).collect();
    views.extend(routes::all(call).await?.iter().map(|route| view(app, route)));
    Ok(views)
}

/// A route by its name or its id.
///
/// # Errors
/// `RouteUnknown`.
pub(crate) async fn named(app: &App, call: &Call, key: &str) -> Result<RouteView> {
    match fixed_named(app, key) {
        Some(spec) => Ok(of_file(spec)),
        None => routes::find(call, key).await.map(|route| view(app, &route)),
    }
}

async fn all(State(app): State<App>, caller: Caller) -> Answer {
    let items = views(&app, &caller.call).await?;
    page(&Page { items, next: None }, |view| Ok(serde_json::to_value(view)?))
}

async fn show(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Answer {
    if let Some(spec) = fixed_named(&app, &key) {
        return found(&of_file(spec));
    }
    let route = routes::find(&caller.call, &key).await?;
    versioned(&view(&app, &route), route.version)
}

async fn make(State(app): State<App>, caller: Caller, Input(body): Input<RouteBody>) -> Answer {
    let spec = checked(&app, &body)?;
    let route = routes::create(&caller.call, spec).await?;
    routing(&app)?.refresh().await?;
    created(&format!("/api/v1/routes/{}", route.name), &view(&app, &route), Some(route.version))
}

/// A route that can be changed here.
async fn own(app: &App, caller: &Caller, key: &str) -> Result<Route> {
    match routes::find(&caller.call, key).await {
        Err(error) if error.code() == Some(Code::RouteUnknown) && fixed_named(app, key).is_some() => {
            Err(of_configuration(key).into())
        }
        other => other,
    }
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    for _ in 0..TRIES {
        let before = own(&app, &caller, &key).await?;
        seen.check(before.version)?;
        let body: RouteBody =
            patched(&before.spec, &patch).and_then(|spec: Spec| super::body::typed(spec.into()))?;
        let spec = checked(&app, &body)?;
        match routes::update(&caller.call, (before.id, before.version), spec).await {
            Ok(route) => {
                routing(&app)?.refresh().await?;
                return versioned(&view(&app, &route), route.version);
            }
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn end(State(app): State<App>, caller: Caller, Path(key): Path<String>, seen: IfMatch) -> Answer {
    for _ in 0..TRIES {
        let route = own(&app, &caller, &key).await?;
        seen.check(route.version)?;
        match routes::delete(&caller.call, route.id, route.version).await {
            Ok(()) => {
                if let Ok(routing) = routing(&app) {
                    routing.refresh().await?;
                }
                return done();
            }
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn test(State(app): State<App>, caller: Caller, Input(body): Input<TestBody>) -> Answer {
    let method = body.method.unwrap_or_else(|| "GET".to_owned());
    if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
        return Err(wrong("method", "A method is like GET").into());
    }
    let name = routing(&app)?.find(&method, &body.target)?.unwrap_or_else(|| "default".to_owned());
    let route = match named(&app, &caller.call, &name).await {
        Ok(route) => Some(route),
        Err(error) if error.code() == Some(Code::RouteUnknown) => None,
        Err(error) => return Err(error.into()),
    };
    found(&Tested { name, route })
}
