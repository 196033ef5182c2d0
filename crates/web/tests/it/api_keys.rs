//! Keys through the API: made, presented in every header, verified for others, and one's own.

use crate::api_kit::{Answer, ROOT, Server};
use doorward_core::credentials::{PasswordAsk, sign_in};
use doorward_proto::secret::SecretText;
use doorward_world::{World, both_engines};
use http::{Method, Request, StatusCode};
use serde_json::{Value as Json, json};

const PATH: &str = "/api/v1/api-keys";
const VERIFY: &str = "/api/v1/api-keys/verify";
const COMPATIBLE: &str = "/api/api-key/verify";
const OWN: &str = "/api/v1/me/keys";
const PASSWORD: &str = "correct horse battery 7 staple";

async fn person(server: &Server, email: &str, role: &str) -> (String, String) {
    let body = json!({"email": email, "password": PASSWORD, "email_verified": true, "role": role});
    let user = server.make("/api/v1/users", body).await;
    let ask =
        PasswordAsk { identifier: email.to_owned(), password: SecretText::from(PASSWORD), cookie: None };
    let signed = sign_in(&server.world.call(), ask).await.unwrap();
    let cookie = format!("__Host-doorward={}", signed.cookie.expose());
    (user["id"].as_str().unwrap().to_owned(), cookie)
}

async fn browsing(server: &Server, cookie: &str, method: Method, path: &str, body: Option<Json>) -> Answer {
    server.asks(method, path, body, &[("cookie", cookie), ("sec-fetch-site", "same-origin")]).await
}

async fn with(server: &Server, name: &str, value: &str) -> Answer {
    server.asks(Method::GET, "/api/whoami", None, &[(name, value)]).await
}

async fn verified(server: &Server, path: &str, body: Json) -> Json {
    let answer = server.root(Method::POST, path, Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.body
}

both_engines! {
    async fn a_key_is_presented_in_any_header(world: World) {
        let server = Server::new(world.clone());
        let body = json!({
            "name": "CI", "scopes": ["admin:users:read"], "permissions": {"code": ["execute"]},
            "metadata": {"team": "a"}, "rate_limit": "100/minute", "expires_in_seconds": 3600,
        });
        let made = server.root(Method::POST, PATH, Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let (id, secret) = (made.body["id"].as_str().unwrap(), made.body["secret"].as_str().unwrap());
        assert_eq!((&made.body["start"], &made.body["kind"], &made.body["enabled"]), (&json!(secret[..14]), &json!("organization"), &json!(true)));
        for (name, value) in [("authorization", format!("Bearer {secret}")), ("api-key", secret.to_owned()), ("x-api-key", secret.to_owned())] {
            let who = with(&server, name, &value).await;
            assert_eq!((&who.body["subject"], &who.body["identity_type"], &who.body["scopes"]), (&json!(id), &json!("service"), &json!(["admin:users:read"])), "{name}: {}", who.text);
        }
        let twice = [("x-api-key", secret), ("authorization", &*format!("Bearer {ROOT}"))];
        let twice = server.asks(Method::GET, "/api/whoami", None, &twice).await;
        assert_eq!(twice.status, StatusCode::BAD_REQUEST, "{}", twice.text);
        let empty = with(&server, "api-key", "").await;
        assert_eq!((empty.status, empty.code()), (StatusCode::UNAUTHORIZED, "auth.missing_token"));
        let users = server.asks(Method::GET, "/api/v1/users", None, &[("api-key", secret)]).await;
        assert_eq!(users.status, StatusCode::OK);
        let beyond = server.asks(Method::GET, PATH, None, &[("api-key", secret)]).await;
        assert_eq!((beyond.status, beyond.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"));

        let listed = server.root(Method::GET, &format!("{PATH}?status=active&query=ci"), None).await;
        assert_eq!(listed.body["items"].as_array().unwrap().len(), 1, "{}", listed.text);
        assert!(!listed.text.contains(secret));
        let off = server.root(Method::PATCH, &format!("{PATH}/{id}"), Some(json!({"enabled": false, "metadata": {"team": null}}))).await;
        assert_eq!((&off.body["status"], &off.body["metadata"]), (&json!("disabled"), &json!({})), "{}", off.text);
        assert_eq!(with(&server, "api-key", secret).await.code(), "auth.token_revoked");
        let ended = server.root(Method::POST, &format!("{PATH}/{id}/revoke"), Some(json!({"reason": "left"}))).await;
        assert_eq!((&ended.body["status"], &ended.body["revocation_reason"]), (&json!("revoked"), &json!("left")));
        let unknown = server.root(Method::GET, &format!("{PATH}/nothing"), None).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    }

    async fn wrong_input_is_named(world: World) {
        let server = Server::new(world);
        for (body, status, field) in [
            (json!({}), StatusCode::BAD_REQUEST, "name"),
            (json!({"name": ""}), StatusCode::BAD_REQUEST, "name"),
            (json!({"name": "dw_ak_oops"}), StatusCode::BAD_REQUEST, "name"),
            (json!({"name": "x", "permissions": {"a,b": ["c"]}}), StatusCode::BAD_REQUEST, "permissions"),
            (json!({"name": "x", "scopes": ["a b"]}), StatusCode::BAD_REQUEST, "scopes"),
            (json!({"name": "x", "metadata": {"x": "y".repeat(5000)}}), StatusCode::BAD_REQUEST, "metadata"),
            (json!({"name": "x", "rate_limit": "often"}), StatusCode::BAD_REQUEST, "rate_limit"),
            (json!({"name": "x", "expires_in_seconds": 31_536_001}), StatusCode::UNPROCESSABLE_ENTITY, "expires_in_seconds"),
            (json!({"name": "x", "user_id": "usr_01jd8zzzzzzzzzzzzzzzzzzzzz"}), StatusCode::BAD_REQUEST, "user_id"),
            (json!({"name": "x", "org_id": "org_01jd8zzzzzzzzzzzzzzzzzzzzz"}), StatusCode::BAD_REQUEST, "org_id"),
            (json!({"name": "x", "secret": "dw_ak_mine"}), StatusCode::BAD_REQUEST, "secret"),
        ] {
            let refused = server.root(Method::POST, PATH, Some(body.clone())).await;
            assert_eq!((refused.status, refused.field()), (status, field), "{body}: {}", refused.text);
        }
    }

    async fn a_service_asks_whether_a_key_is_good(world: World) {
        let server = Server::new(world.clone());
        let (alice, _) = person(&server, "alice@example.org", "user").await;
        let body = json!({"name": "sandbox", "user_id": alice, "permissions": {"code": ["execute", "read"]}, "metadata": {"n": 1}});
        let made = server.make(PATH, body).await;
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("dw_pk_"));
        let good = verified(&server, COMPATIBLE, json!({"key": secret, "permissions": {"code": ["execute"]}})).await;
        assert_eq!(good, json!({"valid": true, "error": null, "key": {
            "id": made["id"], "name": "sandbox", "userId": alice, "enabled": true, "expiresAt": made["expires_at"],
            "metadata": {"n": 1}, "permissions": {"code": ["execute", "read"]},
        }}));
        let good = verified(&server, VERIFY, json!({"key": secret})).await;
        assert_eq!((&good["valid"], &good["key"]["user_id"], &good["key"]["subject"]), (&json!(true), &json!(alice), &json!(alice)));
        assert!(good.get("error").is_none());

        let told = async |body: Json| verified(&server, COMPATIBLE, body).await["error"]["code"].as_str().unwrap().to_owned();
        assert_eq!(told(json!({"key": secret, "permissions": {"code": ["write"]}})).await, "INSUFFICIENT_PERMISSIONS");
        for garbage in ["", "x", "dw_ak_x", &secret[..40], &secret.replace("dw_pk_", "dw_ak_")] {
            assert_eq!(told(json!({"key": garbage})).await, "INVALID_API_KEY", "{garbage}");
        }
        let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
        server.root(Method::PATCH, &path, Some(json!({"enabled": false}))).await;
        assert_eq!(told(json!({"key": secret})).await, "DISABLED_API_KEY");
        server.root(Method::POST, &format!("{path}/revoke"), Some(json!({"reason": "x"}))).await;
        assert_eq!(told(json!({"key": secret})).await, "INVALID_API_KEY");
        let short = server.make(PATH, json!({"name": "short", "expires_in_seconds": 60})).await;
        world.advance(std::time::Duration::from_secs(60));
        assert_eq!(told(json!({"key": short["secret"]})).await, "EXPIRED_API_KEY");

        let asker = server.make("/api/v1/service-tokens", json!({"scopes": ["tokens:introspect"]})).await;
        let live = server.make(PATH, json!({"name": "live", "permissions": {"code": ["execute"]}})).await;
        let request = Request::post("/oauth2/introspect")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {}", asker["secret"].as_str().unwrap()));
        let form = format!("token={}", live["secret"].as_str().unwrap());
        let told = server.send(request.body(form.into()).unwrap()).await;
        assert_eq!((&told.body["active"], &told.body["sub"], &told.body["permissions"]),
            (&json!(true), &live["id"], &json!(["code:execute"])), "{}", told.text);

        let stranger = server.asks(Method::POST, COMPATIBLE, Some(json!({"key": secret})), &[]).await;
        assert_eq!((stranger.status, stranger.code()), (StatusCode::UNAUTHORIZED, "auth.missing_token"));
    }

    async fn one_makes_keys_of_ones_own(world: World) {
        let server = Server::new(world.clone());
        let (ada, cookie) = person(&server, "ada@example.org", "user").await;
        let (_, other) = person(&server, "bob@example.org", "user").await;
        let ask = |scopes: Json| json!({"name": "laptop", "scopes": scopes, "current_password": PASSWORD});
        let wrong = json!({"name": "laptop", "current_password": "wrong"});
        let wrong = browsing(&server, &cookie, Method::POST, OWN, Some(wrong)).await;
        assert_eq!(wrong.code(), "password.wrong", "{}", wrong.text);
        let beyond = browsing(&server, &cookie, Method::POST, OWN, Some(ask(json!(["admin:*"])))).await;
        assert_eq!((beyond.status, beyond.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"));
        let made = browsing(&server, &cookie, Method::POST, OWN, Some(ask(json!(["me:read"])))).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let (id, secret) = (made.body["id"].as_str().unwrap(), made.body["secret"].as_str().unwrap());

        let me = server.asks(Method::GET, "/api/v1/me", None, &[("x-api-key", secret)]).await;
        assert_eq!((me.status, &me.body["id"]), (StatusCode::OK, &json!(ada)), "{}", me.text);
        let who = with(&server, "x-api-key", secret).await;
        assert_eq!((&who.body["identity_type"], &who.body["role"], &who.body["token_id"]), (&json!("user"), &json!("user"), &json!(id)));
        let more = server.asks(Method::POST, OWN, Some(ask(json!([]))), &[("x-api-key", secret)]).await;
        assert_eq!(more.code(), "auth.missing_scope", "{}", more.text);
        let key = json!({"name": "writer", "scopes": ["me:read", "me:write"], "current_password": PASSWORD});
        let writer = browsing(&server, &cookie, Method::POST, OWN, Some(key)).await;
        let writer = writer.body["secret"].as_str().unwrap().to_owned();
        let more = server.asks(Method::POST, OWN, Some(ask(json!([]))), &[("x-api-key", &writer)]).await;
        assert_eq!((more.status, more.code()), (StatusCode::FORBIDDEN, "auth.forbidden"), "a key makes no keys");

        let path = format!("{OWN}/{id}");
        assert_eq!(browsing(&server, &cookie, Method::GET, OWN, None).await.body["items"].as_array().unwrap().len(), 2);
        assert_eq!(browsing(&server, &other, Method::GET, OWN, None).await.body["items"], json!([]));
        for (method, path, body) in [
            (Method::GET, path.clone(), None),
            (Method::PATCH, path.clone(), Some(json!({"name": "mine"}))),
            (Method::POST, format!("{path}/revoke"), Some(json!({"reason": "mine"}))),
        ] {
            let theirs = browsing(&server, &other, method, &path, body).await;
            assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{}", theirs.text);
        }
        let named = browsing(&server, &cookie, Method::PATCH, &path, Some(json!({"name": "desk"}))).await;
        assert_eq!(named.body["name"], "desk", "{}", named.text);
        let ended = browsing(&server, &cookie, Method::POST, &format!("{path}/revoke"), Some(json!({"reason": "lost"}))).await;
        assert_eq!(ended.body["status"], "revoked");
        assert_eq!(with(&server, "x-api-key", secret).await.code(), "auth.token_revoked");
    }
}
