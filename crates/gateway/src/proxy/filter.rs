//! What of an answer stays here: headers, and members of a JSON object, that are meant for nobody outside.
//!
//! An answer that says it is JSON and cannot be read as such is not handed on: what was to stay here could be
//! in it. Everything else than JSON goes on as it is, streams included.

use std::{fmt, time::Duration};

use axum::body::{Body, Bytes};
use doorward_judge::{Refusal, Why};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap as _,
};
use serde_json::value::RawValue;

use crate::Route;

/// JSON that is longer is not handed on.
const LONGEST: usize = 1024 * 1024;

/// Headers that speak of the body as it was.
const OF_THE_BODY: [&str; 5] = ["content-length", "content-md5", "content-digest", "repr-digest", "digest"];

/// Asks for an answer that can be read.
pub(super) fn prepare(headers: &mut HeaderMap, route: &Route) {
    if !route.strip_fields.is_empty() {
        for name in [header::ACCEPT_ENCODING, header::RANGE, header::IF_RANGE] {
            headers.remove(name);
        }
    }
}

/// Takes out what stays here.
///
/// # Errors
/// `UpstreamUnreachable` for JSON that cannot be read.
pub(super) async fn apply(
    route: &Route,
    method: &Method,
    mut response: Response<Body>,
) -> Result<Response<Body>, Refusal> {
    for name in &route.strip_headers {
        response.headers_mut().remove(name.as_str());
    }
    if route.strip_fields.is_empty() || !is_json(response.headers()) {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    if method == Method::HEAD {
        drop_all(&mut parts.headers, &OF_THE_BODY);
        return Ok(Response::from_parts(parts, body));
    }
    let unread = || {
        let hint = "Its answer has members that are not to be shown, in a form that cannot be read";
        Refusal::new(Why::UpstreamUnreachable).hint(hint)
    };
    let coding = parts.headers.get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(unread());
    }
    let whole = axum::body::to_bytes(body, LONGEST);
    let whole = tokio::time::timeout(Duration::from_secs(route.timeout), whole).await;
    let whole = whole.map_err(|_| Refusal::new(Why::UpstreamTimeout))?.map_err(|_| unread())?;
    let body = stripped(&whole, &route.strip_fields).ok_or_else(unread)?;
    drop_all(&mut parts.headers, &OF_THE_BODY);
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn drop_all(headers: &mut HeaderMap, names: &[&'static str]) {
    for name in names {
        headers.remove(HeaderName::from_static(name));
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "application/json" | "text/json") || kind.ends_with("+json")
}

/// The body without these members of its object; as it is when it is none. `None` when it is no JSON.
fn stripped(body: &Bytes, names: &[String]) -> Option<Bytes> {
    if body.is_empty() {
        return Some(body.clone());
    }
    let value: &RawValue = serde_json::from_slice(body).ok()?;
    if !value.get().starts_with('{') {
        return Some(body.clone());
    }
    let mut members: Members = serde_json::from_str(value.get()).ok()?;
    let before = members.0.len();
    members.0.retain(|(name, _)| !names.contains(name));
    if members.0.len() == before {
        return Some(body.clone());
    }
    serde_json::to_vec(&members).ok().map(Bytes::from)
}

/// The members of an object, in their order and as they are written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Each)
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_go_and_the_others_stay_as_they_were_written() {
        let names = ["user_id".to_owned(), "perms".to_owned()];
        for (body, expect) in [
            (
                r#"{"result": 12345678901234567890.10, "user_id": "alice"}"#,
                Some(r#"{"result":12345678901234567890.10}"#),
            ),
            (r#"{"b":1,"user_id":1,"a":{"user_id":2},"user_id":3}"#, Some(r#"{"b":1,"a":{"user_id":2}}"#)),
            (r#" {"user\u005fid":1} "#, Some("{}")),
            (r#"{ "a": [ 1 ] }"#, Some(r#"{ "a": [ 1 ] }"#)),
            (r#"[{"user_id":1}]"#, Some(r#"[{"user_id":1}]"#)),
            (r#""user_id""#, Some(r#""user_id""#)),
            ("", Some("")),
            (r#"{"user_id":1"#, None),
            (r#"{"a":1} {"user_id":1}"#, None),
            ("\u{feff}{}", None),
        ] {
            let found = stripped(&Bytes::from(body), &names);
            assert_eq!(found.as_deref(), expect.map(str::as_bytes), "{body}");
        }
    }

    #[test]
    fn json_is_known_by_its_type() {
        for (kind, expect) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/problem+json", true),
            ("application/x-ndjson", false),
            ("text/event-stream", false),
            ("text/html", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            assert_eq!(is_json(&headers), expect, "{kind}");
        }
    }
}
