use std::sync::atomic::AtomicUsize;

use doorward_proto::jose::{Alg, SigningKey, Typ};
use tokio::sync::Notify;

use super::*;

/// Says nothing until it is told to, and then what it was given.
#[derive(Default)]
struct Slow {
    asked: AtomicUsize,
    speak: Notify,
    body: Mutex<Option<Vec<u8>>>,
}

impl Fetch for Slow {
    fn get<'a>(&'a self, _: &'a str, _: NamedBy, _: Duration) -> BoxFuture<'a, Result<Fetched, String>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            self.speak.notified().await;
            let body = self.body.lock().unwrap().clone().ok_or("it fell silent")?;
            Ok(Fetched { status: 200, max_age: None, body })
        })
    }
}

const NOW: Time = Time::from_seconds(1_800_000_000);

fn published(slow: &Arc<Slow>, timeout: Duration) -> Arc<Published> {
    let how = How {
        name: "test".to_owned(),
        format: Format::Jwks,
        access: Access::default(),
        ttl: Duration::from_secs(60),
        timeout,
    };
    Arc::new(Published::new(Place::Jwks("https://id.example/keys".to_owned()), how, Arc::clone(slow) as _))
}

fn key(slow: &Slow) -> String {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    *slow.body.lock().unwrap() = Some(serde_json::json!({ "keys": [key.jwk()] }).to_string().into_bytes());
    key.sign_jwt(Typ::AccessToken, b"{}").unwrap()
}

async fn found(published: &Arc<Published>, token: &str, now: Time) -> Result<(), Why> {
    Published::for_token(published, &Unverified::decode(token).unwrap(), now).await.map(drop)
}

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_mins(10);

#[tokio::test]
async fn an_issuer_that_says_nothing_holds_nobody_longer_than_its_time() {
    let slow = Arc::new(Slow::default());
    let (published, token) = (published(&slow, SHORT), key(&slow));
    // However long it may take, whoever comes meanwhile waits for the answer to the question that was asked.
    let comers = (0..50).map(|number| found(&published, &token, NOW + Duration::from_secs(number)));
    let ended = futures_util::future::join_all(comers).await;
    assert!(ended.iter().all(|it| *it == Err(Why::KeyUnavailable)));
    assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn keys_that_are_known_are_used_at_once_while_their_issuer_says_nothing() {
    let slow = Arc::new(Slow::default());
    let (published, token) = (published(&slow, SHORT), key(&slow));
    slow.speak.notify_one();
    assert_eq!(found(&published, &token, NOW).await, Ok(()));
    // The first one after a long time waits, as the key may have been withdrawn; those after it need not.
    let later = NOW + Duration::from_mins(10);
    assert_eq!(found(&published, &token, later).await, Ok(()));
    assert!(published.known().is_silent);
    for minutes in 11..20 {
        let later = NOW + Duration::from_mins(minutes);
        assert_eq!(found(&published, &token, later).now_or_never(), Some(Ok(())));
    }
    // Another key may be a new one.
    let other = SigningKey::generate(Alg::ES256).unwrap().sign_jwt(Typ::AccessToken, b"{}").unwrap();
    assert_eq!(found(&published, &other, NOW + Duration::from_mins(21)).await, Err(Why::KeyUnavailable));
    // What it says at last is heard.
    let at_last = NOW + Duration::from_mins(30);
    assert_eq!(found(&published, &token, at_last).now_or_never(), Some(Ok(())));
    let reading = published.refresh(at_last);
    slow.speak.notify_one();
    if let Some(reading) = reading {
        reading.await;
    }
    assert_eq!((published.known().is_silent, published.known().read_at), (false, at_last));
}

#[tokio::test]
async fn whoever_leaves_does_not_have_the_issuer_asked_again() {
    let slow = Arc::new(Slow::default());
    let (published, token) = (published(&slow, LONG), key(&slow));
    for _ in 0..20 {
        assert_eq!(found(&published, &token, NOW).now_or_never(), None);
        tokio::task::yield_now().await;
    }
    assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
    slow.speak.notify_one();
    assert_eq!(found(&published, &token, NOW).await, Ok(()));
    assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
}
