//! The outside world: clock, randomness and outbound HTTP enter here, once.
//!
//! [`Env::system`] is the real one. Under [`Env::fixed`] time stands still until a test moves it and
//! every random value follows from the seed, so ids, codes and keys are reproducible.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicI64, atomic::Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use doorward_proto::{
    id::{Id, Kind},
    secret::{self, Opaque},
    time::Time,
};
use futures_util::future::BoxFuture;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

use crate::outcome::{Error, Result};

/// Clock, randomness and outbound HTTP of one process. Cheap to clone.
#[derive(Clone)]
pub struct Env(Arc<Inner>);

struct Inner {
    clock: Clock,
    random: Random,
    fetch: Fetch,
    resolve: OnceLock<Resolve>,
    started: Instant,
}

enum Clock {
    System,
    Fixed(AtomicI64),
}

enum Random {
    System,
    Seeded(Mutex<Box<ChaCha20Rng>>),
}

thread_local! {
    static STREAM: RefCell<Option<ChaCha20Rng>> = const { RefCell::new(None) };
}

/// An outbound HTTP request.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Where to; the fetcher refuses private addresses unless set otherwise.
    pub url: url::Url,
    /// Header names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for GET.
    pub body: Vec<u8>,
}

/// The answer to a [`FetchRequest`]; bodies are capped (64 KiB unless the fetcher says otherwise).
#[derive(Debug, Clone)]
pub struct FetchResponse {
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Outbound HTTP: the binary supplies the real one, tests recorded answers. No redirects are followed,
/// a call takes 5 s at most.
pub type Fetch = Arc<
    dyn Fn(FetchRequest) -> BoxFuture<'static, std::result::Result<FetchResponse, FetchFailure>>
        + Send
        + Sync,
>;

/// Why an outbound request got no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchFailure {
    /// The address may not be reached from here.
    #[error("address refused: {0}")]
    Refused(String),
    /// No answer: connection, time-out, or a body over the cap.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// Asks the DNS for the TXT records of a name; the binary supplies the real one.
pub type Resolve =
    Arc<dyn Fn(String) -> BoxFuture<'static, std::result::Result<Vec<String>, ResolveFailure>> + Send + Sync>;

/// Why the DNS gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the DNS does not answer: {0}")]
pub struct ResolveFailure(pub String);

impl Env {
    /// The real clock and the operating system's randomness.
    #[expect(clippy::disallowed_methods, reason = "the one place where the process clock is read")]
    pub fn system(fetch: Fetch) -> Self {
        Self::new(Clock::System, Random::System, fetch, Instant::now())
    }

    /// A clock that stands at `now` until [`Env::advance`], randomness from `seed`.
    #[expect(clippy::disallowed_methods, reason = "the one place where the process clock is read")]
    pub fn fixed(now: Time, seed: u64, fetch: Fetch) -> Self {
        let random = Random::Seeded(Mutex::new(Box::new(ChaCha20Rng::seed_from_u64(seed))));
        let clock = Clock::Fixed(AtomicI64::new(now.as_micros()));
        Self::new(clock, random, fetch, Instant::now())
    }

    fn new(clock: Clock, random: Random, fetch: Fetch, started: Instant) -> Self {
        Self(Arc::new(Inner { clock, random, fetch, resolve: OnceLock::new(), started }))
    }

    /// The same, with somebody to ask what domains say of themselves. Only the first counts.
    #[must_use]
    pub fn resolving_by(self, resolve: Resolve) -> Self {
        drop(self.0.resolve.set(resolve));
        self
    }

    /// The TXT records of a name in the DNS.
    ///
    /// # Errors
    /// `ResolveFailure` where nobody answers; a name without any is an empty list.
    pub async fn txt(&self, name: &str) -> std::result::Result<Vec<String>, ResolveFailure> {
        match self.0.resolve.get() {
            Some(resolve) => resolve(name.to_owned()).await,
            None => Err(ResolveFailure("there is no resolver".to_owned())),
        }
    }

    /// The present instant. A request reads it once, into its call.
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    pub fn now(&self) -> Time {
        match &self.0.clock {
            Clock::Fixed(micros) => Time::from_micros(micros.load(Ordering::Acquire)),
            Clock::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
        }
    }

    /// Moves a fixed clock; does nothing to the real one.
    pub fn advance(&self, by: Duration) {
        if let Clock::Fixed(micros) = &self.0.clock {
            micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::AcqRel);
        }
    }

    /// Time since the process began: for measuring durations only.
    #[expect(clippy::disallowed_methods, reason = "durations are measured on the monotonic clock")]
    pub fn monotonic(&self) -> Duration {
        Instant::now().duration_since(self.0.started)
    }

    /// Waits, so that an answer's time does not tell what was found. A fixed clock does not wait.
    #[expect(clippy::disallowed_methods, reason = "the one wait inside a request")]
    pub async fn pause(&self, length: Duration) {
        if matches!(self.0.clock, Clock::System) {
            tokio::time::sleep(length).await;
        }
    }

    /// `N` random bytes.
    ///
    /// # Errors
    /// A fault when the operating system has no randomness to give.
    #[expect(clippy::disallowed_methods, reason = "the one door for randomness")]
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0_u8; N];
        match &self.0.random {
            Random::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
            Random::System => aws_lc_rs::rand::fill(&mut bytes)
                .map_err(|_| Error::fault("the operating system gave no randomness"))?,
        }
        Ok(bytes)
    }

    /// `N` bytes that nobody else draws, for what has to be unique but is no secret: ids, references.
    /// Each thread draws from a stream of its own that was started with [`Env::bytes`].
    ///
    /// # Errors
    /// A fault when the operating system has no randomness to give.
    pub fn unique<const N: usize>(&self) -> Result<[u8; N]> {
        if let Random::Seeded(_) = &self.0.random {
            return self.bytes();
        }
        STREAM.with_borrow_mut(|stream| {
            let stream = match stream {
                Some(stream) => stream,
                None => stream.insert(ChaCha20Rng::from_seed(self.bytes()?)),
            };
            let mut bytes = [0_u8; N];
            stream.fill_bytes(&mut bytes);
            Ok(bytes)
        })
    }

    /// A new id, made now.
    pub fn id<K: Kind>(&self, now: Time) -> Result<Id<K>> {
        Ok(Id::new(now, self.unique()?))
    }

    /// A new secret.
    pub fn secret(&self, kind: secret::Kind) -> Result<Opaque> {
        Ok(Opaque::new(kind, &self.bytes()?))
    }

    /// Sends an outbound HTTP request.
    pub async fn fetch(&self, request: FetchRequest) -> std::result::Result<FetchResponse, FetchFailure> {
        (self.0.fetch)(request).await
    }
}

/// A fetcher for places that never reach out: refuses every request.
pub fn no_fetch() -> Fetch {
    Arc::new(|request| {
        Box::pin(
            async move { Err(FetchFailure::Refused(format!("{} is not reachable from here", request.url))) },
        )
    })
}
