//! Service tokens over HTTP: made, used, fenced, rotated and revoked; what their holders can hand on; and
//! introspection by one.

use std::time::Duration;

use crate::api_kit::{Answer, Server};
use axum::body::Body;
use doorward_core::{audit, service_tokens};
use doorward_web::ClientAddress;
use doorward_world::{World, both_engines};
use http::{Method, Request, StatusCode, header};
use serde_json::{Value as Json, json};

const PATH: &str = "/api/v1/service-tokens";

async fn made(server: &Server, body: Json) -> (Json, String) {
    let made = server.make(PATH, body).await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    (made, secret)
}

/// Asks with a token.
async fn with(server: &Server, secret: &str, method: Method, path: &str, body: Option<Json>) -> Answer {
    let bearer = format!("Bearer {secret}");
    server.asks(method, path, body, &[("authorization", &bearer)]).await
}

async fn from(server: &Server, secret: &str, address: &str) -> Answer {
    let mut request = Request::get("/api/whoami").header(header::AUTHORIZATION, format!("Bearer {secret}"));
    request = request.extension(ClientAddress(address.parse().unwrap()));
    server.send(request.body(Body::empty()).unwrap()).await
}

async fn introspect(server: &Server, authorization: &str, token: &str) -> Answer {
    let form = header::HeaderValue::from_static("application/x-www-form-urlencoded");
    let request = Request::post("/oauth2/introspect")
        .header(header::CONTENT_TYPE, form)
        .header(header::AUTHORIZATION, authorization);
    server.send(request.body(Body::from(format!("token={token}"))).unwrap()).await
}

both_engines! {
    async fn a_token_lives_and_dies(world: World) {
        let server = Server::new(world.clone());
        let body = json!({
            "name": "my-ci-token", "scopes": ["admin:users:read", "workflows:read"],
            "workspace_ids": ["WS-A"], "owner": "Ada", "purpose": "CI", "description": "Runs the tests",
            "expires_in_seconds": 2_592_000,
        });
        let made = server.root(Method::POST, PATH, Some(body.clone())).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let (id, secret) = (made.body["id"].as_str().unwrap(), made.body["secret"].as_str().unwrap());
        assert_eq!((made.header("location"), made.header("etag")), (&*format!("{PATH}/{id}"), "\"1\""));
        let taken = server.root(Method::POST, PATH, Some(body)).await;
        assert_eq!((taken.status, taken.code(), taken.field()), (StatusCode::CONFLICT, "token.name_taken", "name"));

        let who = with(&server, secret, Method::GET, "/api/whoami", None).await;
        assert_eq!(who.body, json!({
            "authenticated": true, "subject": id, "identity_type": "service",
            "scopes": ["admin:users:read", "workflows:read"], "workspace_ids": ["ws-a"], "token_id": id,
            "tenant_id": world.realm.instance_org.to_string(), "role": "service",
        }));
        assert_eq!(with(&server, secret, Method::GET, "/api/v1/users", None).await.status, StatusCode::OK);
        let beyond = with(&server, secret, Method::GET, "/api/v1/clients", None).await;
        assert_eq!((beyond.status, beyond.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"));
        service_tokens::flush(&world.call()).await.unwrap();

        let shown = server.root(Method::GET, &format!("{PATH}/my-ci-token"), None).await;
        assert_eq!((&shown.body["id"], &shown.body["use_count"]), (&json!(id), &json!(3)));
        assert!(shown.body.get("secret").is_none() && !shown.text.contains(secret));
        assert_eq!((&shown.body["last_used_address"], &shown.body["status"]), (&json!("127.0.0.1"), &json!("active")));
        let listed = server.root(Method::GET, &format!("{PATH}?owner=Ada&status=active&active=true"), None).await;
        assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
        assert!(!listed.text.contains("dw_st_"));

        let rotated = server.root(Method::POST, &format!("{PATH}/my-ci-token/rotate"), Some(json!({"overlap_seconds": 60}))).await;
        assert_eq!((rotated.status, &rotated.body["version"]), (StatusCode::OK, &json!(2)), "{}", rotated.text);
        let new = rotated.body["secret"].as_str().unwrap();
        let who = with(&server, new, Method::GET, "/api/whoami", None).await;
        assert_eq!((&who.body["subject"], &who.body["token_id"]), (&json!(id), &rotated.body["id"]));
        assert_eq!(from(&server, secret, "203.0.113.1").await.status, StatusCode::OK);
        world.advance(Duration::from_secs(60));
        let late = from(&server, secret, "203.0.113.1").await;
        assert_eq!((late.status, late.code()), (StatusCode::UNAUTHORIZED, "auth.token_expired"));
        assert!(late.header("www-authenticate").contains("error=\"invalid_token\""));

        let revoke = format!("{PATH}/my-ci-token/revoke");
        let bare = server.root(Method::POST, &revoke, Some(json!({}))).await;
        assert_eq!((bare.status, bare.field()), (StatusCode::BAD_REQUEST, "reason"));
        let revoked = server.root(Method::POST, &revoke, Some(json!({"reason": "Token compromised"}))).await;
        assert_eq!((revoked.status, &revoked.body["revocation_reason"]), (StatusCode::OK, &json!("Token compromised")));
        let over = with(&server, new, Method::GET, "/api/whoami", None).await;
        assert_eq!((over.status, over.code()), (StatusCode::UNAUTHORIZED, "auth.token_revoked"));
        let again = server.root(Method::POST, &revoke, Some(json!({"reason": "again"}))).await;
        assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "token.ended"));
        let rotate = server.root(Method::POST, &format!("{PATH}/my-ci-token/rotate"), Some(json!({}))).await;
        assert_eq!((rotate.status, rotate.code(), &rotate.body["status"]), (StatusCode::CONFLICT, "token.ended", &json!("revoked")), "{}", rotate.text);
    }

    async fn wrong_input_is_named(world: World) {
        let server = Server::new(world);
        for (body, status, field) in [
            (json!({"expires_in_seconds": 59}), StatusCode::UNPROCESSABLE_ENTITY, "expires_in_seconds"),
            (json!({"expires_in_seconds": -1}), StatusCode::BAD_REQUEST, "expires_in_seconds"),
            (json!({"name": "a b"}), StatusCode::BAD_REQUEST, "name"),
            (json!({"scopes": ["a b"]}), StatusCode::BAD_REQUEST, "scopes"),
            (json!({"allowed_addresses": ["nowhere"]}), StatusCode::BAD_REQUEST, "allowed_addresses"),
            (json!({"rate_limit_override": "600"}), StatusCode::BAD_REQUEST, "rate_limit_override"),
            (json!({"rate_limit_override": "600/month"}), StatusCode::BAD_REQUEST, "rate_limit_override"),
            (json!({"org_id": "x"}), StatusCode::BAD_REQUEST, "org_id"),
            (json!({"secret": "dw_st_mine"}), StatusCode::BAD_REQUEST, "secret"),
        ] {
            let refused = server.root(Method::POST, PATH, Some(body.clone())).await;
            assert_eq!((refused.status, refused.field()), (status, field), "{body}: {}", refused.text);
        }
        let unknown = server.root(Method::GET, &format!("{PATH}/none"), None).await;
        assert_eq!((unknown.status, unknown.code()), (StatusCode::NOT_FOUND, "token.not_found"));
        let filter = server.root(Method::GET, &format!("{PATH}?status=dead"), None).await;
        assert_eq!(filter.field(), "status");
    }

    async fn a_change_is_for_the_revision_seen(world: World) {
        let server = Server::new(world);
        let (token, secret) = made(&server, json!({"scopes": ["admin:*"], "owner": "Ada"})).await;
        let path = format!("{PATH}/{}", token["name"].as_str().unwrap());
        let root = format!("Bearer {secret}");
        let change = async |tag: &str, body: Json| {
            server.asks(Method::PATCH, &path, Some(body), &[("authorization", &root), ("if-match", tag)]).await
        };
        let changed = change("\"1\"", json!({"owner": null, "purpose": "CI", "allowed_addresses": ["127.0.0.0/8"], "rate_limit_override": "600/minute"})).await;
        assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"2\""), "{}", changed.text);
        assert!(changed.body.get("owner").is_none());
        assert_eq!(changed.body["allowed_addresses"], json!(["127.0.0.0/8"]));
        assert_eq!(changed.body["rate_limit_override"], "600/minute");
        assert_eq!(change("\"1\"", json!({"owner": "Bob"})).await.status, StatusCode::PRECONDITION_FAILED);
        let kept = change("*", json!({"scopes": ["admin:*"]})).await;
        assert_eq!((kept.status, kept.field()), (StatusCode::BAD_REQUEST, "scopes"), "scopes change by rotation");

        let near = from(&server, &secret, "::ffff:127.0.0.9").await;
        assert_eq!(near.status, StatusCode::OK, "{}", near.text);
        let far = from(&server, &secret, "203.0.113.7").await;
        assert_eq!((far.status, far.code()), (StatusCode::UNAUTHORIZED, "auth.invalid_address"));
        let rotate = format!("{path}/rotate");
        let stale = server.asks(Method::POST, &rotate, Some(json!({})), &[("authorization", &root), ("if-match", "\"1\"")]).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    }

    async fn a_review_is_noted_and_what_is_due_is_listed(world: World) {
        let server = Server::new(world.clone());
        let (token, secret) = made(&server, json!({"name": "nightly", "scopes": ["admin:*"]})).await;
        assert_eq!(token["reviewed_at"], token["issued_at"]);
        let due = async || with(&server, &secret, Method::GET, &format!("{PATH}?review_due=true"), None).await.body["items"].clone();
        assert_eq!(due().await, json!([]));
        world.advance(Duration::from_hours(90 * 24));
        assert_eq!(due().await[0]["review_due_at"], world.call().now.to_string());
        let path = format!("{PATH}/nightly/review");
        let reviewed = with(&server, &secret, Method::POST, &path, Some(json!({"note": "the nightly job"}))).await;
        assert_eq!((reviewed.status, &reviewed.body["reviewed_at"]), (StatusCode::OK, &json!(world.call().now.to_string())), "{}", reviewed.text);
        assert_eq!(due().await, json!([]));
        let unreadable = with(&server, &secret, Method::POST, &path, Some(json!({"note": "\u{7}"}))).await;
        assert_eq!((unreadable.status, unreadable.field()), (StatusCode::BAD_REQUEST, "note"));
        let trail = audit::list(&world.realm, audit::Filter::default(), None, 100).await.unwrap();
        assert!(trail.iter().any(|entry| entry.code == "service_token.reviewed"));
    }

    async fn nobody_hands_on_more_than_they_hold(world: World) {
        let server = Server::new(world);
        let (_, writer) = made(&server, json!({"scopes": ["admin:tokens:write", "workflows:read"], "workspace_ids": ["ws-a"]})).await;
        let ask = async |path: &str, body: Json| with(&server, &writer, Method::POST, path, Some(body)).await;
        for scope in ["admin:*", "admin:users:write", "vault:read"] {
            for path in [PATH, "/api/admin/service-tokens"] {
                let refused = ask(path, json!({"scopes": [scope]})).await;
                assert_eq!((refused.status, refused.code(), &refused.body["scope"]),
                    (StatusCode::FORBIDDEN, "auth.missing_scope", &json!(scope)), "{}", refused.text);
            }
        }
        let elsewhere = ask(PATH, json!({"scopes": ["workflows:read"], "workspace_ids": ["ws-b"]})).await;
        assert_eq!((elsewhere.status, elsewhere.code()), (StatusCode::FORBIDDEN, "auth.workspace_forbidden"));
        let mine = ask(PATH, json!({"name": "mine", "scopes": ["workflows:read"], "workspace_ids": ["ws-a"]})).await;
        assert_eq!(mine.status, StatusCode::CREATED, "{}", mine.text);
        let more = ask(&format!("{PATH}/mine/rotate"), json!({"scopes": ["vault:write"]})).await;
        assert_eq!((more.status, more.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"));
        let more = ask(&format!("{PATH}/mine/rotate"), json!({"scopes": ["admin:tokens:write"]})).await;
        assert_eq!(more.status, StatusCode::OK, "{}", more.text);
        let (_, _) = made(&server, json!({"name": "strong", "scopes": ["admin:*"]})).await;
        for (path, body) in [("strong/rotate", json!({})), ("strong/revoke", json!({"reason": "x"}))] {
            let refused = ask(&format!("{PATH}/{path}"), body).await;
            assert_eq!((refused.status, &refused.body["scope"]), (StatusCode::FORBIDDEN, &json!("admin:*")), "{path}");
        }
    }

    /// Who found a secret has no account here; who ends many at once has a right.
    async fn a_found_secret_is_reported_and_many_end_at_once(world: World) {
        let server = Server::new(world);
        let (token, secret) = made(&server, json!({"name": "nightly", "owner": "Ada", "scopes": ["a"]})).await;
        let (_, second) = made(&server, json!({"name": "weekly", "owner": "Ada", "scopes": ["a"]})).await;
        let report = async |body: Json| server.asks(Method::POST, "/api/v1/leaks", Some(body), &[]).await;
        let leak = json!({"secret": secret, "found_at": "https://example.com/commit/1"});
        let told = report(leak.clone()).await;
        assert_eq!((told.status, told.body), (StatusCode::OK, json!({"status": "revoked", "token_id": token["id"]})));
        assert_eq!(report(leak).await.body["status"], "revoked_before");
        // Strangers share no keys: nobody's report is answered with somebody else's.
        for secret in ["dw_st_mistyped", "of no kind"] {
            let headers = [("idempotency-key", "commit-1")];
            let told =
                server.asks(Method::POST, "/api/v1/leaks", Some(json!({ "secret": secret })), &headers).await;
            assert_eq!((told.status, &told.body["status"]), (StatusCode::OK, &json!("unknown")));
        }
        assert_eq!(report(json!({"secret": "dw_st_x"})).await.body, json!({"status": "unknown"}));
        let gone = with(&server, &secret, Method::GET, "/api/whoami", None).await;
        assert_eq!((gone.status, gone.code()), (StatusCode::UNAUTHORIZED, "auth.token_revoked"));

        let mut guessed = report(json!({"secret": "dw_st_guess"})).await;
        for _ in 0..200 {
            if guessed.status != StatusCode::OK {
                break;
            }
            guessed = report(json!({"secret": "dw_st_guess"})).await;
        }
        assert_eq!((guessed.status, guessed.code(), guessed.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "auth.rate_limited.ip", "1"));

        let path = format!("{PATH}/revoke-all");
        let nobody = server.root(Method::POST, &path, Some(json!({"reason": "left"}))).await;
        assert_eq!((nobody.status, nobody.field()), (StatusCode::BAD_REQUEST, "owner"));
        let all = server.root(Method::POST, &path, Some(json!({"owner": "Ada", "reason": "left"}))).await;
        assert_eq!((all.status, all.body), (StatusCode::OK, json!({"revoked": 1, "names": ["weekly"]})));
        assert_eq!(with(&server, &second, Method::GET, "/api/whoami", None).await.code(), "auth.token_revoked");
        let name = server.root(Method::POST, PATH, Some(json!({"name": "revoke-all"}))).await;
        assert_eq!((name.status, name.field()), (StatusCode::BAD_REQUEST, "name"), "its address is taken");
    }

    /// What is told once is told once more under the same key and credential, and is not in the clear.
    async fn a_repeated_request_gets_the_same_secret(world: World) {
        let server = Server::new(world.clone());
        let (_, writer) = made(&server, json!({"scopes": ["admin:*"]})).await;
        let bearer = format!("Bearer {writer}");
        let again = async |body: Json| {
            let headers = [("authorization", bearer.as_str()), ("idempotency-key", "make-it-once")];
            server.asks(Method::POST, PATH, Some(body), &headers).await
        };
        let first = again(json!({"name": "once", "scopes": ["a"]})).await;
        let second = again(json!({"name": "once", "scopes": ["a"]})).await;
        assert_eq!((first.status, &first.body), (StatusCode::CREATED, &second.body));
        assert_eq!(second.header("idempotent-replayed"), "true");
        assert_eq!(again(json!({"name": "twice"})).await.code(), "idempotency_conflict");
        let secret = first.body["secret"].as_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        doorward_core::db::backup::backup(&world.realm.db, &copy, world.call().now).await.unwrap();
        let bytes = std::fs::read(&copy).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(holds(first.body["id"].as_str().unwrap()), "the copy can be read");
        assert!(!holds(secret), "a secret in the database");
        for entry in audit::list(&world.realm, audit::Filter::default(), None, 100).await.unwrap() {
            assert!(!format!("{entry:?}").contains(secret));
        }
    }

    async fn a_token_introspects_for_its_organisation(world: World) {
        let server = Server::new(world);
        let (_, inspector) = made(&server, json!({"scopes": ["tokens:introspect"]})).await;
        let (other, plain) = made(&server, json!({"name": "plain", "scopes": ["workflows:read"], "workspace_ids": ["ws-a"], "allowed_addresses": ["10.0.0.0/8"]})).await;
        let bearer = format!("Bearer {inspector}");
        let told = introspect(&server, &bearer, &plain).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text);
        for (member, value) in [
            ("active", json!(true)), ("scope", json!("workflows:read")), ("sub", other["lineage"].clone()),
            ("jti", other["id"].clone()), ("token_use", json!("service")), ("workspace_ids", json!(["ws-a"])),
            ("tenant_id", other["org_id"].clone()), ("allowed_addresses", json!(["10.0.0.0/8"])),
        ] {
            assert_eq!(told.body[member], value, "{member}");
        }
        assert_eq!(introspect(&server, &bearer, "dw_st_x").await.body, json!({"active": false}));
        let (_, near) = made(&server, json!({"name": "near", "scopes": ["workflows:read"]})).await;
        let lacking = introspect(&server, &format!("Bearer {near}"), &plain).await;
        assert_eq!((lacking.status, &lacking.body["error"]), (StatusCode::FORBIDDEN, &json!("insufficient_scope")));
        let fenced = introspect(&server, &format!("Bearer {plain}"), &near).await;
        assert_eq!((fenced.status, &fenced.body["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_token")));
        assert!(fenced.header("www-authenticate").contains("error=\"invalid_token\""));
        server.root(Method::POST, &format!("{PATH}/plain/revoke"), Some(json!({"reason": "x"}))).await;
        assert_eq!(introspect(&server, &bearer, &plain).await.body, json!({"active": false}));

        let app = json!({"client_id": "app", "name": "App", "grant_types": ["client_credentials"], "scopes": ["a"]});
        let app = server.make("/api/v1/clients", app).await;
        let basic = format!("app:{}", app["client_secret"].as_str().unwrap());
        let basic = format!("Basic {}", data_encoding::BASE64.encode(basic.as_bytes()));
        assert_eq!(introspect(&server, &basic, &near).await.body["active"], json!(true), "of the same organisation");
    }
}
