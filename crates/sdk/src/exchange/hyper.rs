//! HTTP by hyper and rustls.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, builderstates::WantsSchemes};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use tower_service::Service;

use super::{Http, NoAnswer, Within};
use crate::fetch::{is_localhost, is_public};

/// An answer that is not there by then is none.
const TIME: Duration = Duration::from_secs(5);
/// No longer answer is read.
const MOST: usize = 1024 * 1024;
const IDLE: Duration = Duration::from_secs(20);

/// The shipped one. Cheap to clone; connections are used again.
#[derive(Clone)]
pub struct Hyper {
    client: Connections,
    /// Reaches the public network alone.
    public: Connections,
    time: Duration,
    most: usize,
}

type Connections = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

impl Hyper {
    /// One that trusts the certificate authorities of this machine.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn new() -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            || HttpsConnectorBuilder::new().with_provider_and_platform_verifier(Arc::clone(&provider));
        Ok(Self::over(builder()?, builder()?))
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
        let builder = |tls| HttpsConnectorBuilder::new().with_tls_config(tls);
        Ok(Self::over(builder(tls.clone()), builder(tls)))
    }

    fn over(any: HttpsConnectorBuilder<WantsSchemes>, public: HttpsConnectorBuilder<WantsSchemes>) -> Self {
        let connections = |builder: HttpsConnectorBuilder<WantsSchemes>, is_public_only: bool| {
            let mut plain = HttpConnector::new_with_resolver(Resolver { is_public_only });
            plain.enforce_http(false);
            plain.set_nodelay(true);
            Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .pool_timer(TokioTimer::new())
                .build(builder.https_or_http().enable_http1().wrap_connector(plain))
        };
        Self { client: connections(any, false), public: connections(public, true), time: TIME, most: MOST }
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

    async fn exchange(
        &self,
        over: &Connections,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, NoAnswer> {
        let request = request.map(|body| Full::new(body.into()));
        let answer = over.request(request).await.map_err(|error| NoAnswer(describe(&error)))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, self.most).collect().await;
        let body = body.map_err(|error| NoAnswer(error.to_string()))?.to_bytes();
        Ok(Response::from_parts(parts, body.to_vec()))
    }

    async fn in_time(
        &self,
        over: &Connections,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, NoAnswer> {
        let place = request.uri().host().unwrap_or_default().to_owned();
        let time = request.extensions().get::<Within>().map_or(self.time, |within| within.0);
        match tokio::time::timeout(time, self.exchange(over, request)).await {
            Ok(answer) => answer.map_err(|NoAnswer(why)| NoAnswer(format!("{place}: {why}"))),
            Err(_) => Err(NoAnswer(format!("{place}: no answer in time"))),
        }
    }
}

impl Http for Hyper {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(self.in_time(&self.client, request))
    }

    fn send_public(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            // No resolver ever sees an address.
            let host = request.uri().host().unwrap_or_default();
            let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
            if let Some(address) = literal.filter(|address| !is_public(*address)) {
                return Err(NoAnswer(format!("{address} is no public address")));
            }
            self.in_time(&self.public, request).await
        })
    }
}

/// Says which addresses a name has; only those are connected to, and nobody asks again.
#[derive(Debug, Clone, Copy)]
struct Resolver {
    /// Whether a name is refused as soon as one of its addresses is not public.
    is_public_only: bool,
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let is_public_only = self.is_public_only;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            admit(name.as_str(), &found, is_public_only)?;
            Ok(found.into_iter())
        })
    }
}

/// Looks at every address: a mixed answer is an attack, not a misconfiguration.
fn admit(name: &str, found: &[SocketAddr], is_public_only: bool) -> io::Result<()> {
    let denied = |what: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    for address in found.iter().map(SocketAddr::ip) {
        if is_public_only && !is_public(address) {
            return denied(format!("{name} resolves to {address}, which is no public address"));
        }
        // Plain http may go there: whatever a resolver says, it must not leave this machine.
        if is_localhost(name) && !address.to_canonical().is_loopback() {
            return denied(format!("{name} resolves to {address}, which is not this machine"));
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_name_is_looked_at() {
        let found = |addresses: &[&str]| -> Vec<SocketAddr> {
            addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect()
        };
        for (name, addresses, public, any) in [
            ("a.example", &["1.1.1.1", "2606:4700::1111"][..], true, true),
            ("a.example", &["1.1.1.1", "127.0.0.1"], false, true),
            ("a.example", &["::ffff:10.0.0.1"], false, true),
            ("localhost", &["127.0.0.1", "::1"], false, true),
            ("id.localhost", &["1.1.1.1"], false, false),
        ] {
            assert_eq!(admit(name, &found(addresses), true).is_ok(), public, "{name} {addresses:?}");
            assert_eq!(admit(name, &found(addresses), false).is_ok(), any, "{name} {addresses:?}");
        }
    }
}
