//! One line per request, and the figures that go with it. Never a query, a header or a body: they hold
//! secrets.

use std::{
    borrow::Cow,
    collections::HashMap,
    net::IpAddr,
    sync::{LazyLock, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use doorward_gateway::Decision;
use doorward_judge::{CredentialKind, Why, verdict::Class};
use http::{Method, StatusCode, Version};
use metrics::{Counter, Histogram};

/// What is known when the answer leaves.
pub(super) struct Served<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) version: Version,
    pub(super) address: IpAddr,
    pub(super) status: StatusCode,
    pub(super) request_id: &'a str,
    pub(super) trace_id: Option<&'a str>,
    pub(super) took: Duration,
    /// What the gateway decided, where it was asked.
    pub(super) decision: Option<&'a Decision>,
}

impl Served<'_> {
    /// Writes the line and counts the request.
    pub(super) fn record(&self) {
        let decision = self.decision;
        tracing::info!(
            target: "access",
            method = self.method.as_str(),
            path = &*shown(self.path),
            status = self.status.as_u16(),
            client = %self.address,
            version = ?self.version,
            request_id = self.request_id,
            trace_id = self.trace_id,
            route = decision.and_then(|it| it.route.as_deref()),
            subject = decision.and_then(|it| it.subject.as_deref()),
            credential = decision.and_then(|it| it.credential).map(CredentialKind::name),
            decision = decision.map(Decision::code),
            micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            "request"
        );
        if let Some(figures) = Figures::of(self.method, self.status) {
            figures.requests.increment(1);
            figures.duration.record(self.took.as_secs_f64());
        }
        if let Some(decision) = decision {
            count(decision);
        }
    }
}

/// What a decision can come to.
const OUTCOMES: [&str; 7] =
    ["allowed", "unauthenticated", "forbidden", "malformed", "limited", "unavailable", "upstream"];

/// Of each route, looked up by name once. Routes are named by operators: no label grows with requests.
static DECISIONS: LazyLock<RwLock<HashMap<String, [Counter; OUTCOMES.len()]>>> =
    LazyLock::new(RwLock::default);

fn count(decision: &Decision) {
    let route = decision.route.as_deref().unwrap_or("none");
    let place = outcome(decision);
    if let Some(counters) = DECISIONS.read().unwrap_or_else(PoisonError::into_inner).get(route) {
        counters.get(place).iter().for_each(|counter| counter.increment(1));
        return;
    }
    let counters = OUTCOMES.map(|outcome| {
        let labels = [("route", route.to_owned()), ("outcome", outcome.to_owned())];
        metrics::counter!("doorward_gateway_decisions_total", &labels)
    });
    counters.get(place).iter().for_each(|counter| counter.increment(1));
    DECISIONS.write().unwrap_or_else(PoisonError::into_inner).insert(route.to_owned(), counters);
}

/// The place among [`OUTCOMES`].
fn outcome(decision: &Decision) -> usize {
    match decision.refused.map(Why::class) {
        None => 0,
        Some(Class::Missing | Class::Unauthenticated) => 1,
        Some(Class::Forbidden) => 2,
        Some(Class::Malformed | Class::NotFound | Class::MethodNotAllowed | Class::TooLarge) => 3,
        Some(Class::TooMany) => 4,
        Some(Class::Unavailable) => 5,
        Some(Class::BadGateway | Class::GatewayTimeout) => 6,
    }
}

/// A path without the secrets of ours that somebody put where a name belongs.
fn shown(path: &str) -> Cow<'_, str> {
    if !path.contains("dw_") {
        return path.into();
    }
    let parts = path.split('/').map(|part| {
        part.find("dw_")
            .and_then(|at| part.get(..at))
            .map_or_else(|| part.into(), |start| format!("{start}dw_…").into())
    });
    parts.collect::<Vec<Cow<'_, str>>>().join("/").into()
}

/// Strangers invent methods; a label must not grow with them.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "other"];
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What is counted of one method with one class of status. Looked up by name once.
struct Figures {
    requests: Counter,
    duration: Histogram,
}

static FIGURES: [[OnceLock<Figures>; STATUSES.len()]; METHODS.len()] =
    [const { [const { OnceLock::new() }; STATUSES.len()] }; METHODS.len()];

impl Figures {
    fn of(method: &Method, status: StatusCode) -> Option<&'static Self> {
        let method = METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1);
        let status = usize::from(status.as_u16() / 100).clamp(1, STATUSES.len()) - 1;
        let (method_name, status_name) = (METHODS.get(method)?, STATUSES.get(status)?);
        let place = FIGURES.get(method)?.get(status)?;
        Some(place.get_or_init(|| {
            let labels = [("method", *method_name), ("status", *status_name)];
            Self {
                requests: metrics::counter!("doorward_http_requests_total", &labels),
                duration: metrics::histogram!("doorward_http_request_duration_seconds", &labels),
            }
        }))
    }
}

/// The trace id of a well-formed `traceparent` (W3C Trace Context, version 00).
pub(super) fn trace_id(header: Option<&http::HeaderValue>) -> Option<&str> {
    let text = header?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_zero = |text: &str| text.bytes().all(|b| b == b'0');
    let known = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    (known && is_hex(trace, 32) && !is_zero(trace) && is_hex(span, 16) && !is_zero(span) && is_hex(flags, 2))
        .then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_is_followed() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let read = |text: &str| trace_id(Some(&text.parse().unwrap())).map(str::to_owned);
        assert_eq!(read(good).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(trace_id(None), None);
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_in_a_path_is_not_shown() {
        for (path, told) in [
            ("/api/v1/users/usr_1", "/api/v1/users/usr_1"),
            ("/api/v1/service-tokens/dw_st_SECRET/rotate", "/api/v1/service-tokens/dw_…/rotate"),
            ("/a-dw_rt_SECRET", "/a-dw_…"),
            ("/dw_", "/dw_…"),
        ] {
            assert_eq!(shown(path), told);
        }
    }

    #[test]
    fn no_traceparent_breaks_the_reader() {
        let corpus: &[&[u8]] = &[b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", b"cc-0-0-0-x"];
        doorward_fuzz::fuzz("traceparent", corpus, |input| {
            let value = http::HeaderValue::from_bytes(input).ok();
            trace_id(value.as_ref()).is_some_and(|id| id.len() == 32)
        });
    }
}
