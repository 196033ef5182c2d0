use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
};

use serde::Deserialize;

use super::*;

/// `docs/attacks.md` shows it.
const CORPUS: &str = include_str!("../../../../vectors/attacks/ssrf.json");

#[derive(Deserialize)]
struct Corpus {
    urls: Vec<Case>,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Case {
    url: String,
    #[serde(default)]
    resolves_to: Vec<IpAddr>,
    client: String,
    operator: String,
}

#[derive(Deserialize)]
struct Answer {
    what: String,
    outcome: String,
}

fn corpus() -> Corpus {
    serde_json::from_str(CORPUS).unwrap()
}

/// What becomes of a URL, with what its name resolves to.
fn judged(case: &Case, reach: Reach) -> String {
    let judge = || {
        let url = url::Url::parse(&case.url).map_err(|error| error.to_string())?;
        check(&url, reach)?;
        let found: Vec<_> = case.resolves_to.iter().map(|address| SocketAddr::new(*address, 0)).collect();
        admit(url.host_str().unwrap(), &found, reach).map_err(|private| private.to_string())
    };
    judge().map_or_else(|why| format!("refused: {why}"), |()| "asked".to_owned())
}

#[test]
fn every_url_of_the_corpus_is_refused_or_asked_as_it_says() {
    for case in corpus().urls {
        assert_eq!(judged(&case, Reach::Public), case.client, "named by a client: {}", case.url);
        assert_eq!(judged(&case, Reach::Named), case.operator, "named by the operator: {}", case.url);
    }
}

#[tokio::test]
async fn a_name_for_this_machine_is_refused_by_the_resolver() {
    let outcome = fetcher(Reach::Public)(request("https://localhost:1/")).await;
    assert!(matches!(outcome, Err(FetchFailure::Refused(why)) if why.contains("localhost")));
}

fn request(url: &str) -> FetchRequest {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    FetchRequest { method: "GET", url: url::Url::parse(url).unwrap(), headers: vec![], body: vec![] }
}

/// Listens on a free port, and lets this one speak to whoever comes.
fn server(speak: impl Fn(TcpStream, &str) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let own = url.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            speak(stream, &own);
        }
    });
    url
}

/// Writes the same until nobody listens any more.
fn for_ever(mut stream: TcpStream, first: &str, then: &[u8]) {
    let _ = stream.write_all(first.as_bytes());
    while stream.write_all(then).is_ok() {}
}

/// One request to it, within this time; what came of it.
async fn outcome(url: &str, within: Duration) -> String {
    let client = builder(Reach::Anywhere, look_up).build().unwrap();
    match send(&client, request(url), Some(within)).await {
        Ok(answer) => format!("status {}", answer.status),
        Err(FetchFailure::NoAnswer(why)) if why.contains("longer than") => format!("no answer: {why}"),
        Err(FetchFailure::NoAnswer(why)) if why.contains("timed out") => "no answer, in time".to_owned(),
        Err(FetchFailure::NoAnswer(_)) => "no answer".to_owned(),
        Err(FetchFailure::Refused(why)) => format!("refused: {why}"),
    }
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

async fn redirected() -> String {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    nobody.set_nonblocking(true).unwrap();
    let target = nobody.local_addr().unwrap();
    let moved = format!("HTTP/1.1 302 Found\r\nlocation: http://{target}/\r\ncontent-length: 0\r\n\r\n");
    let url = server(move |mut stream, _| drop(stream.write_all(moved.as_bytes())));
    let status = outcome(&url, LONG).await;
    let came = nobody.accept().map_err(|error| error.kind());
    assert_eq!(came.err(), Some(ErrorKind::WouldBlock));
    format!("{status}, and nobody comes")
}

async fn redirected_for_ever() -> String {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let url = server(|mut stream, own| {
        ASKED.fetch_add(1, Ordering::SeqCst);
        let moved = format!("HTTP/1.1 302 Found\r\nlocation: {own}\r\ncontent-length: 0\r\n\r\n");
        let _ = stream.write_all(moved.as_bytes());
    });
    let status = outcome(&url, LONG).await;
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    format!("{status} after one request")
}

/// The name has this machine's address once, and another one whenever it is asked for again.
async fn rebound() -> String {
    static LOOKED_UP: AtomicUsize = AtomicUsize::new(0);
    let turns: LookUp = |_| {
        let last = if LOOKED_UP.fetch_add(1, Ordering::SeqCst) == 0 { 1 } else { 2 };
        Box::pin(std::future::ready(Ok(vec![SocketAddr::from(([127, 0, 0, last], 0))])))
    };
    let url = server(|mut stream, _| drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")));
    let url = url.replace("127.0.0.1", "turns.example");
    let answer = fetcher_by(Reach::Anywhere, turns)(request(&url)).await.unwrap();
    assert_eq!(LOOKED_UP.load(Ordering::SeqCst), 1);
    format!("status {} after one look-up", answer.status)
}

async fn turned_private() -> String {
    let private: LookUp = |_| Box::pin(std::future::ready(Ok(vec![SocketAddr::from(([10, 0, 0, 1], 0))])));
    match fetcher_by(Reach::Public, private)(request("https://turns.example/")).await {
        Err(FetchFailure::Refused(why)) => format!("refused: {why}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn every_answer_of_the_corpus_ends_as_it_says() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let ended: BTreeMap<&str, String> = BTreeMap::from([
        ("a redirect to this machine", redirected().await),
        ("a redirect to itself, for ever", redirected_for_ever().await),
        ("64 KiB and a byte", {
            let url = server(|mut stream, _| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 65537\r\n\r\n");
                let _ = stream.write_all(&vec![b'x'; 65_537]);
            });
            outcome(&url, LONG).await
        }),
        ("a body without an end", {
            let url = server(move |stream, _| for_ever(stream, chunked, b"8\r\nxxxxxxxx\r\n"));
            outcome(&url, LONG).await
        }),
        ("a head without an end", {
            let url = server(|stream, _| for_ever(stream, "HTTP/1.1 200 OK\r\n", b"x-more: of it\r\n"));
            outcome(&url, LONG).await
        }),
        ("no answer at all", {
            // Whoever connects waits in the queue of the listener.
            let silent = TcpListener::bind("127.0.0.1:0").unwrap();
            outcome(&format!("http://{}/", silent.local_addr().unwrap()), SHORT).await
        }),
        ("a byte now and then", {
            let url = server(move |mut stream, _| {
                let _ = stream.write_all(chunked.as_bytes());
                while stream.write_all(b"1\r\nx\r\n").is_ok() {
                    std::thread::park_timeout(Duration::from_millis(50));
                }
            });
            outcome(&url, SHORT).await
        }),
        ("another address at the second look-up", rebound().await),
        ("a private address at the second request", turned_private().await),
    ]);
    let expected = corpus().answers.into_iter().map(|answer| (answer.what, answer.outcome));
    let ended = ended.into_iter().map(|(what, outcome)| (what.to_owned(), outcome));
    assert_eq!(ended.collect::<BTreeMap<_, _>>(), expected.collect());
}
