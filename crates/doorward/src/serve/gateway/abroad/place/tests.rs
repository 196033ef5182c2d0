use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use doorward_sdk::fetch::Fetched;
use futures_util::FutureExt as _;
use serde_json::json;
use tokio::sync::Notify;

use super::*;

const ISSUER: &str = "https://id.example";

/// An issuer that says where it is asked, or nothing until it is let go.
#[derive(Default)]
struct Issuer {
    hangs: AtomicBool,
    asked: AtomicUsize,
    let_go: Notify,
}

impl Read for Issuer {
    fn get<'a>(&'a self, url: &'a str, _: NamedBy, _: Duration) -> BoxFuture<'a, Result<Fetched, String>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            if self.hangs.load(Ordering::Relaxed) {
                self.let_go.notified().await;
                return Err(format!("{url}: no answer"));
            }
            let document = json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/authorize"),
                "token_endpoint": format!("{ISSUER}/token"),
            });
            Ok(Fetched { status: 200, max_age: None, body: document.to_string().into_bytes() })
        })
    }
}

fn world() -> (Arc<Issuer>, Arc<Place>, Arc<AtomicI64>) {
    let (issuer, now) = (Arc::new(Issuer::default()), Arc::new(AtomicI64::new(1_900_000_000)));
    let clock = Arc::clone(&now);
    let clock: Clock = Arc::new(move || Time::from_seconds(clock.load(Ordering::Relaxed)));
    let place = Place::new(ISSUER, Arc::<Issuer>::clone(&issuer), clock);
    (issuer, place, now)
}

/// Lets whoever is asked go, until as many have been asked.
async fn let_go(issuer: &Issuer, asked: usize) {
    while issuer.asked.load(Ordering::Relaxed) < asked {
        tokio::task::yield_now().await;
    }
    issuer.let_go.notify_one();
}

#[tokio::test]
async fn nobody_waits_for_an_issuer_that_hangs_once_it_was_found() {
    let (issuer, place, now) = world();
    assert_eq!(place.find().await.unwrap().endpoints.token, format!("{ISSUER}/token"));
    issuer.hangs.store(true, Ordering::Relaxed);
    for minutes in [11, 22] {
        now.fetch_add(minutes * 60, Ordering::Relaxed);
        for _ in 0..3 {
            let found = place.find().now_or_never().expect("it is not waited for");
            assert_eq!(found.unwrap().endpoints.token, format!("{ISSUER}/token"));
        }
        // Once at the start, and once for each time that it was due.
        let_go(&issuer, if minutes == 11 { 2 } else { 3 }).await;
        while place.known().why.is_empty() || place.reading.try_lock().is_err() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 3);
    issuer.hangs.store(false, Ordering::Relaxed);
    now.fetch_add(60, Ordering::Relaxed);
    place.refresh().await;
    assert_eq!(place.known().why, "");
}

#[tokio::test]
async fn an_issuer_that_was_never_found_is_asked_by_one_and_seldom() {
    let (issuer, place, now) = world();
    issuer.hangs.store(true, Ordering::Relaxed);
    let finds = futures_util::future::join_all((0..20).map(|_| place.find()));
    let (all, ()) = tokio::join!(finds, let_go(&issuer, 1));
    assert!(all.iter().all(Result::is_err));
    assert!(place.find().await.is_err());
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1, "the others have its answer");
    issuer.hangs.store(false, Ordering::Relaxed);
    now.fetch_add(6, Ordering::Relaxed);
    assert!(place.find().await.is_ok());
}
