#[cfg(feature = "hyper")]
mod local;

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use doorward_proto::{jose::encode_base64url, time::Time};
use http::{Request, Response, StatusCode};

use super::*;
use crate::{
    clock::Clock,
    exchange::{Http, NoAnswer},
};

/// Answers as it was told to, and writes down what it was asked. Answers are given in turn, the last one for
/// ever; each comes only when somebody else has had a turn.
#[derive(Default)]
pub(super) struct Recorded {
    answers: Mutex<Vec<Result<Response<Vec<u8>>, NoAnswer>>>,
    pub(super) asked: Mutex<Vec<Request<Vec<u8>>>>,
}

impl Recorded {
    pub(super) fn new(answers: Vec<Result<Response<Vec<u8>>, NoAnswer>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers), asked: Mutex::default() })
    }

    pub(super) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The body of one request.
    pub(super) fn body(&self, place: usize) -> String {
        String::from_utf8(self.asked.lock().unwrap()[place].body().clone()).unwrap()
    }

    /// A header of one request.
    pub(super) fn header(&self, place: usize, name: &str) -> String {
        let asked = self.asked.lock().unwrap();
        asked[place].headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    }
}

impl Http for Recorded {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(request);
            tokio::task::yield_now().await;
            let mut answers = self.answers.lock().unwrap();
            let answer = match &answers[0] {
                Ok(answer) => Ok(answer.clone()),
                Err(error) => Err(error.clone()),
            };
            if answers.len() > 1 {
                drop(answers.remove(0));
            }
            answer
        })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands among those that are none")]
pub(super) fn says(status: u16, body: &serde_json::Value) -> Result<Response<Vec<u8>>, NoAnswer> {
    Ok(Response::builder().status(status).body(body.to_string().into_bytes()).unwrap())
}

pub(super) fn silent() -> Result<Response<Vec<u8>>, NoAnswer> {
    Err(NoAnswer("nobody is there".to_owned()))
}

/// A clock that is moved by hand.
pub(super) fn clock() -> (Arc<AtomicI64>, Clock) {
    let seconds = Arc::new(AtomicI64::new(1_000_000));
    let told = Arc::clone(&seconds);
    (seconds, Arc::new(move || Time::from_seconds(told.load(Ordering::Relaxed))))
}

pub(super) async fn value(source: &impl CredentialSource) -> String {
    source.credential().await.unwrap().value.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_was_written_down_is_sent() {
    assert_eq!(value(&Basic::new("ada", "pw:x")).await, "Basic YWRhOnB3Ong=");
    assert_eq!(value(&Token::new("dw_st_1")).await, "Bearer dw_st_1");
    let named = Token::new("t").in_header(HeaderName::from_static("x-chroma-token"));
    let outgoing = named.credential().await.unwrap();
    assert_eq!((outgoing.name.as_str(), outgoing.value.to_str().unwrap()), ("x-chroma-token", "t"));
    assert!(Basic::new("a:b", "c").credential().await.is_err());
    assert!(Token::new("a\nb").credential().await.is_err());
    let printed = format!("{outgoing:?} {:?} {:?}", Token::new("secret"), Basic::new("a", "secret"));
    assert!(!printed.contains("secret") && outgoing.value.is_sensitive(), "{printed}");
}

#[tokio::test]
async fn a_file_is_read_again_when_it_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let source = File::new(&path);
    assert!(matches!(source.credential().await, Err(SourceError::Unusable(_))));
    fs::write(&path, "first\n").unwrap();
    assert_eq!(value(&source).await, "Bearer first");
    // As a kubelet does: another file under the same name.
    let next = folder.path().join("next");
    fs::write(&next, "other").unwrap();
    fs::rename(&next, &path).unwrap();
    assert_eq!(value(&source).await, "Bearer other");
    let old = Outgoing::authorization("Bearer", "first").unwrap();
    assert!(source.refused(&old));
    assert!(!source.refused(&source.credential().await.unwrap()), "asking again helps nothing");
    for wrong in ["", " \n", "two words"] {
        fs::write(&path, wrong).unwrap();
        assert!(matches!(source.credential().await, Err(SourceError::Unusable(_))), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_machine_of_google_has_an_identity() {
    let (seconds, clock) = clock();
    let token = |name: &str, exp: i64| {
        let part = |json: serde_json::Value| encode_base64url(json.to_string().as_bytes());
        let header = part(serde_json::json!({ "alg": "RS256", "kid": name }));
        format!("{header}.{}.c2ln", part(serde_json::json!({ "exp": exp })))
    };
    let answers = |text: String, flavor: &str| {
        Ok(Response::builder().header("metadata-flavor", flavor).body(text.into_bytes()).unwrap())
    };
    let (first, second) = (token("a", 1_003_600), token("b", 1_007_200));
    let http = Recorded::new(vec![
        answers(first.clone(), "Google"),
        answers(second.clone(), "Google"),
        answers("nonsense".to_owned(), "Google"),
    ]);
    let source =
        GcpMetadata::at("http://metadata.test", "https://own.example/a b", (http.clone(), clock.clone()));
    assert_eq!(value(&source).await, format!("Bearer {first}"));
    assert_eq!(value(&source).await, format!("Bearer {first}"));
    assert_eq!((http.count(), http.header(0, "metadata-flavor").as_str()), (1, "Google"));
    let asked = http.asked.lock().unwrap()[0].uri().to_string();
    assert!(asked.ends_with("/identity?audience=https%3A%2F%2Fown.example%2Fa%20b&format=full"), "{asked}");
    seconds.fetch_add(3_541, Ordering::Relaxed);
    assert_eq!(value(&source).await, format!("Bearer {second}"));
    seconds.fetch_add(3_700, Ordering::Relaxed);
    assert!(matches!(source.credential().await, Err(SourceError::Unusable(_))));

    let posing = Recorded::new(vec![answers(first, "Gooogle")]);
    let source = GcpMetadata::at("http://metadata.test", "a", (posing, clock));
    assert!(matches!(source.credential().await, Err(SourceError::NoAnswer(_))));
}

/// Gives another token each time it is asked anew.
struct Numbered(Mutex<u32>);

impl CredentialSource for Numbered {
    fn credential(&self) -> BoxFuture<'_, Result<Outgoing, SourceError>> {
        Box::pin(async { Outgoing::authorization("Bearer", &self.0.lock().unwrap().to_string()) })
    }

    fn refused(&self, _: &Outgoing) -> bool {
        *self.0.lock().unwrap() += 1;
        true
    }
}

#[tokio::test]
async fn who_is_refused_asks_once_anew() {
    let no = || says(401, &serde_json::Value::Null);
    let yes = || says(200, &serde_json::Value::Null);
    let request = |url: &str| Request::post(url).body(b"x".to_vec()).unwrap();
    for (answers, status, sent) in [(vec![yes()], 200, 1), (vec![no(), yes()], 200, 2), (vec![no()], 401, 2)]
    {
        let http = Recorded::new(answers);
        let api = Authorized::new(http.clone(), Numbered(Mutex::new(1)), "https://api.example").unwrap();
        let answer = api.send(request("https://API.example:443/a")).await.unwrap();
        assert_eq!((answer.status().as_u16(), http.count()), (status, sent));
        assert!(
            (0..sent).all(|place| http.header(place, "authorization") == format!("Bearer {}", place + 1))
        );
        assert!((0..sent).all(|place| http.body(place) == "x"));
    }
    let http = Recorded::new(vec![no()]);
    let fixed = Authorized::new(http.clone(), Token::new("t"), "https://api.example").unwrap();
    assert_eq!(fixed.send(request("https://api.example/")).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(http.count(), 1, "a fixed token becomes no better");
    for elsewhere in ["https://evil.example/", "http://api.example/", "https://api.example:8443/", "/"] {
        assert!(fixed.send(request(elsewhere)).await.is_err(), "{elsewhere}");
    }
    assert_eq!(http.count(), 1);
    assert!(Authorized::new(http, Token::new("t"), "api.example").is_err());
}

#[cfg(feature = "hyper")]
#[tokio::test]
async fn the_shipped_client_speaks_http_and_gives_up() {
    use axum::{Router, response::Redirect, routing::get};

    let routes = Router::new()
        .route(
            "/echo",
            axum::routing::post(async |headers: http::HeaderMap, body: String| {
                format!("{body} {:?}", headers["authorization"])
            }),
        )
        .route("/moved", get(async || Redirect::temporary("/echo")))
        .route("/long", get(async || "x".repeat(3_000)))
        .route("/never", get(async || std::future::pending::<String>().await));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
    let http = Arc::new(crate::exchange::Hyper::new().unwrap().at_most(1_000));
    let api = Authorized::new(http.clone(), Token::new("t"), &server).unwrap();
    let ask = |path: &str| Request::get(format!("{server}{path}")).body(Vec::new()).unwrap();
    let echo = Request::post(format!("{server}/echo")).body(b"hello".to_vec()).unwrap();
    assert_eq!(api.send(echo).await.unwrap().body(), b"hello \"Bearer t\"");
    assert_eq!(http.send(ask("/moved")).await.unwrap().status(), StatusCode::TEMPORARY_REDIRECT);
    assert!(http.send(ask("/long")).await.is_err());
    let hasty = crate::exchange::Hyper::new().unwrap().within(Duration::from_millis(50));
    assert!(hasty.send(ask("/never")).await.unwrap_err().0.contains("in time"));
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
}
