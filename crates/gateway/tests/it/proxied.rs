//! What becomes of a request after it was let through, on the way to an application that misbehaves.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::{Body, Bytes};
use doorward_gateway::{Decided, Gateway, Origin, RouteSpec, Settings};
use doorward_judge::{CredentialKind, Identity, Mode, Principal, Why};
use doorward_sdk::server::{
    Chain, Credential, Provider, Recognition, Seen,
    limits::{FailureLimits, Limiter, MemoryLimits},
};
use futures_util::{future::BoxFuture, stream};
use http::{Request, Response};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

/// Knows Ada, until she is gone.
#[derive(Default)]
struct Ada {
    is_gone: AtomicBool,
}

impl Provider for Ada {
    fn name(&self) -> &'static str {
        "ada"
    }

    fn recognise<'a>(&'a self, _: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            if self.is_gone.load(Ordering::SeqCst) {
                return Err(Why::TokenRevoked.into());
            }
            let identity = Identity { subject: "usr_ada".to_owned(), ..Identity::default() };
            Ok(Some(Principal::new(identity, CredentialKind::StaticToken)))
        })
    }

    fn state(&self) -> i64 {
        self.is_gone.load(Ordering::SeqCst).into()
    }
}

/// A gateway before an application that does this with each connection, and who is known there.
async fn world<F: Future<Output = ()> + Send + 'static>(
    application: impl Fn(TcpStream) -> F + Send + 'static,
) -> (Gateway, Arc<Ada>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(application(connection));
        }
    });
    let routes: Vec<RouteSpec> = serde_json::from_value(json!([
        { "name": "app", "hosts": ["app.example"], "upstream": upstream },
        { "name": "hasty", "hosts": ["hasty.example"], "upstream": upstream, "timeout": 1 },
        { "name": "small", "hosts": ["small.example"], "upstream": upstream, "max_body": 4 },
        { "name": "gone", "hosts": ["gone.example"], "upstream": "http://127.0.0.1:1" },
    ]))
    .unwrap();
    let ada = Arc::<Ada>::default();
    let failures = FailureLimits { address: 20, identity: 8, interval: PATIENCE };
    let gateway = Gateway::new(Settings {
        routes,
        mode: Mode::Required,
        audiences: Vec::new(),
        issuer: "https://issuer.example".to_owned(),
        is_alone: true,
        chain: Chain::new(vec![Arc::<Ada>::clone(&ada)]),
        limiter: Arc::new(Limiter::new(Arc::new(MemoryLimits::default()), failures)),
        proofs: None,
        sign_in: None,
        signer: None,
        witness: None,
        meter: None,
        tickets: None,
        clock: doorward_sdk::clock::system(),
        stop: CancellationToken::new(),
    });
    (gateway.unwrap(), ada)
}

async fn ask(gateway: &Gateway, host: &str, body: Body) -> Response<Body> {
    let request = Request::post("/x").header("host", host).header("authorization", "Bearer ada");
    let origin = Origin {
        address: IpAddr::from([192, 0, 2, 7]),
        is_trusted: false,
        is_https: true,
        certificate: None,
        request_id: "ref".to_owned(),
        hold: None,
        decided: Decided::default(),
    };
    let answer = gateway.answer(request.body(body).unwrap(), origin);
    tokio::time::timeout(PATIENCE, answer).await.expect("an answer")
}

/// The status, and what the access line says.
fn told(answer: &Response<Body>) -> (u16, &'static str) {
    let decision = answer.extensions().get::<Decided>().unwrap().get().unwrap();
    assert_eq!(decision.subject.as_deref(), Some("usr_ada"));
    (answer.status().as_u16(), decision.code())
}

/// Reads until the other end has gone.
async fn drain(mut connection: TcpStream) {
    let mut buffer = [0; 4_096];
    while connection.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}

/// A body without an end, and what it is sent by.
fn endless() -> (mpsc::Sender<Result<Bytes, std::io::Error>>, Body) {
    let (sender, parts) = mpsc::channel(1);
    let parts = stream::unfold(parts, |mut parts| async { Some((parts.recv().await?, parts)) });
    (sender, Body::from_stream(parts))
}

#[tokio::test]
async fn what_goes_no_further_is_not_told_as_allowed() {
    let met = Arc::<AtomicUsize>::default();
    let meets = Arc::clone(&met);
    let (gateway, ada) = world(move |connection| {
        meets.fetch_add(1, Ordering::SeqCst);
        drain(connection)
    })
    .await;
    for (host, body, expect) in [
        ("small.example", Body::from("12345"), (413, Why::RequestTooLarge)),
        ("gone.example", Body::empty(), (502, Why::UpstreamUnreachable)),
        ("hasty.example", Body::empty(), (504, Why::UpstreamTimeout)),
    ] {
        let (status, why) = expect;
        assert_eq!(told(&ask(&gateway, host, body).await), (status, why.code()), "{host}");
    }
    // It ends while she waits for the answer.
    let before = met.load(Ordering::SeqCst);
    let ends = async {
        while met.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
        ada.is_gone.store(true, Ordering::SeqCst);
    };
    let (_sender, body) = endless();
    let (answer, ()) = tokio::join!(ask(&gateway, "app.example", body), ends);
    assert_eq!(told(&answer), (401, Why::InvalidToken.code()));
}

#[tokio::test]
async fn what_is_answered_is_told_as_allowed() {
    let (gateway, _) = world(|mut connection| async move {
        let _ = connection.write_all(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n").await;
        drain(connection).await;
    })
    .await;
    assert_eq!(told(&ask(&gateway, "app.example", Body::empty()).await), (500, "allowed"));
}

/// An application may answer before it has read everything, and read on.
#[tokio::test]
async fn an_upload_ends_with_its_credential_also_after_its_answer() {
    let (gateway, ada) = world(|mut connection| async move {
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        drain(connection).await;
    })
    .await;
    let (sender, body) = endless();
    assert_eq!(told(&ask(&gateway, "app.example", body).await), (200, "allowed"));
    let part = || Ok(Bytes::from_static(b"part"));
    for _ in 0..100 {
        sender.send(part()).await.expect("it goes on");
    }
    ada.is_gone.store(true, Ordering::SeqCst);
    let over = async { while sender.send(part()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, over).await.expect("it is broken off");
}
