//! Public keys that a client publishes itself, at its `jwks_uri` (RFC 7591 2), for `private_key_jwt`, and those of
//! identity providers.
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
    /// The turn of whoever asks there.
    pub(crate) fn of(&self, uri: &str) -> Arc<Turn> {
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

/// Whose keys are at an address: that decides which algorithms they may be for.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Client,
    Issuer,
}

/// An address, and whose keys are there.
#[derive(Debug, Clone)]
struct Place {
    uri: String,
    whose: Whose,
}

impl Place {
    /// What its keys are remembered under: a client may name the address of an issuer as its own.
    fn name(&self) -> String {
        match self.whose {
            Whose::Client => self.uri.clone(),
            Whose::Issuer => format!("issuer {}", self.uri),
        }
    }
}

/// The keys that a client has at this address, for this token.
///
/// # Errors
/// `ClientAuthentication` when none are to be had.
pub(super) async fn keys(call: &Call, uri: &str, token: &Unverified<'_>) -> Result<Arc<KeySet>> {
    let found = find(call, Place { uri: uri.to_owned(), whose: Whose::Client }, token).await?;
    let why = || Refusal::new(Code::ClientAuthentication).hint("The keys at jwks_uri cannot be read");
    found.ok_or_else(|| why().into())
}

/// The keys that an identity provider has at this address, for this token; `None` when none are to be had.
pub(crate) async fn keys_of_issuer(
    call: &Call,
    uri: &str,
    token: &Unverified<'_>,
) -> Result<Option<Arc<KeySet>>> {
    find(call, Place { uri: uri.to_owned(), whose: Whose::Issuer }, token).await
}

/// Why the keys of an identity provider cannot be read at this address, if they cannot.
pub(crate) async fn keys_at(call: &Call, uri: &str) -> std::result::Result<(), String> {
    fetched(call, &Place { uri: uri.to_owned(), whose: Whose::Issuer }).await.map(drop)
}

async fn find(call: &Call, place: Place, token: &Unverified<'_>) -> Result<Option<Arc<KeySet>>> {
    let name = place.name();
    if let Some(known) = known(call, &name, token) {
        return Ok(usable(call, &known));
    }
    let turn = call.realm.caches.turns.of(&name).lock_owned().await;
    // Whoever had the turn before may have got what is needed.
    if let Some(known) = known(call, &name, token) {
        return Ok(usable(call, &known));
    }
    let own = call.clone();
    let read = tokio::spawn(async move {
        let read = read(&own, &place).await;
        drop(turn);
        read
    });
    Ok(usable(call, &read.await?))
}

/// What is known of an address, unless it is to be asked for this token.
fn known(call: &Call, name: &str, token: &Unverified<'_>) -> Option<Remote> {
    let known = call.realm.caches.remote_keys.get(name, ALWAYS)?;
    let fits = known.keys.as_ref().is_some_and(|keys| keys.has_key_for(token));
    ((fits && call.now < known.fresh_until) || call.now < known.asked_at + PAUSE).then_some(known)
}

/// Asks, and remembers what came of it.
async fn read(call: &Call, place: &Place) -> Remote {
    let (cache, name) = (&call.realm.caches.remote_keys, place.name());
    let read = match fetched(call, place).await {
        Ok((keys, lives)) => {
            Remote { keys: Some(Arc::new(keys)), fresh_until: call.now + lives, asked_at: call.now }
        }
        Err(why) => {
            tracing::warn!(uri = place.uri, %why, "the keys of a client or a provider cannot be read");
            let before = cache.get(&name, ALWAYS);
            let before = before.unwrap_or(Remote { keys: None, fresh_until: call.now, asked_at: call.now });
            Remote { asked_at: call.now, ..before }
        }
    };
    cache.insert(name, ALWAYS, read.clone());
    read
}

fn usable(call: &Call, known: &Remote) -> Option<Arc<KeySet>> {
    known.keys.clone().filter(|_| call.now < known.fresh_until + STALE)
}

async fn fetched(call: &Call, place: &Place) -> std::result::Result<(KeySet, Duration), String> {
    let url = Url::parse(&place.uri).map_err(|error| error.to_string())?;
    let headers = vec![("accept", "application/jwk-set+json, application/json".to_owned())];
    let request = FetchRequest { method: "GET", url, headers, body: Vec::new() };
    let answer = call.realm.env.fetch(request).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("status {}", answer.status));
    }
    let set = match place.whose {
        Whose::Client => Jwks::parse(&answer.body),
        Whose::Issuer => Jwks::parse_foreign(&answer.body),
    };
    let keys = KeySet::from_jwks(&set.map_err(|error| error.to_string())?);
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
