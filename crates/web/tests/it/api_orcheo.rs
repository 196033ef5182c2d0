//! `/api/admin/service-tokens`: every shape and status that Orcheo's clients rely on.

use crate::api_kit::Server;
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

const PATH: &str = "/api/admin/service-tokens";
const MEMBERS: [&str; 12] = [
    "expires_at",
    "identifier",
    "issued_at",
    "last_used_at",
    "message",
    "revocation_reason",
    "revoked_at",
    "rotated_to",
    "scopes",
    "secret",
    "use_count",
    "workspace_ids",
];

fn members(body: &Json) -> Vec<&str> {
    let mut names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

both_engines! {
    async fn the_life_of_a_token_in_orcheos_words(world: World) {
        let server = Server::new(world);
        let body = json!({
            "identifier": "my-ci-token", "scopes": ["workflows:write", "workflows:read"],
            "workspace_ids": ["ws-b", "ws-a"], "expires_in_seconds": 3600,
        });
        let made = server.root(Method::POST, PATH, Some(body.clone())).await;
        assert_eq!((made.status, members(&made.body)), (StatusCode::CREATED, MEMBERS.to_vec()), "{}", made.text);
        assert_eq!(made.body["identifier"], "my-ci-token");
        assert_eq!(made.body["scopes"], json!(["workflows:read", "workflows:write"]));
        assert_eq!(made.body["workspace_ids"], json!(["ws-a", "ws-b"]));
        assert!(made.body["secret"].as_str().unwrap().starts_with("dw_st_"));
        assert!(made.body["expires_at"].is_string() && made.body["message"].is_string());
        assert!(made.body["revoked_at"].is_null() && made.body["rotated_to"].is_null());

        let shown = server.root(Method::GET, &format!("{PATH}/my-ci-token"), None).await;
        assert_eq!((shown.status, members(&shown.body)), (StatusCode::OK, MEMBERS.to_vec()));
        assert!(shown.body["secret"].is_null() && shown.body["message"].is_null());

        let rotated = server.root(Method::POST, &format!("{PATH}/my-ci-token/rotate"), Some(json!({"overlap_seconds": 0}))).await;
        assert_eq!((rotated.status, members(&rotated.body)), (StatusCode::OK, MEMBERS.to_vec()));
        assert_eq!(rotated.body["identifier"], "my-ci-token", "the name stays");
        assert!(rotated.body["secret"].is_string() && rotated.body["expires_at"].is_string(), "the life is handed on");

        let listed = server.root(Method::GET, PATH, None).await;
        assert_eq!((listed.status, members(&listed.body)), (StatusCode::OK, vec!["tokens", "total"]));
        assert_eq!(listed.body["total"], 2);
        let old = listed.body["tokens"].as_array().unwrap().iter().find(|one| one["rotated_to"].is_string()).unwrap();
        let by_id = format!("{PATH}/{}", old["identifier"].as_str().unwrap());
        assert_eq!(server.root(Method::GET, &by_id, None).await.body["rotated_to"], old["rotated_to"]);

        let revoked = server.root(Method::DELETE, &format!("{PATH}/my-ci-token"), Some(json!({"reason": "Token compromised"}))).await;
        assert_eq!((revoked.status, &*revoked.text), (StatusCode::NO_CONTENT, ""));
        let again = server.root(Method::DELETE, &format!("{PATH}/my-ci-token"), Some(json!({"reason": "again"}))).await;
        assert_eq!(again.status, StatusCode::NO_CONTENT);
        let shown = server.root(Method::GET, &format!("{PATH}/my-ci-token"), None).await;
        assert_eq!(shown.body["revocation_reason"], "Token compromised", "the first reason stays");
        assert!(shown.body["revoked_at"].is_string());

        let bare = server.root(Method::POST, PATH, Some(json!({}))).await;
        assert_eq!((bare.status, members(&bare.body)), (StatusCode::CREATED, MEMBERS.to_vec()));
        let nulls = json!({"identifier": null, "expires_in_seconds": null});
        assert_eq!(server.root(Method::POST, PATH, Some(nulls)).await.status, StatusCode::CREATED);
        let newer = server.root(Method::POST, PATH, Some(json!({"name": "newer-clients"}))).await;
        assert_eq!(newer.body["identifier"], "newer-clients");
    }

    async fn every_refusal_is_in_orcheos_dress(world: World) {
        let server = Server::new(world.clone());
        let lesser = Server::with_scopes(world.clone(), &["workflows:read"]);
        let writer = Server::with_scopes(world, &["admin:tokens:write"]);
        server.root(Method::POST, PATH, Some(json!({"identifier": "taken"}))).await;
        server.root(Method::POST, PATH, Some(json!({"identifier": "over"}))).await;
        server.root(Method::DELETE, &format!("{PATH}/over"), Some(json!({"reason": "x"}))).await;
        let none = format!("{PATH}/none");
        let reason = || Some(json!({"reason": "x"}));
        let bad = [("authorization", "Bearer x")];
        let basic = [("authorization", "Basic eA==")];
        let answers = [
            (server.asks(Method::GET, PATH, None, &[]).await, 401, "auth.missing_token"),
            (server.asks(Method::GET, PATH, None, &bad).await, 401, "auth.invalid_token"),
            (server.asks(Method::GET, PATH, None, &basic).await, 401, "auth.invalid_scheme"),
            (lesser.root(Method::GET, PATH, None).await, 403, "auth.missing_scope"),
            (writer.root(Method::POST, PATH, Some(json!({"scopes": ["vault:read"]}))).await, 403, "auth.missing_scope"),
            (server.root(Method::GET, &none, None).await, 404, "token.not_found"),
            (server.root(Method::POST, &format!("{none}/rotate"), Some(json!({}))).await, 404, "token.not_found"),
            (server.root(Method::DELETE, &none, reason()).await, 404, "token.not_found"),
            (server.root(Method::DELETE, &none, Some(json!({}))).await, 400, "request.invalid"),
            (server.root(Method::POST, PATH, Some(json!({"expires_in": 60}))).await, 400, "request.invalid"),
            (server.root(Method::DELETE, &none, None).await, 415, "request.media_type"),
            (server.root(Method::POST, PATH, Some(json!({"identifier": "taken"}))).await, 409, "token.name_taken"),
            (server.root(Method::POST, PATH, Some(json!({"expires_in_seconds": 59}))).await, 422, "token.lifetime"),
            (server.root(Method::POST, &format!("{PATH}/over/rotate"), Some(json!({}))).await, 409, "token.ended"),
            (server.root(Method::PUT, PATH, Some(json!({}))).await, 405, "request.method"),
        ];
        for (answer, status, code) in answers {
            assert_eq!(answer.status, StatusCode::from_u16(status).unwrap(), "{}", answer.text);
            let detail = &answer.body["detail"];
            assert_eq!(members(detail), ["code", "message"], "{}", answer.text);
            assert_eq!((&detail["code"], answer.code()), (&json!(code), code), "flat members stand beside it");
            assert!(detail["message"].as_str().is_some_and(|message| !message.is_empty()));
            assert_eq!(answer.header("content-type"), "application/json");
            if status == 401 {
                assert!(answer.header("www-authenticate").starts_with("Bearer"), "{}", answer.text);
            }
        }
        let neighbour = server.root(Method::GET, "/api/admin/service-tokensx", None).await;
        assert!(neighbour.body["detail"].is_string(), "{}", neighbour.text);
    }
}
