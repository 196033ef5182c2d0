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
use http::{Request, Response, request::Parts};
use tower_layer::Layer;
use tower_service::Service;

use crate::{assertion::Assertions, caller::Refused, guard::Guard};

/// Puts a guard before a service.
#[derive(Clone)]
pub struct GuardLayer(Gate);

/// Who decides.
#[derive(Clone)]
enum Gate {
    Guard(Guard),
    Assertions(Assertions),
}

impl Gate {
    /// Judges a request, and notes in it who sent it.
    async fn admit(&self, request: &mut Parts) -> Result<(), Refused> {
        let scene = match self {
            Self::Guard(guard) => guard.scene(&request.headers),
            Self::Assertions(assertions) => assertions.scene(&request.headers),
        };
        let caller = match self {
            Self::Guard(guard) => guard.admit(request).await?,
            Self::Assertions(assertions) => {
                let asserted = assertions.admit(request).await?;
                asserted.map(|asserted| {
                    request.extensions.insert(asserted.clone());
                    asserted.into_caller()
                })
            }
        };
        request.extensions.insert(scene);
        if let Some(caller) = caller {
            request.extensions.insert(caller);
        }
        Ok(())
    }
}

impl GuardLayer {
    /// Judges requests by the rules of this guard.
    pub const fn new(guard: Guard) -> Self {
        Self(Gate::Guard(guard))
    }

    /// Believes the gateway before this application, and nobody else.
    pub const fn behind_a_gateway(assertions: Assertions) -> Self {
        Self(Gate::Assertions(assertions))
    }
}

impl From<Guard> for GuardLayer {
    fn from(guard: Guard) -> Self {
        Self::new(guard)
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { gate: self.0.clone(), inner }
    }
}

/// A service behind a guard.
#[derive(Clone)]
pub struct Guarded<S> {
    gate: Gate,
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
        let gate = self.gate.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match gate.admit(&mut parts).await {
                Ok(()) => inner.call(Request::from_parts(parts, body)).await,
                Err(refused) => Ok(refused.response().map(R::from)),
            }
        })
    }
}

#[cfg(test)]
mod tests;
