//! Which headers go on, and which come back.
//!
//! What says who somebody is, where a request came from and what it asks for must be ours: whatever came in
//! under these names goes, in every spelling, since applications read `X_User_Id` and `x-user-id` as one.

use std::sync::LazyLock;

use doorward_proto::trace::{self, TraceParent};
use doorward_sdk::server::identity_headers;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{Passage, pool::Protocol};
use crate::{Origin, Route};

/// For one connection only (RFC 9110 7.6.1).
pub(crate) const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The same, as names that need not be read.
static DROPPED: LazyLock<[HeaderName; 9]> = LazyLock::new(|| HOP_BY_HOP.map(HeaderName::from_static));

/// Where a request came from, what it asked for, and who others say it is: only we know. Applications that
/// were made for another proxy believe one or the other of them.
const RESERVED: [&str; 22] = [
    "x-doorward",
    "x-host",
    "x-tenant-id",
    "front-end-https",
    "cf-connecting-ip",
    "fastly-client-ip",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "x-request-id",
    "x-rewrite-url",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "client-cert",
    "client-cert-chain",
    "x-client-cert",
    "remote-user",
    "x-authenticated-user",
    "x-user",
];

/// The same, for every name that begins so.
const RESERVED_PREFIXES: [&str; 12] = [
    "x-doorward-",
    "x-forwarded-",
    "x-original-",
    "x-auth-request-",
    "x-remote-",
    "x-webauth-",
    "x-ssl-",
    "ssl-client-",
    "x-amzn-oidc-",
    // What managed front proxies say without a signature.
    "x-goog-authenticated-user-",
    "cf-access-authenticated-",
    "x-ms-client-principal",
];

/// Credentials, which are ours to look at.
const CREDENTIALS: [&str; 5] = ["authorization", "dpop", "api-key", "x-api-key", "x-chroma-token"];

/// What managed proxies in front sign. Who is told by one of them may not be told by a client.
const FRONTS: [&str; 3] = ["cf-access-jwt-assertion", "x-goog-iap-jwt-assertion", "x-pomerium-jwt-assertion"];

/// How cookies of ours begin; the application's own go on.
const COOKIES: [&str; 2] = ["__host-doorward", "doorward_"];

/// What the answer to a proxy has under a second name; applications are told the first.
const SECOND_NAMES: [&str; 2] = ["x-org-id", "x-permissions"];

/// Makes the headers of a request those of the request that goes on.
pub(super) fn onward(
    headers: &mut HeaderMap,
    (origin, fronts): (&Origin, &[HeaderName]),
    passage: &Passage<'_>,
    identity: &HeaderMap,
) {
    let Passage { route, host, .. } = passage;
    let keeps = Keeps { route, fronts, is_trusted: origin.is_trusted };
    let wants_trailers = wants_trailers(headers);
    drop_hop_by_hop(headers);
    let doomed: Vec<HeaderName> = headers.keys().filter(|name| keeps.is_ours(name)).cloned().collect();
    for name in doomed {
        headers.remove(name);
    }
    keep_foreign_cookies(headers);
    keep_sound_trace(headers);
    for (name, value) in identity.iter().filter(|(name, _)| !SECOND_NAMES.contains(&name.as_str())) {
        headers.insert(name, value.clone());
    }
    set(headers, "x-forwarded-for", &origin.address.to_string());
    set(headers, "x-real-ip", &origin.address.to_string());
    set(headers, "x-forwarded-proto", if origin.is_https { "https" } else { "http" });
    set(headers, "x-request-id", &origin.request_id);
    headers.insert("x-forwarded-host", host.clone());
    // Its own name is put there with the place that is asked.
    headers.insert(header::HOST, host.clone());
    if wants_trailers && route.upstream_protocol != Protocol::Http1 {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The trace goes on as it came: nothing is added to it here. What is none is left out, and a state belongs to
/// its trace (W3C Trace Context 3.2, 3.3).
fn keep_sound_trace(headers: &mut HeaderMap) {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let parent = parents.next().filter(|_| parents.next().is_none()).and_then(|parent| parent.to_str().ok());
    let has_parent = parent.is_some_and(|parent| parent.parse::<TraceParent>().is_ok());
    // A line that is no text is no member either.
    let lines = headers.get_all(TRACESTATE).iter().map(|line| line.to_str().unwrap_or("?"));
    let has_state = has_parent && trace::is_trace_state(lines);
    if !has_parent {
        headers.remove(TRACEPARENT);
    }
    if !has_state {
        headers.remove(TRACESTATE);
    }
}

/// The one word of `TE` that is for the whole way (RFC 9113 8.2.2); gRPC is not spoken without it.
fn wants_trailers(headers: &HeaderMap) -> bool {
    let mut words =
        headers.get_all(header::TE).iter().flat_map(|value| value.to_str().unwrap_or_default().split(','));
    words.any(|word| word.trim().eq_ignore_ascii_case("trailers"))
}

/// What applications are told of somebody: everything under one name.
pub(crate) fn told_once(identity: &HeaderMap) -> HeaderMap {
    let mut told = identity.clone();
    for name in SECOND_NAMES {
        told.remove(name);
    }
    told
}

/// Makes the headers of an answer those of the answer that comes back.
pub(super) fn back(headers: &mut HeaderMap, origin: &Origin) {
    drop_hop_by_hop(headers);
    keep_foreign_set_cookies(headers);
    set(headers, "x-request-id", &origin.request_id);
}

/// An application sets no cookies of ours: one of several on a host could else sign people in as somebody.
fn keep_foreign_set_cookies(headers: &mut HeaderMap) {
    let is_ours = |value: &HeaderValue| {
        let name = value.as_bytes().trim_ascii_start().to_ascii_lowercase();
        COOKIES.iter().any(|beginning| name.starts_with(beginning.as_bytes()))
    };
    if !headers.get_all(header::SET_COOKIE).iter().any(is_ours) {
        return;
    }
    let kept: Vec<HeaderValue> =
        headers.get_all(header::SET_COOKIE).iter().filter(|value| !is_ours(value)).cloned().collect();
    headers.remove(header::SET_COOKIE);
    for value in kept {
        headers.append(header::SET_COOKIE, value);
    }
}

/// What of a request's headers an application gets.
pub(crate) struct Keeps<'g> {
    pub(crate) route: &'g Route,
    /// The headers in which proxies in front say who somebody is.
    pub(crate) fronts: &'g [HeaderName],
    /// Whether whoever is at the other end may say so.
    pub(crate) is_trusted: bool,
}

impl Keeps<'_> {
    /// Whether a header that came in is one that only we may set, or that nobody behind needs to see.
    pub(crate) fn is_ours(&self, name: &HeaderName) -> bool {
        let plain = identity_headers::plain(name);
        let is_front = |plain: &str| {
            FRONTS.contains(&plain) || self.fronts.iter().any(|front| identity_headers::plain(front) == plain)
        };
        if is_front(&plain) {
            return !(self.route.keep_authorization && self.is_trusted);
        }
        is_reserved(&plain, name, self.route)
    }
}

fn is_reserved(plain: &str, name: &HeaderName, route: &Route) -> bool {
    // Another spelling of what frames a request is read as the thing itself by some.
    let is_respelled =
        plain != name.as_str() && matches!(plain, "content-length" | "content-type" | "host" | "cookie");
    let is_credential = CREDENTIALS.contains(&plain) && !route.keep_authorization;
    is_credential
        || is_respelled
        || identity_headers::NAMES.contains(&plain)
        || RESERVED.contains(&plain)
        || RESERVED_PREFIXES.iter().any(|prefix| plain.starts_with(prefix))
        // Beyond the connection, a name with an underscore is another spelling of one that was dropped.
        || HOP_BY_HOP.contains(&plain)
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let mut named = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        let names = value.to_str().unwrap_or_default().split(',').map(str::trim);
        named.extend(names.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()));
    }
    for name in named {
        // A client must not have the proxy drop what it is to add.
        if name != header::HOST && name != header::CONTENT_LENGTH {
            headers.remove(name);
        }
    }
    for name in DROPPED.iter() {
        headers.remove(name);
    }
}

/// Our own cookies say who somebody is to us, and would do so to whoever got them.
pub(crate) fn keep_foreign_cookies(headers: &mut HeaderMap) {
    if !headers.contains_key(header::COOKIE) {
        return;
    }
    let kept: Vec<String> = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(';'))
        .map(str::trim)
        .filter(|cookie| !cookie.is_empty() && !is_own_cookie(cookie))
        .map(str::to_owned)
        .collect();
    headers.remove(header::COOKIE);
    if let Ok(value) = HeaderValue::from_str(&kept.join("; "))
        && !kept.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
}

/// What of a client's cookies is the application's: all but ours.
pub(crate) fn foreign_cookies(client: &HeaderMap) -> Option<HeaderValue> {
    let mut kept = HeaderMap::new();
    kept.extend(client.get_all(header::COOKIE).iter().map(|cookie| (header::COOKIE, cookie.clone())));
    keep_foreign_cookies(&mut kept);
    kept.remove(header::COOKIE)
}

fn is_own_cookie(cookie: &str) -> bool {
    let name = cookie.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
    COOKIES.iter().any(|own| name.starts_with(own))
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests;
