//! What every handler shares, and how a request becomes a [`Call`].

use std::{fmt, net::IpAddr, ops::Deref, sync::Arc, time::Duration};

use axum::extract::FromRequestParts;
use doorward_core::{
    call::{Actor, Call, Origin},
    realm::Realm,
};
use doorward_proto::{time::Time, trace::TraceParent};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};

use crate::{in_force::InForce, routing::Routing, surface::Failure};

/// The realm and the settings of the edge. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// See [`App`].
pub struct Inner {
    /// The issuer that this server speaks for.
    pub realm: Arc<Realm>,
    /// The settings of the edge.
    pub settings: WebSettings,
}

/// Settings that concern HTTP only.
#[derive(Debug, Clone, Default)]
pub struct WebSettings {
    /// Origins that may call the API and the OAuth endpoints from a browser, besides the open metadata.
    pub allowed_origins: Vec<String>,
    /// The bootstrap token, when one is configured.
    pub bootstrap: Option<Bootstrap>,
    /// Clears what limits have counted; without it there is nothing to clear.
    pub counters: Option<Counters>,
    /// How browsers that came by https insist on it.
    pub hsts: Hsts,
    /// Where weaknesses are reported (RFC 9116), as URIs; without any there is no `security.txt`.
    pub security_contacts: Vec<String>,
    /// The gateway, whose routes the API manages.
    pub routing: Option<Arc<dyn Routing>>,
    /// The configuration, for people to read.
    pub in_force: InForce,
}

/// Which counters of limits are meant; what is left out says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhichCounters {
    /// Those of an address.
    pub address: Option<IpAddr>,
    /// Those of an identity.
    pub identity: Option<String>,
    /// Those of a route.
    pub route: Option<String>,
}

/// Forgets what counters hold; answers how many there were.
type Clear = dyn Fn(WhichCounters) -> BoxFuture<'static, u64> + Send + Sync;

/// The counters of limits, wherever they are kept.
#[derive(Clone)]
pub struct Counters(Arc<Clear>);

impl Counters {
    /// Counters that are cleared so.
    pub fn new(clear: impl Fn(WhichCounters) -> BoxFuture<'static, u64> + Send + Sync + 'static) -> Self {
        Self(Arc::new(clear))
    }

    pub(crate) async fn clear(&self, which: WhichCounters) -> u64 {
        (self.0)(which).await
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counters")
    }
}

/// The value of `Strict-Transport-Security` (RFC 6797).
#[derive(Debug, Clone)]
pub struct Hsts(pub(crate) HeaderValue);

impl Hsts {
    /// For this long, and for hosts below this one as well only when asked for: not all of them need be ours.
    pub fn new(max_age: Duration, with_subdomains: bool) -> Self {
        let below = if with_subdomains { "; includeSubDomains" } else { "" };
        let text = format!("max-age={}{below}", max_age.as_secs());
        Self(HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("max-age=0")))
    }
}

impl Default for Hsts {
    /// Two years, for this host alone.
    fn default() -> Self {
        Self::new(Duration::from_hours(2 * 365 * 24), false)
    }
}

/// The token of the environment that drives the first steps (`INTERFACE` 1).
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The token itself, at least 32 bytes.
    pub token: doorward_proto::secret::SecretText,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// When it ends.
    pub terms: doorward_core::bootstrap::Terms,
}

impl App {
    /// Puts the shared state together.
    pub fn new(realm: Arc<Realm>, settings: WebSettings) -> Self {
        Self(Arc::new(Inner { realm, settings }))
    }

    /// Whether people reach us by https: decides cookie names and HSTS.
    pub fn is_https(&self) -> bool {
        self.realm.issuer.starts_with("https://")
    }
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The client's address, decided once by the listener from trusted peers.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// Somebody on the server's own machine, through the administration socket.
#[derive(Debug, Clone, Copy)]
pub struct ThroughSocket;

/// Carries a [`RequestId`].
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The reference of a request: in the log, the audit trail, error pages and `X-Request-ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes a caller's id when it is short and plain.
    pub fn accept(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(REQUEST_ID)?.to_str().ok()?;
        let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        ((8..=64).contains(&text.len()) && is_plain).then(|| Self(text.into()))
    }
    /// A new one. It begins with its time in milliseconds, so that those of an hour stand together in
    /// an index.
    pub fn new(now: Time, random: [u8; 10]) -> Self {
        let mut id = [0; 16];
        let (time, rest) = id.split_at_mut(6);
        time.copy_from_slice(now.as_millis().to_be_bytes().get(2..).unwrap_or(&[0; 6]));
        rest.copy_from_slice(&random);
        Self(data_encoding::HEXLOWER.encode(&id).into())
    }
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The trace that a request belongs to (W3C Trace Context), when it says so in the right form.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<TraceParent> {
    headers.get(TRACEPARENT)?.to_str().ok()?.parse().ok()
}

/// A request's facts, taken before anybody is recognised.
pub struct Incoming(pub Call);

impl FromRequestParts<App> for Incoming {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let address = parts.extensions.get::<ClientAddress>().map_or(IpAddr::from([127, 0, 0, 1]), |a| a.0);
        let request_id = parts.extensions.get::<RequestId>().map(RequestId::to_string).unwrap_or_default();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = agent.map(|agent| agent.get(..512).unwrap_or(agent).to_owned());
        let realm = Arc::clone(&app.realm);
        let now = realm.env.now();
        let origin = Origin { address, request_id, user_agent, trace: trace_of(&parts.headers) };
        Ok(Self(Call { realm, now, actor: Actor::Anonymous, origin, asked_by: None }))
    }
}
