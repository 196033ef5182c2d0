//! One connection: which protocol it speaks, its limits, and what is added to each of its requests.

use std::{any::Any, net::IpAddr, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use doorward_core::env::Env;
use doorward_gateway::Decided;
use doorward_sdk::server::certificate::Shown;
use doorward_web::{ClientAddress, REQUEST_ID, ThroughSocket, Unfit};
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use ipnet::IpNet;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use super::{
    access::{Served, trace_id},
    body::{Late, Timely},
    host,
    peer::{client_address, is_trusted},
    taken::{Streams, Taken},
};

/// How long a client may take, and how much room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// To send a request's head, and to leave a connection idle.
    pub(super) head: Duration,
    /// To send a request's body.
    pub(super) body: Duration,
    /// To take an answer.
    pub(super) answer: Duration,
    /// Connections at once from one address that is no trusted proxy.
    pub(super) from_one: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(20),
            body: Duration::from_secs(30),
            answer: Duration::from_mins(1),
            from_one: super::listen::FROM_ONE,
        }
    }
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// An address with all headers, and how many headers: what is larger is told so.
const MAX_HEAD: usize = 32 * 1024;
const MAX_FIELDS: usize = 100;
/// What is larger than this is not even read, and gets a status alone.
const READ_HEAD: usize = 2 * MAX_HEAD;
const READ_FIELDS: usize = 256;
const STREAMS: u32 = 128;
/// What an HTTP/2 client says first (RFC 9113 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Which protocol a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1.
    One,
    /// HTTP/2.
    Two,
}

/// What a connection takes up, for as long as anything of it goes on.
#[derive(Clone)]
pub(super) struct Hold(pub(super) Arc<dyn Any + Send + Sync>);

/// At which door a request came in.
#[derive(Debug, Clone)]
pub(super) enum Door {
    /// A network listener, with the peer's address and the certificate that it showed.
    Network(IpAddr, Option<Shown>),
    /// The administration socket.
    Socket,
}

/// Whoever is at the other end may describe other people's requests to the gateway: this machine, and
/// trusted proxies.
#[derive(Debug, Clone, Copy)]
pub(super) struct MayDescribe;

/// What answers a request, wherever it came in.
pub(super) type Answering = Box<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Whether a request's body goes on to somebody else as it comes, however long that takes.
pub(super) type Flowing = Box<dyn Fn(&Uri, &HeaderMap) -> bool + Send + Sync>;

/// What every connection shares.
pub(super) struct Shared {
    pub(super) answering: Answering,
    pub(super) flowing: Flowing,
    pub(super) env: Env,
    pub(super) trusted: Vec<IpNet>,
    /// Whether connections begin with a PROXY protocol header.
    pub(super) proxy_protocol: bool,
    pub(super) stop: CancellationToken,
    pub(super) limits: Limits,
}

/// Finds out what a plain connection speaks, within the time that a head may take. `None` when it says
/// nothing until then, or until the server stops.
pub(super) async fn sniff(stream: &TcpStream, shared: &Shared) -> Option<Protocol> {
    let look = async {
        let mut start = [0_u8; PREFACE.len()];
        loop {
            let seen = stream.peek(&mut start).await.ok().filter(|seen| *seen > 0)?;
            let seen = start.get(..seen)?;
            if !PREFACE.starts_with(seen) {
                return Some(Protocol::One);
            }
            if seen.len() == PREFACE.len() {
                return Some(Protocol::Two);
            }
            super::pause(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        biased;
        found = tokio::time::timeout(shared.limits.head, look) => found.ok().flatten(),
        () = shared.stop.cancelled() => None,
    }
}

/// Serves a connection to its end; finishes the request at hand when the server stops. A peer that takes no
/// answers, or has no use for its HTTP/2 connection, is told goodbye and then left.
pub(super) async fn serve<S>(stream: S, (door, hold): (Door, Hold), protocol: Protocol, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (stop, limits) = (shared.stop.clone(), shared.limits);
    let (streams, env) = (Streams::default(), shared.env.clone());
    let begun = streams.clone();
    let service = tower::service_fn(move |request| {
        let (shared, hold, door) = (Arc::clone(&shared), hold.clone(), door.clone());
        let stream = (protocol == Protocol::Two).then(|| begun.begin());
        async move {
            let response = answer(request, (&door, hold), &shared).await;
            Ok::<_, std::convert::Infallible>(match stream {
                Some(stream) => response.map(|body| stream.answered(body, &shared.env)),
                None => response,
            })
        }
    });
    let builder = builder(protocol, limits);
    let io = TokioIo::new(Taken::new(stream, limits.answer));
    let mut connection = pin!(builder.serve_connection_with_upgrades(io, TowerToHyperService::new(service)));
    let outcome = tokio::select! {
        biased;
        outcome = connection.as_mut() => outcome,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = streams.over(&env, limits), if protocol == Protocol::Two => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(limits.head, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended");
    }
}

fn builder(protocol: Protocol, limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(READ_HEAD)
        .max_headers(READ_FIELDS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(READ_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(limits.head)
        .keep_alive_timeout(limits.head);
    match protocol {
        Protocol::One => builder.http1_only(),
        Protocol::Two => builder.http2_only(),
    }
}

async fn answer(request: Request<Incoming>, (door, hold): (&Door, Hold), shared: &Shared) -> Response<Body> {
    let began = shared.env.monotonic();
    let late = Late::default();
    let flows = (shared.flowing)(request.uri(), request.headers());
    let ways = (flows, sends_on(&request));
    let mut request = request.map(|body| match body.is_end_stream() {
        true => Body::new(body),
        false => Body::new(Timely::new(body, shared.limits.body, late.clone(), ways)),
    });
    let address = match door {
        Door::Network(peer, _) => client_address(*peer, request.headers(), &shared.trusted),
        Door::Socket => IpAddr::from([127, 0, 0, 1]),
    };
    request.extensions_mut().insert(ClientAddress(address));
    if flows {
        request.extensions_mut().insert(hold);
    }
    if let Door::Network(peer, shown) = door {
        if peer.to_canonical().is_loopback() || is_trusted(*peer, &shared.trusted) {
            request.extensions_mut().insert(MayDescribe);
        }
        if let Some(shown) = shown {
            request.extensions_mut().insert(shown.clone());
        }
    }
    let own_name = name_of_decision(&request);
    match door {
        Door::Socket => {
            request.extensions_mut().insert(ThroughSocket);
        }
        Door::Network(peer, _) if is_trusted(*peer, &shared.trusted) => {}
        // A stranger's reference would stand in the log and the audit trail beside other people's.
        Door::Network(..) => {
            request.headers_mut().remove(REQUEST_ID);
        }
    }
    let (method, path, version) =
        (request.method().clone(), request.uri().path().to_owned(), request.version());
    let trace = trace_id(request.headers().get(TRACEPARENT)).map(str::to_owned);
    // RFC 9112 6.3: a length beside the chunks is a request in the request for somebody else on the way, and
    // is gone before it could be seen here. Nothing that follows on the connection is believed, nor what
    // follows a request that names no host, or two.
    let headers = request.headers();
    let is_doubtful = version < Version::HTTP_2
        && (headers.contains_key(header::TRANSFER_ENCODING) || !host::is_named(version, headers));
    let mut response = match AssertUnwindSafe(routed(request, shared)).catch_unwind().await {
        Ok(response) if late.is_so() => {
            let reference = response.headers().get(REQUEST_ID);
            too_slow(instead(Unfit::Slow, (&method, &path), reference, shared).await, version)
        }
        Ok(response) => response,
        Err(_) => {
            tracing::error!(method = method.as_str(), path, "a handler panicked");
            broken((&method, &path), shared).await
        }
    };
    if is_doubtful {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let request_id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    Served {
        method: &method,
        path: &path,
        version,
        address,
        status: response.status(),
        request_id: request_id.unwrap_or_default(),
        trace_id: trace.as_deref(),
        took: shared.env.monotonic().saturating_sub(began),
        decision: response.extensions().get::<Decided>().and_then(Decided::get),
    }
    .record();
    if let Some(name) = own_name {
        response.headers_mut().insert(REQUEST_ID, name);
    }
    response
}

/// Whether a body comes although nobody asks for it: not of a client that waits to be told to go on (RFC 9110
/// 10.1.1), nor on HTTP/2, where a stream is ended by itself.
fn sends_on(request: &Request<Incoming>) -> bool {
    request.version() < Version::HTTP_2 && !request.headers().contains_key(header::EXPECT)
}

/// What whoever asks for a decision calls the question, which the answer has to repeat (Authorization API 1.0,
/// "Request Identification in a Response"). Nothing here is called so.
fn name_of_decision(request: &Request<Body>) -> Option<HeaderValue> {
    let is_decision = request.uri().path().starts_with("/access/v1/");
    let name = request.headers().get(REQUEST_ID).filter(|_| is_decision)?;
    (name.len() <= 256).then(|| name.clone())
}

/// Whether a request's head is no larger than one may be.
fn has_room(uri: &Uri, headers: &HeaderMap) -> bool {
    let address = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let fields = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    headers.len() <= MAX_FIELDS && address.saturating_add(fields.sum()) <= MAX_HEAD
}

async fn routed(mut request: Request<Body>, shared: &Shared) -> Response<Body> {
    if !host::is_named(request.version(), request.headers()) {
        request.extensions_mut().insert(Unfit::Host);
    }
    if !has_room(request.uri(), request.headers()) {
        request.extensions_mut().insert(Unfit::Head);
    }
    (shared.answering)(request).await
}

/// What the routes of this path say in place of an answer, under the reference that the request has.
async fn instead(
    unfit: Unfit,
    (method, path): (&Method, &str),
    reference: Option<&HeaderValue>,
    shared: &Shared,
) -> Response<Body> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.clone();
    *request.uri_mut() = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    if let Some(reference) = reference {
        request.headers_mut().insert(REQUEST_ID, reference.clone());
    }
    request.extensions_mut().insert(unfit);
    (shared.answering)(request).await
}

/// In place of what the handler made of half a body. The rest of it is not waited for.
fn too_slow(mut slow: Response<Body>, version: Version) -> Response<Body> {
    if version < Version::HTTP_2 {
        slow.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    slow
}

/// Also when what tells of it breaks as well.
async fn broken(asked: (&Method, &str), shared: &Shared) -> Response<Body> {
    let told = AssertUnwindSafe(instead(Unfit::Broken, asked, None, shared)).catch_unwind().await;
    told.unwrap_or_else(|_| {
        let mut bare = Response::new(Body::empty());
        *bare.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        bare
    })
}
