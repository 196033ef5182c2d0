//! A browser that was left signed in tells nobody a secret that outlives the session, and opens no way in.

use crate::api_kit::Server;
use doorward_core::credentials::{PasswordAsk, sign_in};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "correct horse battery 7 staple";

/// Everything that tells an administrator a secret, with a body that is granted.
fn tellers() -> Vec<(&'static str, Json)> {
    let confidential =
        |id: &str| json!({"client_id": id, "name": "App", "type": "confidential", "scopes": ["a"]});
    vec![
        ("/api/v1/service-tokens", json!({"name": "made-here", "scopes": ["a"]})),
        ("/api/v1/service-tokens/rotating/rotate", json!({"overlap_seconds": 60})),
        ("/api/admin/service-tokens", json!({"identifier": "made-there", "scopes": ["a"]})),
        ("/api/admin/service-tokens/rotating/rotate", json!({})),
        ("/api/v1/api-keys", json!({"name": "CI"})),
        ("/api/v1/clients", confidential("made")),
        ("/api/v1/clients/app/rotate", json!({})),
        ("/api/v1/orgs/acme/clients", json!({"name": "App", "redirect_uris": ["http://127.0.0.1/cb"]})),
        ("/api/v1/orgs/acme/clients/app-of-acme/rotate", json!({})),
        ("/api/v1/orgs/acme/service-tokens", json!({"name": "made-of-acme"})),
        ("/api/v1/orgs/acme/service-tokens/rotating/rotate", json!({})),
        (
            "/api/admin/clients/register",
            json!({"name": "Agent platform", "scope": "admin:users:read", "redirectUrls": ["https://app.example/cb"]}),
        ),
    ]
}

/// Everything that gives somebody a way in, with a body that is granted.
fn openers() -> Vec<(Method, &'static str, Json)> {
    let made = json!({"email": "new@example.org", "password": PASSWORD, "email_verified": true});
    vec![
        (Method::POST, "/api/v1/users", made),
        (Method::POST, "/api/v1/users", json!({"email": "peer@example.org", "role": "admin"})),
        (
            Method::POST,
            "/api/v1/users/ada@example.org/password",
            json!({"password": "another horse battery 7 staple"}),
        ),
        (Method::PATCH, "/api/v1/users/ada@example.org", json!({"role": "admin"})),
        (
            Method::PATCH,
            "/api/v1/users/ada@example.org",
            json!({"email": "eve@example.org", "email_verified": true}),
        ),
    ]
}

fn with_password(body: &Json, password: impl Into<Json>) -> Json {
    let mut body = body.clone();
    body["current_password"] = password.into();
    body
}

fn secret(body: &Json) -> Option<&str> {
    ["secret", "client_secret"].iter().find_map(|name| body[name].as_str())
}

both_engines! {
    async fn a_session_says_its_password_before_a_secret_is_told(world: World) {
        let server = Server::new(world.clone());
        let email = "root@example.org";
        server.make("/api/v1/users", json!({"email": email, "password": PASSWORD, "email_verified": true, "role": "admin"})).await;
        let ask = PasswordAsk { identifier: email.to_owned(), password: PASSWORD.into(), cookie: None };
        let signed = sign_in(&world.call(), ask).await.unwrap();
        let cookie = format!("__Host-doorward={}", signed.cookie.expose());
        let browsing = async |path: &str, body: Json, key: &str| {
            let headers = [("cookie", &*cookie), ("sec-fetch-site", "same-origin"), ("idempotency-key", key)];
            server.asks(Method::POST, path, Some(body), &headers).await
        };
        server.make("/api/v1/service-tokens", json!({"name": "rotating", "scopes": ["a"]})).await;
        server.make("/api/v1/clients", json!({"client_id": "app", "name": "App", "type": "confidential", "scopes": ["a"]})).await;
        let acme = server.make("/api/v1/orgs", json!({"name": "Acme", "slug": "acme"})).await["id"].clone();
        let app = json!({"client_id": "app-of-acme", "name": "App", "org_id": acme, "redirect_uris": ["http://127.0.0.1/cb"]});
        server.make("/api/v1/clients", app).await;
        server.make("/api/v1/orgs/acme/service-tokens", json!({"name": "rotating"})).await;
        for (path, body) in tellers() {
            for password in [None, Some(json!(7)), Some(Json::Null)] {
                let unsaid = password.map_or_else(|| body.clone(), |it| with_password(&body, it));
                let unsaid = browsing(path, unsaid, path).await;
                assert_eq!((unsaid.status, unsaid.code(), unsaid.field()), (StatusCode::BAD_REQUEST, "request.invalid", "current_password"), "{path}: {}", unsaid.text);
            }
            let wrong = browsing(path, with_password(&body, "wrong"), path).await;
            assert_eq!((wrong.status, wrong.code()), (StatusCode::FORBIDDEN, "password.wrong"), "{path}: {}", wrong.text);
            let told = browsing(path, with_password(&body, PASSWORD), path).await;
            assert!(told.status.is_success() && secret(&told.body).is_some(), "{path}: {}", told.text);
            let again = browsing(path, body.clone(), path).await;
            assert_eq!(again.field(), "current_password", "what is kept is not told without it, either: {}", again.text);
            let again = browsing(path, with_password(&body, PASSWORD), path).await;
            assert_eq!((again.header("idempotent-replayed"), secret(&again.body)), ("true", secret(&told.body)), "{path}");
        }
        // As agent platforms write it, by an administrator's cookie: an application without rights here.
        let agent = json!({"name": "Agent", "clientType": "confidential", "redirectUrls": ["http://localhost:8080/callback"]});
        let registered = browsing("/api/admin/clients/register", agent, "agent").await;
        assert!(secret(&registered.body).is_some(), "{}", registered.text);
        server.make("/api/v1/users", json!({"email": "ada@example.org"})).await;
        for (n, (method, path, body)) in openers().into_iter().enumerate() {
            let asks = async |body: Json| {
                let key = format!("opener-{n}");
                let headers = [("cookie", &*cookie), ("sec-fetch-site", "same-origin"), ("idempotency-key", &*key)];
                server.asks(method.clone(), path, Some(body), &headers).await
            };
            let unsaid = asks(body.clone()).await;
            assert_eq!(unsaid.field(), "current_password", "{path} {body}: {}", unsaid.text);
            let wrong = asks(with_password(&body, "wrong")).await;
            assert_eq!(wrong.code(), "password.wrong", "{path} {body}: {}", wrong.text);
            let done = asks(with_password(&body, PASSWORD)).await;
            assert!(done.status.is_success(), "{path} {body}: {}", done.text);
        }
        let plain = browsing("/api/v1/users", json!({"email": "plain@example.org"}), "plain").await;
        assert_eq!(plain.status, StatusCode::CREATED, "{}", plain.text);
        let public = json!({"name": "SPA", "type": "public", "redirect_uris": ["https://app.example/cb"]});
        let public = browsing("/api/v1/clients", public, "public").await;
        assert_eq!((public.status, secret(&public.body)), (StatusCode::CREATED, None), "{}", public.text);
    }
}

both_engines! {
    async fn what_cannot_be_undone_needs_a_fresh_sign_in(world: World) {
        let server = Server::new(world.clone());
        let email = "root@example.org";
        server.make("/api/v1/users", json!({"email": email, "password": PASSWORD, "email_verified": true, "role": "admin"})).await;
        server.make("/api/v1/users", json!({"email": "ada@example.org"})).await;
        let team = server.make("/api/v1/orgs", json!({"name": "Acme", "slug": "acme"})).await;
        let ask = PasswordAsk { identifier: email.to_owned(), password: PASSWORD.into(), cookie: None };
        let signed = sign_in(&world.call(), ask).await.unwrap();
        let cookie = format!("__Host-doorward={}", signed.cookie.expose());
        let provider = json!({"slug": "x", "name": "X", "issuer": "https://x.example", "client_id": "us", "client_secret": "s"});
        let grave = [
            (Method::DELETE, "/api/v1/users/ada@example.org", None),
            (Method::DELETE, "/api/v1/orgs/acme", None),
            (Method::DELETE, "/api/v1/orgs/acme/roles/owner", None),
            (Method::DELETE, "/api/v1/orgs/acme/workspaces/design", None),
            (Method::DELETE, "/api/v1/orgs/acme/claims/none", None),
            (Method::POST, "/api/v1/orgs/acme/transfer", Some(json!({"user_id": team["id"]}))),
            (Method::POST, "/api/v1/orgs/acme/invitations", Some(json!({"email": "eve@example.org", "role": "owner"}))),
            (Method::POST, "/api/v1/orgs/acme/members", Some(json!({"user_id": team["id"], "role": "owner"}))),
            (Method::POST, "/api/v1/providers", Some(provider)),
            (Method::POST, "/api/v1/keys/rotate", Some(json!({"alg": "ES256"}))),
            (Method::PATCH, "/api/v1/orgs/acme", Some(json!({"allowed_addresses": []}))),
            (Method::PATCH, "/api/v1/clients/app", Some(json!({"allowed_addresses": ["10.0.0.0/8"]}))),
            (Method::POST, "/api/v1/service-tokens/revoke-all", Some(json!({"reason": "x"}))),
        ];
        let app = json!({"client_id": "app", "name": "App", "type": "confidential", "scopes": ["a"]});
        server.make("/api/v1/clients", app).await;
        world.advance(std::time::Duration::from_mins(11));
        let headers = [("cookie", &*cookie), ("sec-fetch-site", "same-origin")];
        for (method, path, body) in grave {
            let refused = server.asks(method, path, body, &headers).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.text);
            assert!(refused.text.contains("sign in again first"), "{path}: {}", refused.text);
        }
        let read = server.asks(Method::GET, "/api/v1/users/ada@example.org", None, &headers).await;
        assert_eq!(read.status, StatusCode::OK, "looking is not deciding: {}", read.text);
        let member = json!({"email": "eve@example.org", "send_mail": false});
        let invited = server.asks(Method::POST, "/api/v1/orgs/acme/invitations", Some(member), &headers).await;
        assert_eq!(invited.status, StatusCode::CREATED, "members come and go: {}", invited.text);
        let other = server.asks(Method::PATCH, "/api/v1/clients/app", Some(json!({"name": "Other"})), &headers).await;
        assert_eq!((other.status, &other.body["name"]), (StatusCode::OK, &json!("Other")), "{}", other.text);
        let ask = PasswordAsk { identifier: email.to_owned(), password: PASSWORD.into(), cookie: Some(signed.cookie) };
        let signed = sign_in(&world.call(), ask).await.unwrap();
        let cookie = format!("__Host-doorward={}", signed.cookie.expose());
        let headers = [("cookie", &*cookie), ("sec-fetch-site", "same-origin")];
        let done = server.asks(Method::DELETE, "/api/v1/users/ada@example.org", None, &headers).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text);
    }
}

/// The tests of each area call by a bearer token and say no password.
#[test]
fn every_answer_with_a_secret_is_in_the_list() {
    let document = doorward_web::api::document().unwrap();
    let paths = document["paths"].as_object().unwrap();
    let says = |item: &Json| {
        item["post"]["description"].as_str().is_some_and(|text| text.contains("current_password"))
    };
    let marked: Vec<&str> =
        paths.iter().filter(|(_, item)| says(item)).map(|(path, _)| path.as_str()).collect();
    let opening: std::collections::BTreeSet<_> = openers()
        .into_iter()
        .filter(|(method, ..)| method == Method::POST)
        .map(|(_, path, _)| path.replace("ada@example.org", "{id}"))
        .collect();
    assert_eq!(marked.len(), tellers().len() + opening.len(), "{marked:?}");
    for (path, item) in paths {
        let Some(operation) = item.get("post") else { continue };
        let tells = operation["summary"].as_str().unwrap().contains("secret is told")
            || operation["summary"].as_str().unwrap().contains("new secret");
        let is_own = path.starts_with("/api/v1/me/");
        assert!(!tells || is_own || marked.contains(&path.as_str()), "{path} tells a secret to any browser");
    }
}
