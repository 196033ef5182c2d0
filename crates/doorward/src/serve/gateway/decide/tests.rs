//! The Authorization API over the real routes, the real server and both databases.

use std::sync::Arc;

use axum::body::Body;
use doorward_proto::secret::SecretText;
use doorward_web::{App, Bootstrap, ThroughSocket, WebSettings, router};
use doorward_world::{ISSUER, World, both_engines};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::*;
use crate::{
    config::{Environment, Loaded, Sources},
    serve::gateway::Book,
};

const ROOT: &str = "root-token-root-token-root-token-root";
const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const ROUTES: &str = r#"[
    {"name": "notes", "hosts": ["notes.example"], "paths": ["/notes/{owner}/**"], "scopes": ["notes:read"],
        "policy": "permit(principal, action, resource) when { principal.subject == resource.params.owner };
            permit(principal in Role::\"auditor\", action in Action::\"read\", resource)
            when { context.address.isInRange(ip(\"10.0.0.0/8\")) };
            permit(principal is Service, action, resource) when { principal.workspaces.contains(\"ws-a\") };
            forbid(principal, action, resource) when { context.now > datetime(\"2090-01-01\") };"},
    {"name": "public", "hosts": ["notes.example"], "paths": ["/public/**"], "mode": "disabled"},
    {"name": "keys", "hosts": ["notes.example"], "paths": ["/keys"], "accept": ["api_key"]}
]"#;

struct Server {
    router: axum::Router,
}

impl Server {
    async fn new(world: &World, scopes: &[&str]) -> Self {
        let flags = vec![("gateway.routes".to_owned(), ROUTES.replace('\n', " "))];
        let config = Loaded::read(&Sources { file: None, flags }, &Environment::default()).unwrap().config;
        let book = Book::open(&world.realm, &config, CancellationToken::new()).await.unwrap();
        let bootstrap = Bootstrap {
            token: SecretText::from(ROOT),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            terms: doorward_core::bootstrap::Terms::default(),
        };
        let settings =
            WebSettings { bootstrap: Some(bootstrap), routing: Some(book), ..WebSettings::default() };
        Self { router: router(App::new(Arc::clone(&world.realm), settings)) }
    }

    async fn send(&self, request: Request<Body>) -> (u16, HeaderMap, Json) {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), parts.headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn ask(&self, path: &str, body: Json) -> (u16, Json) {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {ROOT}"));
        let (status, _, body) = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        (status, body)
    }

    async fn make(&self, path: &str, body: Json) -> Json {
        let mut request = Request::post(path).header("content-type", "application/json");
        request.extensions_mut().unwrap().insert(ThroughSocket);
        let (status, _, body) = self.send(request.body(Body::from(body.to_string())).unwrap()).await;
        assert!((200..300).contains(&status), "{path}: {body}");
        body
    }

    /// `true`, or the code of the refusal.
    async fn decides(&self, question: Json) -> String {
        let (status, body) = self.ask(EVALUATION, question).await;
        assert_eq!(status, 200, "{body}");
        match body["decision"].as_bool().unwrap() {
            true => {
                assert_eq!(body, json!({ "decision": true }));
                "true".to_owned()
            }
            false => body["context"]["code"].as_str().unwrap().to_owned(),
        }
    }

    async fn person(&self, email: &str, roles: &[&str]) -> String {
        let made = self.make("/api/v1/users", json!({ "email": email, "roles": roles })).await;
        made["id"].as_str().unwrap().to_owned()
    }
}

fn user(id: &str, scopes: &[&str]) -> Json {
    json!({ "type": "user", "id": id, "properties": { "scopes": scopes, "department": "sales" } })
}

fn url(path: &str) -> Json {
    json!({ "type": "url", "id": format!("https://notes.example{path}") })
}

both_engines! {
    /// The answer is that of the routes, for whoever they are here, whatever the question says of them.
    async fn the_routes_answer_as_they_would_answer_a_request(world: World) {
        let server = Server::new(&world, &["admin:access:read"]).await;
        let ada = server.person("ada@example.org", &[]).await;
        let eve = server.person("eve@example.org", &["auditor"]).await;
        let gone = server.person("gone@example.org", &[]).await;
        server.make(&format!("/api/v1/users/{gone}/suspend"), json!({})).await;
        let own = format!("/notes/{ada}/1");
        let read = &["notes:read"][..];
        let inside = json!({ "address": "10.1.2.3", "trace": "x" });
        let claiming = json!({ "type": "user", "id": ada, "properties": { "scopes": read, "roles": ["auditor"] } });
        for (subject, method, resource, context, expect) in [
            (user(&ada, read), "GET", url(&own), json!({}), "true"),
            (user(&eve, read), "GET", url(&own), json!({}), "auth.policy_denied"),
            (user(&ada, read), "GET", url(&own), inside.clone(), "true"),
            (user("ada@example.org", read), "GET", url(&own), inside.clone(), "true"),
            (user("ADA@example.org", read), "GET", url(&own), inside.clone(), "true"),
            (user(&ada, &[]), "GET", url(&own), inside.clone(), "auth.missing_scope"),
            (user(&ada, read), "GET", url(&format!("/notes/{eve}/1")), inside.clone(), "auth.policy_denied"),
            (claiming, "GET", url(&format!("/notes/{eve}/1")), inside.clone(), "auth.policy_denied"),
            (user(&eve, read), "GET", url(&own), inside.clone(), "true"),
            (user(&eve, read), "PUT", url(&own), inside.clone(), "auth.policy_denied"),
            (user(&eve, read), "GET", url(&own), json!({ "address": "192.0.2.1" }), "auth.policy_denied"),
            (user(&ada, read), "GET", url(&own), json!({ "address": "10.0.0.1", "time": "2095-01-01T00:00:00Z" }), "auth.policy_denied"),
            (user(&ada, &[]), "GET", url("/public/x"), json!({}), "true"),
            (user(&ada, &[]), "GET", url("/keys"), json!({}), "auth.invalid_token"),
            (user(&ada, &[]), "GET", url("/elsewhere"), json!({}), "true"),
            (user(&gone, read), "GET", url("/elsewhere"), json!({}), "auth.forbidden"),
            (user("nobody@example.org", read), "GET", url("/elsewhere"), json!({}), "auth.forbidden"),
            (user("' OR 1=1 --", read), "GET", url("/elsewhere"), json!({}), "auth.forbidden"),
            (json!({ "type": "client", "id": "nobody" }), "GET", url("/elsewhere"), json!({}), "auth.forbidden"),
            (user(&ada, read), "GET", json!({ "type": "route", "id": "public" }), json!({}), "true"),
            (user(&ada, read), "GET", json!({ "type": "route", "id": "none" }), json!({}), "gateway.route_unknown"),
            (user(&ada, read), "GET", json!({ "type": "route", "id": "notes" }), json!({}), "gateway.request_not_described"),
            (user(&ada, read), "GET",
                json!({ "type": "route", "id": "notes", "properties": { "host": "notes.example", "path": own } }),
                inside.clone(), "true"),
        ] {
            let asked = json!({ "subject": subject, "action": { "name": method }, "resource": resource, "context": context });
            assert_eq!(server.decides(asked.clone()).await, expect, "{asked}");
        }
    }

    /// A service token has its own scopes and workspaces, its addresses, and its end.
    async fn a_service_token_speaks_for_itself(world: World) {
        let server = Server::new(&world, &["admin:access:read"]).await;
        let named = json!({
            "name": "robot", "scopes": ["notes:read"], "workspace_ids": ["ws-a"], "allowed_addresses": ["10.0.0.0/8"],
        });
        let token = server.make("/api/v1/service-tokens", named).await;
        let asked = |address: &str| json!({
            "subject": { "type": "service", "id": token["id"], "properties": { "scopes": ["admin:*"] } },
            "action": { "name": "PUT" }, "resource": url("/notes/x/1"), "context": { "address": address },
        });
        assert_eq!(server.decides(asked("10.1.1.1")).await, "true");
        assert_eq!(server.decides(asked("192.0.2.1")).await, "auth.invalid_address");
        let revoke = format!("/api/v1/service-tokens/{}/revoke", token["id"].as_str().unwrap());
        server.make(&revoke, json!({ "reason": "lost" })).await;
        assert_eq!(server.decides(asked("10.1.1.1")).await, "auth.forbidden");
    }

    async fn several_questions_stop_where_it_is_said(world: World) {
        let server = Server::new(&world, &["admin:access:read"]).await;
        let ada = server.person("ada@example.org", &[]).await;
        let asked = |semantic: Option<&str>| {
            let mut asked = json!({
                "subject": user(&ada, &["notes:read"]), "action": { "name": "GET" }, "context": { "address": "10.0.0.1" },
                "evaluations": [
                    { "resource": url("/public/x") },
                    { "resource": url("/keys") },
                    { "resource": url(&format!("/notes/{ada}/1")), "action": { "name": "PUT" } },
                    { "resource": { "type": "document", "id": "1" } },
                    { "action": { "name": "GET" } },
                ],
            });
            if let Some(semantic) = semantic {
                asked["options"] = json!({ "evaluations_semantic": semantic, "other": 1 });
            }
            asked
        };
        for (semantic, expect) in [
            (None, &[true, false, true, false, false][..]),
            (Some("execute_all"), &[true, false, true, false, false]),
            (Some("deny_on_first_deny"), &[true, false]),
            (Some("permit_on_first_permit"), &[true]),
        ] {
            let (status, told) = server.ask(EVALUATIONS, asked(semantic)).await;
            let told = told["evaluations"].as_array().unwrap_or_else(|| panic!("{told}"));
            let decisions: Vec<bool> = told.iter().map(|it| it["decision"].as_bool().unwrap()).collect();
            assert_eq!((status, &*decisions), (200, expect), "{semantic:?}");
            if decisions.len() == 5 {
                assert_eq!(told[3]["context"]["error"], json!({ "status": 400, "message": "resource.type: url or route" }));
                assert_eq!(told[4]["context"]["error"]["message"], "resource: The member resource is missing");
            }
        }
        assert_eq!(server.ask(EVALUATIONS, asked(Some("all"))).await.0, 400);
        let single = json!({ "subject": user(&ada, &[]), "action": { "name": "GET" }, "resource": url("/public/x"), "evaluations": [] });
        assert_eq!(server.ask(EVALUATIONS, single).await, (200, json!({ "decision": true })));
        let many = json!({ "evaluations": vec![json!({}); 101] });
        assert_eq!(server.ask(EVALUATIONS, many).await.0, 400);
    }

    /// What is no question is an error; who may not ask learns nothing.
    async fn only_who_may_asks_and_only_what_can_be_asked(world: World) {
        let server = Server::new(&world, &["admin:access:read"]).await;
        let whole = json!({ "subject": user("x", &[]), "action": { "name": "GET" }, "resource": url("/public/x") });
        for (pointer, value, field) in [
            ("/subject", json!(null), "subject"),
            ("/subject/type", json!("agent"), "subject.type"),
            ("/subject/id", json!(""), "subject.id"),
            ("/subject/id", json!("x".repeat(2_000)), "subject.id"),
            ("/subject/id", json!(1), "subject.id"),
            ("/subject/properties/scopes", json!("notes:read"), "subject.properties.scopes"),
            ("/subject/properties/credential", json!("magic"), "subject.properties.credential"),
            ("/action/name", json!("can_read"), "action.name"),
            ("/resource/type", json!("document"), "resource.type"),
            ("/resource/id", json!("/public/x"), "resource.id"),
            ("/resource/id", json!("https://notes.example/a/../b"), "resource.id"),
            ("/resource/id", json!("ftp://notes.example/a"), "resource.id"),
            ("/context", json!({ "address": "here" }), "context.address"),
            ("/context", json!({ "time": "yesterday" }), "context.time"),
        ] {
            let mut asked = whole.clone();
            let mut place = &mut asked;
            for part in pointer.split('/').skip(1) {
                place = &mut place[part];
            }
            *place = value;
            let (status, told) = server.ask(EVALUATION, asked.clone()).await;
            assert_eq!((status, told["field"].as_str().unwrap_or_default()), (400, field), "{asked}: {told}");
        }
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        let request = Request::post(EVALUATION).header("content-type", "application/json").header("authorization", format!("Bearer {ROOT}"));
        assert_eq!(server.send(request.body(Body::from(format!("{{\"subject\":{deep}}}"))).unwrap()).await.0, 400);

        let lesser = Server::new(&world, &["admin:routes:read", "admin:users:read"]).await;
        let (status, told) = lesser.ask(EVALUATION, whole.clone()).await;
        assert_eq!((status, &told["code"], &told["scope"]), (403, &json!("auth.missing_scope"), &json!("admin:access:read")));
        let nobody = Request::post(EVALUATION).header("content-type", "application/json").header("x-request-id", "bfe9eb29-ab87-4ca3-be83-a1d5d8305716");
        let (status, headers, _) = server.send(nobody.body(Body::from(whole.to_string())).unwrap()).await;
        assert_eq!((status, &headers["x-request-id"]), (401, &"bfe9eb29-ab87-4ca3-be83-a1d5d8305716".parse().unwrap()));
    }

    async fn it_is_told_where_to_ask(world: World) {
        let server = Server::new(&world, &[]).await;
        let request = Request::builder().method(Method::GET).uri("/.well-known/authzen-configuration");
        let (status, _, told) = server.send(request.body(Body::empty()).unwrap()).await;
        let expect = json!({
            "policy_decision_point": ISSUER,
            "access_evaluation_endpoint": format!("{ISSUER}{EVALUATION}"),
            "access_evaluations_endpoint": format!("{ISSUER}{EVALUATIONS}"),
        });
        assert_eq!((status, told), (200, expect));
    }
}
