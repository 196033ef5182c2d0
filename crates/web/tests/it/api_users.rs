//! `/api/v1/users`, and the sessions, keys, mail and settings beside it.

use crate::api_kit::{ROOT, Server};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

fn ada() -> Json {
    json!({
        "email": "Ada@example.com", "password": "correct horse battery 7 staple", "name": "Ada Lovelace",
        "email_verified": true, "profile": {"given_name": "Ada", "address": {"locality": "London"}},
    })
}

both_engines! {
    async fn a_person_is_made_shown_changed_and_deleted(world: World) {
        let server = Server::new(world);
        let made = server.root(Method::POST, "/api/v1/users", Some(ada())).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        assert!(!made.text.contains("staple"));
        let path = made.header("location").to_owned();
        assert_eq!((&made.body["email"], &made.body["role"]), (&json!("Ada@example.com"), &json!("user")));
        let shown = server.root(Method::GET, "/api/v1/users/ada@EXAMPLE.com", None).await;
        assert_eq!((&shown.body, shown.header("etag")), (&made.body, made.header("etag")));

        let patch = json!({
            "name": "Countess", "roles": ["editor"], "email": "countess@example.com",
            "profile": {"given_name": null, "address": {"country": "UK"}},
        });
        let changed = server.root(Method::PATCH, &path, Some(patch)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
        assert_eq!(changed.body["profile"], json!({"address": {"locality": "London", "country": "UK"}}));
        assert_eq!((&changed.body["email"], &changed.body["email_verified"]), (&json!("countess@example.com"), &json!(false)));
        assert_eq!(server.root(Method::GET, "/api/v1/users/ada@example.com", None).await.status, StatusCode::NOT_FOUND);
        let proven = server.root(Method::PATCH, &path, Some(json!({"email_verified": true}))).await;
        assert_eq!(proven.body["email_verified"], true, "{}", proven.text);
        let bare = server.root(Method::PATCH, &path, Some(json!({"profile": null, "roles": null}))).await;
        assert_eq!((&bare.body["profile"], &bare.body["roles"]), (&json!({}), &json!([])), "{}", bare.text);

        let root = format!("Bearer {ROOT}");
        let stale = [("authorization", root.as_str()), ("if-match", made.header("etag"))];
        let stale = server.asks(Method::PATCH, &path, Some(json!({"name": "X"})), &stale).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);

        assert_eq!(server.root(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(server.root(Method::GET, &path, None).await.status, StatusCode::NOT_FOUND);
        let again = server.root(Method::POST, "/api/v1/users", Some(ada())).await;
        assert_eq!(again.status, StatusCode::CREATED, "a deleted account's address is free");
    }

    async fn people_are_suspended_and_given_passwords(world: World) {
        let server = Server::new(world);
        let made = server.make("/api/v1/users", ada()).await;
        let path = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
        let suspended = server.root(Method::POST, &format!("{path}/suspend"), None).await;
        assert_eq!(suspended.body["status"], "suspended", "{}", suspended.text);
        let address = made["email"].as_str().unwrap();
        for (query, count) in [
            ("status=suspended".to_owned(), 1),
            ("role=admin".to_owned(), 0),
            (format!("email={address}&role=user"), 1),
            (format!("email={address}&status=active"), 0),
        ] {
            let found = server.root(Method::GET, &format!("/api/v1/users?{query}"), None).await;
            assert_eq!(found.body["items"].as_array().map(Vec::len), Some(count), "{query}: {}", found.text);
        }
        let odd = server.root(Method::GET, "/api/v1/users?role=king", None).await;
        assert_eq!((odd.status, odd.field()), (StatusCode::BAD_REQUEST, "role"));
        let root = format!("Bearer {ROOT}");
        let stale = [("authorization", root.as_str()), ("if-match", "\"1\"")];
        let stale = server.asks(Method::POST, &format!("{path}/resume"), None, &stale).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.text);
        let resumed = server.root(Method::POST, &format!("{path}/resume"), None).await;
        assert_eq!(resumed.body["status"], "active");
        let weak = server.root(Method::POST, &format!("{path}/password"), Some(json!({"password": "password1"}))).await;
        assert_eq!((weak.status, weak.field()), (StatusCode::UNPROCESSABLE_ENTITY, "password"), "{}", weak.text);
        let strong = json!({"password": "another long battery staple 9"});
        let set = server.root(Method::POST, &format!("{path}/password"), Some(strong)).await;
        assert_eq!(set.status, StatusCode::NO_CONTENT, "{}", set.text);
        let sessions = server.root(Method::GET, &format!("{path}/sessions"), None).await;
        assert_eq!((sessions.status, &sessions.body["items"]), (StatusCode::OK, &json!([])));
        let ended = server.root(Method::DELETE, &format!("{path}/sessions"), None).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.text);
    }

    async fn wrong_people_are_refused(world: World) {
        let server = Server::new(world);
        server.make("/api/v1/users", ada()).await;
        for (body, status, field) in [
            (ada(), 409, "email"),
            (json!({"email": "nobody"}), 422, "email"),
            (json!({"name": "x"}), 400, "email"),
            (json!({"email": "a@b.example", "pasword": "x"}), 400, "pasword"),
            (json!({"email": "a@b.example", "password": "short"}), 422, "password"),
            (json!({"email": "a@b.example", "password_hash": "md5:abc"}), 422, ""),
            (json!({"email": "a@b.example", "password": "x", "password_hash": "y"}), 400, "password_hash"),
            (json!({"email": "a@b.example", "profile": {"birthdate": "soon"}}), 400, "profile"),
            (json!({"email": "a@b.example", "profile": {"shoe_size": 7}}), 400, "profile.shoe_size"),
            (json!({"email": "a@b.example", "role": "root"}), 400, "role"),
        ] {
            let refused = server.root(Method::POST, "/api/v1/users", Some(body)).await;
            assert_eq!(refused.status.as_u16(), status, "{}", refused.text);
            if !field.is_empty() {
                assert_eq!(refused.field(), field, "{}", refused.text);
            }
        }
    }

    async fn only_administrators_make_and_touch_administrators(world: World) {
        let root = Server::new(world.clone());
        let keeper = Server::with_scopes(world, &["admin:users:write", "admin:users:read"]);
        let mut boss = ada();
        boss["role"] = json!("admin");
        let refused = keeper.root(Method::POST, "/api/v1/users", Some(boss.clone())).await;
        assert_eq!((refused.status, refused.body["scope"].clone()), (StatusCode::FORBIDDEN, json!("admin:*")));
        let hash = json!({"email": "b@example.com", "password_hash": "$2b$04$abcdefghijklmnopqrstuuT1pYl0c6yO1VnVVnVnVnVnVnVnVnVnV"});
        let import = keeper.root(Method::POST, "/api/v1/users", Some(hash)).await;
        assert_eq!(import.body["scope"], "admin:users:import", "{}", import.text);
        let made = root.make("/api/v1/users", boss).await;
        let path = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
        for (method, path, body) in [
            (Method::PATCH, path.clone(), Some(json!({"name": "X"}))),
            (Method::POST, format!("{path}/suspend"), None),
            (Method::POST, format!("{path}/password"), Some(json!({"password": "another long battery staple 9"}))),
            (Method::DELETE, path.clone(), None),
        ] {
            let refused = keeper.root(method, &path, body).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.text);
        }
        let plain = keeper.make("/api/v1/users", json!({"email": "c@example.com"})).await;
        let path = format!("/api/v1/users/{}", plain["id"].as_str().unwrap());
        let raised = keeper.root(Method::PATCH, &path, Some(json!({"role": "admin"}))).await;
        assert_eq!(raised.status, StatusCode::FORBIDDEN);
        let last = root.root(Method::DELETE, &format!("/api/v1/users/{}", made["id"].as_str().unwrap()), None).await;
        assert_eq!((last.status, last.code()), (StatusCode::CONFLICT, "user.last_administrator"));
    }

    async fn keys_are_listed_rotated_and_retired(world: World) {
        let server = Server::new(world);
        let keys = server.root(Method::GET, "/api/v1/keys", None).await;
        assert_eq!(keys.body["items"].as_array().unwrap().len(), 3, "{}", keys.text);
        let made = server.make("/api/v1/keys/rotate", json!({"alg": "ES256"})).await;
        assert_eq!((&made["state"], &made["alg"]), (&json!("waiting"), &json!("ES256")));
        assert!(made["public_jwk"].get("d").is_none());
        let shown = server.root(Method::GET, &format!("/api/v1/keys/{}", made["id"].as_str().unwrap()), None).await;
        assert_eq!(shown.body, made);
        let wrong = server.root(Method::POST, "/api/v1/keys/rotate", Some(json!({"alg": "none"}))).await;
        assert_eq!((wrong.status, wrong.field()), (StatusCode::BAD_REQUEST, "alg"));
        let emergency = json!({"alg": "ES256", "emergency": true});
        let emergency = server.make("/api/v1/keys/rotate", emergency).await;
        assert_eq!(emergency["state"], "active");
        let busy = server.root(Method::POST, &format!("/api/v1/keys/{}/retire", emergency["id"].as_str().unwrap()), None).await;
        assert_eq!((busy.status, busy.code()), (StatusCode::CONFLICT, "key.state"));
    }

    async fn mail_waits_in_the_outbox_and_is_read_by_those_who_may(world: World) {
        let server = Server::new(world.clone());
        let made = server.make("/api/v1/users", ada()).await;
        let path = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
        server.root(Method::POST, &format!("{path}/password"), Some(json!({"password": "another long battery staple 9"}))).await;
        let waiting = server.root(Method::GET, "/api/v1/mail?status=waiting", None).await;
        let mails = waiting.body["items"].as_array().unwrap();
        assert_eq!(mails.len(), 1, "{}", waiting.text);
        let path = format!("/api/v1/mail/{}", mails[0]["id"].as_str().unwrap());
        let full = server.root(Method::GET, &path, None).await;
        assert!(full.body["text"].as_str().unwrap().contains("password"), "{}", full.text);
        let reader = Server::with_scopes(world, &["admin:mail:read"]);
        assert_eq!(reader.root(Method::GET, &path, None).await.status, StatusCode::FORBIDDEN, "words hold links");
        let again = server.root(Method::POST, &format!("{path}/retry"), None).await;
        assert_eq!((again.status, &again.body["status"]), (StatusCode::OK, &json!("waiting")));
        let wrong = server.root(Method::GET, "/api/v1/mail?status=lost", None).await;
        assert_eq!((wrong.status, wrong.field()), (StatusCode::BAD_REQUEST, "status"));
    }

    async fn settings_show_the_bootstrap_token_at_work(world: World) {
        let server = Server::new(world);
        let settings = server.root(Method::GET, "/api/v1/settings", None).await;
        assert_eq!((settings.status, &settings.body["tokens"]["access_ttl"]), (StatusCode::OK, &json!(600)));
        assert_eq!(settings.body["bootstrap"]["uses"], 1, "this one");
        assert!(!settings.text.contains(ROOT));
    }

    async fn the_bootstrap_token_ends_by_itself(world: World) {
        let server = Server::new(world);
        assert_eq!(server.root(Method::GET, "/api/v1/users", None).await.status, StatusCode::OK);
        server.world.advance(std::time::Duration::from_secs(24 * 3600));
        let over = server.root(Method::GET, "/api/v1/users", None).await;
        assert_eq!((over.status, over.code()), (StatusCode::UNAUTHORIZED, "auth.token_expired"));
        assert!(over.header("www-authenticate").contains("error=\"invalid_token\""));
    }
}
