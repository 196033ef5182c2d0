//! Whatever bytes stand where a request has some meaning, the answer is no failure of ours. The whole
//! router is the target, so that no reader of a cookie, a credential, a form, a query or a header lacks one.

use std::{cell::Cell, time::Duration};

use crate::api_kit::{ROOT, Server};
use axum::body::Body;
use doorward_core::{env::no_fetch, settings::Settings};
use doorward_fuzz::{budget, for_time};
use doorward_world::{Fresh, ISSUER, World};
use http::{HeaderName, HeaderValue, Request, Uri, header};

/// For each target.
const USUAL: Duration = Duration::from_millis(250);
const FORM: &str = "application/x-www-form-urlencoded";

/// Asks with what `request` makes of an input; `None` when a server would not see such bytes. An input
/// counts as well formed when it is answered like `good`.
fn target(name: &str, corpus: &[&[u8]], good: u16, request: impl Fn(&[u8]) -> Option<Request<Body>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(async {
        let world = World::new(&Fresh::sqlite().unwrap(), Settings::default(), no_fetch()).await;
        Server::new(world)
    });
    let corpus: Vec<Vec<u8>> = corpus.iter().map(|input| input.to_vec()).collect();
    let asked = Cell::new(0_u32);
    for_time(name, &corpus, budget(USUAL), |input| {
        let Some(request) = request(input) else { return false };
        asked.set(asked.get() + 1);
        let answer = runtime.block_on(server.send(request));
        assert!(!answer.status.is_server_error(), "{name}: {} {}", answer.status, answer.text);
        answer.status.as_u16() == good
    });
    assert!(asked.get() > 0, "{name} was never asked");
}

fn with_header(path: &str, name: HeaderName, input: &[u8]) -> Option<Request<Body>> {
    let value = HeaderValue::from_bytes(input).ok()?;
    Some(Request::get(path).header(name, value).body(Body::empty()).unwrap())
}

fn with_query(path: &str, input: &[u8]) -> Option<Request<Body>> {
    let uri: Uri = format!("{path}?{}", std::str::from_utf8(input).ok()?).parse().ok()?;
    let request = Request::get(uri).header(header::AUTHORIZATION, format!("Bearer {ROOT}"));
    Some(request.body(Body::empty()).unwrap())
}

fn with_body(path: &str, kind: &str, input: &[u8]) -> Request<Body> {
    Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {ROOT}"))
        .header(header::CONTENT_TYPE, kind)
        .header(header::ORIGIN, ISSUER)
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(input.to_vec()))
        .unwrap()
}

#[test]
fn credentials() {
    let root = format!("Bearer {ROOT}");
    let corpus: &[&[u8]] =
        &[root.as_bytes(), b"Basic YTpi", b"DPoP a.b.c", b"Bearer dw_at_x", b"bearer  x,y"];
    target("authorization", corpus, 200, |input| with_header("/api/whoami", header::AUTHORIZATION, input));
    let proof: &[u8] = b"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2In0.eyJqdGkiOiJ4In0.AAAA";
    target("DPoP", &[proof, b"", b".."], 401, |input| {
        let value = HeaderValue::from_bytes(input).ok()?;
        let request = Request::get("/oauth2/userinfo").header("dpop", value);
        Some(request.header(header::AUTHORIZATION, "DPoP a.b.c").body(Body::empty()).unwrap())
    });
}

#[test]
fn cookies() {
    let corpus: &[&[u8]] = &[
        b"__Host-doorward=dw_br_x; __Host-doorward_form=AAAA; other=1",
        b"a=b; a=c; =; ;;; \"x\"=\"y\"",
        b"__Host-doorward_identifier=%41",
    ];
    target("cookies", corpus, 200, |input| with_header("/sign-in", header::COOKIE, input));
}

#[test]
fn headers_that_describe() {
    target("accept-language", &[b"de-CH, de;q=0.9, en;q=0.8, *;q=0.1"], 200, |input| {
        with_header("/sign-in", header::ACCEPT_LANGUAGE, input)
    });
    target("request id", &[b"req-1"], 200, |input| {
        with_header("/sign-in", HeaderName::from_static("x-request-id"), input)
    });
    target("if-none-match", &[b"\"abc\", W/\"x\", *", b"*"], 200, |input| {
        with_header("/.well-known/jwks.json", header::IF_NONE_MATCH, input)
    });
    target("if-match", &[b"\"abc\"", b"*", b"W/\"1\""], 404, |input| {
        let value = HeaderValue::from_bytes(input).ok()?;
        let mut request =
            with_body("/api/v1/users/usr_01jd8zzzzzzzzzzzzzzzzzzzzz", "application/json", b"{}");
        *request.method_mut() = http::Method::PATCH;
        request.headers_mut().insert(header::IF_MATCH, value);
        Some(request)
    });
    target("idempotency-key", &[b"key-1"], 400, |input| {
        let mut request = with_body("/api/v1/users", "application/json", b"{}");
        request.headers_mut().insert("idempotency-key", HeaderValue::from_bytes(input).ok()?);
        Some(request)
    });
}

/// A cursor is a key of ours in base64: whatever it says, there is a page behind it, or it is refused.
fn cursors(name: &str, path: &'static str) {
    let keys: &[&[u8]] = &[
        b"usr_01jd8zzzzzzzzzzzzzzzzzzzzz",
        b"{\"at\":0,\"org\":\"a\",\"user\":\"b\",\"client\":\"\",\"agent\":\"\",\"route\":\"\",\"status\":2}",
        b"2026-11-22T10:00:00Z",
        b"",
    ];
    target(name, keys, 200, |input| {
        let cursor = format!("cursor={}", data_encoding::BASE64URL_NOPAD.encode(input));
        let separator = if path.contains('?') { '&' } else { '?' };
        let request = Request::get(format!("{path}{separator}{cursor}"));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {ROOT}"));
        request.body(Body::empty()).ok()
    });
}

#[test]
fn queries() {
    target("list", &[b"limit=10&cursor=abc&query=x&status=active", b"limit=5", b"query=%41"], 200, |input| {
        with_query("/api/v1/users", input)
    });
    for (name, path) in [
        ("cursor of people", "/api/v1/users"),
        ("cursor of organisations", "/api/v1/orgs"),
        ("cursor of sessions", "/api/v1/sessions"),
        ("cursor of events", "/api/v1/audit/events"),
        ("cursor of usage", "/api/v1/usage?by=org"),
    ] {
        cursors(name, path);
    }
    target(
        "audit filters",
        &[b"limit=5", b"after=1&kind=x&actor=y&since=2026-01-01T00:00:00Z"],
        200,
        |input| with_query("/api/v1/audit/events", input),
    );
    target(
        "what pages carry along",
        &[b"draft=x&return_to=/account&ui_locales=de%20en", b"a=b"],
        200,
        |input| with_query("/sign-in", input),
    );
    target(
        "authorize",
        &[b"client_id=x&redirect_uri=https://app.example/cb&response_type=code", b"client_id=%00"],
        400,
        |input| with_query("/oauth2/authorize", input),
    );
}

#[test]
fn bodies() {
    let json: &[&[u8]] = &[
        b"{\"email\":\"a@b.example\",\"name\":\"Ada\",\"roles\":[\"x\"],\"password_hash\":\"$2b$12$\"}",
        b"{\"client_id\":\"x\",\"name\":\"y\",\"redirect_uris\":[\"https://a.example\"],\"jwks\":{\"keys\":[]}}",
        b"{}",
    ];
    target("JSON of people", json, 400, |input| Some(with_body("/api/v1/users", "application/json", input)));
    target("JSON of applications", json, 400, |input| {
        Some(with_body("/api/v1/clients", "application/json", input))
    });
    let form: &[&[u8]] = &[b"identifier=a%40b.example&form_token=AAAA", b"password=x&form_token="];
    target("forms of pages", form, 403, |input| Some(with_body("/sign-in", FORM, input)));
    let token: &[&[u8]] =
        &[b"grant_type=authorization_code&code=dw_ac_x&client_id=x", b"grant_type=refresh_token"];
    target("token", token, 401, |input| {
        let mut request = with_body("/oauth2/token", FORM, input);
        request.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_static("Basic eDp4"));
        Some(request)
    });
}
