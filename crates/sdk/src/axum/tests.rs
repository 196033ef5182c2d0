use axum::{Router, routing::get};
use doorward_judge::Mode;
use http::{Request, StatusCode};
use tower::ServiceExt as _;

use super::*;
use crate::{testing::builder, tower::GuardLayer};

struct Reading;
impl Demand for Reading {
    const SCOPES: &'static [&'static str] = &["reports:read"];
    const ROLES: &'static [&'static str] = &["editor", "admin"];
    const WORKSPACES: &'static [&'static str] = &["ws-a"];
}

struct Elsewhere;
impl Demand for Elsewhere {
    const WORKSPACES: &'static [&'static str] = &["ws-b"];
}

fn routes() -> Router {
    Router::new()
        .route("/caller", get(async |caller: Caller| caller.subject().to_owned()))
        .route(
            "/maybe",
            get(async |caller: Option<Caller>| caller.map_or_else(String::new, |it| it.subject().to_owned())),
        )
        .route("/reading", get(async |caller: Allowed<Reading>| caller.into_caller().subject().to_owned()))
        .route("/elsewhere", get(async |_: Allowed<Elsewhere>| "in"))
        .route("/tenant", get(async |tenant: Tenant| tenant.id().to_owned()))
        .route(
            "/writing",
            get(async |caller: Caller| -> Result<&'static str, Refused> {
                caller.require_scopes(&["reports:write"])?;
                Ok("written")
            }),
        )
}

async fn ask(router: &Router, path: &str, token: &str) -> (StatusCode, String, String) {
    let mut request = Request::builder().uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let challenge = answer.headers().get("www-authenticate").map_or("", |it| it.to_str().unwrap()).to_owned();
    let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, challenge, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn handlers_learn_who_asks_and_refuse_in_the_same_words() {
    let router = routes().layer(GuardLayer::new(builder().mode(Mode::Optional).build().unwrap()));
    for (path, token, status, says) in [
        ("/caller", "ada", 200, "usr_ada"),
        ("/caller", "", 401, "auth.missing_token"),
        ("/caller", "old", 401, "auth.token_expired"),
        ("/maybe", "ada", 200, "usr_ada"),
        ("/maybe", "", 200, ""),
        ("/maybe", "old", 401, "auth.token_expired"),
        ("/reading", "ada", 200, "usr_ada"),
        ("/reading", "bob", 403, "auth.missing_scope"),
        ("/reading", "", 401, "auth.missing_token"),
        ("/elsewhere", "ada", 403, "auth.workspace_forbidden"),
        ("/tenant", "ada", 200, "org_one"),
        ("/tenant", "bob", 403, "auth.forbidden"),
        ("/tenant", "", 401, "auth.missing_token"),
        ("/writing", "ada", 403, "Missing required scopes: reports:write"),
    ] {
        let (found, challenge, body) = ask(&router, path, token).await;
        assert_eq!(found.as_u16(), status, "{path} {token}: {body}");
        assert!(body.contains(says), "{path} {token}: {body}");
        assert!(
            status != 401 || challenge.starts_with("Bearer realm=\"https://own.example\""),
            "{challenge}"
        );
    }
    assert!(ask(&router, "/reading", "").await.1.ends_with("scope=\"reports:read\""));
}

#[tokio::test]
async fn without_a_guard_nobody_is_anybody() {
    assert_eq!(ask(&routes(), "/caller", "ada").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&routes(), "/maybe", "ada").await.2, "");
}

#[tokio::test]
async fn a_guard_of_ones_own_is_no_gateway() {
    let router = Router::new().route("/", get(async |caller: AssertedCaller| caller.subject().to_owned()));
    let router = router.layer(GuardLayer::new(builder().build().unwrap()));
    assert_eq!(ask(&router, "/", "ada").await.0, StatusCode::UNAUTHORIZED);
}
