use std::time::Duration;

use doorward_judge::rule::RuleSpec;
use http::{Request, Response, StatusCode};

use super::*;
use crate::{
    server::limits::{FailureLimits, MemoryLimits},
    testing::{builder, home},
};

fn named(name: &str, paths: &[&str]) -> RuleSpec {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    RuleSpec { name: name.to_owned(), paths, ..RuleSpec::default() }
}

fn guard() -> Guard {
    let public = RuleSpec { mode: Mode::Disabled, ..named("public", &["/public/**"]) };
    let lounge = RuleSpec { mode: Mode::Optional, ..named("lounge", &["/lounge"]) };
    let reports = RuleSpec { scopes: vec!["reports:read".to_owned()], ..named("reports", &["/reports/**"]) };
    let inside = RuleSpec {
        hosts: vec!["own.example".to_owned()],
        roles: vec!["admin".to_owned()],
        ..named("inside", &["/inside"])
    };
    builder().rule(public).rule(lounge).rule(reports).rule(inside).build().unwrap()
}

fn request(target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// The subject of who was let through, or status and code.
async fn asked(guard: &Guard, target: &str, headers: &[(&str, &str)]) -> String {
    match guard.admit(&mut request(target, headers)).await {
        Ok(Some(caller)) => caller.subject().to_owned(),
        Ok(None) => "nobody".to_owned(),
        Err(refused) => {
            format!("{} {}", refused.response().status().as_u16(), refused.refusal.why.code())
        }
    }
}

const ADA: (&str, &str) = ("authorization", "Bearer ada");
const BOB: (&str, &str) = ("authorization", "Bearer bob");

#[tokio::test]
async fn the_rule_for_a_request_decides() {
    let guard = guard();
    for (target, headers, expect) in [
        ("/", &[][..], "401 auth.missing_token"),
        ("/", &[ADA], "usr_ada"),
        ("/", &[BOB], "usr_bob"),
        ("/reports/1", &[ADA], "usr_ada"),
        ("/reports/1?x=%2e%2e", &[ADA], "usr_ada"),
        ("/reports/1", &[BOB], "403 auth.missing_scope"),
        ("/%72eports/1", &[BOB], "403 auth.missing_scope"),
        ("/public/x", &[("authorization", "nonsense")], "nobody"),
        ("/public/../reports/1", &[ADA], "400 gateway.path_ambiguous"),
        ("/public/%2e%2e/reports/1", &[ADA], "400 gateway.path_ambiguous"),
        ("/lounge", &[], "nobody"),
        ("/lounge", &[ADA], "usr_ada"),
        ("/lounge", &[("x-api-key", "nobody's")], "401 auth.invalid_token"),
        ("/", &[("authorization", "Bearer old")], "401 auth.token_expired"),
        ("/", &[("authorization", "Bearer foreign")], "401 auth.invalid_audience"),
        ("/", &[ADA, ("x-api-key", "ada")], "400 auth.several_credentials"),
        ("/", &[("authorization", "Digest x")], "401 auth.invalid_scheme"),
        ("/", &[("authorization", "DPoP ada")], "401 auth.invalid_token"),
        ("/inside", &[ADA, ("host", "own.example:443")], "403 auth.forbidden"),
        ("/inside", &[ADA, ("host", "OWN.example.")], "403 auth.forbidden"),
        ("https://own.example/inside", &[ADA, ("host", "other.example")], "403 auth.forbidden"),
        ("/inside", &[ADA, ("host", "other.example")], "usr_ada"),
        ("/inside", &[ADA, ("host", "a.example"), ("host", "own.example")], "400 request.invalid"),
        ("/inside", &[ADA, ("host", "own%2eexample")], "400 request.invalid"),
    ] {
        assert_eq!(asked(&guard, target, headers).await, expect, "{target} {headers:?}");
    }
}

#[tokio::test]
async fn a_service_without_a_name_takes_no_tokens_that_have_one() {
    let nameless = || Guard::builder().provider(crate::testing::People).clock(crate::testing::clock());
    assert_eq!(asked(&nameless().build().unwrap(), "/", &[ADA]).await, "401 auth.invalid_audience");
    let open = nameless().any_audience().build().unwrap();
    assert_eq!(asked(&open, "/", &[("authorization", "Bearer foreign")]).await, "usr_eve");
}

#[tokio::test]
async fn who_is_bound_to_a_network_is_refused_where_nobody_knows_the_address() {
    let home_token = [("authorization", "Bearer home")];
    assert_eq!(asked(&guard(), "/", &home_token).await, "401 auth.invalid_address");
    let knows = builder().address(|_| Some(home())).build().unwrap();
    assert_eq!(asked(&knows, "/", &home_token).await, "usr_bob");
    let mut told = request("/", &home_token);
    told.extensions.insert(ClientAddress(home()));
    assert!(guard().admit(&mut told).await.is_ok());
}

#[tokio::test]
async fn what_a_client_says_of_itself_is_gone_and_the_path_is_the_one_that_was_judged() {
    let spoofed = [ADA, ("x-user-id", "admin"), ("x_user_role", "admin"), ("x-request-id", "ref-1")];
    let mut request = request("https://own.example/%72eports/a%2db?b=%2f", &spoofed);
    guard().admit(&mut request).await.unwrap();
    assert_eq!(
        request.headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(),
        ["authorization", "x-request-id"]
    );
    assert_eq!(request.uri, "https://own.example/reports/a-b?b=%2f");
}

#[tokio::test]
async fn refusals_are_told_as_the_standards_say() {
    let lacking: Response<String> = guard()
        .admit(&mut request("/reports/1", &[BOB, ("x-request-id", "ref-1")]))
        .await
        .unwrap_err()
        .into();
    assert_eq!(lacking.status(), StatusCode::FORBIDDEN);
    let header = |name: &str| lacking.headers()[name].to_str().unwrap();
    assert_eq!(
        header("www-authenticate"),
        r#"Bearer realm="https://own.example", error="insufficient_scope", scope="reports:read""#
    );
    assert_eq!((header("content-type"), header("x-request-id")), ("application/problem+json", "ref-1"));
    assert!(lacking.body().contains(r#""code":"auth.missing_scope""#), "{}", lacking.body());
    let missing = guard().admit(&mut request("/reports/1", &[])).await.unwrap_err().response();
    let challenge = missing.headers()["www-authenticate"].to_str().unwrap();
    assert_eq!(challenge, r#"Bearer realm="https://own.example", scope="reports:read""#);
    let quoted = builder().realm("a\"b\\c").build().unwrap();
    let answer = quoted.admit(&mut request("/", &[])).await.unwrap_err().response();
    assert_eq!(answer.headers()["www-authenticate"], r#"Bearer realm="abc""#);
}

#[tokio::test]
async fn limits_of_rules_count_and_failed_tries_end() {
    let limited = |name: &str, mode| {
        let spec = serde_json::json!({ "name": name, "paths": [format!("/{name}")], "rate_limit": "2/day" });
        RuleSpec { mode, ..serde_json::from_value(spec).unwrap() }
    };
    let failures = FailureLimits { address: 3, identity: 0, interval: Duration::from_secs(60) };
    let limiter = Arc::new(Limiter::new(Arc::new(MemoryLimits::default()), failures));
    let rules = [limited("limited", Mode::Required), limited("open", Mode::Disabled)];
    let [limited, open] = rules;
    let guard = builder().rule(limited).rule(open).limiter(limiter).build().unwrap();
    for (target, headers, expect) in [
        ("/limited", &[ADA][..], "usr_ada"),
        ("/limited", &[ADA], "usr_ada"),
        ("/limited", &[ADA], "429 gateway.rate_limited"),
        ("/limited", &[BOB], "usr_bob"),
        ("/", &[ADA], "usr_ada"),
        ("/open", &[], "nobody"),
        ("/open", &[], "nobody"),
        ("/open", &[ADA], "429 gateway.rate_limited"),
        ("/", &[("x-api-key", "guess-1")], "401 auth.invalid_token"),
        ("/", &[("x-api-key", "guess-2")], "401 auth.invalid_token"),
        ("/", &[("x-api-key", "guess-3")], "401 auth.invalid_token"),
        ("/", &[("x-api-key", "guess-4")], "429 auth.rate_limited.ip"),
        ("/", &[ADA], "usr_ada"),
    ] {
        assert_eq!(asked(&guard, target, headers).await, expect, "{target} {headers:?}");
    }
}
