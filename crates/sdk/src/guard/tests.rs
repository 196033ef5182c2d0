use std::time::Duration;

use doorward_judge::{Confirmation, Identity, Principal, rule::RuleSpec};
use doorward_proto::jose::{Alg, SigningKey, sha256_base64url, sign};
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use serde_json::json;

use super::*;
use crate::{
    exchange::{Http, NoAnswer},
    server::{
        Provider, Recognition, Seen,
        limits::{FailureLimits, MemoryLimits},
        settings::{AuthSettings, Outside},
    },
    testing::{builder, home},
};

/// Nobody answers.
struct Nowhere;

impl Http for Nowhere {
    fn send(&self, _: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(std::future::ready(Err(NoAnswer("there is no web here".to_owned()))))
    }
}

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
    let builder = builder().address(|_| Some(home()));
    let guard = builder.rule(limited).rule(open).limiter(limiter).build().unwrap();
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

#[tokio::test]
async fn failed_tries_end_as_the_environment_says() {
    let pairs = [("RATE_LIMIT_IP", "2"), ("RATE_LIMIT_IDENTITY", "1"), ("RATE_LIMIT_INTERVAL", "60")];
    let pairs = pairs.map(|(name, value)| (format!("ORCHEO_AUTH_{name}"), value.to_owned()));
    let settings = AuthSettings::from_pairs(pairs).unwrap();
    let outside = Outside::over(Arc::new(Nowhere));
    let guard = |knows_addresses: bool| {
        let builder = builder().settings(&settings, &outside).unwrap();
        builder.address(move |_| knows_addresses.then(home)).build().unwrap()
    };
    let key = |name: &'static str| [("x-api-key", name)];
    let known = guard(true);
    for (headers, expect) in [
        (key("guess-1"), "401 auth.invalid_token"),
        (key("guess-1"), "429 auth.rate_limited.identity"),
        (key("guess-2"), "401 auth.invalid_token"),
        (key("guess-3"), "429 auth.rate_limited.ip"),
        ([ADA], "429 auth.rate_limited.ip"),
    ] {
        assert_eq!(asked(&known, "/", &headers).await, expect, "{headers:?}");
    }
    // Nobody is shut out for an address that nobody knows.
    let unknown = guard(false);
    for (headers, expect) in [
        (key("guess-1"), "401 auth.invalid_token"),
        (key("guess-1"), "429 auth.rate_limited.identity"),
        (key("guess-2"), "401 auth.invalid_token"),
        (key("guess-3"), "401 auth.invalid_token"),
        ([ADA], "usr_ada"),
    ] {
        assert_eq!(asked(&unknown, "/", &headers).await, expect, "{headers:?}");
    }
}

/// Has a token that is bound to its key.
struct Bound(String);

impl Provider for Bound {
    fn name(&self) -> &'static str {
        "bound"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        let identity = Identity { subject: "usr_ada".to_owned(), ..Identity::default() };
        let confirmation = Some(Confirmation::Dpop(self.0.clone()));
        let found = Principal { confirmation, ..Principal::new(identity, CredentialKind::Jwt) };
        let is_own = credential.token().is_some_and(|token| token.expose() == "bound");
        Box::pin(std::future::ready(Ok(is_own.then_some(found))))
    }
}

/// A proof for one request.
fn proof(key: &SigningKey, (method, address): (&str, &str), jti: &str, nonce: Option<&str>) -> String {
    let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": key.jwk() });
    let claims = json!({ "jti": jti, "htm": method, "htu": address, "iat": 1_000,
        "ath": sha256_base64url(b"bound"), "nonce": nonce });
    sign(key, &header, claims.to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_needs_a_proof_for_each_request() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let bound = Bound(key.jwk().thumbprint());
    let lounge = RuleSpec { mode: Mode::Optional, ..named("lounge", &["/lounge"]) };
    let guard = Guard::builder().provider(bound).rule(lounge).clock(crate::testing::clock()).build().unwrap();
    let send = async |target: &str, scheme: &str, proof: &str| {
        let scheme = format!("{scheme} bound");
        let mut headers = vec![("host", "own.example"), ("authorization", scheme.as_str())];
        headers.extend(Some(("dpop", proof)).filter(|(_, proof)| !proof.is_empty()));
        guard.admit(&mut request(target, &headers)).await.map(|caller| caller.unwrap().subject().to_owned())
    };
    let here = ("GET", "https://own.example/a%2Db");
    // What was not proven opens nothing, not even where nobody would be let through.
    for (target, scheme) in [("/a%2Db", "Bearer"), ("/a%2Db", "DPoP"), ("/lounge", "DPoP")] {
        let refused = send(target, scheme, "").await.unwrap_err();
        assert_eq!(refused.refusal.why, Why::ProofRequired, "{target} {scheme}");
    }
    let refused = send("/a%2Db", "DPoP", &proof(&key, here, "1", None)).await.unwrap_err();
    assert_eq!(refused.refusal.why, Why::NonceRequired);
    let answer = refused.response();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("DPoP ") && challenge.contains("use_dpop_nonce"), "{challenge}");
    let nonce = answer.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    let good = proof(&key, here, "2", Some(&nonce));
    assert_eq!(send("/a%2Db?x=1", "DPoP", &good).await.unwrap(), "usr_ada");
    assert_eq!(send("/a%2Db", "DPoP", &good).await.unwrap_err().refusal.why, Why::ProofRequired, "once");
    let thief = SigningKey::generate(Alg::ES256).unwrap();
    for (wrong, what) in [
        (proof(&thief, here, "3", Some(&nonce)), "another key"),
        (proof(&key, ("POST", here.1), "4", Some(&nonce)), "another method"),
        (proof(&key, ("GET", "https://own.example/other"), "5", Some(&nonce)), "another path"),
        (proof(&key, ("GET", "https://evil.example/a%2Db"), "6", Some(&nonce)), "another host"),
    ] {
        assert_eq!(
            send("/a%2Db", "DPoP", &wrong).await.unwrap_err().refusal.why,
            Why::ProofRequired,
            "{what}"
        );
    }
}

#[tokio::test]
async fn guards_that_share_their_proofs_take_none_twice() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let proofs = Arc::new(Proofs::new().unwrap());
    let guards = [(); 2].map(|()| {
        let bound = Bound(key.jwk().thumbprint());
        let builder = Guard::builder().provider(bound).clock(crate::testing::clock());
        builder.proofs(Arc::clone(&proofs)).build().unwrap()
    });
    let send = async |guard: &Guard, nonce: Option<&str>| {
        let proof = proof(&key, ("GET", "https://own.example/"), "1", nonce);
        let headers = [("host", "own.example"), ("authorization", "DPoP bound"), ("dpop", proof.as_str())];
        guard.admit(&mut request("/", &headers)).await.map(drop).map_err(|refused| refused.refusal)
    };
    let nonce = send(&guards[0], None).await.unwrap_err().nonce;
    assert_eq!(send(&guards[0], nonce.as_deref()).await, Ok(()));
    assert_eq!(send(&guards[1], nonce.as_deref()).await.unwrap_err().why, Why::ProofRequired);
}

/// Believes what stands in one header.
struct Front;

impl Provider for Front {
    fn name(&self) -> &'static str {
        "front"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Credential::Fronted { token, .. } = credential else { return Ok(None) };
            let identity = Identity { subject: token.expose().to_owned(), ..Identity::default() };
            Ok(Some(Principal::new(identity, CredentialKind::Jwt)))
        })
    }

    fn fronts(&self) -> Vec<http::HeaderName> {
        vec![http::HeaderName::from_static("x-front")]
    }
}

#[tokio::test]
async fn what_a_proxy_in_front_says_counts_from_trusted_ones_and_goes_no_further() {
    let public = RuleSpec { mode: Mode::Disabled, ..named("public", &["/public"]) };
    let guard = Guard::builder().provider(Front).rule(public).build().unwrap();
    for (path, is_trusted, expect) in
        [("/", true, Some("ada")), ("/", false, None), ("/public", true, None), ("/public", false, None)]
    {
        let mut request = request(path, &[("X-Front", "ada"), ("x_front", "eve")]);
        if is_trusted {
            request.extensions.insert(TrustedProxy);
        }
        let admitted = guard.admit(&mut request).await;
        assert_eq!(admitted.is_ok(), path == "/public" || is_trusted, "{path} {is_trusted}");
        let caller = admitted.ok().flatten();
        assert_eq!(caller.as_ref().map(Caller::subject), expect, "{path} {is_trusted}");
        assert!(request.headers.is_empty(), "{:?}", request.headers);
    }
}
