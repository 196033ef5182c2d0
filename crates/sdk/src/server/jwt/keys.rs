//! The keys of an issuer: named in the configuration, or read from where it publishes them.
//!
//! Keys that were read are used for as long as the configuration says, or the answer if that is shorter; read
//! again at once when a token names one that is not among them, as after a rotation; and used on while the
//! issuer does not answer, for a day, without anybody waiting for it. Whoever sends tokens decides when we read, so
//! an issuer is asked every ten seconds at the most, once at a time; whoever needs the answer waits for that one,
//! and it is read to its end when who made us ask has gone.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use doorward_judge::Why;
use doorward_proto::{
    jose::{Jwks, KeySet, Unverified},
    json,
    time::Time,
};
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    LIMITS,
    by_kid::{self, ByKid},
    counts,
    file::Filed,
    review::Reviewer,
};
use crate::fetch::{Access, Fetch, Fetched, LONGEST, NamedBy};

/// The pause between two requests to one issuer.
pub(super) const PAUSE: Duration = Duration::from_secs(10);
/// How long keys are good while their issuer does not answer.
const STALE: Duration = Duration::from_hours(24);

/// A bundle is read again after this at the latest, whatever it says.
const LONGEST_HINT: Duration = Duration::from_hours(1);

/// Where an issuer's keys come from.
#[derive(Clone)]
pub(crate) enum Keys {
    /// There are none; its tokens are checked with a secret.
    None,
    /// They are in the configuration.
    Fixed(Arc<KeySet>),
    /// They are in a file.
    Filed(Arc<Filed>),
    /// They are read.
    Published(Arc<Published>),
    /// They are read one by one, by their names.
    ByKid(Arc<ByKid>),
    /// They are not needed: somebody is asked about each token.
    Reviewed(Arc<Reviewer>),
}

/// Where keys are published.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// At this address.
    Jwks(String),
    /// Where the metadata of this issuer says (OpenID Connect Discovery 4, RFC 8414 3).
    Discovery(String),
    /// One of this name, as PEM.
    Named {
        /// At this address.
        url: String,
        /// The name.
        kid: String,
    },
}

/// How keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JWK Set (RFC 7517 5).
    Jwks,
    /// A trust bundle (SPIFFE Trust Domain and Bundle 4): of its keys those for JWT-SVIDs.
    Bundle,
}

/// What was written.
pub(super) struct Written {
    pub(super) jwks: Jwks,
    /// For how long it is to be used.
    hint: Option<Duration>,
}

impl Format {
    pub(super) fn read(self, bytes: &[u8]) -> Result<Written, String> {
        let plain = |bytes: &[u8]| Jwks::parse_foreign(bytes).map_err(|error| error.to_string());
        if self == Self::Jwks {
            return Ok(Written { jwks: plain(bytes)?, hint: None });
        }
        let bundle = json::parse_object(bytes, json::Limits { bytes: LONGEST, ..LIMITS });
        let bundle = bundle.map_err(|error| error.to_string())?;
        let Some(Value::Array(keys)) = bundle.get("keys") else {
            return Err("it has no list of keys".to_owned());
        };
        // Without a `use` a key is for nothing (4.2.2); those of certificates sign no tokens.
        let are_for_tokens = keys.iter().filter(|key| key.get("use").is_some_and(|it| it == "jwt-svid"));
        let keys: Vec<Value> = are_for_tokens.cloned().map(without_use).collect();
        let jwks = plain(serde_json::json!({ "keys": keys }).to_string().as_bytes())?;
        let hint = bundle.get("spiffe_refresh_hint").and_then(Value::as_u64).map(Duration::from_secs);
        Ok(Written { jwks, hint: hint.map(|hint| hint.clamp(PAUSE, LONGEST_HINT)) })
    }
}

fn without_use(mut key: Value) -> Value {
    if let Some(members) = key.as_object_mut() {
        members.remove("use");
    }
    key
}

/// How keys are read.
#[derive(Clone)]
pub(super) struct How {
    /// What they are called where they are counted.
    pub(super) name: String,
    pub(super) format: Format,
    pub(super) access: Access,
    /// For how long they are used.
    pub(super) ttl: Duration,
    /// Within which whoever has them has to answer.
    pub(super) timeout: Duration,
}

/// Keys that are read when they are needed.
pub(crate) struct Published {
    place: Place,
    how: How,
    fetch: Arc<dyn Fetch>,
    known: Mutex<Known>,
    /// What is being read now.
    reading: Mutex<Option<Reading>>,
    generation: Arc<AtomicI64>,
}

/// Ends when the keys were read, or could not be.
type Reading = Shared<BoxFuture<'static, ()>>;

#[derive(Clone, Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    jwks: Jwks,
    read_at: Time,
    /// When they are to be read again.
    fresh_until: Time,
    asked_at: Option<Time>,
    /// Whether there was no answer the last time.
    is_silent: bool,
}

impl Keys {
    /// The keys with which this token is to be checked.
    pub(crate) async fn for_token(&self, token: &Unverified<'_>, now: Time) -> Result<Arc<KeySet>, Why> {
        match self {
            Self::None | Self::Reviewed(_) => Err(Why::UnsupportedAlgorithm),
            Self::Fixed(keys) => Ok(Arc::clone(keys)),
            Self::Filed(filed) => filed.current(now),
            Self::Published(published) => Published::for_token(published, token, now).await,
            Self::ByKid(keys) => keys.for_token(token, now).await,
        }
    }

    /// Another number as soon as the keys are others.
    pub(super) fn generation(&self) -> i64 {
        match self {
            Self::Published(published) => published.generation.load(Ordering::Acquire),
            Self::Filed(filed) => filed.generation(),
            Self::ByKid(keys) => keys.generation(),
            Self::None | Self::Fixed(_) | Self::Reviewed(_) => 0,
        }
    }
}

impl Published {
    pub(super) fn new(place: Place, how: How, fetch: Arc<dyn Fetch>) -> Self {
        Self::counted_in(place, how, fetch, &Arc::default())
    }

    /// Counts its changes with those of others.
    pub(super) fn counted_in(
        place: Place,
        how: How,
        fetch: Arc<dyn Fetch>,
        generation: &Arc<AtomicI64>,
    ) -> Self {
        let generation = Arc::clone(generation);
        Self { place, how, fetch, known: Mutex::default(), reading: Mutex::default(), generation }
    }

    /// Whether anything was found.
    pub(super) fn has_keys(&self) -> bool {
        !self.known().jwks.keys.is_empty()
    }

    pub(super) async fn for_token(
        this: &Arc<Self>,
        token: &Unverified<'_>,
        now: Time,
    ) -> Result<Arc<KeySet>, Why> {
        let known = this.known();
        if let Some(keys) = known.keys.as_ref().filter(|keys| keys.has_key_for(token)) {
            if now < known.fresh_until {
                counts::used(&this.how.name, "hit");
                return Ok(Arc::clone(keys));
            }
            // Used a moment longer, and while the issuer does not answer: nobody waits for it.
            let is_silent = known.is_silent && now.since(known.read_at) < STALE;
            if is_silent || now < known.fresh_until + this.how.ttl {
                counts::used(&this.how.name, "stale");
                drop(this.refresh(now));
                return Ok(Arc::clone(keys));
            }
        }
        counts::used(&this.how.name, "miss");
        if let Some(reading) = this.refresh(now) {
            reading.await;
        }
        let known = this.known();
        match known.keys {
            // A key that is not among them may be a new one.
            Some(keys) if known.is_silent && !keys.has_key_for(token) => Err(Why::KeyUnavailable),
            Some(keys) if now.since(known.read_at) < STALE => Ok(keys),
            _ => Err(Why::KeyUnavailable),
        }
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to read the keys, unless somebody has a moment ago; answers what is being read.
    fn refresh(self: &Arc<Self>, now: Time) -> Option<Reading> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = reading.as_ref().filter(|reading| reading.peek().is_none()) {
            return Some(reading.clone());
        }
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.asked_at.is_some_and(|asked_at| now.since(asked_at) < PAUSE) {
                return None;
            }
            known.asked_at = Some(now);
        }
        let this = Arc::clone(self);
        let task = tokio::spawn(async move {
            this.read_once(now).await;
            *this.reading.lock().unwrap_or_else(PoisonError::into_inner) = None;
        });
        let begun = task.map(drop).boxed().shared();
        *reading = Some(begun.clone());
        Some(begun)
    }

    async fn read_once(&self, now: Time) {
        let timeout = self.how.timeout;
        let read = tokio::time::timeout(timeout, self.read()).await;
        let read = read.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")));
        counts::read(&self.how.name, if read.is_ok() { "ok" } else { "failed" });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.is_silent = read.is_err();
        match read {
            Ok((jwks, lives)) => {
                if known.jwks == jwks {
                    // That there are none is known now.
                    known.keys.get_or_insert_default();
                } else {
                    known.keys = Some(Arc::new(KeySet::from_jwks(&jwks)));
                    known.jwks = jwks;
                    self.generation.fetch_add(1, Ordering::AcqRel);
                }
                known.read_at = now;
                known.fresh_until = now + lives;
            }
            Err(why) => tracing::warn!(place = ?self.place, why, "the keys of an issuer cannot be read"),
        }
    }

    async fn read(&self) -> Result<(Jwks, Duration), String> {
        let (url, named_by) = match &self.place {
            Place::Jwks(url) => (url.clone(), NamedBy::Operator),
            Place::Discovery(issuer) => self.discover(issuer).await?,
            Place::Named { url, kid } => return self.read_named(url, kid).await,
        };
        let answer = self.get(&url, named_by).await?;
        if answer.status != 200 {
            return Err(format!("{url} answers with status {}", answer.status));
        }
        let Written { jwks, hint } =
            self.how.format.read(&answer.body).map_err(|error| format!("{url}: {error}"))?;
        // It may have withdrawn them all: then nothing of it is believed any more.
        if jwks.keys.is_empty() {
            tracing::warn!(url, "there is no key that can be used");
        }
        let ttl = self.how.ttl;
        Ok((jwks, hint.unwrap_or_else(|| answer.max_age.map_or(ttl, |age| age.min(ttl)))))
    }

    /// One key. Where there is none of its name it is nobody's; buckets of S3 do not say whether there is.
    async fn read_named(&self, url: &str, kid: &str) -> Result<(Jwks, Duration), String> {
        let answer = self.get(url, NamedBy::Operator).await?;
        let jwks = match answer.status {
            200 => by_kid::pem(&answer.body, kid).map_err(|error| format!("{url}: {error}"))?,
            403 | 404 => Jwks::default(),
            status => return Err(format!("{url} answers with status {status}")),
        };
        Ok((jwks, self.how.ttl))
    }

    /// Only the server that the operator has named is told who asks.
    async fn get(&self, url: &str, named_by: NamedBy) -> Result<Fetched, String> {
        let How { access, timeout, .. } = &self.how;
        match named_by {
            NamedBy::Operator if !access.is_plain() => self.fetch.get_as(url, access, *timeout).await,
            _ => self.fetch.get(url, named_by, *timeout).await,
        }
    }

    /// The address of the keys, from the issuer's own words.
    async fn discover(&self, issuer: &str) -> Result<(String, NamedBy), String> {
        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
            jwks_uri: String,
        }
        let mut why = String::new();
        for url in metadata_urls(issuer) {
            match self.get(&url, NamedBy::Operator).await {
                Ok(answer) if answer.status == 200 => {
                    let metadata: Metadata =
                        serde_json::from_slice(&answer.body).map_err(|error| format!("{url}: {error}"))?;
                    // OpenID Connect Discovery 4.3: exactly, or it speaks for somebody else.
                    if metadata.issuer != issuer {
                        return Err(format!("{url} speaks for {}, not for {issuer}", metadata.issuer));
                    }
                    // An API server calls itself by an address that is in no certificate, and that no document may
                    // name: its keys are read where it was found.
                    if !self.how.access.is_plain()
                        && let Some((own, theirs)) = origin(issuer).zip(origin(&metadata.jwks_uri))
                    {
                        let path = metadata.jwks_uri.get(theirs.len()..).unwrap_or_default();
                        return Ok((format!("{own}{path}"), NamedBy::Operator));
                    }
                    let is_own = origin(&metadata.jwks_uri).is_some_and(|it| Some(it) == origin(issuer));
                    let named_by = if is_own { NamedBy::Operator } else { NamedBy::Document };
                    return Ok((metadata.jwks_uri, named_by));
                }
                Ok(answer) => why = format!("{url} answers with status {}", answer.status),
                Err(error) => return Err(error),
            }
        }
        Err(why)
    }
}

/// Where metadata is looked for, in this order.
pub(crate) fn metadata_urls(issuer: &str) -> [String; 2] {
    let openid = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let oauth = match origin(issuer).map(|origin| (origin, issuer.get(origin.len()..).unwrap_or_default())) {
        Some((origin, path)) => {
            format!("{origin}/.well-known/oauth-authorization-server{}", path.trim_end_matches('/'))
        }
        None => openid.clone(),
    };
    [openid, oauth]
}

/// Scheme, host and port as they are written.
fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#', '\\']).next()?;
    url.get(..scheme.len() + "://".len() + host.len())
}

#[cfg(test)]
mod tests;
