//! A credential that ends, and the next one in time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use doorward_proto::time::Time;
use futures_util::future::BoxFuture;

use super::{CredentialSource, Outgoing, SourceError};
use crate::clock::Clock;

/// So long before its end another one is fetched, and never before half of its life is over.
const AHEAD: Duration = Duration::from_secs(60);
/// After which a fetch that failed is tried again, as long as there is one that lives.
const PAUSE: Duration = Duration::from_secs(10);

/// A credential that was fetched.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    pub(super) outgoing: Outgoing,
    /// How long it lives; unknown: until it is refused.
    pub(super) lives: Option<Duration>,
}

/// Fetches credentials.
pub(super) trait Mint: Send + Sync + 'static {
    /// A new one.
    fn mint(&self) -> BoxFuture<'_, Result<Fresh, SourceError>>;
}

/// Keeps what a mint has made for as long as it is good.
pub(super) struct Renewing<M>(Arc<Inner<M>>);

struct Inner<M> {
    mint: M,
    clock: Clock,
    state: Mutex<State>,
    /// Held by the one who fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    current: Option<Kept>,
    /// How often somebody has fetched, and how the last time ended.
    attempts: u64,
    last: Option<Result<Outgoing, SourceError>>,
}

#[derive(Clone)]
struct Kept {
    outgoing: Outgoing,
    renewed_from: Option<Time>,
    ends_at: Option<Time>,
}

impl<M: Mint> Renewing<M> {
    pub(super) fn new(mint: M, clock: Clock) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Inner { mint, clock, state, fetching: tokio::sync::Mutex::default() }))
    }

    /// Begins with one that was fetched before.
    pub(super) fn beginning_with(self, fresh: &Fresh) -> Self {
        let now = (self.0.clock)();
        self.0.state().current = Some(Kept::of(fresh, now));
        self
    }
}

impl Kept {
    fn of(fresh: &Fresh, now: Time) -> Self {
        Self {
            outgoing: fresh.outgoing.clone(),
            renewed_from: fresh.lives.map(|lives| now + lives.saturating_sub(AHEAD).max(lives / 2)),
            ends_at: fresh.lives.map(|lives| now + lives),
        }
    }

    fn is_young(&self, now: Time) -> bool {
        self.is_alive(now) && self.renewed_from.is_none_or(|from| now < from)
    }

    fn is_alive(&self, now: Time) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }
}

impl<M: Mint> Inner<M> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches, unless somebody has while this one waited: what they found is for all who waited.
    async fn fetch(&self, attempts: u64) -> Result<Outgoing, SourceError> {
        let _fetching = self.fetching.lock().await;
        {
            let state = self.state();
            if let Some(last) = state.last.as_ref().filter(|_| state.attempts != attempts) {
                return last.clone();
            }
        }
        let fetched = self.mint.mint().await;
        let now = (self.clock)();
        let mut state = self.state();
        state.attempts += 1;
        let outcome = match fetched {
            Ok(fresh) => {
                state.current = Some(Kept::of(&fresh, now));
                Ok(fresh.outgoing)
            }
            // One that still lives is better than none.
            Err(error) => match &mut state.current {
                Some(kept) if kept.is_alive(now) => {
                    // Nobody else waits for whoever does not answer, for a while.
                    kept.renewed_from = Some(now + PAUSE);
                    Ok(kept.outgoing.clone())
                }
                _ => Err(error),
            },
        };
        state.last = Some(outcome.clone());
        outcome
    }
}

impl<M: Mint> CredentialSource for Renewing<M> {
    fn credential(&self) -> BoxFuture<'_, Result<Outgoing, SourceError>> {
        Box::pin(async move {
            let now = (self.0.clock)();
            let attempts = {
                let state = self.0.state();
                if let Some(kept) = state.current.as_ref().filter(|kept| kept.is_young(now)) {
                    return Ok(kept.outgoing.clone());
                }
                state.attempts
            };
            // Goes on when whoever asked goes away: an answer that got lost may be one that comes once.
            let inner = Arc::clone(&self.0);
            let fetched = tokio::spawn(async move { inner.fetch(attempts).await }).await;
            fetched.unwrap_or_else(|error| Err(SourceError::NoAnswer(error.to_string())))
        })
    }

    fn refused(&self, credential: &Outgoing) -> bool {
        let mut state = self.0.state();
        if state.current.as_ref().is_some_and(|kept| kept.outgoing == *credential) {
            state.current = None;
        }
        true
    }
}
