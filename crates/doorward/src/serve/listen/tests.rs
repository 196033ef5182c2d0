//! Clients that take their time, on a real listener.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use axum::{Router, routing::post};
use bytes::Bytes;
use doorward_core::env::{Env, no_fetch};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::serve::connection::Patience;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(300);

async fn listening(patience: Patience) -> (Doors, SocketAddr) {
    let router = Router::new().route("/", post(|body: Bytes| async move { body.len().to_string() }));
    let stop = CancellationToken::new();
    let shared = Shared { router, env: Env::system(no_fetch()), trusted: Vec::new(), stop, patience };
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
    let (_doors, address) = listening(Patience { head: LONG, body: SHORT }).await;
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
    let (_doors, address) = listening(Patience { head: SHORT, body: LONG }).await;
    for begun in ["", "PRI * HTTP/2.0\r\n", "POST / HT", "POST / HTTP/1.1\r\nhost: x\r\nx-slow: 1\r\n"] {
        let answer = said(address, begun).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{begun:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_one_host() {
    let (_doors, address) = listening(Patience { head: LONG, body: LONG }).await;
    for (head, status) in [
        ("POST / HTTP/1.1\r\nconnection: close\r\nhost: a\r\n\r\n", "200"),
        ("POST / HTTP/1.1\r\nconnection: close\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nconnection: close\r\nhost: a\r\nhost: b\r\n\r\n", "400"),
        ("POST / HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n", "400"),
        ("POST / HTTP/1.0\r\n\r\n", "200"),
    ] {
        let answer = said(address, head).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{head:?}: {answer}");
    }
}
