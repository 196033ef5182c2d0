//! One's own account by a signed-in browser, and callers that come with an access token of ours.

use crate::api_kit;
use crate::api_kit::{ROOT, Server};
use axum::body::Body;
use doorward_core::credentials::{PasswordAsk, sign_in};
use doorward_proto::secret::SecretText;
use doorward_world::{World, both_engines};
use http::{Method, Request, StatusCode};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "correct horse battery 7 staple";

/// A person, and the cookie of a browser in which that person is signed in.
async fn signed_in(server: &Server, email: &str, role: &str) -> (Json, String) {
    let body = json!({
        "email": email, "password": PASSWORD, "name": "Ada", "email_verified": true, "role": role,
    });
    let user = server.make("/api/v1/users", body).await;
    (user, browser(server, email, PASSWORD).await)
}

async fn browser(server: &Server, email: &str, password: &str) -> String {
    let ask =
        PasswordAsk { identifier: email.to_owned(), password: SecretText::from(password), cookie: None };
    let signed = sign_in(&server.world.call(), ask).await.unwrap();
    format!("__Host-doorward={}", signed.cookie.expose())
}

async fn asks(
    server: &Server,
    cookie: &str,
    method: Method,
    path: &str,
    body: Option<Json>,
) -> api_kit::Answer {
    let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
    server.asks(method, path, body, &headers).await
}

async fn token(server: &Server, client: &Json, scope: &str) -> api_kit::Answer {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", scope)
        .append_pair("client_id", client["client_id"].as_str().unwrap())
        .append_pair("client_secret", client["client_secret"].as_str().unwrap())
        .finish();
    let request = Request::post("/oauth2/token").header("content-type", "application/x-www-form-urlencoded");
    server.send(request.body(Body::from(form)).unwrap()).await
}

both_engines! {
    async fn a_person_sees_and_changes_the_own_account_only(world: World) {
        let server = Server::new(world);
        let (user, cookie) = signed_in(&server, "ada@example.com", "user").await;
        let (other, _) = signed_in(&server, "bob@example.com", "user").await;
        let me = asks(&server, &cookie, Method::GET, "/api/v1/me", None).await;
        assert_eq!((me.status, &me.body["id"]), (StatusCode::OK, &user["id"]), "{}", me.text);
        let patch = json!({"name": "Countess", "profile": {"phone_number": "+44 1"}});
        let changed = asks(&server, &cookie, Method::PATCH, "/api/v1/me", Some(patch)).await;
        assert_eq!((changed.status, &changed.body["name"]), (StatusCode::OK, &json!("Countess")), "{}", changed.text);
        for (patch, field) in [
            (json!({"role": "admin"}), "role"),
            (json!({"roles": ["x"]}), "roles"),
            (json!({"email": "eve@example.com"}), "email"),
            (json!({"email_verified": true}), "email_verified"),
            (json!({"profile": {"phone_number_verified": true}}), "profile.phone_number_verified"),
        ] {
            let refused = asks(&server, &cookie, Method::PATCH, "/api/v1/me", Some(patch)).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, field), "{}", refused.text);
        }
        let whoami = asks(&server, &cookie, Method::GET, "/api/whoami", None).await;
        assert_eq!((&whoami.body["subject"], &whoami.body["role"]), (&user["id"], &json!("user")));
        let path = format!("/api/v1/users/{}", other["id"].as_str().unwrap());
        let peek = asks(&server, &cookie, Method::GET, &path, None).await;
        assert_eq!((peek.status, peek.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"));
    }

    /// As a token would say it: of the organisation that the session acts in.
    async fn a_browser_is_told_its_workspaces(world: World) {
        let server = Server::new(world);
        let (user, cookie) = signed_in(&server, "ada@example.com", "user").await;
        let workspaces = async || asks(&server, &cookie, Method::GET, "/api/whoami", None).await.body["workspace_ids"].clone();
        let mut made = Vec::new();
        for (name, everybody) in [("Acme", json!("viewer")), ("Other", json!(null))] {
            let org = server.make("/api/v1/orgs", json!({"name": name, "owner": user["id"]})).await;
            let path = format!("/api/v1/orgs/{}/workspaces", org["id"].as_str().unwrap());
            made.push((org["id"].clone(), server.make(&path, json!({"name": "All", "everybody": everybody})).await["id"].clone()));
        }
        assert_eq!(workspaces().await, json!([]), "one's own organisation has none");
        for ((org, workspace), is_in) in made.iter().zip([true, false]) {
            let path = format!("/api/v1/me/organizations/{}/activate", org.as_str().unwrap());
            let switched = asks(&server, &cookie, Method::POST, &path, Some(json!({}))).await;
            assert!(switched.status.is_success(), "{}", switched.text);
            let expected = if is_in { json!([workspace]) } else { json!([]) };
            assert_eq!(workspaces().await, expected);
        }
    }

    async fn a_person_uploads_a_picture(world: World) {
        const PNG: &[u8] = include_bytes!("../../../../tests/data/pictures/logo.png");
        let server = Server::new(world);
        let (_, cookie) = signed_in(&server, "ada@example.com", "user").await;
        let body = json!({"picture": data_encoding::BASE64.encode(PNG)});
        let set = asks(&server, &cookie, Method::POST, "/api/v1/me/picture", Some(body)).await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.text);
        let address = set.body["profile"]["picture"].as_str().unwrap();
        let name = address.strip_prefix("https://id.example/pictures/");
        assert!(name.and_then(|name| name.strip_suffix(".png")).is_some(), "{address}");
        for wrong in ["", "no base64", "aGVsbG8="] {
            let refused = asks(&server, &cookie, Method::POST, "/api/v1/me/picture", Some(json!({"picture": wrong}))).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, "picture"), "{wrong}: {}", refused.text);
        }
        let gone = asks(&server, &cookie, Method::DELETE, "/api/v1/me/picture", None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
        let me = asks(&server, &cookie, Method::GET, "/api/v1/me", None).await;
        assert!(me.body["profile"].get("picture").is_none(), "{}", me.text);
    }

    async fn a_person_downloads_what_is_held_of_them(world: World) {
        let server = Server::new(world);
        let (user, cookie) = signed_in(&server, "ada@example.com", "user").await;
        let (other, _) = signed_in(&server, "bob@example.com", "user").await;
        let file = asks(&server, &cookie, Method::GET, "/api/v1/me/export", None).await;
        assert_eq!((file.status, &file.body["profile"][0]["id"]), (StatusCode::OK, &user["id"]), "{}", file.text);
        assert_eq!((file.header("content-type"), file.header("cache-control")), ("application/json", "no-store"));
        let (theirs, secret) = (other["id"].as_str().unwrap(), cookie.split('=').nth(1).unwrap());
        assert!(!file.text.contains(theirs) && !file.text.contains(secret), "{}", file.text);
        server.world.advance(std::time::Duration::from_mins(11));
        let stale = asks(&server, &cookie, Method::GET, "/api/v1/me/export", None).await;
        assert_eq!((stale.status, stale.code()), (StatusCode::FORBIDDEN, "auth.forbidden"), "{}", stale.text);
        let root = server.root(Method::GET, "/api/v1/me/export", None).await;
        assert_eq!((root.status, root.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"), "{}", root.text);
    }

    async fn a_person_changes_the_password_and_ends_sessions(world: World) {
        let server = Server::new(world);
        let (_, here) = signed_in(&server, "ada@example.com", "user").await;
        let there = browser(&server, "ada@example.com", PASSWORD).await;
        let sessions = asks(&server, &here, Method::GET, "/api/v1/me/sessions", None).await;
        assert_eq!(sessions.body["items"].as_array().unwrap().len(), 2, "{}", sessions.text);
        let wrong = json!({"current_password": "not it", "password": "another long battery staple 9"});
        let wrong = asks(&server, &here, Method::POST, "/api/v1/me/password", Some(wrong)).await;
        assert_eq!((wrong.status, wrong.code()), (StatusCode::FORBIDDEN, "password.wrong"));
        let right = json!({"current_password": PASSWORD, "password": "another long battery staple 9"});
        let right = asks(&server, &here, Method::POST, "/api/v1/me/password", Some(right)).await;
        assert_eq!(right.status, StatusCode::NO_CONTENT, "{}", right.text);
        let gone = asks(&server, &there, Method::GET, "/api/v1/me", None).await;
        assert_eq!(gone.status, StatusCode::UNAUTHORIZED, "the other session is over");
        let strangers = asks(&server, &here, Method::DELETE, "/api/v1/me/sessions/ses_01jd8zzzzzzzzzzzzzzzzzzzzz", None).await;
        assert_eq!(strangers.status, StatusCode::NOT_FOUND);
        let list = asks(&server, &here, Method::GET, "/api/v1/me/applications", None).await;
        assert_eq!((list.status, &list.body["items"]), (StatusCode::OK, &json!([])));
        let orgs = asks(&server, &here, Method::GET, "/api/v1/me/organizations", None).await;
        assert_eq!(orgs.body["items"][0]["role"], "owner", "{}", orgs.text);
        let bye = json!({"current_password": "another long battery staple 9"});
        let bye = asks(&server, &here, Method::POST, "/api/v1/me/delete", Some(bye)).await;
        assert_eq!(bye.status, StatusCode::NO_CONTENT, "{}", bye.text);
        assert_eq!(asks(&server, &here, Method::GET, "/api/v1/me", None).await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_cookie_changes_nothing_from_another_site(world: World) {
        let server = Server::new(world);
        let (_, cookie) = signed_in(&server, "ada@example.com", "admin").await;
        let body = || Some(json!({"name": "Evil"}));
        let patch = async |headers: &[(&str, &str)]| {
            let mut all = vec![("cookie", cookie.as_str())];
            all.extend_from_slice(headers);
            server.asks(Method::PATCH, "/api/v1/me", body(), &all).await.status.as_u16()
        };
        assert_eq!(patch(&[("sec-fetch-site", "cross-site")]).await, 403);
        assert_eq!(patch(&[("sec-fetch-site", "same-site")]).await, 403);
        assert_eq!(patch(&[("origin", "https://evil.example")]).await, 403);
        assert_eq!(patch(&[("origin", "null")]).await, 403);
        assert_eq!(patch(&[("origin", "https://id.example")]).await, 200);
        assert_eq!(patch(&[]).await, 200, "curl with a cookie sends JSON");
        let form = Request::post("/api/v1/keys/rotate")
            .header("cookie", &cookie)
            .header("content-type", "text/plain")
            .body(Body::from("{\"alg\":\"ES256\"}"));
        assert_eq!(server.send(form.unwrap()).await.code(), "form.forged");
        let agent = json!({"name": "Agent", "clientType": "public", "redirectUrls": ["https://myapp.com/callback"]});
        let headers = [("cookie", cookie.as_str())];
        let made = server.asks(Method::POST, "/api/admin/clients/register", Some(agent), &headers).await;
        assert_eq!((made.status, &made.body["client_secret"]), (StatusCode::CREATED, &Json::Null), "{}", made.text);
    }

    async fn an_applications_own_token_manages_within_its_scopes(world: World) {
        let server = Server::new(world);
        let scopes = json!(["admin:clients:read", "admin:users:read"]);
        let client = server.make("/api/v1/clients", json!({"name": "M", "scopes": scopes})).await;
        let answer = token(&server, &client, "admin:clients:read").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let bearer = format!("Bearer {}", answer.body["access_token"].as_str().unwrap());
        let headers = [("authorization", bearer.as_str())];
        let list = server.asks(Method::GET, "/api/v1/clients", None, &headers).await;
        assert_eq!(list.status, StatusCode::OK, "{}", list.text);
        let users = server.asks(Method::GET, "/api/v1/users", None, &headers).await;
        assert_eq!((users.status, users.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"));
        let me = server.asks(Method::GET, "/api/v1/me", None, &headers).await;
        assert_eq!(me.status, StatusCode::FORBIDDEN, "an application has no account");
        let whoami = server.asks(Method::GET, "/api/whoami", None, &headers).await;
        assert_eq!((&whoami.body["identity_type"], &whoami.body["subject"]), (&json!("client"), &client["client_id"]));

        let path = format!("/api/v1/clients/{}/suspend", client["client_id"].as_str().unwrap());
        server.root(Method::POST, &path, None).await;
        let over = server.asks(Method::GET, "/api/v1/clients", None, &headers).await;
        assert_eq!((over.status, over.code()), (StatusCode::UNAUTHORIZED, "auth.token_revoked"));
    }

    async fn tokens_for_other_audiences_are_refused(world: World) {
        let server = Server::new(world);
        server.make("/api/v1/apis", json!({"identifier": "other-api", "name": "O", "scope_set": "orcheo"})).await;
        let body = json!({"name": "M", "scopes": ["admin:tokens:read"], "default_api": "other-api"});
        let client = server.make("/api/v1/clients", body).await;
        let answer = token(&server, &client, "admin:tokens:read").await;
        let bearer = format!("Bearer {}", answer.body["access_token"].as_str().unwrap());
        let refused = server.asks(Method::GET, "/api/whoami", None, &[("authorization", &bearer)]).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "auth.invalid_audience"));
        assert!(refused.header("www-authenticate").contains("invalid_token"));
        let twice = format!("Bearer {ROOT} {ROOT}");
        let twice = server.asks(Method::GET, "/api/whoami", None, &[("authorization", &twice)]).await;
        assert_eq!(twice.status, StatusCode::UNAUTHORIZED);
    }
}
