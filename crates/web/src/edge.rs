//! What happens to every request and every answer: reference, headers, metrics.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    response::Response,
};
use futures_util::future::BoxFuture;
use http::{HeaderValue, header};
use tower::Service;

use crate::app::{App, REQUEST_ID, RequestId};

/// No body of ours is larger; a longer one is refused before it is read.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;

/// The outermost service: once round the whole router, since a layer of the router is paid for by every
/// route that a request passes.
#[derive(Clone)]
pub(crate) struct Edge {
    /// For requests that name no origin.
    pub(crate) own: Router,
    /// For requests that do, with what browsers must be told.
    pub(crate) crossing: Router,
    pub(crate) app: App,
}

impl Service<Request> for Edge {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let crosses = request.headers().contains_key(header::ORIGIN);
        let router = if crosses { &self.crossing } else { &self.own };
        Box::pin(pass(self.app.clone(), router.clone(), request))
    }
}

async fn pass(app: App, mut router: Router, mut request: Request) -> Result<Response, Infallible> {
    let env = &app.realm.env;
    let id = RequestId::accept(request.headers())
        .unwrap_or_else(|| RequestId::new(env.now(), env.unique().unwrap_or_default()));
    request.extensions_mut().insert(id.clone());
    DefaultBodyLimit::max(BODY_LIMIT).apply(&mut request);
    let mut response = router.call(request).await?;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if app.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, app.settings.hsts.0.clone());
    }
    Ok(response)
}
