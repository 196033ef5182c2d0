//! The server as a protected resource: what it says of itself, and its challenges.

use std::time::Duration;

use crate::api_kit::Server;
use axum::body::Body;
use doorward_core::{
    clients,
    grants::client::{self, ClientAsk},
};
use doorward_proto::time::Time;
use doorward_web::{App, WebSettings, router};
use doorward_world::{World, both_engines};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;

const METADATA: &str = "https://id.example/.well-known/oauth-protected-resource";

both_engines! {
    /// RFC 9728: who is challenged finds out where tokens come from.
    async fn a_challenge_leads_to_the_metadata_of_the_resource(world: World) {
        let server = Server::new(world);
        for path in ["/api/v1/users", "/oauth2/userinfo"] {
            let missing = server.asks(Method::GET, path, None, &[]).await;
            assert_eq!(missing.status, StatusCode::UNAUTHORIZED);
            assert!(missing.header("www-authenticate").contains(&format!("resource_metadata=\"{METADATA}\"")), "{path}: {:?}", missing.headers);
            let bad = server.asks(Method::GET, path, None, &[("authorization", "Bearer x")]).await;
            let challenge = bad.header("www-authenticate");
            assert!(challenge.contains("error=\"invalid_token\"") && challenge.contains("resource_metadata="), "{challenge}");
        }
        let document = server.asks(Method::GET, METADATA.strip_prefix("https://id.example").unwrap(), None, &[]).await;
        assert_eq!(document.status, StatusCode::OK, "{}", document.text);
        assert_eq!(document.header("access-control-allow-origin"), "*");
        assert_eq!(document.body["resource"], "https://id.example");
        assert_eq!(document.body["authorization_servers"], json!(["https://id.example"]));
        assert_eq!(document.body["bearer_methods_supported"], json!(["header", "body"]));
        let scopes = document.body["scopes_supported"].as_array().unwrap();
        assert!(scopes.contains(&json!("admin:*")) && scopes.contains(&json!("me:read")));
        assert!(scopes.contains(&json!("admin:tokens:read")), "{scopes:?}");
    }

    /// RFC 9728 3.1: an API below our own address is described where clients look for it.
    async fn an_api_below_the_issuer_is_described(world: World) {
        let server = Server::new(world);
        let described = async |path: &str| {
            server.asks(Method::GET, &format!("/.well-known/oauth-protected-resource{path}"), None, &[]).await
        };
        for identifier in ["https://id.example/orders/v2", "https://elsewhere.example/stock", "plain-name"] {
            let api = json!({
                "identifier": identifier, "name": "Orders",
                "scopes": [{"name": "orders:read", "description": "Read orders"}],
            });
            server.make("/api/v1/apis", api).await;
        }
        let document = described("/orders/v2").await;
        assert_eq!(document.status, StatusCode::OK, "{}", document.text);
        assert_eq!(document.header("access-control-allow-origin"), "*");
        let expected = json!({
            "resource": "https://id.example/orders/v2",
            "authorization_servers": ["https://id.example"],
            "scopes_supported": ["orders:read"],
            "bearer_methods_supported": ["header"],
            "resource_name": "Orders",
        });
        assert_eq!(document.body, expected);
        for other in ["/orders", "/orders/v2/", "/orders/v2?x=1", "/orders%2Fv2", "/stock", "/plain-name", "/"] {
            assert_eq!(described(other).await.status, StatusCode::NOT_FOUND, "{other}");
        }
    }

    /// RFC 9116: whom to tell of a weakness, where the operator says so.
    async fn security_txt_names_the_contacts(world: World) {
        const PATH: &str = "/.well-known/security.txt";
        let ask = async |security_contacts| {
            let settings = WebSettings { security_contacts, ..WebSettings::default() };
            let router = router(App::new(world.realm.clone(), settings));
            let response = router.oneshot(Request::get(PATH).body(Body::empty()).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            (parts, String::from_utf8(bytes.to_vec()).unwrap())
        };
        let (absent, text) = ask(Vec::new()).await;
        assert_eq!(absent.status, StatusCode::NOT_FOUND);
        assert_eq!(absent.headers["content-type"], "application/problem+json");
        assert!(text.contains("\"code\":\"not_found\""), "{text}");
        let contacts = ["mailto:security@id.example", "https://id.example/report"].map(str::to_owned);
        let (parts, text) = ask(contacts.to_vec()).await;
        assert_eq!(parts.status, StatusCode::OK);
        assert_eq!(parts.headers["content-type"], "text/plain; charset=utf-8");
        let lines: Vec<(&str, &str)> = text.lines().map(|line| line.split_once(": ").unwrap()).collect();
        assert_eq!(lines[..2], [("Contact", contacts[0].as_str()), ("Contact", contacts[1].as_str())]);
        assert_eq!(lines[3], ("Canonical", "https://id.example/.well-known/security.txt"));
        let (name, expires) = lines[2];
        let left = expires.parse::<Time>().unwrap().since(world.call().now);
        assert_eq!(name, "Expires");
        assert!(Duration::from_hours(90 * 24) < left && left < Duration::from_hours(365 * 24), "{expires}");
    }

    /// RFC 6750 2.2 and 3.1: a token in a body is in a form, once, and else it is none or refused.
    async fn userinfo_takes_a_token_from_a_form_only(world: World) {
        const FORM: &str = "application/x-www-form-urlencoded";
        let server = Server::new(world);
        let (missing, bad, malformed) = (
            (StatusCode::UNAUTHORIZED, ""),
            (StatusCode::UNAUTHORIZED, "error=\"invalid_token\""),
            (StatusCode::BAD_REQUEST, "error=\"invalid_request\""),
        );
        for (kind, body, (status, error)) in [
            (FORM, "access_token=x", bad),
            ("application/x-www-form-urlencoded; charset=utf-8", "access_token=x", bad),
            (FORM, "token=x", missing),
            (FORM, "", missing),
            ("text/plain", "access_token=x", missing),
            ("application/json", "access_token=x", missing),
            ("multipart/form-data", "access_token=x", missing),
            ("", "access_token=x", missing),
            (FORM, "access_token=x&access_token=x", malformed),
            (FORM, "access_token=x&access_token=", malformed),
            (FORM, "access_token=%ff", malformed),
            (FORM, "access_token=x&other=%ff", malformed),
        ] {
            let request = Request::post("/oauth2/userinfo").header("content-type", kind);
            let answer = server.send(request.body(Body::from(body)).unwrap()).await;
            let challenge = answer.header("www-authenticate");
            assert_eq!(answer.status, status, "{kind} {body}: {}", answer.text);
            assert!(challenge.contains(error) && (error.is_empty() != challenge.contains("error=")), "{kind} {body}: {challenge}");
        }
    }

    /// RFC 6750 3.1: who presents nothing is told what is asked for, by a challenge without an error.
    async fn an_empty_token_is_none(world: World) {
        let server = Server::new(world);
        for path in ["/api/v1/users", "/api/whoami", "/oauth2/userinfo", "/api/auth/oauth2/userinfo"] {
            for nothing in ["Bearer", "Bearer ", "bearer  ", "DPoP", "DPoP "] {
                let refused = server.asks(Method::GET, path, None, &[("authorization", nothing)]).await;
                assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path} {nothing:?}");
                assert!(refused.text.contains("Missing bearer token"), "{path} {nothing:?}: {}", refused.text);
                let challenge = refused.header("www-authenticate");
                assert!(challenge.starts_with("Bearer realm="), "{path} {nothing:?}: {challenge}");
                assert!(!challenge.contains("error"), "{path} {nothing:?}: {challenge}");
                assert!(path.contains("oauth2") || refused.code() == "auth.missing_token", "{}", refused.text);
            }
            let other = server.asks(Method::GET, path, None, &[("authorization", "Basic YTpi")]).await;
            assert_eq!(other.status, StatusCode::UNAUTHORIZED);
            assert!(other.text.contains("scheme is not supported"), "{path}: {}", other.text);
        }
        let form = [("content-type", "application/x-www-form-urlencoded"), ("authorization", "Bearer ")];
        let posted = server.asks(Method::POST, "/oauth2/userinfo", None, &form).await;
        assert!(posted.text.contains("Missing bearer token"), "{}", posted.text);
    }

    /// RFC 9449 7.1: the status, and the body that repeats it.
    async fn a_refused_proof_has_one_status(world: World) {
        let server = Server::new(world);
        let app = json!({
            "client_id": "bound", "name": "Bound", "type": "confidential", "grant_types": ["client_credentials"],
            "scopes": ["admin:users:read"], "token_endpoint_auth_method": "client_secret_post",
        });
        server.make("/api/v1/clients", app).await;
        let call = server.world.call();
        let client = clients::get_active(&call, "bound").await.unwrap();
        let ask = ClientAsk { resources: Vec::new(), scope: None, jkt: Some("a-key-of-somebody".to_owned()) };
        let credential = format!("DPoP {}", client::issue(&call, &client, ask).await.unwrap().access_token);
        for proof in ["x", ""] {
            let ask = [("authorization", credential.as_str()), ("dpop", proof)];
            let ask = if proof.is_empty() { &ask[..1] } else { &ask[..] };
            let refused = server.asks(Method::GET, "/api/v1/users", None, ask).await;
            assert_eq!((refused.status, &refused.body["status"]), (StatusCode::UNAUTHORIZED, &json!(401)), "{}", refused.text);
            assert!(refused.header("www-authenticate").starts_with("DPoP "), "{:?}", refused.headers);
        }
    }
}
