//! A gateway with fixed credentials, a clock that is moved, and eyes on what it does.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use doorward_gateway::{AssertionClaims, Gateway, Origin, Refused, RouteSpec, Settings, Signer, Witness};
use doorward_judge::{CredentialKind, Identity, Mode, Principal, Why};
use doorward_proto::time::Time;
use doorward_sdk::server::{
    Chain, Credential, Provider, Recognition, Seen,
    limits::{FailureLimits, Limiter, MemoryLimits},
    proof::Proofs,
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

/// More than any test here sends, but the one that is about it.
const FAILURES: FailureLimits = FailureLimits { address: 20, identity: 8, interval: Duration::from_secs(60) };

/// Fixed tokens: a name and what it says.
struct Known;

impl Provider for Known {
    fn name(&self) -> &'static str {
        "known"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(token) = credential.token() else { return Ok(None) };
            let claims = match token.expose() {
                "ada" => {
                    json!({ "sub": "usr_ada", "scope": "reports:read", "tenant_id": "org_1", "role": "user" })
                }
                "bob" => json!({ "sub": "usr_bob" }),
                "old" => return Err(Why::TokenExpired.into()),
                "gone" => return Err(Why::TokenRevoked.into()),
                _ => return Ok(None),
            };
            let identity = Identity::of(claims.as_object().unwrap());
            let expires_at = Some(Time::from_seconds(1_000));
            Ok(Some(Principal { expires_at, ..Principal::new(identity, CredentialKind::StaticToken) }))
        })
    }
}

/// Writes down what it is to sign.
#[derive(Default)]
pub(super) struct Pen(pub(super) Mutex<Vec<Json>>);

impl Signer for Pen {
    fn sign<'a>(&'a self, claims: &'a AssertionClaims<'a>) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let mut written = self.0.lock().unwrap();
            written.push(serde_json::to_value(claims).unwrap());
            Some(format!("signed-{}", written.len()))
        })
    }
}

/// Writes down who was refused.
#[derive(Default)]
pub(super) struct Book(pub(super) Mutex<Vec<String>>);

impl Witness for Book {
    fn refused<'a>(&'a self, refused: Refused<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let who = refused.principal.map_or("nobody", |principal| &principal.identity.subject);
            self.0.lock().unwrap().push(format!("{} {} {who}", refused.rule, refused.why.code()));
        })
    }
}

pub(super) struct World {
    gateway: Gateway,
    pub(super) pen: Arc<Pen>,
    pub(super) book: Arc<Book>,
    pub(super) seconds: Arc<AtomicI64>,
}

pub(super) fn world(mode: Mode, routes: Json) -> World {
    let (pen, book, seconds) = (Arc::<Pen>::default(), Arc::<Book>::default(), Arc::new(AtomicI64::new(100)));
    let clock = Arc::clone(&seconds);
    let routes: Vec<RouteSpec> = serde_json::from_value(routes).unwrap();
    let gateway = Gateway::new(Settings {
        routes,
        mode,
        audiences: vec!["https://issuer.example".to_owned()],
        issuer: "https://issuer.example".to_owned(),
        is_alone: false,
        chain: Chain::new(vec![Arc::new(Known)]),
        limiter: Arc::new(Limiter::new(Arc::new(MemoryLimits::default()), FAILURES)),
        proofs: Some(Arc::new(Proofs::new().unwrap())),
        sign_in: None,
        signer: Some(pen.clone()),
        witness: Some(book.clone()),
        meter: None,
        tickets: None,
        clock: Arc::new(move || Time::from_seconds(clock.load(Ordering::Relaxed))),
        stop: CancellationToken::new(),
    });
    World { gateway: gateway.unwrap(), pen, book, seconds }
}

pub(super) fn guarded() -> World {
    let routes = json!([
        { "name": "public", "paths": ["/public/**"], "mode": "disabled" },
        { "name": "lounge", "paths": ["/lounge"], "mode": "optional" },
        { "name": "reports", "hosts": ["app.example"], "paths": ["/reports/**"], "scopes": ["reports:read"],
          "upstream": "http://127.0.0.1:9000" },
        { "name": "orcheo", "paths": ["/api/**"], "scopes": ["a:b", "c:d"], "errors": "orcheo" },
        { "name": "chroma", "paths": ["/chroma/**"], "errors": "chroma" },
        { "name": "plain", "paths": ["/plain"], "errors": "plain" },
    ]);
    world(Mode::Required, routes)
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn code(&self) -> String {
        let body: Json = serde_json::from_str(&self.text).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl World {
    pub(super) async fn ask(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.asks(Method::GET, target, headers, true).await
    }

    pub(super) async fn asks(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        is_trusted: bool,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let address = IpAddr::from([192, 0, 2, 7]);
        let origin = Origin {
            address,
            is_trusted,
            is_https: false,
            certificate: None,
            request_id: "ref-1".to_owned(),
            hold: None,
            decided: doorward_gateway::Decided::default(),
        };
        let answer = self.gateway.answer(request.body(Body::empty()).unwrap(), origin).await;
        let (parts, body) = answer.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }
}
