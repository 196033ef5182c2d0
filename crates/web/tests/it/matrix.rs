//! The authorization matrix: every route of the API × every kind of caller. The routes come from the list
//! that the router is made of, so a new one cannot be forgotten.

use crate::api_kit::{ROOT, Server};
use doorward_core::{
    apis::catalog,
    credentials::{self, PasswordAsk},
};
use doorward_web::api::{Access, endpoints};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::json;

const METADATA: &str = "https://id.example/.well-known/oauth-protected-resource";
const PASSWORD: &str = "correct horse battery 7 staple";

/// An administrator, one of her sessions, and a service token and an application and a key that hold every right.
struct Strong {
    admin: String,
    session: String,
    token: String,
    key: String,
}

async fn strong(server: &Server) -> Strong {
    let admin = json!({"email": "root@example.org", "role": "admin", "password": PASSWORD});
    let admin = server.locally(Method::POST, "/api/v1/users", Some(admin)).await;
    assert_eq!(admin.status, StatusCode::CREATED, "{}", admin.text);
    let app = json!({
        "client_id": "strong", "name": "Strong", "type": "confidential",
        "grant_types": ["client_credentials"], "scopes": ["admin:*"],
    });
    let app = server.locally(Method::POST, "/api/v1/clients", Some(app)).await;
    assert_eq!(app.status, StatusCode::CREATED, "{}", app.text);
    let token = json!({"name": "strong", "scopes": ["admin:*"]});
    let token = server.locally(Method::POST, "/api/v1/service-tokens", Some(token)).await;
    assert_eq!(token.status, StatusCode::CREATED, "{}", token.text);
    let key = json!({"name": "strong", "permissions": {"admin": ["*"]}});
    let key = server.locally(Method::POST, "/api/v1/api-keys", Some(key)).await;
    assert_eq!(key.status, StatusCode::CREATED, "{}", key.text);
    let identifier = "root@example.org".to_owned();
    let ask = PasswordAsk { identifier, password: PASSWORD.into(), cookie: None };
    let signed_in = credentials::sign_in(&server.world.call(), ask).await.unwrap();
    Strong {
        admin: admin.body["id"].as_str().unwrap().to_owned(),
        session: signed_in.session.id.to_string(),
        token: token.body["id"].as_str().unwrap().to_owned(),
        key: key.body["id"].as_str().unwrap().to_owned(),
    }
}

/// A path in which nothing exists.
fn path(template: &str) -> String {
    template
        .replace("{id}", "usr_01jd8zzzzzzzzzzzzzzzzzzzzz")
        .replace("{org}", "org_01jd8zzzzzzzzzzzzzzzzzzzzz")
        .replace("{user}", "usr_01jd8zzzzzzzzzzzzzzzzzzzzz")
        .replace("{key}", "key_01jd8zzzzzzzzzzzzzzzzzzzzz")
}

fn body(method: &Method) -> Option<serde_json::Value> {
    (*method != Method::GET && *method != Method::DELETE).then(|| json!({}))
}

both_engines! {
    async fn every_route_is_guarded(world: World) {
        let all = Server::new(world.clone());
        let other = Server::with_scopes(world.clone(), &["workflows:read", "admin", "admin:", "openid"]);
        for endpoint in endpoints() {
            let (method, path) = (endpoint.method.clone(), path(endpoint.path));
            let what = format!("{method} {path}");
            let (Access::Scope(scope) | Access::Account(scope)) = endpoint.access else { continue };

            let anonymous = all.asks(method.clone(), &path, body(&method), &[]).await;
            assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED, "{what}");
            assert_eq!(anonymous.code(), "auth.missing_token", "{what}");
            let bare = format!("Bearer realm=\"doorward\", resource_metadata=\"{METADATA}\", scope=\"{scope}\"");
            assert_eq!(anonymous.header("www-authenticate"), bare, "{what}");

            for bad in ["x", "dw_st_garbage", "eyJhbGciOiJub25lIn0.e30.", &ROOT[1..]] {
                let header = format!("Bearer {bad}");
                let bad = all.asks(method.clone(), &path, body(&method), &[("authorization", &header)]).await;
                assert_eq!(bad.status, StatusCode::UNAUTHORIZED, "{what}");
                assert!(bad.header("www-authenticate").contains("error=\"invalid_token\""), "{what}");
            }

            let basic = all.asks(method.clone(), &path, body(&method), &[("authorization", "Basic YTpi")]).await;
            assert_eq!((basic.status, basic.code()), (StatusCode::UNAUTHORIZED, "auth.invalid_scheme"), "{what}");

            let lacking = other.root(method.clone(), &path, body(&method)).await;
            assert_eq!(lacking.status, StatusCode::FORBIDDEN, "{what}");
            assert_eq!(lacking.code(), "auth.missing_scope", "{what}");
            assert_eq!(lacking.body["scope"], *scope, "{what}");
            let challenge = lacking.header("www-authenticate");
            assert!(challenge.contains("insufficient_scope") && challenge.contains(scope), "{what}");

            if matches!(endpoint.access, Access::Scope(_)) {
                let holder = Server::with_scopes(world.clone(), &[scope]);
                for server in [&all, &holder] {
                    let granted = server.root(method.clone(), &path, body(&method)).await;
                    let is_let_in = granted.status != StatusCode::UNAUTHORIZED && granted.code() != "auth.missing_scope";
                    assert!(is_let_in, "{what}: {}", granted.text);
                    assert!(!granted.status.is_server_error(), "{what}: {}", granted.text);
                }
            }
        }
    }

    /// Every scope but `admin:*` together: an administrator's account and sessions, and an application
    /// with the rights of one, stay out of reach. A new area of the API has to say where it belongs.
    async fn only_full_rights_reach_administrators_and_strong_applications(world: World) {
        let lesser: Vec<&str> = catalog::MANAGEMENT.iter().map(|(scope, _)| *scope).filter(|scope| *scope != "admin:*").collect();
        let server = Server::with_scopes(world.clone(), &lesser);
        let strong = strong(&server).await;
        let mut checked = 0;
        for endpoint in endpoints() {
            if endpoint.method == Method::GET || !endpoint.path.contains("{id}") {
                continue;
            }
            let id = match endpoint.area() {
                "users" => &*strong.admin,
                "sessions" => &*strong.session,
                "clients" | "admin" => "strong",
                "service-tokens" => &*strong.token,
                "api-keys" => &*strong.key,
                // Nobody's account: the outbox's turn, the server's keys, APIs, routes, places in organisations,
                // providers (what their subjects mean stays); or one's own.
                "mail" | "announcements" | "keys" | "apis" | "me" | "routes" | "orgs" | "providers" | "prices" => continue,
                other => panic!("{other}: may a lesser administrator touch an administrator there?"),
            };
            let body = if endpoint.path.ends_with("/password") {
                Some(json!({"password": "another long battery staple 9"}))
            } else if endpoint.path.ends_with("/revoke") || (endpoint.area() == "admin" && endpoint.method == Method::DELETE) {
                Some(json!({"reason": "mine now"}))
            } else {
                body(&endpoint.method)
            };
            let path = endpoint.path.replace("{id}", id);
            let refused = server.root(endpoint.method.clone(), &path, body).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{} {path}: {}", endpoint.method, refused.text);
            assert_eq!((refused.code(), &refused.body["scope"]), ("auth.missing_scope", &json!("admin:*")), "{path}");
            checked += 1;
        }
        assert!(checked >= 11, "{checked}");
        let session = format!("/api/v1/sessions/{}", strong.session);
        let gone = server.locally(Method::DELETE, &session, None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "it was there all the time: {}", gone.text);
        let unknown = server.root(Method::DELETE, &session, None).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.text);
    }

    async fn a_bad_credential_is_refused_even_where_none_is_needed(world: World) {
        let server = Server::new(world);
        let open = server.asks(Method::GET, "/api/whoami", None, &[]).await;
        assert_eq!((open.status, &open.body["authenticated"]), (StatusCode::OK, &json!(false)));
        let bad = server.asks(Method::GET, "/api/whoami", None, &[("authorization", "Bearer x")]).await;
        assert_eq!(bad.status, StatusCode::UNAUTHORIZED);
        let twice = [("authorization", "Bearer x"), ("authorization", "Bearer y")];
        let twice = server.asks(Method::GET, "/api/whoami", None, &twice).await;
        assert_eq!(twice.status, StatusCode::BAD_REQUEST);
        let root = server.root(Method::GET, "/api/whoami", None).await;
        assert_eq!(root.body["subject"], "bootstrap");
        assert_eq!(root.body["scopes"], json!(["admin:*", "workflows:read"]));
        let local = server.locally(Method::GET, "/api/whoami", None).await;
        assert_eq!((&local.body["identity_type"], &local.body["authenticated"]), (&json!("local"), &json!(true)));
    }
}
