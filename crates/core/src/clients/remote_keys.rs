//! Public keys that a client publishes itself, at its `jwks_uri` (RFC 7591 2), for `private_key_jwt`.
//!
//! They are fetched by `Env::fetch`, which guards against requests into our own network, and remembered:
//! for as long as the answer says, within bounds; read again at once when a token names a key that is not
//! among them, as after a rotation. Whoever sends assertions decides when we fetch, so one address is asked
//! once a minute at the most, whatever it answers: who comes meanwhile waits for that answer, which is read to its
//! end when who made us ask has gone. A place that does not answer costs nobody the keys that are known, for a day.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use doorward_proto::{
    jose::{Jwks, KeySet, Unverified},
    time::Time,
};
use url::Url;

use crate::{
    call::Call,
    env::{FetchRequest, FetchResponse},
    outcome::{Code, Refusal, Result},
};

const SHORTEST: Duration = Duration::from_mins(5);
const USUAL: Duration = Duration::from_hours(1);
const LONGEST: Duration = Duration::from_hours(24);
/// How long keys are good beyond their time while their place does not answer.
const STALE: Duration = Duration::from_hours(24);
/// The pause between two requests to one place.
const PAUSE: Duration = Duration::from_mins(1);
/// What is remembered does not depend on the database.
const ALWAYS: i64 = 0;

/// What is known of one address.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    keys: Option<Arc<KeySet>>,
    fresh_until: Time,
    asked_at: Time,
}

/// Held by who asks an address.
type Turn = tokio::sync::Mutex<()>;

/// The addresses that are being asked.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Weak<Turn>>>);

impl Turns {
    fn of(&self, uri: &str) -> Arc<Turn> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(uri).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::<Turn>::default();
        turns.insert(uri.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

/// The keys at this address, for this token.
///
/// # Errors
/// `ClientAuthentication` when none are to be had.
pub(super) async fn keys(call: &Call, uri: &str, token: &Unverified<'_>) -> Result<Arc<KeySet>> {
    if let Some(known) = known(call, uri, token) {
        return usable(call, &known);
    }
    let turn = call.realm.caches.turns.of(uri).lock_owned().await;
    // Whoever had the turn before may have got what is needed.
    if let Some(known) = known(call, uri, token) {
        return usable(call, &known);
    }
    let (own, uri) = (call.clone(), uri.to_owned());
    let read = tokio::spawn(async move {
        let read = read(&own, &uri).await;
        drop(turn);
        read
    });
    usable(call, &read.await?)
}

/// What is known of an address, unless it is to be asked for this token.
fn known(call: &Call, uri: &str, token: &Unverified<'_>) -> Option<Remote> {
    let known = call.realm.caches.remote_keys.get(uri, ALWAYS)?;
    let fits = known.keys.as_ref().is_some_and(|keys| keys.has_key_for(token));
    ((fits && call.now < known.fresh_until) || call.now < known.asked_at + PAUSE).then_some(known)
}

/// Asks, and remembers what came of it.
async fn read(call: &Call, uri: &str) -> Remote {
    let cache = &call.realm.caches.remote_keys;
    let read = match fetched(call, uri).await {
        Ok((keys, lives)) => {
            Remote { keys: Some(Arc::new(keys)), fresh_until: call.now + lives, asked_at: call.now }
        }
        Err(why) => {
            tracing::warn!(uri, %why, "the keys of a client cannot be read");
            let before = cache.get(uri, ALWAYS);
            let before = before.unwrap_or(Remote { keys: None, fresh_until: call.now, asked_at: call.now });
            Remote { asked_at: call.now, ..before }
        }
    };
    cache.insert(uri.to_owned(), ALWAYS, read.clone());
    read
}

fn usable(call: &Call, known: &Remote) -> Result<Arc<KeySet>> {
    match &known.keys {
        Some(keys) if call.now < known.fresh_until + STALE => Ok(Arc::clone(keys)),
        _ => Err(Refusal::new(Code::ClientAuthentication).hint("The keys at jwks_uri cannot be read").into()),
    }
}

async fn fetched(call: &Call, uri: &str) -> std::result::Result<(KeySet, Duration), String> {
    let url = Url::parse(uri).map_err(|error| error.to_string())?;
    let headers = vec![("accept", "application/jwk-set+json, application/json".to_owned())];
    let request = FetchRequest { method: "GET", url, headers, body: Vec::new() };
    let answer = call.realm.env.fetch(request).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("status {}", answer.status));
    }
    let keys = KeySet::from_jwks(&Jwks::parse(&answer.body).map_err(|error| error.to_string())?);
    if keys.is_empty() {
        return Err("no key of the set can be used".to_owned());
    }
    Ok((keys, lives(&answer)))
}

/// RFC 9111 5.2.2.1, within what is sensible for keys.
fn lives(answer: &FetchResponse) -> Duration {
    let control = answer.headers.iter().filter(|(name, _)| name == "cache-control");
    let mut directives = control.flat_map(|(_, value)| value.split(','));
    let max_age = directives.find_map(|directive| directive.trim().strip_prefix("max-age="));
    let seconds = max_age.and_then(|seconds| seconds.trim_matches('"').parse().ok());
    seconds.map_or(USUAL, Duration::from_secs).clamp(SHORTEST, LONGEST)
}
