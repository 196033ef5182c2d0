//! Clients that take their time, on a real listener.

use std::{
    convert::Infallible,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
};

use axum::{
    Router,
    body::Body,
    routing::{get, post},
};
use bytes::Bytes;
use doorward_core::env::{Env, no_fetch};
use futures_util::Stream;
use http::Request;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::*;
use crate::serve::connection::{Answering, Limits};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);
const PATIENT: Limits = Limits { head: LONG, body: LONG, answer: LONG, from_one: 1000 };
const FEW: Limits = Limits { from_one: 3, ..PATIENT };

/// A part now and then, for longer than an answer may wait to be taken.
fn ticks() -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let clock = tokio::time::interval(SHORT / 4);
    futures_util::stream::unfold((clock, 0), |(mut clock, count)| async move {
        clock.tick().await;
        (count < 24).then_some((Ok(Bytes::from_static(b"tick")), (clock, count + 1)))
    })
}

async fn listening(limits: Limits, trusted: Vec<IpNet>) -> (Doors, SocketAddr) {
    opened((limits, trusted, false)).await
}

async fn opened((limits, trusted, proxy_protocol): (Limits, Vec<IpNet>, bool)) -> (Doors, SocketAddr) {
    let router = Router::new()
        .route("/", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/unread", post(async || "not read"))
        .route("/broken", get(async || -> String { panic!("as a bug would") }))
        .route("/ticks", get(async || Body::from_stream(ticks())))
        .route(
            "/who",
            get(async |request: Request<Body>| {
                let address = request.extensions().get::<doorward_web::ClientAddress>().unwrap().0;
                let may_describe =
                    request.extensions().get::<crate::serve::connection::MayDescribe>().is_some();
                format!("{address} {may_describe}")
            }),
        )
        .route("/much", get(async || vec![b'x'; 64 << 20]))
        .layer(axum::middleware::from_fn(doorward_web::unless_unfit));
    let stop = CancellationToken::new();
    let answering: Answering = Box::new(move |request| {
        let answer = router.clone().oneshot(request);
        Box::pin(async move { answer.await.unwrap() })
    });
    let flowing = Box::new(|_: &http::Uri, _: &http::HeaderMap| false);
    let shared =
        Shared { answering, flowing, env: Env::system(no_fetch()), trusted, proxy_protocol, stop, limits };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let doors = Doors::new(shared);
    doors.open(listener, None);
    (doors, address)
}

/// What comes back until the server hangs up.
async fn said(address: SocketAddr, first: &'static str) -> String {
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(first.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // The server may reset what it did not read.
        let end = stream.read_to_end(&mut answer);
        assert!(!end.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "it never hangs up");
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_is_not_waited_for() {
    let (_doors, address) = listening(Limits { body: SHORT, ..PATIENT }, Vec::new()).await;
    for begun in [
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n",
    ] {
        let answer = said(address, begun).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{begun:?}: {answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    }
    let whole = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody";
    assert!(said(address, whole).await.ends_with("\r\n\r\n4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_not_waited_for() {
    let (_doors, address) = listening(Limits { head: SHORT, ..PATIENT }, Vec::new()).await;
    for begun in ["", "PRI * HTTP/2.0\r\n", "POST / HT", "POST / HTTP/1.1\r\nhost: x\r\nx-slow: 1\r\n"] {
        let answer = said(address, begun).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{begun:?}: {answer}");
    }
}

/// One byte after another begins no new time.
#[tokio::test(flavor = "multi_thread")]
async fn who_drips_is_not_waited_for() {
    for (begun, limits) in [
        ("POST / HTTP/1.1\r\nx-slow: ", Limits { head: SHORT, ..PATIENT }),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n", Limits { body: SHORT, ..PATIENT }),
    ] {
        let (doors, address) = listening(limits, Vec::new()).await;
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        while stream.write_all(b"x").is_ok() {
            crate::serve::pause(SHORT / 30).await;
        }
        drop(stream);
        assert_eq!(doors.close(LONG).await, 0);
    }
}

/// Most clients send all of their body before they listen, and find their answer then, and the connection as good
/// as new.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_body_was_read_reaches_who_is_sending_it() {
    let (doors, address) = listening(PATIENT, Vec::new()).await;
    let next = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody";
    let body = "x".repeat(8 << 20);
    for (framing, body, answers) in [
        (format!("content-length: {}", body.len()), body.clone(), 2),
        ("transfer-encoding: chunked".to_owned(), format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()), 1),
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("POST /unread HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n");
        let heard = tokio::task::spawn_blocking(move || {
            stream.set_read_timeout(Some(LONG)).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream.peek(&mut [0]).unwrap();
            stream.write_all(body.as_bytes()).unwrap();
            // After chunks nothing more is believed.
            let _ = stream.write_all(next.as_bytes());
            let mut heard = Vec::new();
            let _ = stream.read_to_end(&mut heard);
            String::from_utf8_lossy(&heard).into_owned()
        });
        let heard = heard.await.unwrap();
        assert!(heard.contains("\r\n\r\nnot read"), "{framing}: {heard}");
        assert_eq!(heard.matches("HTTP/1.1 200").count(), answers, "{framing}: {heard}");
    }
    assert_eq!(doors.close(LONG).await, 0);
}

/// What nobody reads is waited for no longer than what somebody does.
#[tokio::test(flavor = "multi_thread")]
async fn a_rest_that_never_comes_is_not_waited_for() {
    let (_doors, address) = listening(Limits { body: SHORT, ..PATIENT }, Vec::new()).await;
    let begun = "POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf";
    assert!(said(address, begun).await.starts_with("HTTP/1.1 200 "));
    // Who waits to be told to go on sends nothing, and is answered at once.
    let waits = "POST /unread HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n";
    let answer = said(address, waits).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Who asks and never reads is left, and holds nothing then.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_reads_is_not_kept() {
    let (doors, address) = listening(Limits { answer: SHORT, ..PATIENT }, Vec::new()).await;
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.read_exact(&mut [0; 15]).unwrap();
    assert_eq!(doors.close(LONG).await, 0, "the connection ended, with most of the answer unread");
    drop(stream);
}

/// An HTTP/2 connection on which a client answers pings and does nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_ended_although_it_answers_pings() {
    let (doors, address) = listening(Limits { head: SHORT, ..PATIENT }, Vec::new()).await;
    let stream = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let (mut client, connection) =
        hyper::client::conn::http2::handshake::<_, _, Body>(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let answer = client.send_request(Request::post("http://x/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(answer);
    tokio::time::timeout(LONG, connection).await.unwrap().unwrap().unwrap();
    assert!(client.is_closed());
    assert_eq!(doors.close(LONG).await, 0);
}

/// An answer that goes on as long as it is read is nobody's fault.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_read_may_take_its_time() {
    let (_doors, address) = listening(Limits { head: SHORT, answer: SHORT, ..PATIENT }, Vec::new()).await;
    let stream = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let (mut client, connection) =
        hyper::client::conn::http2::handshake::<_, _, Body>(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let answer =
        client.send_request(Request::get("http://x/ticks").body(Body::empty()).unwrap()).await.unwrap();
    let read = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(read.len(), 24 * 4);
    drop((client, connection));
}

/// The connection moves, and the stream has no room for its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_room_is_not_waited_for() {
    let (doors, address) = listening(Limits { head: SHORT, answer: SHORT, ..PATIENT }, Vec::new()).await;
    let stream = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let (mut client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake::<_, Body>(stream)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let answer = client.send_request(Request::post("http://x/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(doors.close(LONG).await, 0, "the connection ended, with the answer never taken");
    drop((answer, connection));
}

/// A request that says two lengths has one meaning here, and nothing after it another.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_length() {
    let (_doors, address) = listening(PATIENT, Vec::new()).await;
    let next = "POST / HTTP/1.1\r\nhost: x\r\n\r\n";
    let head = "POST / HTTP/1.1\r\nhost: x\r\n";
    for (request, status) in [
        (format!("{head}content-length: 4\r\ncontent-length: 5\r\n\r\nbody{next}"), "400"),
        (format!("{head}content-length: 4, 5\r\n\r\nbody{next}"), "400"),
        (format!("{head}content-length: +4\r\n\r\nbody{next}"), "400"),
        (format!("{head}transfer-encoding: gzip\r\n\r\nbody{next}"), "400"),
        (format!("{head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{next}"), "200"),
        (format!("{head}transfer-encoding: chunked\r\ncontent-length: 9\r\n\r\n0\r\n\r\n{next}"), "200"),
    ] {
        let answer = said(address, request.clone().leak()).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{request:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_one_host() {
    let (_doors, address) = listening(PATIENT, Vec::new()).await;
    for (head, status) in [
        ("POST / HTTP/1.1\r\nconnection: close\r\nhost: a\r\n\r\n", "200"),
        ("POST / HTTP/1.1\r\nconnection: close\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nconnection: close\r\nhost: a\r\nhost: b\r\n\r\n", "400"),
        ("POST / HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n", "400"),
        ("POST / HTTP/1.0\r\n\r\n", "200"),
        ("POST / HTTP/1.1\r\nconnection: close\r\nhost: a:80\r\n\r\n", "200"),
        ("POST / HTTP/1.1\r\nconnection: close\r\nhost: a b/<x>\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nconnection: close\r\nhost:\r\n\r\n", "400"),
        ("POST / HTTP/1.0\r\nhost: a@b\r\n\r\n", "400"),
    ] {
        let answer = said(address, head).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{head:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_answer() {
    let (_doors, address) = listening(PATIENT, Vec::new()).await;
    let twice =
        "GET /broken HTTP/1.1\r\nhost: a\r\n\r\nPOST / HTTP/1.1\r\nconnection: close\r\nhost: a\r\n\r\n";
    let answers = said(address, twice).await;
    assert!(answers.starts_with("HTTP/1.1 500 ") && answers.ends_with("\r\n\r\n0"), "{answers}");
}

/// What a proxy says of a connection counts once, and what its client adds to that counts for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_whose_connection_it_is() {
    let asked = "GET /who HTTP/1.1\r\nconnection: close\r\nhost: x\r\nx-forwarded-for: 6.6.6.6\r\n\r\n";
    let this_machine = || vec!["127.0.0.0/8".parse().unwrap()];
    let (_doors, address) = opened((Limits { head: SHORT, ..PATIENT }, this_machine(), true)).await;
    for (header, expect) in [
        ("PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\n", Some("192.0.2.7 false")),
        ("PROXY TCP6 2001:db8::7 ::1 12345 80\r\n", Some("2001:db8::7 false")),
        // Another trusted proxy behind the first: its headers count.
        ("PROXY TCP4 127.0.0.9 10.0.0.1 12345 80\r\n", Some("6.6.6.6 true")),
        ("PROXY UNKNOWN\r\n", Some("0.0.0.0 false")),
        ("", None),
        ("PROXY TCP4 192.0.2.7\r\n", None),
        ("PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\nPROXY TCP4 192.0.2.8 10.0.0.1 12345 80\r\n", None),
    ] {
        let answer = said(address, format!("{header}{asked}").leak()).await;
        match expect {
            Some(expect) => assert!(answer.ends_with(&format!("\r\n\r\n{expect}")), "{header}: {answer}"),
            None => assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{header}: {answer}"),
        }
    }
    assert_eq!(said(address, "PROXY TCP4 192.0").await, "", "half a header is not waited for");
    let (_doors, address) = opened((PATIENT, vec!["10.0.0.0/8".parse().unwrap()], true)).await;
    let sent = format!("PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\n{asked}").leak();
    assert_eq!(said(address, sent).await, "", "a stranger says nothing of anybody");
    let (_doors, address) = opened((PATIENT, this_machine(), false)).await;
    let answer = said(address, "PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "where it is not spoken it is no request: {answer}");
}

/// However many come by one proxy, each client has as many connections as it would have alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_behind_a_proxy_cannot_take_every_place() {
    let (_doors, address) = opened((FEW, vec!["127.0.0.0/8".parse().unwrap()], true)).await;
    let connect = |client: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("PROXY TCP4 {client} 10.0.0.1 1 2\r\n").as_bytes()).unwrap();
        stream
    };
    let mut held = Vec::new();
    for _ in 0..FEW.from_one {
        let (stream, answer) = self::asked(connect("192.0.2.7")).await;
        assert_eq!(answer, "HTTP/1.1 200");
        held.push(stream);
    }
    assert_eq!(self::asked(connect("192.0.2.7")).await.1, "", "it has enough");
    assert_eq!(self::asked(connect("192.0.2.8")).await.1, "HTTP/1.1 200");
}

/// The answer on this connection, or nothing where the server has hung up.
async fn asked(mut stream: TcpStream) -> (TcpStream, String) {
    tokio::task::spawn_blocking(move || {
        stream.set_read_timeout(Some(LONG)).unwrap();
        let _ = stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\n\r\n");
        let mut answer = [0; 12];
        let read = stream.read(&mut answer).unwrap_or_default();
        (stream, String::from_utf8_lossy(answer.get(..read).unwrap()).into_owned())
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_every_place() {
    let (_doors, address) = listening(FEW, Vec::new()).await;
    let connect = || TcpStream::connect(address).unwrap();
    let mut held = Vec::new();
    for _ in 0..FEW.from_one {
        let (stream, answer) = asked(connect()).await;
        assert_eq!(answer, "HTTP/1.1 200");
        held.push(stream);
    }
    assert_eq!(asked(connect()).await.1, "", "it has enough");
    drop(held);
    // The server notices the ends of connections one after another.
    while asked(connect()).await.1.is_empty() {}
    let trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let (_doors, address) = listening(FEW, trusted).await;
    let mut held = Vec::new();
    for _ in 0..2 * FEW.from_one {
        let (stream, answer) = asked(TcpStream::connect(address).unwrap()).await;
        assert_eq!(answer, "HTTP/1.1 200", "a proxy stands for many");
        held.push(stream);
    }
}

#[test]
fn a_household_is_one_peer() {
    let peers = Peers::default();
    let peer = |text: &str| text.parse::<IpAddr>().unwrap();
    let first = peers.seat(peer("2001:db8::1"), 1).unwrap();
    assert!(peers.seat(peer("2001:db8::2"), 1).is_none());
    assert!(peers.seat(peer("2001:db8:0:1::1"), 1).is_some());
    drop(first);
    assert!(peers.counts().is_empty(), "nothing is kept of who has gone");
}

#[tokio::test]
async fn the_socket_is_private_and_replaces_one_that_was_left_behind() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("admin.sock");
    for _ in 0..2 {
        let _listener = bind_private(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        UnixStream::connect(&path).unwrap();
        let names: Vec<_> = home.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["admin.sock"], "nothing else is left");
    }
}
