//! The guard as a layer: what is behind it sees only requests that were let through.
//!
//! ```
//! use doorward_sdk::{guard::Guard, judge::rule::RuleSpec, tower::GuardLayer};
//!
//! let guard = Guard::builder()
//!     .audience("https://reports.example")
//!     .rule(RuleSpec { name: "reading".into(), scopes: vec!["reports:read".into()], ..RuleSpec::default() })
//!     .build()?;
//! let layer = GuardLayer::new(guard);
//! # Ok::<(), doorward_sdk::judge::rule::BadRule>(())
//! ```
//!
//! Whoever sent a request is found in its extensions as a [`Caller`](crate::Caller). The body is neither
//! read nor waited for.

use std::{
    mem,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::guard::Guard;

/// Puts a guard before a service.
#[derive(Clone)]
pub struct GuardLayer(Guard);

impl GuardLayer {
    /// The layer of this guard.
    pub const fn new(guard: Guard) -> Self {
        Self(guard)
    }
}

impl From<Guard> for GuardLayer {
    fn from(guard: Guard) -> Self {
        Self(guard)
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.0.clone(), inner }
    }
}

/// A service behind a guard.
#[derive(Clone)]
pub struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that said it is ready has to be the one that is called.
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let guard = self.guard.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let scene = guard.scene(&parts.headers);
            match guard.admit(&mut parts).await {
                Ok(caller) => {
                    parts.extensions.insert(scene);
                    if let Some(caller) = caller {
                        parts.extensions.insert(caller);
                    }
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(refused) => Ok(refused.response().map(R::from)),
            }
        })
    }
}

#[cfg(test)]
mod tests;
