//! What no client library would send, to the real program: it answers or hangs up, and stays up. What takes
//! time to give up is in `serve/listen/tests.rs`, with shorter times.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
};

use crate::support::{Server, read_answer};

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// What came back until the server hung up, after the client had said all it would.
fn said(server: &Server, request: &str) -> String {
    let mut stream = server.connect();
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer);
    assert!(
        !end.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
        "{request:?}: it goes on"
    );
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn half_a_request_and_one_of_two_minds_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let head = format!("POST /oauth2/token HTTP/1.1\r\nhost: localhost\r\n{FORM}");
    let next = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for request in [
        "GET /heal".to_owned(),
        "GET /healthz HTTP/1.1\r\nhost: loc".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnothing that is a frame".to_owned(),
        "GET /healthz HTTP/9.9\r\nhost: localhost\r\n\r\n".to_owned(),
        format!("{head}content-length: 100\r\n\r\ngrant_type=client_credentials"),
        format!("{head}transfer-encoding: chunked\r\n\r\n1d\r\ngrant_type"),
        format!("{head}content-length: 10\r\ncontent-length: 29\r\n\r\ngrant_type=client_credentials{next}"),
        format!("{head}content-length: -1\r\n\r\n{next}"),
        format!("{head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{next}"),
        format!("{head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{next}"),
    ] {
        let answer = said(&server, &request);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(
            answer.is_empty() || !answer.starts_with("HTTP/1.1") || status.starts_with('4'),
            "{request:?}: {answer}"
        );
        assert!(
            answer.matches("HTTP/1.1 ").count() <= 1,
            "what follows is not answered: {request:?}: {answer}"
        );
        assert_eq!(server.get("/healthz").status, 200, "after {request:?}");
    }
}

#[test]
fn answers_that_nobody_reads_keep_nobody_else_waiting() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let document = server.get("/api/openapi.json");
    assert_eq!(document.status, 200);
    let held: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = server.connect();
            let asked = "GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(40);
            let _ = stream.write_all(asked.as_bytes());
            stream
        })
        .collect();
    assert_eq!(server.get("/readyz").status, 200);
    let mut patient = held.into_iter().next().unwrap();
    patient.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_answer(&mut patient).status, 200, "who reads after all gets the answers");
}
