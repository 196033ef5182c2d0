//! What the gateway signs is what an application behind it believes.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::body::Body;
use doorward_gateway::{AssertionClaims, Gateway, Origin, Settings, Signer};
use doorward_judge::{CredentialKind, Mode};
use doorward_proto::{
    jose::{Alg, SigningKey, Typ},
    time::Time,
};
use doorward_sdk::{
    Assertions,
    assertion::ASSERTION,
    fetch::{Fetch, Fetched, NamedBy},
    server::{Chain, fixed::FixedTokens, jwt::IssuerSpec},
};
use futures_util::future::BoxFuture;
use http::Request;
use serde_json::json;
use tokio_util::sync::CancellationToken;

const ISSUER: &str = "https://id.example";
const NOW: Time = Time::from_seconds(1_000_000);

struct Pen(SigningKey);

impl Signer for Pen {
    fn sign<'a>(&'a self, claims: &'a AssertionClaims<'a>) -> BoxFuture<'a, Option<String>> {
        Box::pin(async { self.0.sign_jwt(Typ::Assertion, &serde_json::to_vec(claims).unwrap()).ok() })
    }
}

struct Nowhere;

impl Fetch for Nowhere {
    fn get<'a>(&'a self, _: &'a str, _: NamedBy, _: Duration) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(async { Err("nowhere".to_owned()) })
    }
}

#[tokio::test]
async fn an_application_believes_what_the_gateway_has_signed() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let jwks_static = Some(json!({ "keys": [key.jwk()] }).to_string());
    let tokens = json!({ "users": [{ "id": "ci", "role": "service", "tenant": "acme", "tokens": ["a-fixed-token-for-tests"],
        "scopes": ["reports:read"], "workspaces": ["ws-a"] }] });
    let routes = json!([{ "name": "reports", "upstream": "http://127.0.0.1:9000" }]);
    let gateway = Gateway::new(Settings {
        routes: serde_json::from_value(routes).unwrap(),
        mode: Mode::Required,
        audiences: Vec::new(),
        issuer: ISSUER.to_owned(),
        is_alone: false,
        limiter: Arc::default(),
        proofs: None,
        sign_in: None,
        tickets: None,
        chain: Chain::new(vec![Arc::new(FixedTokens::read(&tokens.to_string()).unwrap())]),
        signer: Some(Arc::new(Pen(key))),
        witness: None,
        meter: None,
        clock: Arc::new(|| NOW),
        stop: CancellationToken::new(),
    });
    let origin = Origin {
        address: IpAddr::from([192, 0, 2, 7]),
        is_trusted: true,
        is_https: true,
        certificate: None,
        request_id: "ref-1".to_owned(),
        hold: None,
        decided: doorward_gateway::Decided::default(),
    };
    let question = Request::get("/validate?route=reports").header("x-api-key", "a-fixed-token-for-tests");
    let answer = gateway.unwrap().answer(question.body(Body::empty()).unwrap(), origin).await;
    assert_eq!(answer.status(), 200);

    let fetch: Arc<dyn Fetch> = Arc::new(Nowhere);
    let issuer = IssuerSpec { issuer: vec![ISSUER.to_owned()], jwks_static, ..IssuerSpec::default() };
    let believes =
        |audience: &str| Assertions::new(&issuer, audience, &fetch).unwrap().clock(Arc::new(|| NOW));
    let mut request = Request::get("/").header("x-user-id", "root");
    request = request.header(ASSERTION, answer.headers().get(ASSERTION).unwrap());
    let (mut request, ()) = request.body(()).unwrap().into_parts();
    assert!(believes("http://127.0.0.1:9001").admit(&mut request.clone()).await.is_err(), "for another one");
    let caller = believes("http://127.0.0.1:9000").admit(&mut request).await.unwrap().unwrap();
    assert_eq!((caller.subject(), caller.principal().credential), ("ci", CredentialKind::StaticToken));
    // The plain headers are those that the gateway itself would have set.
    for name in [
        "x-user-id",
        "x-user-permissions",
        "x-workspace-ids",
        "x-user-role",
        "x-organization-id",
        "x-auth-type",
    ] {
        assert_eq!(request.headers.get(name), answer.headers().get(name), "{name}");
    }
    assert_eq!(request.headers.get("x-user-id").unwrap(), "ci");
}
