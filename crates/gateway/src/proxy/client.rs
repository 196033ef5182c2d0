//! The connections to the applications behind: kept, and used again.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

const CONNECT: Duration = Duration::from_secs(5);
/// Shorter than servers keep theirs, so that few are found closed.
const IDLE: Duration = Duration::from_secs(20);
const KEPT: usize = 256;

/// A way to every application; nothing is made before the first request.
#[derive(Default)]
pub(crate) struct Upstreams(OnceLock<Sender>);

type Sender = Client<HttpsConnector<HttpConnector>, Body>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// This machine's certificate authorities cannot be had.
    #[error("no certificate authorities: {0}")]
    Authorities(#[from] std::io::Error),
    /// The application does not answer.
    #[error(transparent)]
    Connection(#[from] Error),
}

impl Upstreams {
    /// Sends a request on. One that was not begun yet when its connection went is sent again; no other is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, NoAnswer> {
        let sender = if let Some(sender) = self.0.get() {
            sender
        } else {
            let made = sender()?;
            self.0.get_or_init(|| made)
        };
        Ok(sender.request(request).await?)
    }
}

fn sender() -> std::io::Result<Sender> {
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    plain.set_nodelay(true);
    plain.set_connect_timeout(Some(CONNECT));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = HttpsConnectorBuilder::new().with_provider_and_platform_verifier(provider)?;
    let connector = builder.https_or_http().enable_http1().wrap_connector(plain);
    Ok(Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(KEPT)
        .pool_timer(TokioTimer::new())
        .set_host(false)
        .build(connector))
}
