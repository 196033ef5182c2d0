//! Providers, asked one after the other, and what they said.
//!
//! Who somebody is may be remembered; whether they may is judged again each time. A memory ends with the
//! credential, after half a minute, and as soon as its provider's state is another one.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use doorward_judge::{Mode, Principal, Refusal, Rule, Why};
use doorward_proto::time::Time;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    Credential, Provider, Scheme, Seen,
    certificate::{self, Shown},
    identity_headers,
};

/// What was said is asked again after this, for want of a sign that it changed.
const REMEMBERED: Duration = Duration::from_secs(30);
/// Credentials that are remembered at the most.
const CAPACITY: usize = 32_768;

/// Somebody who was recognised, with what follows from it alone.
#[derive(Debug)]
pub struct Known {
    /// Who.
    pub principal: Principal,
    headers: OnceLock<HeaderMap>,
    assertions: Mutex<Vec<Assertion>>,
    found_at: Time,
    /// The place of the provider that said so.
    provider: usize,
}

/// A signed word for somebody, for one application.
#[derive(Debug)]
struct Assertion {
    audience: String,
    signed_at: Time,
    value: HeaderValue,
}

/// Applications for which somebody's assertions are kept at once.
const AUDIENCES: usize = 16;

impl Known {
    pub(crate) fn new(principal: Principal, provider: usize, found_at: Time) -> Self {
        Self { principal, headers: OnceLock::new(), assertions: Mutex::default(), found_at, provider }
    }

    /// The headers that say who it is, made once.
    pub fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| identity_headers::of(Some(&self.principal)))
    }

    /// The assertion for this application, if one was signed within this time.
    pub fn assertion(&self, audience: &str, now: Time, within: Duration) -> Option<HeaderValue> {
        let assertions = self.assertions.lock().unwrap_or_else(PoisonError::into_inner);
        let found = assertions.iter().find(|assertion| assertion.audience == audience)?;
        let is_fresh = now >= found.signed_at && now.since(found.signed_at) < within;
        is_fresh.then(|| found.value.clone())
    }

    /// Keeps an assertion, in place of the one before it.
    pub fn keep_assertion(&self, audience: &str, signed_at: Time, value: HeaderValue) {
        let mut assertions = self.assertions.lock().unwrap_or_else(PoisonError::into_inner);
        assertions.retain(|assertion| assertion.audience != audience);
        if assertions.len() >= AUDIENCES {
            assertions.remove(0);
        }
        assertions.push(Assertion { audience: audience.to_owned(), signed_at, value });
    }

    /// When it was found out.
    pub const fn found_at(&self) -> Time {
        self.found_at
    }
}

#[derive(Clone)]
struct Entry {
    known: Arc<Known>,
    /// The provider's state when it said so.
    state: i64,
}

/// Providers in the order in which they are asked.
pub struct Chain {
    providers: Vec<Arc<dyn Provider>>,
    takes_certificates: bool,
    /// Headers in which proxies in front say who somebody is.
    fronts: Vec<HeaderName>,
    entries: papaya::HashMap<[u8; 32], Entry>,
    count: AtomicUsize,
}

impl Chain {
    /// A chain that remembers nothing yet.
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Self {
        let takes_certificates = providers.iter().any(|provider| provider.takes_certificates());
        let mut fronts: Vec<HeaderName> = providers.iter().flat_map(|provider| provider.fronts()).collect();
        fronts.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        fronts.dedup();
        let entries = papaya::HashMap::new();
        Self { providers, takes_certificates, fronts, entries, count: AtomicUsize::new(0) }
    }

    /// The headers in which proxies in front say who somebody is. Nobody else may: whoever hands a request on takes
    /// them away.
    pub fn fronts(&self) -> &[HeaderName] {
        &self.fronts
    }

    /// Tells the providers for whom tokens count where this stands, by the rules there and what counts without them.
    pub fn expect<'r>(&self, rules: impl IntoIterator<Item = (&'r Rule, &'r [String])>) {
        let mut expected = BTreeSet::new();
        for (rule, otherwise) in rules.into_iter().filter(|(rule, _)| rule.mode() != Mode::Disabled) {
            let names = if rule.audiences().is_empty() { otherwise } else { rule.audiences() };
            if names.is_empty() {
                expected.clear();
                break;
            }
            expected.extend(names.iter().cloned());
        }
        for provider in &self.providers {
            provider.expect(&expected);
        }
    }

    /// Whose credential it is.
    ///
    /// # Errors
    /// What the provider that knows it says; `InvalidToken` when none does.
    pub async fn recognise(&self, credential: &Credential, now: Time) -> Result<Arc<Known>, Refusal> {
        let key = credential.fingerprint();
        if let Some(known) = self.find(&key, now) {
            return Ok(known);
        }
        for (place, provider) in self.providers.iter().enumerate() {
            // Taken before the question: what changes meanwhile is asked again.
            let state = provider.state();
            if let Some(principal) = provider.recognise(credential, Seen { now }).await? {
                // RFC 9449 7.1: the scheme is for tokens that are bound to a key.
                if credential.scheme() == Some(Scheme::Dpop) && principal.confirmation.is_none() {
                    return Err(Why::InvalidToken.into());
                }
                let known = Arc::new(Known::new(principal, place, now));
                self.remember(key, Entry { known: Arc::clone(&known), state });
                return Ok(known);
            }
        }
        Err(Why::InvalidToken.into())
    }

    /// Whose it is, if that was found out a moment ago: nobody is asked.
    pub fn remembered(&self, credential: &Credential, now: Time) -> Option<Arc<Known>> {
        self.find(&credential.fingerprint(), now)
    }

    /// What a request presents: what stands in its headers, else its certificate, where somebody knows whose that
    /// is and it `is_accepted`. What a proxy in front says counts where the peer `is_trusted`.
    ///
    /// # Errors
    /// What [`Credential::of`] says; `InvalidToken` for a certificate that makes no sense.
    pub fn presented(
        &self,
        headers: &HeaderMap,
        shown: Option<&Shown>,
        (is_accepted, is_trusted): (bool, bool),
    ) -> Result<Option<Credential>, Refusal> {
        let counts = is_accepted && self.takes_certificates && !certificate::is_borrowed(headers);
        let fronted = if is_trusted { Credential::fronted(headers, &self.fronts)? } else { None };
        let found = match (Credential::of(headers)?, fronted) {
            (Some(_), Some(_)) => return Err(Why::SeveralCredentials.into()),
            (found, fronted) => found.or(fronted),
        };
        match (found, shown) {
            (None, Some(shown)) if counts => match shown {
                Ok(certificate) => Ok(Some(Credential::Certificate(Arc::clone(certificate)))),
                Err(wrong) => Err(Refusal::new(Why::InvalidToken).hint(wrong.to_string())),
            },
            (found, _) => Ok(found),
        }
    }

    /// Tells whoever recognised somebody that a request of theirs was let through.
    pub fn note_use(&self, known: &Known, from: IpAddr, now: Time) {
        if let Some(provider) = self.providers.get(known.provider) {
            provider.used(&known.principal, from, now);
        }
    }

    fn find(&self, key: &[u8; 32], now: Time) -> Option<Arc<Known>> {
        let entries = self.entries.pin();
        let entry = entries.get(key)?;
        let state = self.providers.get(entry.known.provider)?.state();
        let is_fresh = entry.state == state
            // A clock that was set back makes nothing young again.
            && now >= entry.known.found_at
            && now.since(entry.known.found_at) < REMEMBERED;
        is_fresh.then(|| Arc::clone(&entry.known))
    }

    fn remember(&self, key: [u8; 32], entry: Entry) {
        let entries = self.entries.pin();
        // What is in use comes back with one question each.
        if self.count.load(Ordering::Relaxed) >= CAPACITY {
            entries.clear();
            self.count.store(0, Ordering::Relaxed);
        }
        if entries.insert(key, entry).is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
