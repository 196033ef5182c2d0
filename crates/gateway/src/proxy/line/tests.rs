//! A connection and the application at its other end, byte by byte.

use std::sync::atomic::AtomicUsize;

use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

struct World {
    listener: TcpListener,
    lines: Arc<Lines>,
    opened: AtomicUsize,
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, lines: Arc::default(), opened: AtomicUsize::new(0) }
    }

    async fn send(&self, method: &str, body: Body, is_sent: bool) -> Result<Response<Body>, NoAnswer> {
        let address = self.listener.local_addr().unwrap();
        let connect = || -> BoxFuture<'static, io::Result<Io>> {
            self.opened.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move { TcpStream::connect(address).await.map(TokioIo::new) })
        };
        let request = Request::builder().method(method).uri("/").header("host", "app").body(body).unwrap();
        self.lines.send(request, connect, || is_sent).await
    }

    async fn get(&self) -> Result<Response<Body>, NoAnswer> {
        self.send("GET", Body::empty(), true).await
    }

    /// The application's side of the next connection.
    async fn accept(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }
}

/// Reads up to the end of a head.
async fn head(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(seen).unwrap()
}

async fn text(answer: Response<Body>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    let world = World::new().await;
    let application = async {
        let mut stream = world.accept().await;
        for answer in [
            OK,
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            OK,
        ] {
            assert!(head(&mut stream).await.starts_with("GET / HTTP/1.1\r\nhost: app\r\n"));
            // A part at a time.
            for byte in answer.as_bytes() {
                stream.write_u8(*byte).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    };
    let client = async {
        for expect in ["ok", "", "ok", "ok"] {
            assert_eq!(text(world.get().await.unwrap()).await, expect);
        }
    };
    tokio::join!(application, client);
    assert_eq!(world.opened.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_takes_no_request() {
    let world = World::new().await;
    for _ in 0..3 {
        let closed = tokio::sync::Notify::new();
        let application = async {
            let mut stream = world.accept().await;
            head(&mut stream).await;
            stream.write_all(OK.as_bytes()).await.unwrap();
            // An application that says nothing of it, and hangs up.
            stream.shutdown().await.unwrap();
            closed.notify_one();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"x");
        };
        let client = async {
            let answer = world.send("POST", Body::from("x"), true).await.unwrap();
            closed.notified().await;
            assert_eq!(text(answer).await, "ok");
        };
        tokio::join!(application, client);
    }
    assert_eq!(world.opened.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn an_answer_that_begins_before_the_question_ends_waits_for_no_reader() {
    let world = World::new().await;
    let (more, parts) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let parts = stream::unfold(parts, |mut parts| async move {
        parts.recv().await.map(|part| (Ok::<_, io::Error>(part), parts))
    });
    let application = async {
        let mut stream = world.accept().await;
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        let mut heard = String::new();
        while !heard.ends_with("0\r\n\r\n") {
            heard.push(char::from(stream.read_u8().await.unwrap()));
        }
        stream.write_all(b"2\r\nok\r\n0\r\n\r\n").await.unwrap();
        heard
    };
    let client = async {
        let answer = world.send("POST", Body::from_stream(parts), false).await.unwrap();
        // Nobody reads the answer, and what is asked goes on all the same.
        for part in ["one", "two"] {
            more.send(Bytes::from_static(part.as_bytes())).unwrap();
        }
        drop(more);
        answer
    };
    let (heard, answer) = tokio::join!(application, client);
    assert_eq!(heard, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(text(answer).await, "ok");
}

#[tokio::test]
async fn an_answer_that_nobody_wants_any_more_takes_its_connection_along() {
    let world = World::new().await;
    let application = async {
        let mut stream = world.accept().await;
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "it is closed");
    };
    let client = async {
        let mut answer = world.get().await.unwrap().into_body().into_data_stream();
        assert_eq!(answer.next().await.unwrap().unwrap(), "half");
    };
    tokio::join!(application, client);
    assert!(world.lines.kept().is_empty());
}

#[tokio::test]
async fn what_breaks_off_is_an_error_and_never_an_end() {
    let world = World::new().await;
    let application = async {
        let mut stream = world.accept().await;
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
        drop(stream);
        let mut stream = world.accept().await;
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 O").await.unwrap();
    };
    let client = async {
        assert!(world.get().await.unwrap().into_body().collect().await.is_err());
        assert!(matches!(world.get().await, Err(NoAnswer::Broken(_))));
    };
    tokio::join!(application, client);
}

#[tokio::test]
async fn what_is_not_used_is_closed() {
    let world = World::new().await;
    let application = async {
        let mut stream = world.accept().await;
        head(&mut stream).await;
        stream.write_all(OK.as_bytes()).await.unwrap();
        stream
    };
    let client = async { text(world.get().await.unwrap()).await };
    let (mut stream, _) = tokio::join!(application, client);
    assert!(world.lines.close_idle(), "it was used a moment ago");
    assert!(!world.lines.close_idle());
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "it is closed");
}
