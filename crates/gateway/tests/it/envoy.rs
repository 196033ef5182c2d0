//! What Envoy is answered, over HTTP and over gRPC; the messages are written here a second time, from their
//! definition.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use axum::body::Body;
use doorward_gateway::{Gateway, Origin, RouteSpec, Settings};
use doorward_judge::{CredentialKind, Identity, Mode, Principal};
use doorward_proto::time::Time;
use doorward_sdk::server::{Chain, Credential, Provider, Recognition, Seen};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use prost::Message;
use serde_json::json;
use tokio_util::sync::CancellationToken;

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// Knows Ada, who may come from one network only.
struct Known;

impl Provider for Known {
    fn name(&self) -> &'static str {
        "known"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            if credential.token().is_none_or(|token| token.expose() != "ada") {
                return Ok(None);
            }
            let claims = json!({ "sub": "usr_ada", "scope": "reports:read", "tenant_id": "org_1" });
            let identity = Identity::of(claims.as_object().unwrap());
            let addresses = vec!["192.0.2.0/24".parse().unwrap()];
            Ok(Some(Principal { addresses, ..Principal::new(identity, CredentialKind::StaticToken) }))
        })
    }
}

fn gateway() -> Gateway {
    let routes: Vec<RouteSpec> = serde_json::from_value(json!([
        { "name": "public", "paths": ["/public/**"], "mode": "disabled" },
        { "name": "reports", "hosts": ["app.example"], "paths": ["/reports/**"], "scopes": ["reports:read"] },
        { "name": "writing", "hosts": ["app.example"], "paths": ["/reports/**"], "methods": ["POST"],
          "scopes": ["reports:write"] },
        { "name": "kept", "paths": ["/kept"], "keep_authorization": true },
        { "name": "behind", "hosts": ["own.example"], "mode": "disabled", "upstream": "http://127.0.0.1:1" },
    ]))
    .unwrap();
    let settings = Settings {
        routes,
        mode: Mode::Required,
        audiences: Vec::new(),
        issuer: "https://issuer.example".to_owned(),
        is_alone: false,
        chain: Chain::new(vec![Arc::new(Known)]),
        limiter: Arc::default(),
        proofs: None,
        sign_in: None,
        signer: None,
        witness: None,
        meter: None,
        tickets: None,
        clock: Arc::new(|| Time::from_seconds(100)),
        stop: CancellationToken::new(),
    };
    Gateway::new(settings).unwrap()
}

fn origin(is_trusted: bool) -> Origin {
    Origin {
        address: IpAddr::from([192, 0, 2, 1]),
        is_trusted,
        is_https: false,
        certificate: None,
        request_id: "req-1".to_owned(),
        hold: None,
        decided: doorward_gateway::Decided::default(),
    }
}

async fn ask(request: Request<Body>, is_trusted: bool) -> Response<Body> {
    let gateway = gateway();
    assert!(
        gateway.takes(request.uri(), request.headers())
            && !gateway.forwards(request.uri(), request.headers())
    );
    gateway.answer(request, origin(is_trusted)).await
}

#[derive(Clone, PartialEq, Message)]
struct Question {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, optional, tag = "1")]
    source: Option<Wrap1<Wrap1<Socket>>>,
    #[prost(message, optional, tag = "4")]
    request: Option<Wrap2<Http>>,
    #[prost(map = "string, string", tag = "10")]
    context: HashMap<String, String>,
}

/// A message whose one field of interest has the number 1.
#[derive(Clone, PartialEq, Message)]
struct Wrap1<T: Message + Default + std::fmt::Debug> {
    #[prost(message, optional, tag = "1")]
    of: Option<T>,
}

#[derive(Clone, PartialEq, Message)]
struct Wrap2<T: Message + Default + std::fmt::Debug> {
    #[prost(message, optional, tag = "2")]
    of: Option<T>,
}

#[derive(Clone, PartialEq, Message)]
struct Socket {
    #[prost(string, tag = "2")]
    address: String,
    #[prost(uint32, tag = "3")]
    port: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Http {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    method: String,
    #[prost(map = "string, string", tag = "3")]
    headers: HashMap<String, String>,
    #[prost(string, tag = "4")]
    path: String,
    #[prost(string, tag = "5")]
    host: String,
    #[prost(int64, tag = "9")]
    size: i64,
    #[prost(string, tag = "11")]
    body: String,
    #[prost(message, optional, tag = "13")]
    raw: Option<Raw>,
}

#[derive(Clone, PartialEq, Message)]
struct Raw {
    #[prost(message, repeated, tag = "1")]
    headers: Vec<Header>,
}

#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
    #[prost(bytes = "vec", tag = "3")]
    raw: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Told {
    #[prost(message, optional, tag = "1")]
    status: Option<Number>,
    #[prost(message, optional, tag = "2")]
    denied: Option<Denied>,
    #[prost(message, optional, tag = "3")]
    allowed: Option<Allowed>,
}

#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(int32, tag = "1")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Denied {
    #[prost(message, optional, tag = "1")]
    status: Option<Number>,
    #[prost(message, repeated, tag = "2")]
    headers: Vec<Wrap1<Header>>,
    #[prost(string, tag = "3")]
    body: String,
}

#[derive(Clone, PartialEq, Message)]
struct Allowed {
    #[prost(message, repeated, tag = "2")]
    headers: Vec<Wrap1<Header>>,
    #[prost(string, repeated, tag = "5")]
    removed: Vec<String>,
}

impl Told {
    /// The status for the client; 200 when it was let through.
    fn code(&self) -> i32 {
        let said = self.status.as_ref().unwrap().code;
        match (&self.denied, &self.allowed) {
            (None, Some(_)) if said == 0 => 200,
            (Some(denied), None) if said != 0 => denied.status.as_ref().unwrap().code,
            both => panic!("{said} {both:?}"),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        let headers = self.denied.iter().flat_map(|it| &it.headers);
        let headers = headers.chain(self.allowed.iter().flat_map(|it| &it.headers));
        let mut found = headers.filter_map(|it| it.of.as_ref()).filter(|it| it.key == name);
        found.next().map(|header| header.value.clone())
    }
}

fn question(method: &str, path: &str, headers: &[(&str, &str)]) -> Question {
    let address = Socket { address: "192.0.2.7".to_owned(), port: 5 };
    let http = Http {
        id: "1".to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        host: "app.example:8443".to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: "x".repeat(100_000),
        ..Http::default()
    };
    let attributes = Attributes {
        source: Some(Wrap1 { of: Some(Wrap1 { of: Some(address) }) }),
        request: Some(Wrap2 { of: Some(http) }),
        context: HashMap::from([("route".to_owned(), "public".to_owned())]),
    };
    Question { attributes: Some(attributes) }
}

fn http(question: &mut Question) -> &mut Http {
    question.attributes.as_mut().unwrap().request.as_mut().unwrap().of.as_mut().unwrap()
}

/// Over gRPC: a byte, four of length, the message; the status is in the trailers.
async fn check(question: &Question, is_trusted: bool) -> Told {
    let message = question.encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let request = Request::post(CHECK).header("content-type", "application/grpc").header("te", "trailers");
    let answer = ask(request.body(Body::from(body)).unwrap(), is_trusted).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    assert!(answer.headers().contains_key("x-request-id"), "the log has it from there");
    let answer = answer.into_body().collect().await.unwrap();
    assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
    Told::decode(&answer.to_bytes()[5..]).unwrap()
}

const ADA: (&str, &str) = ("authorization", "Bearer ada");

#[tokio::test]
async fn over_http_the_path_behind_the_prefix_is_judged() {
    for (expect, method, target, headers, is_trusted) in [
        (200, "GET", "/envoy/check/reports/1?a=%2F..", vec![ADA], true),
        (401, "GET", "/envoy/check/reports/1", vec![], true),
        (403, "POST", "/envoy/check/reports/1", vec![ADA], true),
        (200, "DELETE", "/envoy/check/public/1", vec![], true),
        (401, "GET", "/envoy/check/", vec![], true),
        (400, "GET", "/envoy/check/public/../reports/1", vec![ADA], true),
        (400, "GET", "/envoy/check//public/1", vec![ADA], true),
        (400, "GET", "/envoy/check/public/..%2freports/1", vec![ADA], true),
        // Nobody else may ask, and what other proxies would write is not looked at.
        (403, "GET", "/envoy/check/public/1", vec![], false),
        (401, "GET", "/envoy/check/reports/1", vec![("x-forwarded-uri", "/public/1")], true),
        (401, "GET", "/envoy/check/reports/1", vec![("x-envoy-original-path", "/public/1")], true),
        (403, "GET", "/envoy/check/public/1", vec![("host", "public.example")], true),
    ] {
        let mut request = Request::builder().method(method).uri(target).header("host", "app.example");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = ask(request.body(Body::empty()).unwrap(), is_trusted).await;
        assert_eq!(answer.status(), expect, "{method} {target}");
        assert_eq!(answer.headers()["x-request-id"], "req-1");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        if expect == 200 {
            let user = if target.contains("reports") { "usr_ada" } else { "" };
            assert_eq!(
                answer.headers()["x-user-id"],
                user,
                "it overwrites also when there is nothing to say"
            );
        }
    }
}

/// Envoy drops what is ours by whole names; applications may read other spellings as the same.
#[tokio::test]
async fn over_http_other_spellings_of_what_is_ours_are_named() {
    for (headers, expect) in [
        (
            vec!["x.user.id", "x_doorward_assertion", "x-user.role", "x-user-id", "x.other"],
            vec!["x-user.role", "x.user.id", "x_doorward_assertion"],
        ),
        (vec!["x-user-id", "x.other"], vec![]),
    ] {
        let mut request = Request::get("/envoy/check/public/1").header("host", "app.example");
        for name in headers {
            request = request.header(name, "forged");
        }
        let answer = ask(request.body(Body::empty()).unwrap(), true).await;
        let told = answer.headers().get("x-envoy-auth-headers-to-remove");
        let mut named: Vec<&str> = told.iter().flat_map(|told| told.to_str().unwrap().split(',')).collect();
        named.sort_unstable();
        assert_eq!((answer.status().as_u16(), named), (200, expect));
    }
}

#[tokio::test]
async fn a_question_is_one_on_guarded_hosts_too() {
    for target in
        ["http://own.example/envoy/check/x", "http://own.example/envoy.service.auth.v3.Authorization/Check"]
    {
        let request = Request::get(target).header("host", "own.example").body(Body::empty()).unwrap();
        assert!(!gateway().forwards(request.uri(), request.headers()), "{target}");
    }
    let other = Request::get("/envoy/checks").header("host", "own.example").body(Body::empty()).unwrap();
    assert!(gateway().forwards(other.uri(), other.headers()));
}

#[tokio::test]
async fn over_grpc_the_described_request_is_judged() {
    for (expect, method, path, headers) in [
        (200, "GET", "/reports/1?a=%2F..", vec![ADA]),
        (401, "GET", "/reports/1", vec![]),
        (401, "GET", "/reports/1", vec![("authorization", "Bearer ada,Bearer ada")]),
        (400, "GET", "/reports/1", vec![ADA, ("x-api-key", "x")]),
        (403, "POST", "/reports/1", vec![ADA]),
        (403, "post", "/reports/1", vec![ADA]),
        (200, "PUT", "/public/1", vec![]),
        (401, "GET", "/reports/1", vec![(":path", "/public/1"), ("x-forwarded-uri", "/public/1")]),
        (400, "GET", "/public/../reports/1", vec![ADA]),
        (400, "GET", "", vec![ADA]),
        (403, "GET", "/reports/1", vec![ADA, ("x-b", "a\nb")]),
    ] {
        let told = check(&question(method, path, &headers), true).await;
        assert_eq!(told.code(), expect, "{method} {path} {headers:?}");
        if expect == 401 {
            assert!(told.header("www-authenticate").unwrap().starts_with("Bearer realm="));
            assert!(told.denied.unwrap().body.contains("\"code\""));
        }
    }
    assert_eq!(check(&question("GET", "/public/1", &[]), false).await.code(), 403, "who asks is not trusted");
    assert_eq!(check(&Question::default(), true).await.code(), 403);
    let mut nowhere = question("GET", "/public/1", &[]);
    http(&mut nowhere).host = String::new();
    assert_eq!(check(&nowhere, true).await.code(), 403);
    nowhere.attributes.as_mut().unwrap().source = None;
    assert_eq!(check(&nowhere, true).await.code(), 403, "the client's address is a part of the question");
}

#[tokio::test]
async fn over_grpc_the_clients_own_address_counts() {
    let mut question = question("GET", "/reports/1", &[ADA]);
    let socket = &mut question.attributes.as_mut().unwrap().source.as_mut().unwrap().of.as_mut().unwrap().of;
    socket.as_mut().unwrap().address = "198.51.100.1".to_owned();
    assert_eq!(check(&question, true).await.code(), 401, "Envoy's own address would do");
}

#[tokio::test]
async fn over_grpc_raw_headers_are_read() {
    let mut question = question("GET", "/reports/1", &[]);
    let header = |value: &str, raw: &[u8]| Header {
        key: "authorization".into(),
        value: value.into(),
        raw: raw.into(),
    };
    http(&mut question).raw = Some(Raw { headers: vec![header("", b"Bearer ada")] });
    assert_eq!(check(&question, true).await.code(), 200);
    http(&mut question).raw =
        Some(Raw { headers: vec![header("Bearer ada", b""), header("Bearer ada", b"")] });
    assert_eq!(check(&question, true).await.code(), 400);
}

#[tokio::test]
async fn over_grpc_what_the_client_said_of_itself_is_removed() {
    let sent = [
        ADA,
        ("x-user-id", "forged"),
        ("x_user_id", "forged"),
        ("x-org-id", "forged"),
        ("x-user_role", "forged"),
        ("x-forwarded-user", "forged"),
        ("x_forwarded_for", "forged"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-request-id", "from-envoy"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("accept", "*/*"),
        ("cookie", "theme=dark; __Host-doorward=secret"),
    ];
    let told = check(&question("GET", "/reports/1", &sent), true).await;
    assert_eq!(told.header("x-user-id").unwrap(), "usr_ada");
    assert_eq!(told.header("x-auth-type").unwrap(), "static_token");
    assert_eq!(told.header("x-org-id"), None, "what is said twice is said once");
    assert_eq!(told.header("cookie").unwrap(), "theme=dark");
    let mut removed = told.allowed.unwrap().removed;
    removed.sort();
    let expect =
        ["authorization", "x-forwarded-user", "x-org-id", "x-user_role", "x_forwarded_for", "x_user_id"];
    assert_eq!(removed, expect);

    let told = check(&question("GET", "/kept", &[ADA, ("cookie", "doorward_session=1")]), true).await;
    assert_eq!(told.allowed.unwrap().removed, ["cookie"], "this route's application gets the credential");
    let told = check(&question("GET", "/public/1", &[ADA, ("x-user-id", "forged")]), true).await;
    assert_eq!(told.header("x-auth-type").unwrap(), "anonymous");
    let mut removed = told.allowed.unwrap().removed;
    removed.sort();
    assert_eq!(removed, ["authorization", "x-user-id"]);
}
