//! The question over HTTP: the client's own method, host and headers, at the client's path behind a prefix.

use axum::body::Body;
use doorward_judge::Refusal;
use http::{Response, Uri, header, request::Parts};

use crate::{Inner, Origin, profile::Described, validate};

/// What `path_prefix` names.
const PREFIX: &str = "/envoy/check";

/// The path that the client asked for.
pub(super) fn original(target: &Uri) -> Option<&str> {
    target.path().strip_prefix(PREFIX).filter(|path| path.starts_with('/'))
}

pub(super) async fn answer(gateway: &Inner, request: &Parts, origin: &Origin) -> Response<Body> {
    let mut response = match super::judge(gateway, request, origin, described(request, origin)).await {
        Ok((admitted, _)) => validate::told(gateway, &admitted).await,
        Err(response) => response,
    };
    validate::finish(response.headers_mut(), origin);
    response
}

fn described(request: &Parts, origin: &Origin) -> Result<Described, Refusal> {
    origin.may_describe()?;
    let mut named = request.headers.get_all(header::HOST).iter();
    let host = match (request.uri.authority(), named.next(), named.next()) {
        (Some(authority), _, None) => authority.as_str(),
        (None, Some(host), None) => host.to_str().unwrap_or_default(),
        _ => "",
    };
    let path = original(&request.uri).unwrap_or_default();
    Described::new((request.method.as_str(), "a method"), (host, "host"), path)
}
