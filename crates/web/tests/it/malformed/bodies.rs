//! What is sent instead of a request.

use std::io;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{HeaderName, HeaderValue};

/// A body of some kind.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) kind: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    /// Whether no route whatever may take it.
    pub(crate) is_refused: bool,
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "application/json";
const HUGE: usize = 10 * 1024 * 1024;

/// Names that forms and requests of ours have, so that the value itself is met.
const NAMES: &[&str] = &[
    "identifier",
    "password",
    "current_password",
    "new_password",
    "email",
    "name",
    "token",
    "grant_type",
    "code",
    "refresh_token",
    "client_id",
    "redirect_uri",
    "scope",
    "request_uri",
    "decision",
    "session",
    "user",
    "locale",
    "zone",
    "id_token_hint",
    "post_logout_redirect_uri",
    "state",
];

/// A form whose every field holds this text, sent from one of our pages.
fn form(form_token: &str, value: &str) -> Vec<u8> {
    let fields: Vec<String> = NAMES.iter().map(|name| format!("{name}={value}")).collect();
    format!("form_token={form_token}&{}", fields.join("&")).into_bytes()
}

fn case(name: &'static str, kind: Option<&'static str>, body: Vec<u8>, is_refused: bool) -> Case {
    Case { name, kind, body, is_refused }
}

/// A body of which the rest never comes, as when its chunks are no chunks.
pub(crate) fn broken() -> Body {
    let begun = Bytes::from_static(b"{\"name\":\"");
    Body::from_stream(stream::iter([Ok(begun), Err(io::Error::other("no chunk"))]))
}

/// A body without a length that goes on beyond every limit.
pub(crate) fn endless() -> Body {
    let piece = Bytes::from(vec![b'a'; 64 * 1024]);
    Body::from_stream(stream::iter(std::iter::repeat_n(piece, 1000).map(Ok::<_, io::Error>)))
}

pub(crate) fn cases(token: &str) -> Vec<Case> {
    let mut all = vec![
        case("no body and no kind", None, Vec::new(), false),
        case("a kind that is unknown", Some("application/x-nothing"), b"hello".to_vec(), true),
        case("a kind that is no kind", Some(";;;"), b"hello".to_vec(), true),
        case("text", Some("text/plain"), b"identifier=a&password=b".to_vec(), true),
        case("multipart", Some("multipart/form-data; boundary=x"), b"--x\r\n\r\n--x--".to_vec(), true),
    ];
    all.extend(json());
    all.extend(forms(token));
    all
}

fn json() -> Vec<Case> {
    let nested = |open: &str, depth: usize| open.repeat(depth).into_bytes();
    vec![
        case(
            "JSON in another encoding",
            Some("application/json; charset=utf-16"),
            b"\xff\xfe{\0}\0".to_vec(),
            true,
        ),
        case("JSON cut off", Some(JSON), b"{\"email\":".to_vec(), true),
        case("JSON that is empty", Some(JSON), Vec::new(), true),
        case("JSON null", Some(JSON), b"null".to_vec(), true),
        case("a JSON list", Some(JSON), b"[]".to_vec(), true),
        case("a JSON number", Some(JSON), b"1e999999".to_vec(), true),
        case("two JSON objects", Some(JSON), b"{}{}".to_vec(), true),
        case("JSON with a zero byte", Some(JSON), b"{\"name\":\"a\0b\"}".to_vec(), true),
        case(
            "JSON with an escaped zero",
            Some(JSON),
            b"{\"name\":\"a\\u0000b\",\"email\":\"a\\u0000@b.example\"}".to_vec(),
            true,
        ),
        case("JSON with half a surrogate", Some(JSON), b"{\"name\":\"\\ud800\"}".to_vec(), true),
        case("JSON that is not UTF-8", Some(JSON), b"{\"name\":\"\xff\xfe\"}".to_vec(), true),
        case("JSON that names a member twice", Some(JSON), b"{\"name\":\"a\",\"name\":\"b\"}".to_vec(), true),
        case(
            "JSON of wrong types",
            Some(JSON),
            b"{\"name\":{\"a\":1},\"email\":[],\"scopes\":7,\"password\":false}".to_vec(),
            true,
        ),
        case("JSON with unknown members", Some(JSON), b"{\"__proto__\":{},\"nothing\":1}".to_vec(), true),
        case("JSON lists nested deeply", Some(JSON), nested("[", 100_000), true),
        case("JSON objects nested deeply", Some(JSON), nested("{\"a\":", 30_000), true),
        case(
            "JSON of 10 MB",
            Some(JSON),
            [b"{\"name\":\"".to_vec(), vec![b'a'; HUGE], b"\"}".to_vec()].concat(),
            true,
        ),
    ]
}

fn forms(token: &str) -> Vec<Case> {
    vec![
        case("a form that is empty", Some(FORM), Vec::new(), false),
        case("a form with stray percent signs", Some(FORM), form(token, "%zz%"), false),
        case("a form with zero bytes", Some(FORM), form(token, "a%00b"), true),
        case("a form with raw zero bytes", Some(FORM), form(token, "a\0b"), true),
        case("a form that is not UTF-8", Some(FORM), form(token, "%ff%fe%f0%28%8c%28"), true),
        case(
            "a form that is not UTF-8, raw",
            Some(FORM),
            [form(token, "a"), b"&name2=\xff\xfe".to_vec()].concat(),
            true,
        ),
        case(
            "a form with everything twice",
            Some(FORM),
            [form(token, "a"), b"&".to_vec(), form(token, "b")].concat(),
            true,
        ),
        case(
            "a form with a token twice",
            Some(FORM),
            format!("form_token={token}&form_token={token}").into_bytes(),
            true,
        ),
        case(
            "a form of a thousand fields",
            Some(FORM),
            [form(token, "a"), b"&x=1".repeat(1000)].concat(),
            true,
        ),
        case(
            "a form of 10 MB",
            Some(FORM),
            [form(token, "a"), b"&x=".to_vec(), vec![b'a'; HUGE]].concat(),
            true,
        ),
        case("a form field of 100 kB", Some(FORM), form(token, &"a".repeat(100_000 / NAMES.len())), false),
        case("JSON that says it is a form", Some(FORM), b"{\"name\":\"a\"}".to_vec(), true),
    ]
}

/// Headers that are read, with what they should not hold.
pub(crate) fn headers() -> Vec<(HeaderName, HeaderValue)> {
    let names = [
        "authorization",
        "cookie",
        "dpop",
        "x-request-id",
        "traceparent",
        "accept-language",
        "accept",
        "origin",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "user-agent",
        "forwarded",
        "x-forwarded-for",
        "sec-fetch-site",
        "content-length",
        "last-event-id",
    ];
    let long = vec![b'a'; 20_000];
    let values: [&[u8]; 8] = [
        b"",
        b"\xff\xfe\x80",
        b"%00%ff",
        b"Bearer \xff",
        b"Basic //8=",
        b"DPoP a.b.c",
        b"__Host-doorward=\xff; a=b; ;;=",
        &long,
    ];
    let pairs = names.iter().flat_map(|name| values.iter().map(move |value| (*name, *value)));
    pairs
        .filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?))
        })
        .collect()
}
