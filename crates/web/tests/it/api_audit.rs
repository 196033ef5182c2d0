//! `/api/v1/audit/events`: what was done is found, page by page, and the chain holds.

use crate::api_kit::Server;
use doorward_core::audit::Sealer;
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
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
