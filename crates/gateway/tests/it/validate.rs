//! What `/validate` answers, to whom and in which words.

mod kit;
mod limits;
mod policy;

use std::sync::atomic::Ordering;

use doorward_gateway::RouteSpec;
use doorward_judge::Mode;
use http::Method;
use serde_json::{Value as Json, json};

use self::kit::{guarded, world};

const ADA: (&str, &str) = ("authorization", "Bearer ada");
const BOB: (&str, &str) = ("authorization", "Bearer bob");

/// A request as nginx describes it.
fn original<'h>(method: &'h str, uri: &'h str) -> [(&'h str, &'h str); 3] {
    [("x-original-method", method), ("x-original-host", "app.example"), ("x-original-uri", uri)]
}

/// A request as Traefik and Caddy describe it.
fn forwarded<'h>(method: &'h str, uri: &'h str) -> [(&'h str, &'h str); 3] {
    [("x-forwarded-method", method), ("x-forwarded-host", "app.example"), ("x-forwarded-uri", uri)]
}

fn with<'h>(mut headers: Vec<(&'h str, &'h str)>, more: (&'h str, &'h str)) -> Vec<(&'h str, &'h str)> {
    headers.push(more);
    headers
}

#[tokio::test]
async fn who_is_let_through_is_told_and_nothing_that_was_sent() {
    let world = guarded();
    for path in ["/validate", "/gateway/validate"] {
        for method in [Method::GET, Method::HEAD, Method::POST] {
            let spoofed =
                [ADA, ("x-user-id", "admin"), ("x-user-role", "admin"), ("x-doorward-assertion", "x")];
            let answer = world.asks(method.clone(), path, &spoofed, false).await;
            assert_eq!(answer.status, 200, "{method} {path}");
            let said =
                ["x-user-id", "x-user-role", "x-org-id", "x-organization-id", "x-permissions", "x-auth-type"];
            let said = said.map(|name| answer.header(name));
            assert_eq!(said, ["usr_ada", "user", "org_1", "org_1", "reports:read", "static_token"]);
            assert_eq!(answer.header("x-request-id"), "ref-1");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
    for (method, path, allowed) in
        [(Method::PUT, "/validate", "GET, HEAD, POST"), (Method::GET, "/api/ws-ticket", "POST")]
    {
        let refused = world.asks(method, path, &[ADA], false).await;
        assert_eq!((refused.status, refused.header("allow")), (405, allowed), "{path}");
        assert_eq!(refused.code(), "request.method", "{path}");
    }
}

#[tokio::test]
async fn refusals_are_those_of_the_standard() {
    let world = guarded();
    for (headers, status, code, challenge) in [
        (&[][..], 401, "auth.missing_token", "Bearer realm=\"https://issuer.example\""),
        (
            &[("authorization", "Bearer ")],
            401,
            "auth.missing_token",
            "Bearer realm=\"https://issuer.example\"",
        ),
        (
            &[("authorization", "Digest x")],
            401,
            "auth.invalid_scheme",
            "Bearer realm=\"https://issuer.example\"",
        ),
        (&[("authorization", "Bearer nobody")], 401, "auth.invalid_token", "error=\"invalid_token\""),
        (&[("x-api-key", "nobody")], 401, "auth.invalid_token", "error=\"invalid_token\""),
        (&[("authorization", "Bearer old")], 401, "auth.token_expired", "error=\"invalid_token\""),
        (&[("authorization", "Bearer gone")], 401, "auth.token_revoked", "error=\"invalid_token\""),
        (&[ADA, ("x-api-key", "ada")], 400, "auth.several_credentials", ""),
    ] {
        let answer = world.ask("/validate", headers).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{headers:?}");
        assert!(answer.header("www-authenticate").contains(challenge), "{headers:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("x-user")), "{headers:?}");
        let body: Json = serde_json::from_str(&answer.text).unwrap();
        assert_eq!((&body["status"], &body["request_id"]), (&json!(status), &json!("ref-1")));
    }
    let lacking = world.ask("/validate?route=reports", &[BOB]).await;
    assert_eq!((lacking.status, lacking.code().as_str()), (403, "auth.missing_scope"));
    let metadata = "https://issuer.example/.well-known/oauth-protected-resource";
    let challenge = format!(
        "Bearer realm=\"https://issuer.example\", resource_metadata=\"{metadata}\", \
         error=\"insufficient_scope\", scope=\"reports:read\""
    );
    assert_eq!(lacking.header("www-authenticate"), challenge);
    assert!(lacking.text.contains("Missing required scopes: reports:read"), "{}", lacking.text);
    let missing = world.ask("/validate?route=reports", &[]).await;
    assert!(missing.header("www-authenticate").ends_with("scope=\"reports:read\""));
    let told = world.book.0.lock().unwrap().clone();
    assert!(told.contains(&"reports auth.missing_scope usr_bob".to_owned()), "{told:?}");
}

/// RFC 9728: what is asked of this server names its own metadata, what is asked of another host does not.
#[tokio::test]
async fn a_challenge_says_where_tokens_for_this_server_come_from() {
    let world = guarded();
    let named = "resource_metadata=\"https://issuer.example/.well-known/oauth-protected-resource\"";
    let at = |host: &'static str| {
        vec![("x-original-method", "GET"), ("x-original-host", host), ("x-original-uri", "/elsewhere")]
    };
    for (headers, is_named) in [
        (vec![], true),
        (vec![("authorization", "Bearer nobody")], true),
        (vec![("authorization", "Bearer old")], true),
        (at("issuer.example"), true),
        (at("ISSUER.example:443"), true),
        (at("app.example"), false),
        (with(at("app.example"), ("authorization", "Bearer nobody")), false),
    ] {
        for target in ["/validate", "/validate?profile=nginx"] {
            if target.contains('?') && !headers.iter().any(|(name, _)| name.starts_with("x-original")) {
                continue;
            }
            let answer = world.ask(target, &headers).await;
            assert_eq!(answer.status, 401, "{headers:?}");
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge.contains(named), is_named, "{target} {headers:?}: {challenge}");
            assert_eq!(
                challenge.contains("resource_metadata"),
                is_named,
                "{target} {headers:?}: {challenge}"
            );
        }
    }
    // A route that takes none of this server's own tokens.
    let routes = json!([{ "name": "theirs", "paths": ["/theirs"], "audiences": ["https://theirs.example"] }]);
    let world = kit::world(Mode::Required, routes);
    let answer = world.ask("/validate?route=theirs", &[]).await;
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"https://issuer.example\"");
}

#[tokio::test]
async fn a_profile_that_is_none_says_what_to_use() {
    let world = guarded();
    for (target, hint) in [
        ("/validate?profile=envoy", "path_prefix to /envoy/check"),
        ("/validate?profile=envoy/reports/1", "path_prefix to /envoy/check"),
        (
            "/validate?profile=envoyer",
            "profile is one of nginx, traefik, caddy, haproxy, apache, ingress-nginx",
        ),
        ("/validate?profile=", "profile is one of nginx, traefik, caddy, haproxy, apache"),
    ] {
        let answer = world.ask(target, &[ADA]).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "gateway.request_not_described"),
            "{target}"
        );
        assert!(answer.text.contains(hint), "{target}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_description_counts_from_those_who_may_and_as_their_proxy_writes_it() {
    let world = guarded();
    let [get, post] = ["GET", "POST"].map(|method| original(method, "/reports/1").to_vec());
    let forwarded = forwarded("GET", "/reports/1").to_vec();
    let without = |name: &str| get.iter().copied().filter(|(known, _)| *known != name).collect::<Vec<_>>();
    // BOB, who may not, at a host that is or is not one.
    let at = |host: &'static str| {
        vec![("x-original-method", "GET"), ("x-original-host", host), ("x-original-uri", "/reports/1"), BOB]
    };
    let both: Vec<_> = original("GET", "/public/x").into_iter().chain(forwarded.clone()).collect();
    for (target, headers, is_trusted, status) in [
        ("/validate?profile=nginx", get.clone(), true, 401),
        ("/validate?profile=nginx", with(get.clone(), ADA), true, 200),
        ("/validate?profile=nginx", with(get.clone(), BOB), true, 403),
        ("/validate?profile=nginx", with(post, ADA), true, 200),
        ("/validate?profile=nginx", original("GET", "/public/x").to_vec(), true, 200),
        (
            "/validate?profile=nginx",
            with(original("GET", "/public/x").to_vec(), ("authorization", "x")),
            true,
            200,
        ),
        ("/validate?profile=nginx", original("GET", "/lounge").to_vec(), true, 200),
        ("/validate?profile=nginx", original("GET", "/elsewhere").to_vec(), true, 401),
        // Nobody else may describe, and no header may be missing or repeated.
        ("/validate?profile=nginx", original("GET", "/public/x").to_vec(), false, 403),
        ("/validate?profile=nginx", with(without("x-original-method"), ADA), true, 403),
        ("/validate?profile=nginx", with(without("x-original-host"), ADA), true, 403),
        ("/validate?profile=nginx", with(without("x-original-uri"), ADA), true, 403),
        ("/validate?profile=nginx", with(get.clone(), ("x-original-uri", "/public/x")), true, 403),
        ("/validate?profile=nginx", with(forwarded.clone(), ADA), true, 403),
        ("/validate?profile=nginx", with(original("get", "/public/x").to_vec(), ADA), true, 403),
        ("/validate?profile=nginx", at("app.example:abc"), true, 403),
        ("/validate?profile=nginx", at("app.example:80:80"), true, 403),
        ("/validate?profile=nginx", at("ada@app.example"), true, 403),
        ("/validate?profile=nginx", at("app%2eexample"), true, 403),
        ("/validate?profile=nginx", at(".app.example"), true, 403),
        ("/validate?profile=nginx", at("APP.example.:443"), true, 403),
        // What another family says was written by the client.
        ("/validate?profile=caddy", both.clone(), true, 401),
        ("/validate?profile=nginx", both.clone(), true, 200),
        ("/validate?profile=traefik", with(forwarded.clone(), ADA), true, 200),
        ("/validate?profile=haproxy", with(forwarded.clone(), BOB), true, 403),
        // Without a profile a description adds, and never takes away.
        ("/validate", with(original("GET", "/public/x").to_vec(), ADA), true, 200),
        ("/validate", original("GET", "/public/x").to_vec(), true, 401),
        ("/validate", with(get.clone(), BOB), true, 403),
        ("/validate", with(get.clone(), BOB), false, 200),
        ("/validate", with(vec![("x-forwarded-host", "app.example")], BOB), true, 200),
        ("/validate", with(both, ADA), true, 403),
        ("/validate?route=reports", vec![BOB], true, 403),
        ("/validate?route=public", vec![], true, 200),
        ("/validate?route=nowhere", vec![ADA], true, 404),
        ("/validate?profile=apache", vec![ADA], true, 403),
        ("/validate?prfile=nginx", vec![ADA], true, 403),
        // Where one host alone may be described.
        ("/validate?profile=nginx&host=app.example", with(get.clone(), ADA), true, 200),
        ("/validate?profile=nginx&host=APP.example.", with(get.clone(), ADA), true, 200),
        ("/validate?profile=nginx&host=other.example", with(get.clone(), ADA), true, 403),
        ("/validate?profile=nginx&host=", with(get.clone(), ADA), true, 403),
        ("/validate?host=app.example", vec![ADA], true, 403),
        ("/validate?route=reports&route=public", vec![ADA], true, 403),
    ] {
        let answer = world.asks(Method::GET, target, &headers, is_trusted).await;
        assert_eq!(answer.status, status, "{target} {headers:?} trusted: {is_trusted}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_path_that_two_could_read_differently_opens_nothing() {
    let world = guarded();
    for path in [
        "/public/../reports/1",
        "/public/%2e%2e/reports/1",
        "/public/..%2freports/1",
        "/public/..;/reports/1",
        "/public//reports",
        "/public\\..\\reports",
        "http://app.example/public/x",
        "public/x",
    ] {
        let answer = world.ask("/validate?profile=caddy", &with(forwarded("GET", path).to_vec(), ADA)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "gateway.path_ambiguous"), "{path}");
        let answer = world.ask("/validate?profile=nginx", &with(original("GET", path).to_vec(), ADA)).await;
        assert_eq!(
            (answer.status, answer.header("x-auth-status")),
            (401, "400"),
            "nginx knows no 400: {path}"
        );
    }
}

#[tokio::test]
async fn each_route_refuses_in_its_own_words() {
    let world = guarded();
    let asked = async |path: &str, more: (&str, &str)| {
        world.ask("/validate?profile=caddy", &with(forwarded("GET", path).to_vec(), more)).await
    };
    let orcheo = asked("/api/x", ADA).await;
    let detail = json!({ "message": "Missing required scopes: a:b, c:d", "code": "auth.missing_scope" });
    let expect = json!({ "message": detail["message"], "code": detail["code"], "detail": detail });
    assert_eq!((orcheo.status, serde_json::from_str::<Json>(&orcheo.text).unwrap()), (403, expect));
    assert_eq!(asked("/api/x", ("authorization", "Bearer gone")).await.status, 403);
    assert_eq!(asked("/api/x", ("authorization", "Bearer old")).await.status, 401);
    let chroma = asked("/chroma/x", ("x-chroma-token", "nobody")).await;
    assert_eq!((chroma.status, chroma.header("www-authenticate")), (403, ""));
    let expect = json!({ "error": "AuthError", "message": "Forbidden" });
    assert_eq!(serde_json::from_str::<Json>(&chroma.text).unwrap(), expect);
    let plain = asked("/plain", ("authorization", "Bearer nobody")).await;
    assert_eq!((plain.status, plain.text.as_str()), (401, "Invalid bearer token\n"));
}

#[tokio::test]
async fn the_mode_is_that_of_the_default_until_a_route_takes_its_place() {
    let bad = ("authorization", "Bearer nobody");
    for (mode, nothing, refused) in
        [(Mode::Required, 401, 401), (Mode::Optional, 200, 401), (Mode::Disabled, 200, 200)]
    {
        let world = world(mode, json!([]));
        assert_eq!(world.ask("/validate", &[]).await.status, nothing, "{mode:?}");
        assert_eq!(world.ask("/validate", &[bad]).await.status, refused, "{mode:?}");
        let open = world.ask("/validate", &[]).await;
        assert!(nothing == 401 || open.header("x-auth-type") == "anonymous", "{mode:?}");
        // What a proxy copies overwrites what the client said, also where there is nothing to say.
        let is_said = |name: &str| open.headers.get(name).is_some_and(http::HeaderValue::is_empty);
        assert!(
            nothing == 401 || ["x-user-id", "x-user-role", "x-doorward-assertion"].into_iter().all(is_said)
        );
    }
    let own = world(Mode::Required, json!([{ "name": "default", "mode": "optional", "roles": ["user"] }]));
    assert_eq!(own.ask("/validate", &[ADA]).await.status, 200);
    assert_eq!(own.ask("/validate", &[BOB]).await.status, 403);
    assert_eq!(own.ask("/validate", &[]).await.status, 401, "nobody has no role");
}

#[tokio::test]
async fn a_signed_word_is_for_one_application_and_for_a_minute() {
    let world = guarded();
    let reports = with(original("GET", "/reports/1").to_vec(), ADA);
    let said =
        async |target: &str| world.ask(target, &reports).await.header("x-doorward-assertion").to_owned();
    assert_eq!(said("/validate?profile=nginx").await, "signed-1");
    world.seconds.store(129, Ordering::Relaxed);
    assert_eq!(said("/validate?profile=nginx").await, "signed-1", "it is used again");
    world.seconds.store(130, Ordering::Relaxed);
    assert_eq!(said("/validate?profile=nginx").await, "signed-2", "for half a minute");
    assert_eq!(world.ask("/validate", &[ADA]).await.header("x-doorward-assertion"), "signed-3");
    world.seconds.store(970, Ordering::Relaxed);
    assert_eq!(said("/validate?profile=nginx").await, "signed-4");
    let written = world.pen.0.lock().unwrap().clone();
    assert_eq!((&written[0]["aud"], &written[0]["exp"]), (&json!("http://127.0.0.1:9000"), &json!(160)));
    assert_eq!(written[2]["aud"], "route:default");
    assert_eq!(written[3]["exp"], 1_000, "never beyond its credential");
    assert_eq!((&written[0]["sub"], &written[0]["scope"]), (&json!("usr_ada"), &json!("reports:read")));
    world.seconds.store(1_000, Ordering::Relaxed);
    let over = world.ask("/validate", &[ADA]).await;
    assert_eq!((over.status, over.code().as_str()), (401, "auth.token_expired"), "remembered or not");
}

#[test]
fn routes_that_make_no_sense_are_told() {
    for (routes, what) in [
        (json!([{ "name": "a", "path": ["/x"] }]), "unknown field `path`"),
        (json!([{ "name": "a", "errors": "loud" }]), "unknown variant `loud`"),
    ] {
        let told = serde_json::from_value::<Vec<RouteSpec>>(routes).unwrap_err().to_string();
        assert!(told.contains(what), "{told}");
    }
}
