//! How much of it: what `/validate` answers to too many requests, and to too many guesses.

use std::sync::atomic::Ordering;

use doorward_judge::Mode;
use serde_json::{Value as Json, json};

use super::{ADA, BOB, kit::world, original};

#[tokio::test]
async fn a_quota_is_counted_down_and_told_in_every_answer() {
    let world = world(Mode::Required, json!([{ "name": "default", "quota": "100/minute" }]));
    for request in 1..=50 {
        let answer = world.ask("/validate", &[ADA]).await;
        assert_eq!((answer.status, answer.header("x-quota")), (200, (100 - request).to_string().as_str()));
    }
    // The clock stands at 100 seconds: 40 of that minute have gone by.
    let answer = world.ask("/validate", &[ADA]).await;
    assert_eq!(answer.header("ratelimit-policy"), "\"quota\";q=100;w=60");
    assert_eq!(answer.header("ratelimit"), "\"quota\";r=49;t=20");
    assert_eq!(world.ask("/validate", &[BOB]).await.header("x-quota"), "99", "each has their own");
    for _ in 0..49 {
        assert_eq!(world.ask("/validate", &[ADA]).await.status, 200);
    }
    let refused = world.ask("/validate", &[ADA]).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "gateway.quota_exceeded"));
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("20", "\"quota\";r=0;t=20"));
    let body: Json = serde_json::from_str(&refused.text).unwrap();
    assert_eq!((&body["status"], &body["retry_after"]), (&json!(429), &json!(20)));
    assert!(world.book.0.lock().unwrap().contains(&"default gateway.quota_exceeded usr_ada".to_owned()));
    world.seconds.store(120, Ordering::Relaxed);
    assert_eq!(world.ask("/validate", &[ADA]).await.header("x-quota"), "99");
}

#[tokio::test]
async fn where_nothing_is_limited_nothing_is_told_and_nothing_said_before_stays() {
    let world = world(Mode::Required, json!([]));
    let answer = world.ask("/validate", &[ADA, ("x-quota", "7")]).await;
    assert_eq!((answer.status, answer.header("x-quota")), (200, ""));
    assert!(!answer.headers.contains_key("ratelimit"));
}

#[tokio::test]
async fn several_rules_count_once_and_all_or_nothing() {
    let routes = json!([
        { "name": "default", "rate_limit": "10/minute" },
        { "name": "narrow", "paths": ["/narrow"], "rate_limit": { "limit": 2, "per": "minute", "by": "address" } },
        { "name": "open", "paths": ["/open"], "mode": "disabled", "rate_limit": "1/minute" },
    ]);
    let world = world(Mode::Required, routes);
    let narrow: Vec<_> = original("GET", "/narrow").into_iter().chain([ADA]).collect();
    for (left, both) in
        [("1", "\"rate\";r=9;t=6, \"rate-2\";r=1;t=30"), ("0", "\"rate\";r=8;t=12, \"rate-2\";r=0;t=60")]
    {
        let answer = world.ask("/validate", &narrow).await;
        assert_eq!((answer.status, answer.header("x-quota"), answer.header("ratelimit")), (200, left, both));
    }
    let refused = world.ask("/validate", &narrow).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "gateway.rate_limited"));
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(world.ask("/validate", &[ADA]).await.header("x-quota"), "7", "what refuses takes nothing");
    // Where nobody is asked for a credential, the address counts.
    let open = original("GET", "/open").to_vec();
    assert_eq!(world.ask("/validate?profile=nginx", &open).await.status, 200);
    let refused = world.ask("/validate?profile=nginx", &open).await;
    let told = [refused.header("x-auth-status"), refused.header("retry-after")];
    assert_eq!((refused.status, told), (403, ["429", "60"]), "as nginx understands it");
    assert_eq!(refused.code(), "gateway.rate_limited");
}

#[tokio::test]
async fn who_is_refused_for_another_reason_is_not_counted() {
    let routes = json!([{ "name": "default", "scopes": ["reports:read"], "rate_limit": { "limit": 1, "per": "hour", "by": "route" } }]);
    let world = world(Mode::Required, routes);
    for _ in 0..3 {
        assert_eq!(world.ask("/validate", &[BOB]).await.status, 403);
        assert_eq!(world.ask("/validate", &[]).await.status, 401);
    }
    assert_eq!(world.ask("/validate", &[ADA]).await.status, 200);
    assert_eq!(world.ask("/validate", &[ADA]).await.status, 429);
}

#[tokio::test]
async fn guesses_end_after_some_and_good_credentials_go_on() {
    let world = world(Mode::Required, json!([{ "name": "default", "errors": "orcheo" }]));
    assert_eq!(world.ask("/validate", &[ADA]).await.status, 200);
    for guess in 0..20 {
        let guess = format!("Bearer guess-{guess}");
        assert_eq!(world.ask("/validate", &[("authorization", &guess)]).await.status, 401);
    }
    world.seconds.store(115, Ordering::Relaxed);
    let refused = world.ask("/validate", &[("authorization", "Bearer another")]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "45"));
    let said = json!({ "message": "Too many authentication attempts from IP 192.0.2.7", "code": "auth.rate_limited.ip" });
    let body: Json = serde_json::from_str(&refused.text).unwrap();
    assert_eq!((&body["message"], &body["code"], &body["detail"]), (&said["message"], &said["code"], &said));
    world.seconds.store(159, Ordering::Relaxed);
    assert_eq!(
        world.ask("/validate", &[ADA]).await.status,
        200,
        "not even when it has to be asked about again"
    );
    assert_eq!(world.ask("/validate", &[BOB]).await.status, 429, "a newcomer is");
    world.seconds.store(160, Ordering::Relaxed);
    assert_eq!(world.ask("/validate", &[BOB]).await.status, 200);
}

#[tokio::test]
async fn an_identity_that_fails_is_told_so() {
    let world = world(
        Mode::Required,
        json!([{ "name": "chroma", "errors": "chroma" }, { "name": "plain", "errors": "plain" }]),
    );
    for _ in 0..8 {
        assert_eq!(world.ask("/validate?route=plain", &[("authorization", "Bearer old")]).await.status, 401);
    }
    for (route, kind, text) in [
        ("plain", "text/plain; charset=utf-8", "Too many authentication attempts for this identity\n"),
        (
            "chroma",
            "application/json",
            r#"{"error":"RateLimitError","message":"Too many authentication attempts for this identity"}"#,
        ),
    ] {
        let target = format!("/validate?route={route}");
        let refused = world.ask(&target, &[("authorization", "Bearer old")]).await;
        assert_eq!(
            (refused.status, refused.header("content-type"), refused.text.as_str()),
            (429, kind, text)
        );
        assert_eq!(refused.header("retry-after"), "60");
    }
    assert_eq!(world.ask("/validate?route=plain", &[("authorization", "Bearer gone")]).await.status, 401);
}
