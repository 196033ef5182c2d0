//! The connections to the applications behind: kept, and used again.
//!
//! A request goes to another place of its application only while nothing of it was sent, or when it asks for
//! nothing but an answer: no body, and a method that changes nothing (RFC 9110 9.2.1). Such a one may have met a
//! kept connection that was just being closed, so that it is put once more where there is no other place, too.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri, header, request::Parts, uri::PathAndQuery};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tower_service::Service as _;

use super::{
    line::{self, Io},
    names::Names,
    pool::{Place, Pool, Protocol},
};

const CONNECT: Duration = Duration::from_secs(5);
/// Shorter than servers keep theirs, so that few are found closed.
pub(super) const IDLE: Duration = Duration::from_secs(20);
/// Kept for one place.
pub(super) const KEPT: usize = 256;
/// The head of an answer may not be longer.
pub(super) const LONGEST_HEAD: usize = 64 * 1024;

/// A way to every application; nothing is made before the first request.
#[derive(Default, Clone)]
pub(crate) struct Upstreams(Arc<OnceLock<Senders>>);

type Connector = HttpConnector<Names>;
type Sender = Client<HttpsConnector<Connector>, Body>;

struct Senders {
    plain: Connector,
    http1: Sender,
    agreed: Sender,
    h2c: Sender,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// This machine's certificate authorities cannot be had.
    #[error("no certificate authorities: {0}")]
    Authorities(#[from] std::io::Error),
    /// The application does not answer.
    #[error(transparent)]
    Connection(#[from] Error),
    /// The same, on a connection of our own.
    #[error(transparent)]
    Line(#[from] line::NoAnswer),
    /// The request cannot be put for the application.
    #[error("the address cannot be put")]
    Address,
}

impl NoAnswer {
    /// Whether nothing was sent.
    fn is_connect(&self) -> bool {
        match self {
            Self::Connection(error) => error.is_connect(),
            Self::Line(error) => matches!(error, line::NoAnswer::Unreached(_)),
            Self::Authorities(_) | Self::Address => false,
        }
    }
}

/// How a request is sent on.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// What is spoken.
    pub(crate) protocol: Protocol,
    /// The application is asked under the name that the client used.
    pub(crate) keeps_host: bool,
    /// The connection is to become another protocol's.
    pub(crate) is_upgrade: bool,
}

impl Upstreams {
    /// Sends a request to one place.
    pub(crate) async fn ask(
        &self,
        request: Request<Body>,
        protocol: Protocol,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let senders = self.senders()?;
        let sender = match protocol {
            Protocol::Auto => &senders.agreed,
            Protocol::Http1 => &senders.http1,
            Protocol::H2c => &senders.h2c,
        };
        Ok(sender.request(request).await?)
    }

    fn senders(&self) -> std::io::Result<&Senders> {
        if let Some(senders) = self.0.get() {
            return Ok(senders);
        }
        let made = Senders::make()?;
        Ok(self.0.get_or_init(|| made))
    }

    /// Sends a request to one place in the way that costs least there.
    async fn put(
        &self,
        parts: &Parts,
        (body, lent): (Body, &Lent),
        (place, way): (&Place, Way),
    ) -> Result<Response<Body>, NoAnswer> {
        let mut request = put(parts, body, place, way)?;
        let is_plain = place.uri.scheme_str() == Some("http") && way.protocol != Protocol::H2c;
        if !is_plain || way.is_upgrade {
            return Ok(self.ask(request, way.protocol).await?.map(Body::new));
        }
        let senders = self.senders()?;
        let connect = || -> BoxFuture<'static, std::io::Result<Io>> {
            let connected = senders.plain.clone().call(place.uri.clone());
            Box::pin(async move { connected.await.map_err(std::io::Error::other) })
        };
        // RFC 9112 3.2.1: the origin is asked for the path alone.
        let path = parts.uri.path_and_query().cloned();
        *request.uri_mut() = path.unwrap_or_else(|| PathAndQuery::from_static("/")).into();
        Ok(place.lines.send(request, connect, || lent.is_read()).await?)
    }

    /// Sends a request on, to the first place that takes it.
    pub(crate) async fn send(
        &self,
        pool: &Arc<Pool>,
        way: Way,
        request: Request<Body>,
    ) -> Result<Response<Body>, NoAnswer> {
        let (parts, body) = request.into_parts();
        let asks_only = parts.method.is_safe() && body.is_end_stream();
        let lender = Lent::new(body);
        let mut places = VecDeque::from(pool.in_turn());
        let mut is_again = false;
        let mut last = NoAnswer::Address;
        while let Some(place) = places.pop_front() {
            let Some(body) = lender.lend() else { break };
            last = match self.put(&parts, (body, &lender), (place, way)).await {
                Ok(answer) => {
                    pool.watch(self);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            match &last {
                error if error.is_connect() => {
                    place.leave_out();
                    pool.watch(self);
                }
                // It may have been begun: once more, elsewhere if there is such a place, where that does no harm.
                NoAnswer::Connection(_) | NoAnswer::Line(_) if asks_only && !is_again => {
                    is_again = true;
                    places.push_back(place);
                }
                _ => break,
            }
        }
        Err(last)
    }
}

/// The request as one place gets it.
fn put(parts: &Parts, body: Body, place: &Place, way: Way) -> Result<Request<Body>, NoAnswer> {
    let mut parts = parts.clone();
    let mut target = place.uri.clone().into_parts();
    target.path_and_query = parts.uri.path_and_query().cloned().or(Some(PathAndQuery::from_static("/")));
    parts.uri = Uri::from_parts(target).map_err(|_| NoAnswer::Address)?;
    if !way.keeps_host {
        parts.headers.insert(header::HOST, place.host.clone());
    }
    // HTTP/1.1 would have to name it in `Connection`, and nobody there waits for it.
    if way.protocol == Protocol::Auto && place.uri.scheme_str() == Some("http") {
        parts.headers.remove(header::TE);
    }
    Ok(Request::from_parts(parts, body))
}

impl Senders {
    fn make() -> std::io::Result<Self> {
        let mut plain = HttpConnector::new_with_resolver(Names);
        plain.enforce_http(false);
        plain.set_nodelay(true);
        plain.set_connect_timeout(Some(CONNECT));
        let connector = || {
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let builder = HttpsConnectorBuilder::new().with_provider_and_platform_verifier(provider)?;
            std::io::Result::Ok(builder.https_or_http())
        };
        Ok(Self {
            http1: sender(connector()?.enable_http1().wrap_connector(plain.clone()), false),
            agreed: sender(connector()?.enable_all_versions().wrap_connector(plain.clone()), false),
            h2c: sender(connector()?.enable_http2().wrap_connector(plain.clone()), true),
            plain,
        })
    }
}

fn sender(connector: HttpsConnector<Connector>, is_http2: bool) -> Sender {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(KEPT)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .set_host(false)
        .http1_max_buf_size(LONGEST_HEAD)
        .http2_max_header_list_size(u32::try_from(LONGEST_HEAD).unwrap_or(u32::MAX))
        .http2_only(is_http2)
        .build(connector)
}

/// A body that can be had back for as long as nobody has read of it.
struct Lent {
    body: Arc<Mutex<Option<Body>>>,
    hint: SizeHint,
    is_empty: bool,
    is_read: Arc<AtomicBool>,
}

impl Lent {
    fn new(body: Body) -> Self {
        let (hint, is_empty) = (body.size_hint(), body.is_end_stream());
        Self { body: Arc::new(Mutex::new(Some(body))), hint, is_empty, is_read: Arc::default() }
    }

    /// Whether there is nothing more of it to read.
    fn is_read(&self) -> bool {
        self.is_empty || self.is_read.load(Ordering::Acquire)
    }

    /// `None` when somebody has read of it.
    fn lend(&self) -> Option<Body> {
        if self.is_empty {
            return Some(Body::empty());
        }
        let is_there = self.body.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let (lender, is_read) = (Arc::clone(&self.body), Arc::clone(&self.is_read));
        let lent = Reading { lender, body: None, hint: self.hint, is_read };
        is_there.then(|| Body::new(lent))
    }
}

struct Reading {
    lender: Arc<Mutex<Option<Body>>>,
    body: Option<Body>,
    hint: SizeHint,
    is_read: Arc<AtomicBool>,
}

impl HttpBody for Reading {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.body.is_none() {
            let body = self.lender.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.body = body;
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(&mut *body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) || body.is_end_stream() {
            self.is_read.store(true, Ordering::Release);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| self.hint, HttpBody::size_hint)
    }
}
