//! The question over HTTP: the client's own method, host and headers, at the client's path behind a prefix.

use axum::body::Body;
use doorward_judge::Refusal;
use http::{HeaderMap, HeaderName, HeaderValue, Response, Uri, header, request::Parts};

use crate::{Inner, Origin, profile::Described, proxy::headers::Keeps, validate};

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
        Ok((admitted, route)) => {
            let mut response = validate::told(gateway, request, &admitted).await;
            let keeps = Keeps { route: &route, fronts: gateway.chain.fronts(), is_trusted: true };
            remove(&request.headers, response.headers_mut(), &keeps);
            response
        }
        Err(response) => response,
    };
    validate::finish(response.headers_mut(), origin);
    response
}

/// Says what of the client's headers may not go on: what is ours in another spelling, which Envoy's own list of whole
/// names does not hold; and cookies of which none is left, as an empty `Cookie` is none to Envoy.
fn remove(client: &HeaderMap, told: &mut HeaderMap, keeps: &Keeps<'_>) {
    let is_respelled = |name: &&HeaderName| {
        name.as_str().bytes().any(|byte| !byte.is_ascii_alphanumeric() && byte != b'-') && keeps.is_ours(name)
    };
    let mut doomed: Vec<&str> = client.keys().filter(is_respelled).map(HeaderName::as_str).collect();
    if told.get(header::COOKIE).is_some_and(HeaderValue::is_empty) {
        told.remove(header::COOKIE);
        doomed.push("cookie");
    }
    if let Ok(doomed) = HeaderValue::try_from(doomed.join(","))
        && !doomed.is_empty()
    {
        told.insert(TO_REMOVE, doomed);
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
