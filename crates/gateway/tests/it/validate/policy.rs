//! Policies of a route at the door: what they are asked about, and how it is told that they say no.

use doorward_judge::Mode;
use http::Method;
use serde_json::json;

use super::{
    ADA, BOB,
    kit::{guarded, world},
    original, with,
};

const OWN: &str = r#"
    @id("own") permit(principal, action, resource) when { principal.subject == resource.params.owner };
    @id("read") permit(principal, action in Action::"read", resource) when { principal.roles.contains("auditor") };
    forbid(principal, action == Action::"DELETE", resource);
"#;

fn routes() -> serde_json::Value {
    json!([
        { "name": "notes", "paths": ["/notes/{owner}/**"], "policy": OWN },
        { "name": "broken", "paths": ["/broken"], "policy":
            "permit(principal, action, resource);
             forbid(principal, action, resource)
             when { context.now.offset(duration(\"106751991167d\")) > context.now };" },
        { "name": "lounge", "paths": ["/lounge/**"], "mode": "optional",
            "policy": "permit(principal, action in Action::\"read\", resource); permit(principal is User, action, resource);" },
    ])
}

#[tokio::test]
async fn a_policy_is_asked_about_the_request_that_is_described() {
    let world = world(Mode::Required, routes());
    for (method, uri, who, expect) in [
        ("GET", "/notes/usr_ada/1", Some(ADA), "200"),
        ("PUT", "/notes/usr_ada/1", Some(ADA), "200"),
        ("GET", "/notes/usr%5Fada/1", Some(ADA), "200"),
        ("DELETE", "/notes/usr_ada/1", Some(ADA), "403 auth.policy_denied"),
        ("GET", "/notes/usr_ada/1?owner=usr_bob", Some(BOB), "403 auth.policy_denied"),
        ("GET", "/notes/usr_bob/1", Some(BOB), "200"),
        ("GET", "/notes/usr_ada/1", None, "401 auth.missing_token"),
        ("GET", "/notes/usr_ada/../usr_bob/1", Some(BOB), "401 gateway.path_ambiguous"),
        ("GET", "/broken", Some(ADA), "403 auth.policy_denied"),
        ("GET", "/lounge/x", None, "200"),
        ("POST", "/lounge/x", None, "401 auth.missing_token"),
        ("POST", "/lounge/x", Some(ADA), "200"),
    ] {
        let headers =
            who.map_or(original(method, uri).to_vec(), |who| with(original(method, uri).to_vec(), who));
        let answer = world.ask("/validate?profile=nginx", &headers).await;
        let told = match answer.status {
            200 => "200".to_owned(),
            status => format!("{status} {}", answer.code()),
        };
        assert_eq!(told, expect, "{method} {uri} {who:?}");
        assert!(
            !answer.text.contains("offset"),
            "why it could not be evaluated is for the log: {}",
            answer.text
        );
    }
    let told = world.book.0.lock().unwrap().clone();
    assert!(told.contains(&"notes auth.policy_denied usr_bob".to_owned()), "{told:?}");
}

#[tokio::test]
async fn without_a_request_no_policy_permits() {
    let world = world(Mode::Required, routes());
    let answer = world.ask("/validate?route=notes", &[ADA]).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "gateway.request_not_described"));
    // Described, it is judged, also under a route that the path is not for.
    let described = with(original("GET", "/notes/usr_ada/1").to_vec(), ADA);
    assert_eq!(world.asks(Method::GET, "/validate?route=notes", &described, true).await.status, 200);
    let elsewhere = with(original("GET", "/elsewhere").to_vec(), ADA);
    let answer = world.asks(Method::GET, "/validate?route=notes", &elsewhere, true).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "auth.policy_denied"));
    assert_eq!(guarded().ask("/validate", &[ADA]).await.status, 200, "other routes do not need it");
}
