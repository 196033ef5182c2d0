//! `/api/v1/audit/events`: what was done is found, page by page, and the chain holds.

use crate::api_kit::Server;
use axum::body::Body;
use doorward_core::audit::Sealer;
use doorward_world::{World, both_engines};
use http::{Method, Request, StatusCode};
use serde_json::json;

both_engines! {
    async fn what_was_done_is_found(world: World) {
        let server = Server::new(world);
        let made = server.make("/api/v1/users", json!({"email": "ada@example.com"})).await;
        let id = made["id"].as_str().unwrap();
        let by_subject = server.root(Method::GET, &format!("/api/v1/audit/events?subject={id}"), None).await;
        let event = &by_subject.body["items"][0];
        assert_eq!((&event["code"], &event["actor"]), (&json!("user.created"), &json!("bootstrap")), "{}", by_subject.text);
        assert_eq!(event["outcome"], "granted");
        let shown = server.root(Method::GET, &format!("/api/v1/audit/events/{}", event["id"].as_str().unwrap()), None).await;
        assert_eq!(&shown.body, event);
        let used = server.root(Method::GET, "/api/v1/audit/events?query=bootstrap", None).await;
        assert_eq!(used.body["items"][0]["code"], "bootstrap.used", "{}", used.text);

        for _ in 0..3 {
            server.asks(Method::GET, "/api/v1/users", None, &[("authorization", "Bearer forged")]).await;
        }
        let refused = server.root(Method::GET, "/api/v1/audit/events?code=api.refused", None).await;
        let items = refused.body["items"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["facts"]["refusal"]), (1, &json!("auth.invalid_token")), "{}", refused.text);

        let mut seen = 0;
        let mut path = "/api/v1/audit/events?limit=2".to_owned();
        loop {
            let page = server.root(Method::GET, &path, None).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            seen += page.body["items"].as_array().unwrap().len();
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/api/v1/audit/events?limit=2&cursor={cursor}");
        }
        let all = server.root(Method::GET, "/api/v1/audit/events?limit=500", None).await;
        assert_eq!(all.body["items"].as_array().unwrap().len(), seen);
        for (query, field) in [("since=yesterday", "since"), ("outcome=maybe", "outcome"), ("after=x", "after"), ("after=-1", "after"), ("x=1", "x")] {
            let refused = server.root(Method::GET, &format!("/api/v1/audit/events?{query}"), None).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, field), "{query}");
        }
        for (path, query) in [("audit/events", "code=%ff"), ("audit/events", "%fe=1"), ("users", "query=a%00"), ("clients", "query=%c3")] {
            let refused = server.root(Method::GET, &format!("/api/v1/{path}?{query}"), None).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "request.invalid"), "{path} {query}");
        }
    }

    async fn where_it_came_from_is_asked_for_exactly(world: World) {
        let server = Server::new(world.clone());
        server.make("/api/v1/users", json!({"email": "ada@example.com"})).await;
        for is_sealed in [false, true] {
            if is_sealed {
                Sealer::new(&world.realm).unwrap().finish().await.unwrap();
            }
            let all = server.root(Method::GET, "/api/v1/audit/events?code=user.created", None).await;
            let address = all.body["items"][0]["detail"]["address"].as_str().unwrap().to_owned();
            for (address, count) in [(address.as_str(), 1), ("192.0.2.250", 0), ("27.0.0.1", 0), ("2001:db8::1", 0)] {
                let path = format!("/api/v1/audit/events?code=user.created&address={address}");
                let found = server.root(Method::GET, &path, None).await;
                assert_eq!(found.body["items"].as_array().unwrap().len(), count, "{address}: {}", found.text);
            }
        }
        for wrong in ["%25", "127.0.0.1%22", "127.0.0"] {
            let refused = server.root(Method::GET, &format!("/api/v1/audit/events?address={wrong}"), None).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, "address"), "{wrong}");
        }
    }

    /// What an organisation's credential reads is its own, without what is personal; what is the server's it does
    /// not read even in the server's own organisation.
    async fn an_organisation_reads_its_own_events_and_no_addresses(world: World) {
        let server = Server::new(world.clone());
        let acme = server.make("/api/v1/orgs", json!({"name": "Acme"})).await["id"].as_str().unwrap().to_owned();
        let other = server.make("/api/v1/orgs", json!({"name": "Other"})).await["id"].as_str().unwrap().to_owned();
        let token = |org: &str| json!({"name": format!("reader-{org}"), "scopes": ["org:audit:read"], "org_id": org});
        let instance = world.realm.instance_org.to_string();
        let mut held = Vec::new();
        for org in [&acme, &instance] {
            let made = server.locally(Method::POST, "/api/v1/service-tokens", Some(token(org))).await;
            held.push(format!("Bearer {}", made.body["secret"].as_str().unwrap()));
        }
        let ask = async |bearer: &str, path: &str| server.asks(Method::GET, path, None, &[("authorization", bearer)]).await;
        let list = format!("/api/v1/orgs/{acme}/audit");
        let own = ask(&held[0], &list).await;
        let items = own.body["items"].as_array().unwrap();
        assert!(items.iter().any(|item| item["code"] == "org.created"), "{}", own.text);
        assert!(items.iter().all(|item| item["org_id"] == acme.as_str() && item["detail"].is_null()), "{}", own.text);
        let id = items[0]["id"].as_str().unwrap();
        let shown = ask(&held[0], &format!("{list}/{id}")).await;
        assert_eq!(&shown.body, &items[0]);
        let all = server.root(Method::GET, &format!("/api/v1/audit/events?org_id={other}"), None).await;
        let foreign = all.body["items"][0]["id"].as_str().unwrap();
        let refused = ask(&held[0], &format!("{list}/{foreign}")).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "an event of another: {}", refused.text);
        for wrong in ["address=127.0.0.1", "request_id=x"] {
            let refused = ask(&held[0], &format!("{list}?{wrong}")).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}: {}", refused.text);
        }
        let narrowed = ask(&held[0], &format!("{list}?org_id={other}")).await;
        assert_eq!(narrowed.status, StatusCode::BAD_REQUEST, "{}", narrowed.text);
        let refused = ask(&held[1], &format!("/api/v1/orgs/{instance}/audit")).await;
        assert_eq!((refused.status, &refused.body["scope"]), (StatusCode::FORBIDDEN, &json!("admin:audit:read")), "{}", refused.text);
        let refused = ask(&held[0], "/api/v1/audit/events").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        // Who sees every organisation does not therefore read what happens in them.
        let orgs = json!({"name": "orgs", "scopes": ["admin:orgs:read"]});
        let made = server.locally(Method::POST, "/api/v1/service-tokens", Some(orgs)).await;
        let refused = ask(&format!("Bearer {}", made.body["secret"].as_str().unwrap()), &list).await;
        assert_ne!(refused.status, StatusCode::OK, "{}", refused.text);
    }

    /// Whoever runs an organisation sees what its credentials were refused; what is not proven to be its own says
    /// nothing there.
    async fn an_organisation_sees_what_its_credentials_are_refused(world: World) {
        let server = Server::new(world.clone());
        let acme = server.make("/api/v1/orgs", json!({"name": "Acme"})).await["id"].as_str().unwrap().to_owned();
        let made = json!({"name": "narrow", "scopes": ["reports:read"], "org_id": acme});
        let made = server.locally(Method::POST, "/api/v1/service-tokens", Some(made)).await;
        let bearer = format!("Bearer {}", made.body["secret"].as_str().unwrap());
        let refused = server.asks(Method::GET, "/api/v1/users", None, &[("authorization", &bearer)]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);

        let app = json!({"name": "App", "type": "confidential", "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_post", "scopes": ["reports:read"], "org_id": acme});
        let app = server.make("/api/v1/clients", app).await;
        let text = |member: &str| app[member].as_str().unwrap();
        for (secret, error) in [(text("client_secret"), "invalid_scope"), ("wrong", "invalid_client")] {
            let body = format!("grant_type=client_credentials&scope=beyond&client_id={}&client_secret={secret}", text("client_id"));
            let asked = Request::post("/oauth2/token")
                .header("host", "id.example.com")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Body::from(body));
            let refused = server.send(asked.unwrap()).await;
            assert_eq!(refused.body["error"], error, "{}", refused.text);
        }
        let trail = server.root(Method::GET, &format!("/api/v1/orgs/{acme}/audit?outcome=refused"), None).await;
        let items = trail.body["items"].as_array().unwrap();
        let found: Vec<_> = items.iter().map(|item| (item["code"].as_str().unwrap(), item["facts"]["refusal"].as_str().unwrap())).collect();
        assert_eq!(found, [("oauth.refused", "scope.invalid"), ("api.refused", "auth.missing_scope")], "{}", trail.text);
    }

    async fn sealed_events_are_followed_and_verified(world: World) {
        let server = Server::new(world.clone());
        server.make("/api/v1/users", json!({"email": "ada@example.com"})).await;
        let mut sealer = Sealer::new(&world.realm).unwrap();
        while sealer.round().await.unwrap() > 0 {}
        let first = server.root(Method::GET, "/api/v1/audit/events?after=0&limit=1", None).await;
        let seq = first.body["items"][0]["seq"].as_i64().unwrap();
        let rest = server.root(Method::GET, &format!("/api/v1/audit/events?after={seq}"), None).await;
        let items = rest.body["items"].as_array().unwrap();
        assert!(!items.is_empty() && items.iter().all(|item| item["seq"].as_i64().unwrap() > seq), "{}", rest.text);
        let report = server.root(Method::GET, "/api/v1/audit/verify", None).await;
        assert_eq!((report.status, &report.body["ok"]), (StatusCode::OK, &json!(true)), "{}", report.text);
    }
}
