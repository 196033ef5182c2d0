//! The places where one application runs: which of them is asked next, and which are left out until they
//! answer again.
//!
//! A place that refuses a connection is left out at once and tried every second; where a route names a path
//! for its health, every place is asked there, and left out after the second bad answer.

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use http::{HeaderValue, Request, Uri, header, uri::PathAndQuery};
use serde::Deserialize;
use tokio::net::TcpStream;

use super::{client::Upstreams, line::Lines};

/// Between two looks at a place that is left out.
const EVERY: Duration = Duration::from_secs(1);
/// Ticks between two looks at one that is not.
const SELDOM: u64 = 5;
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bad answers after which a place is left out.
const BAD: u8 = 2;

/// What is spoken with an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/1.1; with TLS, HTTP/2 where the application agrees (ALPN).
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, known beforehand.
    H2c,
}

/// The places of one application.
pub(crate) struct Pool {
    pub(crate) places: Vec<Place>,
    pub(crate) protocol: Protocol,
    health: Option<PathAndQuery>,
    next: AtomicUsize,
    is_watched: AtomicBool,
}

/// One place.
pub(crate) struct Place {
    pub(crate) uri: Uri,
    pub(crate) host: HeaderValue,
    pub(super) lines: Arc<Lines>,
    is_out: AtomicBool,
    bad: AtomicU8,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.places.iter().map(|place| &place.uri)).finish()
    }
}

impl PartialEq for Pool {
    fn eq(&self, other: &Self) -> bool {
        let uris = |pool: &Self| pool.places.iter().map(|place| place.uri.clone()).collect::<Vec<_>>();
        uris(self) == uris(other) && self.protocol == other.protocol && self.health == other.health
    }
}

impl Eq for Pool {}

impl Pool {
    /// `None` for an address without a host.
    pub(crate) fn new(uris: Vec<Uri>, protocol: Protocol, health: Option<PathAndQuery>) -> Option<Self> {
        let place = |uri: Uri| {
            let host = HeaderValue::from_str(uri.authority()?.as_str()).ok()?;
            let (lines, is_out, bad) = (Arc::default(), AtomicBool::new(false), AtomicU8::new(0));
            Some(Place { uri, host, lines, is_out, bad })
        };
        let places: Vec<Place> = uris.into_iter().map(place).collect::<Option<_>>()?;
        let (next, is_watched) = (AtomicUsize::new(0), AtomicBool::new(false));
        (!places.is_empty()).then_some(Self { places, protocol, health, next, is_watched })
    }

    /// The places in the order in which a request may try them: one after the other in turn, those that are
    /// left out at the end.
    pub(crate) fn in_turn(&self) -> Vec<&Place> {
        let first = if self.places.len() > 1 { self.next.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let mut places: Vec<&Place> =
            self.places.iter().cycle().skip(first % self.places.len()).take(self.places.len()).collect();
        places.sort_by_key(|place| place.is_out.load(Ordering::Relaxed));
        places
    }

    /// Looks after the places from now on, for as long as the pool is used.
    pub(crate) fn watch(self: &Arc<Self>, upstreams: &Upstreams) {
        let needs_it = self.health.is_some() || self.places.iter().any(Place::is_out);
        if needs_it && !self.is_watched.swap(true, Ordering::Relaxed) {
            tokio::spawn(look_after(Arc::downgrade(self), upstreams.clone()));
        }
    }

    async fn look_at(&self, place: &Place, upstreams: &Upstreams) {
        let is_well = tokio::time::timeout(PATIENCE, async {
            match &self.health {
                Some(path) => is_healthy(place, path, self.protocol, upstreams).await,
                None => is_reached(&place.uri).await,
            }
        });
        match is_well.await.unwrap_or(false) {
            true => place.back(),
            false if place.bad.fetch_add(1, Ordering::Relaxed) + 1 >= BAD => place.leave_out(),
            false => {}
        }
    }
}

async fn look_after(pool: Weak<Pool>, upstreams: Upstreams) {
    let mut ticks = tokio::time::interval(EVERY);
    for tick in 0_u64.. {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        let is_due = |place: &Place| place.is_out() || (pool.health.is_some() && tick % SELDOM == 0);
        let due = pool.places.iter().filter(|place| is_due(place));
        futures_util::future::join_all(due.map(|place| pool.look_at(place, &upstreams))).await;
    }
}

async fn is_reached(uri: &Uri) -> bool {
    let Some(host) = uri.host() else { return false };
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    TcpStream::connect((host, uri.port_u16().unwrap_or(usual))).await.is_ok()
}

async fn is_healthy(place: &Place, path: &PathAndQuery, protocol: Protocol, upstreams: &Upstreams) -> bool {
    let mut parts = place.uri.clone().into_parts();
    parts.path_and_query = Some(path.clone());
    let Ok(uri) = Uri::from_parts(parts) else { return false };
    let request = Request::get(uri).header(header::HOST, place.host.clone()).body(Body::empty());
    let Ok(request) = request else { return false };
    let answered = upstreams.ask(request, protocol).await;
    answered.is_ok_and(|answer| answer.status().is_success() || answer.status().is_redirection())
}

impl Place {
    fn is_out(&self) -> bool {
        self.is_out.load(Ordering::Relaxed)
    }

    /// It is not asked before the others until it is back.
    pub(crate) fn leave_out(&self) {
        self.bad.store(0, Ordering::Relaxed);
        if !self.is_out.swap(true, Ordering::Relaxed) {
            tracing::warn!(application = %self.uri, "does not answer, and is left out");
        }
    }

    fn back(&self) {
        self.bad.store(0, Ordering::Relaxed);
        if self.is_out.swap(false, Ordering::Relaxed) {
            tracing::info!(application = %self.uri, "answers again");
        }
    }
}
