//! What a provider says of itself (OpenID Connect Discovery 4), remembered for a while.

use std::{sync::Arc, time::Duration};

use doorward_proto::json::{self, Limits};
use serde::Deserialize;
use url::{Host, Url};

use super::{Kind, PATIENCE, Settings, Wrong};
use crate::{
    call::Call,
    env::{FetchRequest, FetchResponse},
    outcome::Error,
};

/// For how long a document is used.
const FRESH: Duration = Duration::from_mins(10);
/// For how long a provider that could not be asked is not asked again.
const PAUSE: Duration = Duration::from_secs(10);
pub(super) const LIMITS: Limits = Limits { bytes: 64 * 1024, depth: 16 };
/// What is remembered does not depend on the database.
const ALWAYS: i64 = 0;

/// Where a provider is asked, and what it is able to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Discovered {
    #[serde(default)]
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    #[serde(default)]
    pub(super) userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub(super) jwks_uri: Option<String>,
    /// RFC 9207 3.
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    pub(super) names_itself: bool,
}

/// Finds where the provider is asked: by its discovery document, or as it is configured.
pub(super) async fn find(call: &Call, settings: &Settings) -> Result<Arc<Discovered>, Wrong> {
    if settings.kind == Kind::OAuth2 {
        return configured(settings).map(Arc::new);
    }
    let issuer = settings.issuer.as_deref().unwrap_or_default();
    if let Some(known) = known(call, issuer) {
        return known;
    }
    let turn = call.realm.caches.turns.of(&format!("discovery of {issuer}")).lock_owned().await;
    // Whoever had the turn before may have asked already.
    if let Some(known) = known(call, issuer) {
        return known;
    }
    let (own, issuer) = (call.clone(), issuer.to_owned());
    // Whoever asked may go away: what comes of it is for all who wait.
    let asked = tokio::spawn(async move {
        let asked = ask(&own, &issuer).await;
        drop(turn);
        asked
    });
    asked.await.unwrap_or_else(|error| Err(Wrong::Unreachable(error.to_string())))
}

/// What is known of a provider, be it that it cannot be asked.
fn known(call: &Call, issuer: &str) -> Option<Result<Arc<Discovered>, Wrong>> {
    let (until, known) = call.realm.caches.discovered.get(issuer, ALWAYS)?;
    (call.now < until).then_some(known)
}

/// Asks a provider, and remembers what came of it.
pub(super) async fn ask(call: &Call, issuer: &str) -> Result<Arc<Discovered>, Wrong> {
    let silent = |_| Err(Wrong::Unreachable(format!("{issuer}: no answer in {PATIENCE:?}")));
    let asked = tokio::time::timeout(PATIENCE, read(call, issuer)).await.unwrap_or_else(silent);
    let asked = asked.map(Arc::new);
    let lasts = if asked.is_ok() { FRESH } else { PAUSE };
    call.realm.caches.discovered.insert(issuer.to_owned(), ALWAYS, (call.now + lasts, asked.clone()));
    asked
}

fn configured(settings: &Settings) -> Result<Discovered, Wrong> {
    let endpoints = &settings.endpoints;
    let named = |endpoint: &Option<String>, name| {
        endpoint.clone().ok_or_else(|| Wrong::Invalid(format!("no {name} is configured")))
    };
    Ok(Discovered {
        issuer: settings.issuer.clone().unwrap_or_default(),
        authorization_endpoint: named(&endpoints.authorization, "authorization endpoint")?,
        token_endpoint: named(&endpoints.token, "token endpoint")?,
        userinfo_endpoint: Some(named(&endpoints.userinfo, "userinfo endpoint")?),
        jwks_uri: None,
        names_itself: false,
    })
}

/// Reads the document anew.
async fn read(call: &Call, issuer: &str) -> Result<Discovered, Wrong> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let answer = get(call, &address, None).await?;
    if answer.status != 200 {
        return Err(Wrong::Unreachable(format!("{address} answers with status {}", answer.status)));
    }
    let found: Discovered = json::parse(&answer.body, LIMITS)
        .map_err(|_| Wrong::Invalid(format!("{address} is no discovery document")))?;
    check(found, issuer, &address)
}

fn check(found: Discovered, issuer: &str, address: &str) -> Result<Discovered, Wrong> {
    // Discovery 4.3: else another server could speak for it.
    if found.issuer != issuer {
        return Err(Wrong::Invalid(format!("{address} speaks for {}, not for {issuer}", found.issuer)));
    }
    let Some(keys) = &found.jwks_uri else {
        return Err(Wrong::Invalid(format!("{address} names no jwks_uri")));
    };
    let all = [Some(&found.authorization_endpoint), Some(&found.token_endpoint), Some(keys)];
    for endpoint in all.into_iter().chain([found.userinfo_endpoint.as_ref()]).flatten() {
        if !is_address(endpoint) {
            return Err(Wrong::Invalid(format!("{address} names {endpoint}, which is no https address")));
        }
    }
    Ok(found)
}

/// Whether this may be an address of a provider: https, or this machine by plain http.
pub(super) fn is_address(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    is_plain && text.len() <= 512 && (url.scheme() == "https" || (url.scheme() == "http" && is_here))
}

/// Asks for a document, with a token where there is one.
pub(super) async fn get(call: &Call, address: &str, token: Option<&str>) -> Result<FetchResponse, Wrong> {
    let mut headers = vec![("accept", "application/json".to_owned())];
    headers.extend(token.map(|token| ("authorization", format!("Bearer {token}"))));
    send(call, FetchRequest { method: "GET", url: parse(address)?, headers, body: Vec::new() }).await
}

pub(super) fn parse(address: &str) -> Result<Url, Wrong> {
    Url::parse(address).map_err(|error| Wrong::Invalid(format!("{address}: {error}")))
}

pub(super) async fn send(call: &Call, request: FetchRequest) -> Result<FetchResponse, Wrong> {
    let place = request.url.clone();
    // A place that may not be reached from here is told like one that is silent.
    let sent = call.fetch(request).await;
    sent.map_err(|error| match error {
        Error::Fault(fault) => Wrong::Unreachable(format!("{place}: {fault}")),
        Error::Refused(refusal) => Wrong::Unreachable(format!("{place}: {}", refusal.hint)),
    })
}
