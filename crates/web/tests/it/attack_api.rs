//! Attacks on the management API by somebody who holds a part of its rights.

use crate::api_kit::Server;
use doorward_core::{credentials, users::Email};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::json;

both_engines! {
    /// Whoever can change how an application proves itself, or where its codes go, can act as it.
    async fn an_application_with_more_rights_cannot_be_taken_over(world: World) {
        let server = Server::with_scopes(world, &["admin:clients:read", "admin:clients:write"]);
        let strong = json!({
            "client_id": "strong", "name": "Strong", "type": "confidential",
            "grant_types": ["client_credentials"], "scopes": ["admin:*"],
        });
        let made = server.locally(Method::POST, "/api/v1/clients", Some(strong)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let key = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
        for patch in [
            json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key}),
            json!({"grant_types": ["authorization_code"], "redirect_uris": ["https://evil.example/cb"]}),
            json!({"scopes": ["openid"]}),
        ] {
            let answer = server.root(Method::PATCH, "/api/v1/clients/strong", Some(patch.clone())).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{patch}: {}", answer.text);
        }
        let rotated = server.root(Method::POST, "/api/v1/clients/strong/rotate", Some(json!({}))).await;
        assert_ne!(rotated.status, StatusCode::OK, "{}", rotated.text);
        let weak = json!({"client_id": "weak", "name": "Weak", "type": "confidential", "scopes": ["openid"]});
        server.make("/api/v1/clients", weak).await;
        let renamed = server.root(Method::PATCH, "/api/v1/clients/weak", Some(json!({"name": "Feeble"}))).await;
        assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.text);
        let more = server.root(Method::PATCH, "/api/v1/clients/weak", Some(json!({"scopes": ["admin:*"]}))).await;
        assert_eq!(more.status, StatusCode::FORBIDDEN, "{}", more.text);
    }

    /// An application of the operator's own is never asked about: with rights over accounts it would change
    /// an administrator's as soon as one comes by.
    async fn nobody_makes_an_application_that_changes_accounts_unasked(world: World) {
        let server = Server::with_scopes(world, &["admin:clients:read", "admin:clients:write"]);
        let own = json!({
            "client_id": "own", "name": "Own", "type": "public", "first_party": true,
            "redirect_uris": ["https://own.example/cb"], "scopes": ["openid", "me:write"],
        });
        let refused = server.root(Method::POST, "/api/v1/clients", Some(own.clone())).await;
        assert_eq!((refused.status, &refused.body["scope"]), (StatusCode::FORBIDDEN, &json!("admin:*")));
        let made = server.locally(Method::POST, "/api/v1/clients", Some(own)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let moved = json!({"redirect_uris": ["https://evil.example/cb"]});
        let moved = server.root(Method::PATCH, "/api/v1/clients/own", Some(moved)).await;
        assert_eq!(moved.status, StatusCode::FORBIDDEN, "{}", moved.text);
        for (name, first_party, scopes) in [("asks", false, json!(["openid", "me:write"])), ("signs-in", true, json!(["openid"]))] {
            let body = json!({
                "client_id": name, "name": name, "type": "public", "first_party": first_party,
                "redirect_uris": ["https://app.example/cb"], "scopes": scopes,
            });
            server.make("/api/v1/clients", body).await;
            let more = json!({"first_party": true, "scopes": ["openid", "me:read"]});
            let more = server.root(Method::PATCH, &format!("/api/v1/clients/{name}"), Some(more)).await;
            assert_eq!(more.status, StatusCode::FORBIDDEN, "{}", more.text);
        }
    }

    /// The link in a mail to an administrator is as good as the account.
    async fn mail_to_administrators_is_read_by_administrators(world: World) {
        let server = Server::with_scopes(world, &["admin:mail:read", "admin:mail:write"]);
        for (email, role) in [("root@example.org", "admin"), ("user@example.org", "user")] {
            let body = json!({"email": email, "role": role, "password": "correct horse battery 7 staple"});
            let made = server.locally(Method::POST, "/api/v1/users", Some(body)).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            let email = Email::parse(email).unwrap();
            credentials::forgot(&server.world.call(), email, None, None).await.unwrap();
        }
        let listed = server.root(Method::GET, "/api/v1/mail", None).await;
        let items = listed.body["items"].as_array().unwrap();
        assert_eq!(items.len(), 2, "{}", listed.text);
        for item in items {
            let path = format!("/api/v1/mail/{}", item["id"].as_str().unwrap());
            let shown = server.root(Method::GET, &path, None).await;
            let expected = if item["recipient"] == "root@example.org" { StatusCode::FORBIDDEN } else { StatusCode::OK };
            assert_eq!(shown.status, expected, "{}", shown.text);
            assert_eq!(server.locally(Method::GET, &path, None).await.status, StatusCode::OK);
        }
    }
}
