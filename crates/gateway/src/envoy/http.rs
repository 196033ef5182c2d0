//! The question over HTTP: the client's own method, host and headers, at the client's path behind a prefix.

use axum::body::Body;
use doorward_judge::Refusal;
use http::{HeaderMap, HeaderName, HeaderValue, Response, Uri, header, request::Parts};

use crate::{Inner, Origin, profile::Described, validate};

/// What `path_prefix` names.
const PREFIX: &str = "/envoy/check";

/// Names of the client's headers that Envoy is to drop.
const TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// The path that the client asked for.
pub(super) fn original(target: &Uri) -> Option<&str> {
    target.path().strip_prefix(PREFIX).filter(|path| path.starts_with('/'))
}

pub(super) async fn answer(gateway: &Inner, request: &Parts, origin: &Origin) -> Response<Body> {
    let mut response = match super::judge(gateway, request, origin, described(request, origin)).await {
        Ok((admitted, _)) => validate::told(gateway, request, &admitted).await,
        Err(response) => response,
    };
    drop_cookies(response.headers_mut());
    validate::finish(response.headers_mut(), origin);
    response
}

/// An empty `Cookie` is none to Envoy, which would leave the client's.
fn drop_cookies(headers: &mut HeaderMap) {
    if headers.get(header::COOKIE).is_some_and(HeaderValue::is_empty) {
        headers.remove(header::COOKIE);
        headers.insert(TO_REMOVE, HeaderValue::from_static("cookie"));
    }
}

fn described(request: &Parts, origin: &Origin) -> Result<Described, Refusal> {
    origin.may_describe()?;
    let mut named = request.headers.get_all(header::HOST).iter();
    let host = match (request.uri.authority(), named.next(), named.next()) {
        (Some(authority), _, None) => authority.as_str(),
        (None, Some(host), None) => host.to_str().unwrap_or_default(),
        _ => "",
    };
    let target = request.uri.path_and_query().and_then(|target| target.as_str().strip_prefix(PREFIX));
    Described::new((request.method.as_str(), "a method"), (host, "host"), target.unwrap_or_default())
}
