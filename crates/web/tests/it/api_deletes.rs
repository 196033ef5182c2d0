//! What is deleted over the API after it was looked at: `If-Match` keeps what somebody else has changed meanwhile.

use crate::api_kit::{ROOT, Server};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::json;

both_engines! {
    async fn what_an_organisation_has_is_deleted_as_it_was_seen(world: World) {
        let server = Server::new(world);
        server.make("/api/v1/orgs", json!({"name": "Acme", "slug": "acme"})).await;
        let of = [
            ("workspaces", json!({"name": "Design", "slug": "design"}), "name"),
            ("fields", json!({"key": "team", "kind": "text", "label": "Team"}), "label"),
            ("claims", json!({"name": "tier", "expression": "'gold'"}), "expression"),
            ("roles", json!({"name": "analyst"}), "description"),
        ];
        let root = format!("Bearer {ROOT}");
        for (area, body, changes) in of {
            let made = server.root(Method::POST, &format!("/api/v1/orgs/acme/{area}"), Some(body)).await;
            assert_eq!(made.status, StatusCode::CREATED, "{area}: {}", made.text);
            let (at, seen) = (made.header("location").to_owned(), made.header("etag").to_owned());
            let changed = server.root(Method::PATCH, &at, Some(json!({changes: "'other'"}))).await;
            assert_eq!(changed.status, StatusCode::OK, "{area}: {}", changed.text);
            let headers = |tag| [("authorization", root.as_str()), ("if-match", tag)];
            let stale = server.asks(Method::DELETE, &at, None, &headers(&seen)).await;
            assert_eq!((stale.status, stale.code()), (StatusCode::PRECONDITION_FAILED, "version_mismatch"), "{area}");
            let now = changed.header("etag");
            let gone = server.asks(Method::DELETE, &at, None, &headers(now)).await;
            assert_eq!(gone.status, StatusCode::NO_CONTENT, "{area}: {}", gone.text);
        }
    }
}
