//! `/api/v1/clients` and `/api/admin/clients/register`.

use crate::api_kit::{ROOT, Server};
use axum::body::Body;
use doorward_core::clients::{check_secret, find};
use doorward_web::ClientAddress;
use doorward_world::{World, both_engines};
use http::{Method, Request, StatusCode};
use serde_json::{Value as Json, json};

fn web() -> Json {
    json!({
        "name": "Sample application",
        "type": "confidential",
        "redirect_uris": ["https://app.example/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_method": "client_secret_basic",
    })
}

fn with(mut body: Json, more: Json) -> Json {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

both_engines! {
    async fn a_client_is_made_shown_changed_and_ended(world: World) {
        let server = Server::new(world);
        let made = server.root(Method::POST, "/api/v1/clients", Some(web())).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let location = made.header("location").to_owned();
        assert_eq!((location.as_str(), made.header("etag")), (&*format!("/api/v1/clients/{}", made.body["id"].as_str().unwrap()), "\"1\""));
        let client_id = made.body["client_id"].as_str().unwrap();
        let secret = made.body["client_secret"].as_str().unwrap();
        let call = server.world.local();
        let stored = find(&call, client_id).await.unwrap().unwrap();
        check_secret(&call, &stored, secret).unwrap();

        let shown = server.root(Method::GET, &location, None).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(shown.body.get("client_secret").is_none(), "told once");
        assert!(!shown.text.contains(&secret[8..20]));
        assert_eq!(shown.body["require_pkce"], true);

        let changed = server.root(Method::PATCH, &location, Some(json!({"name": "New", "access_ttl": 120}))).await;
        assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"2\""), "{}", changed.text);
        assert_eq!((&changed.body["name"], &changed.body["access_ttl"]), (&json!("New"), &json!(120)));
        let removed = server.root(Method::PATCH, &location, Some(json!({"access_ttl": null}))).await;
        assert!(removed.body.get("access_ttl").is_none(), "{}", removed.text);

        let root = format!("Bearer {ROOT}");
        let stale = [("authorization", root.as_str()), ("if-match", "\"1\"")];
        let stale = server.asks(Method::PATCH, &location, Some(json!({"name": "X"})), &stale).await;
        assert_eq!((stale.status, stale.code()), (StatusCode::PRECONDITION_FAILED, "version_mismatch"));
        let fresh = [("authorization", root.as_str()), ("if-match", "\"9\", \"3\"")];
        let fresh = server.asks(Method::PATCH, &location, Some(json!({"name": "X"})), &fresh).await;
        assert_eq!(fresh.status, StatusCode::OK);

        let ended = server.root(Method::DELETE, &location, None).await;
        assert_eq!((ended.status, ended.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(server.root(Method::GET, &location, None).await.status, StatusCode::NOT_FOUND);
    }

    async fn a_client_is_suspended_resumed_and_its_secret_rotated(world: World) {
        let server = Server::new(world);
        let made = server.make("/api/v1/clients", with(web(), json!({"client_id": "my-app"}))).await;
        assert_eq!(made["client_id"], "my-app");
        let suspended = server.root(Method::POST, "/api/v1/clients/my-app/suspend", None).await;
        assert_eq!((suspended.status, &suspended.body["status"]), (StatusCode::OK, &json!("suspended")));
        let seen = server.root(Method::GET, "/api/v1/clients/my-app", None).await;
        assert_eq!((seen.header("etag"), suspended.header("etag")), ("\"2\"", "\"2\""));
        let root = format!("Bearer {ROOT}");
        for action in ["resume", "rotate", "suspend"] {
            let stale = [("authorization", root.as_str()), ("if-match", "\"1\"")];
            let path = format!("/api/v1/clients/my-app/{action}");
            let refused = server.asks(Method::POST, &path, Some(json!({})), &stale).await;
            assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED, "{action}: {}", refused.text);
        }
        let resumed = server.root(Method::POST, "/api/v1/clients/my-app/resume", None).await;
        assert_eq!((&resumed.body["status"], resumed.header("etag")), (&json!("active"), "\"3\""));
        let rotated = server.root(Method::POST, "/api/v1/clients/my-app/rotate", Some(json!({"overlap_seconds": 0}))).await;
        assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.text);
        assert_ne!(rotated.body["client_secret"], made["client_secret"]);
        let seen = server.root(Method::GET, "/api/v1/clients/my-app", None).await;
        assert_eq!(seen.header("etag"), "\"4\"", "who saw the old one does not overwrite it unseen");
        let call = server.world.local();
        let stored = find(&call, "my-app").await.unwrap().unwrap();
        assert!(check_secret(&call, &stored, made["client_secret"].as_str().unwrap()).is_err());
        check_secret(&call, &stored, rotated.body["client_secret"].as_str().unwrap()).unwrap();
    }

    async fn an_application_is_used_from_where_it_may_be(world: World) {
        let server = Server::new(world);
        let service = json!({"client_id": "nightly", "name": "Nightly", "scopes": ["a"], "allowed_addresses": ["::ffff:203.0.113.9", "10.1.2.3/8"]});
        let made = server.make("/api/v1/clients", service).await;
        assert_eq!(made["allowed_addresses"], json!(["203.0.113.9/32", "10.0.0.0/8"]));
        let secret = made["client_secret"].as_str().unwrap();
        let asks = async |path: &str, address: &str, header: bool| {
            let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
            let mut body = "grant_type=client_credentials&token=x&response_type=code&redirect_uri=x".to_owned();
            if header {
                let both = data_encoding::BASE64.encode(format!("nightly:{secret}").as_bytes());
                request = request.header("authorization", format!("Basic {both}"));
            } else {
                body = format!("{body}&client_id=nightly&client_secret={secret}");
            }
            let mut request = request.body(Body::from(body)).unwrap();
            request.extensions_mut().insert(ClientAddress(address.parse().unwrap()));
            server.send(request).await
        };
        for path in ["/oauth2/token", "/oauth2/par", "/oauth2/introspect", "/oauth2/revoke"] {
            let far = asks(path, "127.0.0.2", true).await;
            assert_eq!((far.status, &far.body["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")), "{path}: {}", far.text);
            assert!(far.header("www-authenticate").starts_with("Basic"), "{path}");
            let far = asks(path, "127.0.0.2", false).await;
            assert_eq!((far.status, &far.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_client")), "{path}: {}", far.text);
            let near = asks(path, "203.0.113.9", true).await;
            assert_ne!(near.body["error"], "invalid_client", "{path}: {}", near.text);
        }
        let told = server.root(Method::GET, "/api/v1/audit/events?code=oauth.refused", None).await;
        let event = told.body["items"].as_array().unwrap().iter().find(|event| event["facts"]["refusal"] == "client.address");
        assert_eq!(event.unwrap()["detail"]["address"], "127.0.0.2", "{}", told.text);
        let path = "/api/v1/clients/nightly";
        let renamed = server.root(Method::PATCH, path, Some(json!({"name": "Night shift"}))).await;
        assert_eq!(renamed.body["allowed_addresses"], made["allowed_addresses"], "{}", renamed.text);
        let wrong = server.root(Method::PATCH, path, Some(json!({"allowed_addresses": ["everywhere"]}))).await;
        assert_eq!((wrong.status, wrong.field()), (StatusCode::BAD_REQUEST, "allowed_addresses"), "{}", wrong.text);
        let open = server.root(Method::PATCH, path, Some(json!({"allowed_addresses": null}))).await;
        assert_eq!(open.body["allowed_addresses"], json!([]), "{}", open.text);
        assert_eq!(asks("/oauth2/token", "127.0.0.2", true).await.status, StatusCode::OK);
    }

    async fn wrong_bodies_are_refused_by_name(world: World) {
        let server = Server::new(world);
        for (body, field) in [
            (with(web(), json!({"redirect_uri": "x"})), "redirect_uri"),
            (json!({"type": "public"}), "name"),
            (with(web(), json!({"redirect_uris": ["http://app.example/cb"]})), "redirect_uris"),
            (with(web(), json!({"redirect_uris": [1]})), "redirect_uris[0]"),
            (with(web(), json!({"access_ttl": "soon"})), "access_ttl"),
            (with(web(), json!({"type": "secret"})), "type"),
            (with(web(), json!({"grant_types": ["password"]})), "grant_types"),
            (with(web(), json!({"token_endpoint_auth_method": "tls"})), "token_endpoint_auth_method"),
            (with(web(), json!({"org_id": "nobody"})), "org_id"),
            (with(web(), json!({"org_id": "org_01jd8zzzzzzzzzzzzzzzzzzzzz"})), "org_id"),
            (with(web(), json!({"apis": ["https://nowhere.example"]})), "apis"),
            (with(web(), json!({"client_id": "cli_x"})), "client_id"),
        ] {
            let refused = server.root(Method::POST, "/api/v1/clients", Some(body)).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, field), "{}", refused.text);
            assert_eq!(refused.header("content-type"), "application/problem+json");
            assert!(!refused.body["request_id"].as_str().unwrap().is_empty());
        }
        let made = server.make("/api/v1/clients", web()).await;
        let path = format!("/api/v1/clients/{}", made["client_id"].as_str().unwrap());
        for (patch, field) in [
            (json!({"client_id": "other"}), "client_id"),
            (json!({"type": "public"}), "client_id"),
            (json!({"created_at": "2020-01-01T00:00:00Z"}), "created_at"),
            (json!({"name": null}), "name"),
        ] {
            let refused = server.root(Method::PATCH, &path, Some(patch)).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, field), "{}", refused.text);
        }
    }

    async fn bodies_that_are_not_what_they_should_be(world: World) {
        let server = Server::new(world);
        let send = async |kind: &str, body: String| {
            let request = Request::post("/api/v1/clients").header("authorization", format!("Bearer {ROOT}"));
            let answer = server.send(request.header("content-type", kind).body(Body::from(body)).unwrap()).await;
            (answer.status.as_u16(), answer.code().to_owned())
        };
        let json = "application/json";
        assert_eq!(send("text/plain", "{}".to_owned()).await, (415, "request.media_type".to_owned()));
        assert_eq!(send("application/x-www-form-urlencoded", "name=x".to_owned()).await.0, 415);
        assert_eq!(send(json, "{".to_owned()).await, (400, "request.invalid".to_owned()));
        assert_eq!(send(json, "[]".to_owned()).await.0, 400);
        assert_eq!(send(json, "{\"name\":\"a\",\"name\":\"b\"}".to_owned()).await.0, 400);
        assert_eq!(send(json, format!("{{\"jwks\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000))).await.0, 400);
        assert_eq!(send(json, format!("{{\"name\":\"{}\"}}", "x".repeat(300 * 1024))).await, (413, "request.too_large".to_owned()));
        assert_eq!(send(json, "\u{0}".to_owned()).await.0, 400);
    }

    async fn lists_are_paged(world: World) {
        let server = Server::new(world);
        for number in 0..5 {
            server.make("/api/v1/clients", with(web(), json!({"name": format!("App {number}")}))).await;
        }
        let mut seen = Vec::new();
        let mut path = "/api/v1/clients?limit=2".to_owned();
        loop {
            let page = server.root(Method::GET, &path, None).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            seen.extend(page.body["items"].as_array().unwrap().iter().map(|item| item["name"].clone()));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/api/v1/clients?limit=2&cursor={cursor}");
        }
        seen.sort_by_key(ToString::to_string);
        assert_eq!(seen, [0, 1, 2, 3, 4].map(|number| json!(format!("App {number}"))));
        let found = server.root(Method::GET, "/api/v1/clients?query=app%203", None).await;
        assert_eq!(found.body["items"].as_array().unwrap().len(), 1);
        let third = found.body["items"][0]["id"].as_str().unwrap();
        server.root(Method::POST, &format!("/api/v1/clients/{third}/suspend"), None).await;
        for (query, count) in [("status=suspended", 1), ("status=active&query=app", 4), ("status=suspended&query=x", 0)] {
            let found = server.root(Method::GET, &format!("/api/v1/clients?{query}"), None).await;
            assert_eq!(found.body["items"].as_array().unwrap().len(), count, "{query}");
        }
        for (query, field) in [
            ("status=gone", "status"),
            ("limit=0", "limit"),
            ("limit=501", "limit"),
            ("limit=x", "limit"),
            ("cursor=%21", "cursor"),
            ("colour=red", "colour"),
            ("org_id=x", "org_id"),
        ] {
            let refused = server.root(Method::GET, &format!("/api/v1/clients?{query}"), None).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, field), "{query}");
        }
    }

    async fn an_idempotency_key_repeats_the_answer_with_its_secret(world: World) {
        let server = Server::new(world);
        let root = format!("Bearer {ROOT}");
        let headers = [("authorization", root.as_str()), ("idempotency-key", "k-1")];
        let first = server.asks(Method::POST, "/api/v1/clients", Some(web()), &headers).await;
        let again = server.asks(Method::POST, "/api/v1/clients", Some(web()), &headers).await;
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
        assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
        let other = server.asks(Method::POST, "/api/v1/clients", Some(with(web(), json!({"name": "B"}))), &headers).await;
        assert_eq!((other.status, other.code()), (StatusCode::CONFLICT, "idempotency_conflict"));
        let local = server.locally(Method::GET, "/api/v1/clients", None).await;
        assert_eq!(local.body["items"].as_array().unwrap().len(), 1);

        let headers = [("authorization", root.as_str()), ("idempotency-key", "k-2")];
        let wrong = server.asks(Method::POST, "/api/v1/clients", Some(json!({})), &headers).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        let right = server.asks(Method::POST, "/api/v1/clients", Some(web()), &headers).await;
        assert_eq!(right.status, StatusCode::CREATED, "a refused request gives its key back");
    }

    async fn nobody_hands_on_rights_over_the_server_that_they_lack(world: World) {
        let server = Server::with_scopes(world.clone(), &["admin:clients:write", "admin:clients:read"]);
        let machine = |scope: &str| json!({"name": "M", "scopes": [scope]});
        for scope in ["admin:*", "admin:users:write"] {
            let refused = server.root(Method::POST, "/api/v1/clients", Some(machine(scope))).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"));
        }
        let own = server.root(Method::POST, "/api/v1/clients", Some(machine("admin:clients:read"))).await;
        assert_eq!(own.status, StatusCode::CREATED);
        assert_eq!(own.body["grant_types"], json!(["client_credentials"]));
        let path = format!("/api/v1/clients/{}", own.body["id"].as_str().unwrap());
        let more = server.root(Method::PATCH, &path, Some(json!({"scopes": ["admin:*"]}))).await;
        assert_eq!(more.status, StatusCode::FORBIDDEN);

        let root = Server::new(world);
        let strong = root.make("/api/v1/clients", machine("admin:*")).await;
        let path = format!("/api/v1/clients/{}/rotate", strong["id"].as_str().unwrap());
        let stolen = server.root(Method::POST, &path, Some(json!({}))).await;
        assert_eq!(stolen.status, StatusCode::FORBIDDEN, "a new secret would hand the right on");
    }

    async fn agent_platforms_register_in_their_own_words(world: World) {
        let server = Server::new(world);
        let path = "/api/admin/clients/register";
        let agent = json!({
            "name": "Claude Code Agent", "clientType": "confidential",
            "redirectUrls": ["http://localhost:8080/callback"],
        });
        let made = server.make(path, agent).await;
        assert_eq!((&made["success"], &made["client_type"]), (&json!(true), &json!("confidential")));
        assert_eq!(made["redirect_uris"], json!(["http://localhost:8080/callback"]));
        assert!(made["client_secret"].as_str().unwrap().starts_with("dw_cs_"));
        let public = json!({
            "client_name": "App", "client_type": "public", "redirect_uris": ["https://myapp.com/callback"],
        });
        let made = server.make(path, public).await;
        assert_eq!((&made["client_secret"], &made["name"]), (&Json::Null, &json!("App")));
    }
}
