//! People in browsers, before an issuer that counts what it is asked.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::Body;
use doorward_gateway::{
    CheckIdToken, Endpoints, Gateway, Memory, OnBehalf, Origin, Proven, RouteSpec, Settings, SignIn,
};
use doorward_judge::{CredentialKind, Identity, Mode, Principal};
use doorward_proto::time::Time;
use doorward_sdk::{
    exchange::{Http, NoAnswer},
    server::{
        Chain, Credential, Provider, Recognition, Seen,
        limits::{FailureLimits, Limiter, MemoryLimits},
    },
};
use futures_util::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::{Url, form_urlencoded};

const HERE: &str = "app.example";
const PAGE: (&str, &str) = ("accept", "text/html");

/// An issuer: every code but `bad` is good, and every token that it gives is one of its sessions.
#[derive(Default)]
struct Issuer(Mutex<Vec<String>>);

impl Http for Issuer {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            let address = request.extensions().get::<OnBehalf>().unwrap().0;
            let body = String::from_utf8(request.body().clone()).unwrap();
            let mut asked = self.0.lock().unwrap();
            let form: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            let value =
                |wanted: &str| form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
            let word = value("code").or(value("token")).or(value("refresh_token")).unwrap().to_owned();
            asked.push(format!("{} {word} {address}", request.uri().path()));
            // An ID token is the name of whoever it is about.
            let granted = json!({ "access_token": format!("session-{}", asked.len()), "expires_in": 600,
                "refresh_token": matches!(&*word, "renewable" | "swapped").then(|| format!("{word}-again")),
                "id_token": match &*word {
                    "renewable-again" => None,
                    "swapped-again" => Some("usr_eve"),
                    _ => Some("usr_ada"),
                } });
            let mut answer = Response::new(granted.to_string().into_bytes());
            if word == "bad" {
                *answer.status_mut() = StatusCode::BAD_REQUEST;
            }
            Ok(answer)
        })
    }
}

struct Sessions;

impl Provider for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let is_session = credential.token().is_some_and(|token| token.expose().starts_with("session-"));
            let claims = json!({ "sub": "usr_ada" });
            let identity = Identity::of(claims.as_object().unwrap());
            Ok(is_session.then(|| Principal::new(identity, CredentialKind::Session)))
        })
    }
}

struct World {
    gateway: Gateway,
    issuer: Arc<Issuer>,
    now: Arc<Mutex<i64>>,
}

struct Answer {
    status: u16,
    to: String,
    cookie: String,
    text: String,
    policy: String,
}

fn world() -> World {
    world_with(None)
}

fn world_with(id_token: Option<CheckIdToken>) -> World {
    let (issuer, now) = (Arc::<Issuer>::default(), Arc::new(Mutex::new(1_000)));
    let routes: Vec<RouteSpec> = serde_json::from_value(json!([
        { "name": "app", "hosts": [HERE] },
        { "name": "slow", "hosts": [HERE], "paths": ["/slow/**"], "rate_limit": "2/hour" },
    ]))
    .unwrap();
    let endpoints = Arc::new(Endpoints {
        authorization: "https://issuer.example/authorize".to_owned(),
        token: "https://issuer.example/token".to_owned(),
        revocation: Some("https://issuer.example/revoke".to_owned()),
        end_session: Some("https://issuer.example/logout".to_owned()),
        names_itself: true,
    });
    let failures = FailureLimits { address: 5, identity: 5, interval: Duration::from_secs(60) };
    let clock = Arc::clone(&now);
    let settings = Settings {
        routes,
        mode: Mode::Required,
        audiences: Vec::new(),
        issuer: "https://issuer.example".to_owned(),
        is_alone: true,
        chain: Chain::new(vec![Arc::new(Sessions)]),
        limiter: Arc::new(Limiter::new(Arc::new(MemoryLimits::default()), failures)),
        proofs: None,
        sign_in: Some(SignIn {
            issuer: "https://issuer.example".to_owned(),
            client_id: "gateway".to_owned(),
            scope: "openid".to_owned(),
            find: Arc::new(move || Box::pin(std::future::ready(Ok(Arc::clone(&endpoints))))),
            authenticate: Arc::new(|_, _| Some(Proven::default())),
            id_token,
            ports: Vec::new(),
            http: Arc::<Issuer>::clone(&issuer),
            admit: Arc::new(|_| Box::pin(std::future::ready(Ok(())))),
            key: [7; 32],
            memory: Arc::<Memory>::default(),
        }),
        signer: None,
        witness: None,
        meter: None,
        tickets: None,
        clock: Arc::new(move || Time::from_seconds(*clock.lock().unwrap())),
        stop: CancellationToken::new(),
    };
    World { gateway: Gateway::new(settings).unwrap(), issuer, now }
}

fn origin(address: [u8; 4]) -> Origin {
    Origin {
        address: IpAddr::from(address),
        is_trusted: true,
        is_https: true,
        certificate: None,
        request_id: "ref".to_owned(),
        hold: None,
        decided: doorward_gateway::Decided::default(),
    }
}

impl World {
    async fn from(
        &self,
        address: [u8; 4],
        (method, path): (Method, &str),
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", HERE);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.gateway.answer(request.body(Body::empty()).unwrap(), origin(address)).await;
        let header = |name: &str| {
            answer.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
        };
        let (to, policy) = (header("location"), header("content-security-policy"));
        let cookie = header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 65_536).await.unwrap();
        Answer { status, to, cookie, text: String::from_utf8(body.to_vec()).unwrap(), policy }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.from([192, 0, 2, 7], (Method::GET, path), headers).await
    }

    /// A browser that was sent to sign in: its cookie, and the way back with this code.
    async fn begun(&self, code: &str) -> (String, String) {
        let begun = self.get("/.doorward/login?to=/reports/1", &[PAGE]).await;
        let to = Url::parse(&begun.to).unwrap();
        let state = to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        (begun.cookie, format!("/.doorward/callback?code={code}&state={state}&iss=https://issuer.example"))
    }

    /// The cookie of somebody who is signed in.
    async fn signed_in(&self, code: &str) -> String {
        let (kept, back) = self.begun(code).await;
        let done = self.get(&back, &[PAGE, ("cookie", &kept)]).await;
        assert_eq!((done.status, done.to.as_str()), (303, "/reports/1"), "{}", done.text);
        done.cookie
    }

    /// What a question about `/reports/1?page=2` is answered, in this header.
    async fn told(&self, question: &str, headers: &[(&str, &str)], name: &str) -> (u16, Option<String>) {
        let mut request = Request::get(question).header("host", HERE);
        for family in ["x-original", "x-forwarded"] {
            for (what, value) in [("method", "GET"), ("host", HERE), ("uri", "/reports/1?page=2")] {
                request = request.header(format!("{family}-{what}"), value);
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.gateway.answer(request.body(Body::empty()).unwrap(), origin([192, 0, 2, 7])).await;
        let value = answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), value)
    }

    async fn is_let_through(&self, cookie: &str) -> bool {
        let headers = [
            ("cookie", cookie),
            ("x-forwarded-method", "GET"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", HERE),
            ("x-forwarded-uri", "/reports/1"),
        ];
        self.get("/validate?profile=caddy", &headers).await.status == 200
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.issuer.0.lock().unwrap())
    }
}

#[tokio::test]
async fn a_state_is_good_for_one_exchange() {
    let world = world();
    let (kept, back) = world.begun("good").await;
    let headers = [PAGE, ("cookie", kept.as_str())];
    assert_eq!(world.get(&back, &headers).await.status, 303);
    assert_eq!(world.asked(), ["/token good 192.0.2.7"]);
    for code in ["good", "other", "bad"] {
        let again = world.get(&back.replace("code=good", &format!("code={code}")), &headers).await;
        assert_eq!((again.status, again.cookie.as_str()), (400, ""));
        assert!(again.text.contains("has been used") && again.text.contains("href=\"/reports/1\""));
        assert!(again.policy.contains("frame-ancestors 'none'"));
    }
    assert_eq!(world.asked(), [""; 0]);
    // Two pages at once share the browser's name, and each has a state of its own.
    let (kept, one) = world.begun("one").await;
    let begun = world.get("/.doorward/login?to=/reports/2", &[PAGE, ("cookie", &kept)]).await;
    assert_eq!(begun.cookie, kept);
    let to = Url::parse(&begun.to).unwrap();
    let state = to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let two = format!("/.doorward/callback?code=two&state={state}&iss=https://issuer.example");
    for (back, page) in [(two, "/reports/2"), (one, "/reports/1")] {
        let done = world.get(&back, &[PAGE, ("cookie", &kept)]).await;
        assert_eq!((done.status, done.to.as_str()), (303, page));
    }
}

const QUESTIONS: [&str; 6] = [
    "/validate?profile=nginx",
    "/validate?profile=traefik",
    "/validate?profile=caddy",
    "/validate?profile=haproxy",
    "/validate?profile=apache",
    "/envoy/check/reports/1?page=2",
];

#[tokio::test]
async fn each_proxy_sends_browsers_on_as_it_can() {
    let world = world();
    for question in QUESTIONS {
        let to = "/.doorward/login?to=%2Freports%2F1%3Fpage%3D2";
        let (status, name, to) = match question {
            "/validate?profile=nginx" => (401, "x-auth-redirect", to.to_owned()),
            // A path alone it would read as one of ours.
            "/validate?profile=traefik" => (302, "location", format!("https://{HERE}{to}")),
            _ => (302, "location", to.to_owned()),
        };
        assert_eq!(world.told(question, &[PAGE], name).await, (status, Some(to)), "{question}");
        assert_eq!(world.told(question, &[], name).await, (401, None), "{question}");
    }
}

#[tokio::test]
async fn of_the_cookies_the_applications_own_are_told() {
    let world = world();
    let session = world.signed_in("good").await;
    for question in QUESTIONS {
        for (theirs, told) in
            [("", ""), ("; theme=dark", "theme=dark"), ("; a=1; doorward_try=x; b=2", "a=1; b=2")]
        {
            let cookies = format!("{session}{theirs}");
            let headers = [("cookie", cookies.as_str())];
            // Envoy takes an empty one for none.
            let (name, told) = match told {
                "" if question.starts_with("/envoy") => ("x-envoy-auth-headers-to-remove", "cookie"),
                told => ("cookie", told),
            };
            let expect = (200, Some(told.to_owned()));
            assert_eq!(world.told(question, &headers, name).await, expect, "{question}");
        }
    }
}

#[tokio::test]
async fn who_tries_too_often_waits_before_anything_is_asked() {
    let world = world();
    let mut begun = Vec::new();
    for _ in 0..7 {
        begun.push(world.begun("bad").await);
    }
    let mut statuses = Vec::new();
    for (kept, back) in &begun {
        statuses.push(world.get(back, &[PAGE, ("cookie", kept)]).await.status);
    }
    assert_eq!(statuses, [400, 400, 400, 400, 400, 429, 429]);
    assert_eq!(world.asked().len(), 5);
    let (login, back) = ("/.doorward/login?to=/", "/.doorward/callback?code=x&state=x");
    for path in [login, back] {
        assert_eq!(world.get(path, &[PAGE]).await.status, 429, "{path}");
    }
    assert_eq!(world.from([192, 0, 2, 8], (Method::GET, login), &[PAGE]).await.status, 302);
    assert_eq!(world.asked().len(), 0);
    *world.now.lock().unwrap() += 61;
    assert_eq!(world.get(login, &[PAGE]).await.status, 302);
}

#[tokio::test]
async fn nobody_asks_to_sign_in_faster_than_the_route_allows() {
    let world = world();
    let login = "/.doorward/login?to=/slow/1";
    for status in [302, 302, 429] {
        assert_eq!(world.get(login, &[PAGE]).await.status, status);
    }
    assert_eq!(world.get("/.doorward/login?to=/", &[PAGE]).await.status, 302);
    assert_eq!(world.from([192, 0, 2, 8], (Method::GET, login), &[PAGE]).await.status, 302);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_not_the_cookie_alone() {
    let world = world();
    let cookie = world.signed_in("good").await;
    assert!(world.is_let_through(&cookie).await);
    world.asked();
    let pressed = [
        PAGE,
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let gone = world.get("/.doorward/logout", &pressed).await;
    assert_eq!(gone.status, 303);
    assert!(gone.to.starts_with("https://issuer.example/logout?"), "{}", gone.to);
    assert_eq!(gone.cookie, "__Host-doorward_gate=");
    assert_eq!(world.asked(), ["/revoke session-1 192.0.2.7"]);
    assert!(!world.is_let_through(&cookie).await);
    // Once is enough.
    assert_eq!(world.get("/.doorward/logout", &pressed).await.status, 303);
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn another_site_signs_nobody_out() {
    let world = world();
    let cookie = world.signed_in("good").await;
    world.asked();
    let from = |site: &'static str, mode: &'static str, dest: &'static str| {
        vec![("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)]
    };
    let mut early = from("same-origin", "navigate", "document");
    early.push(("sec-purpose", "prefetch"));
    for more in [
        from("cross-site", "navigate", "document"),
        from("same-site", "navigate", "document"),
        from("same-origin", "no-cors", "image"),
        from("same-origin", "navigate", "iframe"),
        early,
        Vec::new(),
    ] {
        let mut headers = vec![PAGE, ("cookie", cookie.as_str())];
        headers.extend(more);
        let asked = world.get("/.doorward/logout", &headers).await;
        assert_eq!((asked.status, asked.cookie.as_str()), (200, ""), "{headers:?}");
        assert!(asked.text.contains("<form method=\"post\" action=\"/.doorward/logout\">"));
        assert!(asked.policy.contains("form-action 'self' https://issuer.example"), "{}", asked.policy);
    }
    for (origin, status) in [("https://evil.example", 403), ("null", 403), ("https://app.example", 303)] {
        let post = (Method::POST, "/.doorward/logout");
        let headers = [("cookie", cookie.as_str()), ("origin", origin)];
        assert!(world.is_let_through(&cookie).await);
        assert_eq!(world.from([192, 0, 2, 7], post, &headers).await.status, status, "{origin}");
    }
    assert!(!world.is_let_through(&cookie).await);
}

#[tokio::test]
async fn a_session_is_renewed_without_a_word_and_once() {
    let world = world();
    let cookie = world.signed_in("renewable").await;
    world.asked();
    *world.now.lock().unwrap() += 601;
    assert!(!world.is_let_through(&cookie).await);
    let headers = [PAGE, ("cookie", cookie.as_str())];
    let renewed = world.get("/.doorward/login?to=/reports/2", &headers).await;
    assert_eq!((renewed.status, renewed.to.as_str()), (303, "/reports/2"));
    assert_eq!(world.asked(), ["/token renewable-again 192.0.2.7"]);
    assert!(world.is_let_through(&renewed.cookie).await);
    let again = world.get("/.doorward/login?to=/reports/2", &headers).await;
    assert!(again.to.starts_with("https://issuer.example/authorize?"), "{}", again.to);
    assert_eq!(world.asked(), [""; 0]);
}

/// OpenID Connect Core 12.2.
#[tokio::test]
async fn a_session_that_is_renewed_as_somebody_elses_is_over() {
    let check: CheckIdToken = Arc::new(|came| Box::pin(std::future::ready(Ok(came.token))));
    let world = world_with(Some(check));
    let cookie = world.signed_in("swapped").await;
    assert!(world.is_let_through(&cookie).await);
    let login = "/.doorward/login?to=/reports/2";
    let sent = world.get(login, &[PAGE, ("cookie", &cookie)]).await;
    assert!(sent.to.starts_with("https://issuer.example/authorize?"), "{}", sent.to);
    let asked = [
        "/token swapped 192.0.2.7",
        "/token swapped-again 192.0.2.7",
        "/revoke session-2 192.0.2.7",
        "/revoke swapped-again 192.0.2.7",
        "/revoke session-1 192.0.2.7",
    ];
    assert_eq!(*world.issuer.0.lock().unwrap(), asked);
    assert!(!world.is_let_through(&cookie).await);
    // One that comes without an ID token is the same person's, also the next time.
    let cookie = world.signed_in("renewable").await;
    let renewed = world.get(login, &[PAGE, ("cookie", &cookie)]).await;
    assert_eq!((renewed.status, renewed.to.as_str()), (303, "/reports/2"));
    assert!(world.is_let_through(&renewed.cookie).await);
}
