//! What is refused is in the audit trail, once a minute however often it happens, and never what was
//! presented.

use crate::api_kit::Server;
use axum::body::Body;
use doorward_core::{
    audit::{self, Entry, Filter},
    credentials,
    outcome::Code,
};
use doorward_web::ClientAddress;
use doorward_world::{World, both_engines};
use http::{Method, Request, StatusCode, header};
use serde_json::json;

const SECRET: &str = "a-guess-at-somebody-elses-secret";
const FORM: &str = "application/x-www-form-urlencoded";

async fn post(server: &Server, path: &str, form: &str) -> StatusCode {
    let request = Request::post(path).header(header::CONTENT_TYPE, FORM);
    server.send(request.body(Body::from(form.to_owned())).unwrap()).await.status
}

async fn found(server: &Server, code: &str) -> Vec<Entry> {
    let filter = Filter { code: Some(code.to_owned()), ..Filter::default() };
    audit::list(&server.world.realm, filter, None, 100).await.unwrap()
}

async fn refusals(server: &Server) -> Vec<(String, String)> {
    let text = |entry: &Entry, name: &str| {
        let facts = serde_json::to_value(&entry.facts).unwrap();
        facts[name].as_str().unwrap_or_default().to_owned()
    };
    let mut all: Vec<_> = found(server, "oauth.refused")
        .await
        .iter()
        .map(|entry| (text(entry, "route"), text(entry, "refusal")))
        .collect();
    all.sort();
    all
}

both_engines! {
    /// Whoever tries a secret, a token, a code or an address that is not theirs leaves a trace.
    async fn every_refusal_of_a_protocol_endpoint_is_recorded(world: World) {
        let server = Server::new(world);
        let app = json!({
            "client_id": "shop", "name": "Shop", "type": "confidential",
            "redirect_uris": ["https://shop.example/cb"], "scopes": ["openid"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        });
        let made = server.make("/api/v1/clients", app).await;
        let right = made["client_secret"].as_str().unwrap();
        for path in ["token", "introspect", "revoke", "par"] {
            let form = format!("client_id=shop&client_secret={SECRET}&token=x&grant_type=client_credentials");
            assert_eq!(post(&server, &format!("/oauth2/{path}"), &form).await, StatusCode::BAD_REQUEST);
        }
        let bad_code = format!("client_id=shop&client_secret={right}&grant_type=authorization_code&code=dw_ac_{SECRET}");
        assert_eq!(post(&server, "/oauth2/token", &bad_code).await, StatusCode::BAD_REQUEST);
        let bearer = format!("Bearer {SECRET}");
        let userinfo = server.asks(Method::GET, "/oauth2/userinfo", None, &[("authorization", &bearer)]).await;
        assert_eq!(userinfo.status, StatusCode::UNAUTHORIZED);
        let elsewhere = "/oauth2/authorize?client_id=shop&response_type=code&scope=openid\
            &redirect_uri=https%3A%2F%2Fevil.example%2Fcb&code_challenge_method=S256\
            &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(server.asks(Method::GET, elsewhere, None, &[]).await.status, StatusCode::BAD_REQUEST);
        let hint = format!("/oauth2/logout?id_token_hint={SECRET}");
        assert_eq!(server.asks(Method::GET, &hint, None, &[]).await.status, StatusCode::BAD_REQUEST);
        let expected = [
            ("/oauth2/authorize", "client.redirect_uri_unregistered"),
            ("/oauth2/introspect", "client.authentication"),
            ("/oauth2/logout", "request.invalid"),
            ("/oauth2/par", "client.authentication"),
            ("/oauth2/revoke", "client.authentication"),
            ("/oauth2/token", "client.authentication"),
            ("/oauth2/token", "code.unknown"),
            ("/oauth2/userinfo", "auth.invalid_token"),
        ];
        let expected = expected.map(|(route, code)| (route.to_owned(), code.to_owned()));
        assert_eq!(refusals(&server).await, expected);
        let all = serde_json::to_string(&found(&server, "").await).unwrap();
        assert!(!all.contains(SECRET) && !all.contains(right), "{all}");
        let mut nameless: Vec<_> = found(&server, "oauth.refused").await;
        nameless.retain(|entry| entry.client.is_empty());
        nameless.sort_by_key(|entry| entry.facts["route"].to_string());
        let routes: Vec<_> = nameless.iter().map(|entry| entry.facts["route"].as_str().unwrap()).collect();
        assert_eq!(routes, ["/oauth2/logout", "/oauth2/userinfo"], "the others name the application");
    }

    /// RFC 6749 5.2 and RFC 9110 15.5.2: 401 and a challenge for who tried the header, 400 for who did not.
    async fn who_is_answered_401_is_challenged(world: World) {
        let server = Server::new(world);
        let body = format!("client_id=nobody&client_secret={SECRET}&token=x&grant_type=client_credentials");
        let header = format!("Basic {}", data_encoding::BASE64.encode(format!("nobody:{SECRET}").as_bytes()));
        for path in ["token", "introspect", "revoke", "par"] {
            for (form, authorization, status) in [
                (body.as_str(), None, StatusCode::BAD_REQUEST),
                ("token=x&grant_type=client_credentials", None, StatusCode::BAD_REQUEST),
                ("token=x&grant_type=client_credentials", Some(&header), StatusCode::UNAUTHORIZED),
            ] {
                let mut request = Request::post(format!("/oauth2/{path}"))
                    .header(header::CONTENT_TYPE, FORM);
                if let Some(value) = authorization {
                    request = request.header(header::AUTHORIZATION, value);
                }
                let answer = server.send(request.body(Body::from(form.to_owned())).unwrap()).await;
                assert_eq!((answer.status, &answer.body["error"]), (status, &json!("invalid_client")), "{path}");
                assert_eq!(answer.header("www-authenticate").starts_with("Basic "), authorization.is_some(), "{path}");
            }
        }
    }

    /// RFC 6749 5.2 has no `access_denied`: that is for redirects.
    async fn an_organisation_that_is_closed_to_an_address_gives_no_token_there(world: World) {
        let server = Server::new(world);
        let org = server.make("/api/v1/orgs", json!({"name": "Acme", "slug": "acme"})).await;
        let app = json!({
            "client_id": "nightly", "name": "Nightly", "type": "confidential", "redirect_uris": [],
            "grant_types": ["client_credentials"], "scopes": [], "org_id": org["id"],
        });
        let made = server.make("/api/v1/clients", app).await;
        let list = json!({"allowed_addresses": ["192.0.2.0/24"], "force": true});
        let closed = server.root(Method::PATCH, "/api/v1/orgs/acme", Some(list)).await;
        assert_eq!(closed.status, StatusCode::OK, "{}", closed.text);
        let secret = made["client_secret"].as_str().unwrap();
        let form = format!("client_id=nightly&client_secret={secret}&grant_type=client_credentials");
        let request = Request::post("/oauth2/token").header(header::CONTENT_TYPE, FORM);
        let refused = server.send(request.body(Body::from(form)).unwrap()).await;
        assert_eq!((refused.status, &refused.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")), "{}", refused.text);
        let why = refused.body["error_description"].as_str().unwrap();
        assert!(why.contains("may not be used from"), "{why}");
    }

    /// Several applications behind one address: each that is refused is named.
    async fn every_application_that_is_refused_is_named(world: World) {
        let server = Server::new(world);
        for name in ["shop", "till"] {
            let app = json!({
                "client_id": name, "name": name, "type": "confidential", "redirect_uris": [],
                "grant_types": ["client_credentials"], "scopes": [],
            });
            server.make("/api/v1/clients", app).await;
        }
        for name in ["shop", "till", "shop", "nobody", "noone"] {
            let form = format!("client_id={name}&client_secret={SECRET}&grant_type=client_credentials");
            assert_eq!(post(&server, "/oauth2/token", &form).await, StatusCode::BAD_REQUEST);
        }
        let named: std::collections::BTreeSet<_> =
            found(&server, "oauth.refused").await.into_iter().map(|entry| entry.client).collect();
        assert_eq!(named.len(), 3, "two that there are, and one event for those that there are not: {named:?}");
        assert!(named.contains(""));
    }

    /// RFC 6749 5.2: what a client of the protocol endpoints is made for is a 400.
    async fn parameters_in_another_form_are_an_invalid_request(world: World) {
        let server = Server::new(world);
        for path in ["token", "introspect", "revoke", "par"] {
            for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
                let request = Request::post(format!("/oauth2/{path}")).header(header::CONTENT_TYPE, kind);
                let answer = server.send(request.body(Body::from("{}")).unwrap()).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {kind}");
                assert_eq!(answer.body["error"], "invalid_request", "{path} {kind}");
                let why = answer.body["error_description"].as_str().unwrap();
                assert!(why.contains("application/x-www-form-urlencoded"), "{path} {kind}: {why}");
            }
        }
    }

    /// A thousand wrong secrets are one event, and one more that counts them.
    async fn a_stranger_cannot_fill_the_trail(world: World) {
        let server = Server::new(world);
        for _ in 0..200 {
            let form = format!("client_id=nobody&client_secret={SECRET}&grant_type=client_credentials");
            assert_eq!(post(&server, "/oauth2/token", &form).await, StatusCode::BAD_REQUEST);
        }
        assert_eq!(refusals(&server).await.len(), 1);
        // One household has more IPv6 addresses than there is disk.
        for number in 0..50_u16 {
            let mut request = Request::get("/oauth2/userinfo")
                .header(header::AUTHORIZATION, format!("Bearer {SECRET}"))
                .body(Body::empty())
                .unwrap();
            request.extensions_mut().insert(ClientAddress([0x2001, 0xdb8, 1, 2, 0, 0, 0, number].into()));
            assert_eq!(server.send(request).await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(refusals(&server).await.len(), 2);
        server.world.advance(std::time::Duration::from_mins(1));
        audit::count_refusals(&server.world.call(), false).await.unwrap();
        let counted = found(&server, "refusals.counted").await;
        assert_eq!(counted.len(), 2);
        assert!(serde_json::to_string(&counted).unwrap().contains("199"), "{counted:?}");
    }

    /// The present password, asked again before what cannot be undone: a wrong one is recorded.
    async fn a_wrong_present_password_is_recorded(world: World) {
        let server = Server::new(world);
        let body = json!({"email": "ada@example.org", "password": "correct horse battery 7 staple"});
        let made = server.make("/api/v1/users", body).await;
        let id = made["id"].as_str().unwrap().parse().unwrap();
        for _ in 0..3 {
            let refused = credentials::confirm(&server.world.call(), id, &SECRET.into()).await.unwrap_err();
            assert_eq!(refused.code(), Some(Code::PasswordWrong));
        }
        let events = found(&server, "user.password_refused").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].subject, made["id"].as_str().unwrap());
    }
}
