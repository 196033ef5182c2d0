//! Where an issuer is asked, from its own words (OpenID Connect Discovery 4), and the asking.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use doorward_core::env::{Fetch, FetchRequest};
use doorward_gateway::Endpoints;
use doorward_proto::time::Time;
use doorward_sdk::{
    clock::Clock,
    exchange::{Http, NoAnswer},
    fetch::{Fetch as Read, NamedBy},
};
use futures_util::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use serde::Deserialize;
use url::{Origin, Url};

use crate::fetch::{Reach, fetcher};

/// For how long a document is used, and used on while the issuer is silent.
const FRESH: Duration = Duration::from_mins(10);
/// The pause after no answer.
const PAUSE: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(5);

/// What an issuer says of itself.
pub(super) struct Found {
    pub(super) endpoints: Arc<Endpoints>,
    pub(super) introspection: Option<String>,
    pub(super) userinfo: Option<String>,
}

/// An issuer, found when it is needed first.
pub(super) struct Place {
    issuer: String,
    documents: Arc<dyn Read>,
    clock: Clock,
    known: Mutex<Known>,
    /// Held by the one who reads.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    found: Option<Arc<Found>>,
    /// When to look again.
    until: Time,
    why: String,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    revocation_endpoint: Option<String>,
    #[serde(default)]
    introspection_endpoint: Option<String>,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    end_session_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Place {
    pub(super) fn new(issuer: &str, documents: Arc<dyn Read>, clock: Clock) -> Arc<Self> {
        let (known, reading) = (Mutex::default(), tokio::sync::Mutex::default());
        Arc::new(Self { issuer: issuer.to_owned(), documents, clock, known, reading })
    }

    /// What the issuer said of itself. Once it has, nobody waits for it to say so again.
    pub(super) async fn find(self: &Arc<Self>) -> Result<Arc<Found>, String> {
        let known = self.known();
        if (self.clock)() >= known.until {
            if known.found.is_none() {
                self.refresh().await;
            } else if self.reading.try_lock().is_ok() {
                let this = Arc::clone(self);
                tokio::spawn(async move { this.refresh().await });
            }
        }
        let known = self.known();
        known.found.ok_or(known.why)
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the issuer, unless somebody has a moment ago.
    async fn refresh(&self) {
        let _reading = self.reading.lock().await;
        if (self.clock)() < self.known().until {
            return;
        }
        let read = self.read().await;
        // From now on: the question may have taken as long as the pause.
        let now = (self.clock)();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(found) => {
                *known = Known { found: Some(Arc::new(found)), until: now + FRESH, ..Known::default() }
            }
            Err(why) => {
                tracing::warn!(issuer = self.issuer, why, "the issuer does not say where it is asked");
                known.until = now + PAUSE;
                known.why = why;
            }
        }
    }

    async fn read(&self) -> Result<Found, String> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let answer = self.documents.get(&url, NamedBy::Operator, TIMEOUT).await?;
        if answer.status != 200 {
            return Err(format!("{url} answers with status {}", answer.status));
        }
        let document: Document =
            serde_json::from_slice(&answer.body).map_err(|error| format!("{url}: {error}"))?;
        if document.issuer != self.issuer {
            return Err(format!("{url} speaks for {}, not for {}", document.issuer, self.issuer));
        }
        let own = Url::parse(&self.issuer).map_err(|error| error.to_string())?.origin();
        let all = [Some(&document.authorization_endpoint), document.end_session_endpoint.as_ref()];
        // People are sent there; what is asked by us is looked at when it is asked.
        for address in all.into_iter().flatten() {
            let url = Url::parse(address).map_err(|error| format!("{address}: {error}"))?;
            if url.scheme() != "https" && url.origin() != own {
                return Err(format!("{address} is no https address"));
            }
        }
        let endpoints = Endpoints {
            authorization: document.authorization_endpoint,
            token: document.token_endpoint,
            revocation: document.revocation_endpoint,
            end_session: document.end_session_endpoint,
            names_itself: document.authorization_response_iss_parameter_supported,
        };
        Ok(Found {
            endpoints: Arc::new(endpoints),
            introspection: document.introspection_endpoint,
            userinfo: document.userinfo_endpoint,
        })
    }
}

/// Asks the issuer: at its own address as the operator named it, elsewhere as far as documents reach.
pub(super) struct Posts {
    own: Option<Origin>,
    by_operator: Fetch,
    by_document: Fetch,
}

impl Posts {
    pub(super) fn new(issuer: &str, of_others: Reach) -> Self {
        let own = Url::parse(issuer).ok().map(|url| url.origin());
        let of_operator = if of_others == Reach::Anywhere { of_others } else { Reach::Named };
        Self { own, by_operator: fetcher(of_operator), by_document: fetcher(of_others) }
    }
}

impl Http for Posts {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url = Url::parse(&parts.uri.to_string()).map_err(|error| NoAnswer(error.to_string()))?;
            let is_own = self.own.as_ref() == Some(&url.origin());
            let fetch = if is_own { &self.by_operator } else { &self.by_document };
            let headers = [
                ("content-type", header::CONTENT_TYPE),
                ("accept", header::ACCEPT),
                ("authorization", header::AUTHORIZATION),
            ];
            let headers = headers.into_iter().filter_map(|(name, header)| {
                Some((name, parts.headers.get(header)?.to_str().ok()?.to_owned()))
            });
            let method = if parts.method == Method::GET { "GET" } else { "POST" };
            let asked = FetchRequest { method, url, headers: headers.collect(), body };
            let answer = fetch(asked).await.map_err(|error| NoAnswer(error.to_string()))?;
            let mut response = Response::new(answer.body);
            *response.status_mut() =
                StatusCode::from_u16(answer.status).map_err(|error| NoAnswer(error.to_string()))?;
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests;
