//! HTTP by hyper and rustls.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, builderstates::WantsSchemes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{Http, NoAnswer};

/// An answer that is not there by then is none.
const TIME: Duration = Duration::from_secs(5);
/// No longer answer is read.
const MOST: usize = 1024 * 1024;
const IDLE: Duration = Duration::from_secs(20);

/// The shipped one. Cheap to clone; connections are used again.
#[derive(Clone)]
pub struct Hyper {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    time: Duration,
    most: usize,
}

impl Hyper {
    /// One that trusts the certificate authorities of this machine.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn new() -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Ok(Self::over(HttpsConnectorBuilder::new().with_provider_and_platform_verifier(provider)?))
    }

    /// One that trusts these certificate authorities (PEM), and no other.
    ///
    /// # Errors
    /// There is none among them.
    pub fn trusting(authorities: &[u8]) -> io::Result<Self> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities) {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(wrong("there is no certificate of an authority".to_owned()));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(|error| wrong(error.to_string()))?;
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        Ok(Self::over(HttpsConnectorBuilder::new().with_tls_config(tls)))
    }

    fn over(builder: HttpsConnectorBuilder<WantsSchemes>) -> Self {
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        plain.set_nodelay(true);
        plain.set_connect_timeout(Some(TIME));
        let connector = builder.https_or_http().enable_http1().wrap_connector(plain);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { client, time: TIME, most: MOST }
    }

    /// Gives up after this time.
    #[must_use]
    pub const fn within(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Reads no more than this of an answer.
    #[must_use]
    pub const fn at_most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, NoAnswer> {
        let request = request.map(|body| Full::new(body.into()));
        let answer = self.client.request(request).await.map_err(|error| NoAnswer(describe(&error)))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, self.most).collect().await;
        let body = body.map_err(|error| NoAnswer(error.to_string()))?.to_bytes();
        Ok(Response::from_parts(parts, body.to_vec()))
    }
}

impl Http for Hyper {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            let place = request.uri().host().unwrap_or_default().to_owned();
            match tokio::time::timeout(self.time, self.exchange(request)).await {
                Ok(answer) => answer.map_err(|NoAnswer(why)| NoAnswer(format!("{place}: {why}"))),
                Err(_) => Err(NoAnswer(format!("{place}: no answer in time"))),
            }
        })
    }
}

/// The error with its causes: hyper's own text alone says nothing.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
