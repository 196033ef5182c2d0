//! The vectors of the conformance kit against `/validate`, asked as Caddy asks.

use std::{fs, path::Path, sync::Arc};

use axum::body::Body;
use doorward_gateway::{DEFAULT, Gateway, Origin, Route, RouteSpec, Settings};
use doorward_judge::rule::RuleSpec;
use doorward_sdk::{
    conformance::{Answer, Case, Door, Suite},
    dress::Errors,
    server::{Chain, proof::Proofs},
};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// What an answer of `/validate` tells of somebody.
const TOLD: [(&str, &str); 6] = [
    ("subject", "x-user-id"),
    ("credential", "x-auth-type"),
    ("organization", "x-org-id"),
    ("role", "x-user-role"),
    ("client_id", "x-client-id"),
    ("agent_id", "x-agent-id"),
];

fn gateway(suite: &Suite) -> Gateway {
    let default = RuleSpec { name: DEFAULT.to_owned(), mode: suite.auth.mode, ..RuleSpec::default() };
    let rules = suite.rules.iter().cloned().chain([default]);
    let routes = rules.map(|rule| {
        let mut route = Route::default();
        route.errors = suite.errors;
        // The vectors are about words; none of their paths names a tenant.
        route.any_tenant = suite.errors == Errors::Chroma;
        RouteSpec { rule, route }
    });
    Gateway::new(Settings {
        routes: routes.collect(),
        mode: suite.auth.mode,
        audiences: suite.auth.audience.clone(),
        issuer: suite.realm.clone(),
        is_alone: false,
        limiter: Arc::default(),
        proofs: Some(Arc::new(Proofs::new().unwrap())),
        sign_in: None,
        tickets: None,
        chain: Chain::new(suite.providers().unwrap()),
        signer: None,
        witness: None,
        meter: None,
        clock: suite.clock(),
        stop: CancellationToken::new(),
    })
    .unwrap()
}

/// The question about a request.
fn question(case: &Case, request: &Request<()>) -> Request<Body> {
    let mut question = Request::get("/validate?profile=caddy");
    for (name, value) in request.headers() {
        question = question.header(if name == "host" { "x-forwarded-host" } else { name.as_str() }, value);
    }
    if !request.headers().contains_key("host") {
        question = question.header("x-forwarded-host", "api.example");
    }
    question = question.header("x-forwarded-method", request.method().as_str());
    question = question.header("x-forwarded-uri", &case.request.target);
    question.body(Body::empty()).unwrap()
}

/// What the application of the kit would have seen, as far as the answer tells it.
fn seen(headers: &HeaderMap) -> Value {
    let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    if text("x-auth-type") == "anonymous" {
        return json!({ "caller": null, "headers": {} });
    }
    let mut caller: Value =
        TOLD.iter().map(|(member, name)| ((*member).to_owned(), json!(text(name)))).collect();
    let names = text("x-workspace-ids").split(',').filter(|name| !name.is_empty());
    caller["workspace_ids"] = names.collect();
    json!({ "caller": caller, "headers": {} })
}

#[tokio::test]
async fn every_vector_holds_for_the_door() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/http");
    let (mut count, mut wrong) = (0, Vec::new());
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.ends_with("keys.json") {
            continue;
        }
        let mut suite = Suite::read(&fs::read_to_string(&file).unwrap()).unwrap();
        for case in &mut suite.cases {
            if let Some(caller) = case.expect.caller.as_object_mut() {
                caller.retain(|name, _| name == "workspace_ids" || TOLD.iter().any(|(told, _)| told == name));
            }
        }
        let gateway = gateway(&suite);
        for (case, request) in suite.requests(Door::Validate).unwrap() {
            let origin = Origin {
                address: case.request.address,
                is_trusted: true,
                is_https: true,
                certificate: None,
                request_id: "ref-1".to_owned(),
                hold: None,
                decided: doorward_gateway::Decided::default(),
            };
            let (parts, body) = gateway.answer(question(case, &request), origin).await.into_parts();
            let mut body = body.collect().await.unwrap().to_bytes().to_vec();
            if parts.status == 200 {
                body = seen(&parts.headers).to_string().into_bytes();
            }
            let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
            let differences = case.differences(&answer, suite.errors);
            wrong.extend(differences.iter().map(|it| format!("{}: {}: {it}", file.display(), case.name)));
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 150, "{count}");
}
