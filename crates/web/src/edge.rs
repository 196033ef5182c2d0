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

use crate::{
    app::{App, REQUEST_ID, RequestId},
    unfit::Unfit,
};

/// No body of ours is larger; a longer one is refused before it is read.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;

/// The outermost service: once round the whole router, since a layer of the router is paid for by every
/// route that a request passes. Cheap to clone.
#[derive(Clone)]
pub struct Edge {
    /// For requests that name no origin.
    pub(crate) own: Router,
    /// For requests that do, with what browsers must be told.
    pub(crate) crossing: Router,
    /// For requests that are refused in the dress of their routes, whatever they ask for.
    pub(crate) unfit: Router,
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
        let edge = self.clone();
        Box::pin(async move { Ok(edge.answer(request).await) })
    }
}

impl Edge {
    /// Answers one request.
    pub async fn answer(&self, mut request: Request) -> Response {
        let env = &self.app.realm.env;
        let id = RequestId::accept(request.headers())
            .unwrap_or_else(|| RequestId::new(env.now(), env.unique().unwrap_or_default()));
        request.extensions_mut().insert(id.clone());
        DefaultBodyLimit::max(BODY_LIMIT).apply(&mut request);
        let mut router = if request.extensions().get::<Unfit>().is_some() {
            self.unfit.clone()
        } else if request.headers().contains_key(header::ORIGIN) {
            self.crossing.clone()
        } else {
            self.own.clone()
        };
        let mut response = match router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            headers.insert(REQUEST_ID, value);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.app.is_https() {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, self.app.settings.hsts.0.clone());
        }
        response
    }
}
