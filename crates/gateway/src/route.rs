//! A route: a rule, and what is done with the requests that it is for.

use std::sync::Arc;

use doorward_judge::rule::{BadRule, RuleSpec};
use doorward_sdk::dress::Errors;
use http::{HeaderName, Uri, uri::PathAndQuery};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

use crate::{
    DEFAULT,
    proxy::pool::{Pool, Protocol},
};

/// Seconds that an application may take to begin its answer: a day.
const LONGEST_WAIT: u64 = 86_400;

/// What a route has beside its rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// The application behind, as `http://127.0.0.1:9000`; whom assertions are for. With `hosts`, requests for
    /// them are sent on to it.
    pub upstream: Option<String>,
    /// Where else the same application runs.
    pub upstreams: Vec<String>,
    /// What is spoken with it.
    pub upstream_protocol: Protocol,
    /// A path that tells whether it is well, as `/healthz`.
    pub health: Option<String>,
    /// Headers of its answers that stay here.
    pub strip_headers: Vec<String>,
    /// Members of the JSON objects that it answers, which stay here.
    pub strip_fields: Vec<String>,
    /// In which words refusals are told.
    pub errors: Errors,
    /// Whether whoever is let through to a Chroma may use every tenant of it. Else they stay in their organisation's.
    pub any_tenant: bool,
    /// Whether the application gets the credential, too.
    pub keep_authorization: bool,
    /// Whether the application is asked under the name that the client used, instead of its own.
    pub keep_host: bool,
    /// Whether `WebSocket`s are let through.
    pub websocket: bool,
    /// Whether the handshake of a `WebSocket` may have its token in `?token=` or `?access_token=`.
    pub websocket_query: bool,
    /// Seconds within which an answer must begin.
    pub timeout: u64,
    /// Bytes that the body of a request may have.
    pub max_body: Option<u64>,
    /// Where to.
    #[serde(skip)]
    pub(crate) pool: Option<Arc<Pool>>,
    /// For whom tokens may have been issued where the rule does not say so.
    #[serde(skip)]
    pub(crate) audiences: Vec<String>,
    /// Whether one issuer alone is believed wherever the route stands, so that it need not say which one says to which
    /// organisation somebody belongs.
    #[serde(skip)]
    pub has_one_issuer: bool,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            upstream: None,
            upstreams: Vec::new(),
            upstream_protocol: Protocol::Auto,
            health: None,
            strip_headers: Vec::new(),
            strip_fields: Vec::new(),
            errors: Errors::Problem,
            any_tenant: false,
            keep_authorization: false,
            keep_host: false,
            websocket: true,
            websocket_query: false,
            timeout: 60,
            max_body: None,
            pool: None,
            audiences: Vec::new(),
            has_one_issuer: false,
        }
    }
}

impl Route {
    /// Finds out where to, and for whom tokens count.
    pub(crate) fn compile(&mut self, rule: &RuleSpec, audiences: &[String]) -> Result<(), BadRule> {
        let wrong = |field: &'static str, what: String| BadRule { rule: rule.name.clone(), field, what };
        self.upstream = self.upstream.take().or_else(|| self.upstreams.first().cloned());
        let mut places: Vec<Uri> = Vec::new();
        for upstream in self.upstream.iter().chain(&self.upstreams) {
            let place = application(upstream, self.upstream_protocol).ok_or_else(|| {
                wrong(
                    "upstream",
                    format!("`{upstream}` is no application; write http://127.0.0.1:9000, without a path"),
                )
            })?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let health = self.health.as_deref().map(|path| {
            let is_path = path.starts_with('/');
            PathAndQuery::try_from(path)
                .ok()
                .filter(|_| is_path)
                .ok_or_else(|| wrong("health", format!("`{path}` is no path; write /healthz")))
        });
        for name in &self.strip_headers {
            HeaderName::try_from(name.as_str())
                .map_err(|_| wrong("strip_headers", format!("`{name}` is no header")))?;
        }
        if !(1..=LONGEST_WAIT).contains(&self.timeout) {
            let what =
                format!("an answer may take 1 to {LONGEST_WAIT} seconds to begin, not {}", self.timeout);
            return Err(wrong("timeout", what));
        }
        if self.any_tenant && self.errors != Errors::Chroma {
            return Err(wrong("any_tenant", "it goes with errors = \"chroma\"".to_owned()));
        }
        if self.keep_host && self.upstream_protocol == Protocol::H2c {
            return Err(wrong("keep_host", "HTTP/2 asks an application under its own name".to_owned()));
        }
        self.pool = Pool::new(places, self.upstream_protocol, health.transpose()?).map(Arc::new);
        self.audiences = audiences.iter().chain(&self.upstream).cloned().collect();
        Ok(())
    }
}

/// The address of an application.
fn application(text: &str, protocol: Protocol) -> Option<Uri> {
    let address: Uri = text.parse().ok()?;
    let is_http = match address.scheme_str() {
        Some("http") => true,
        Some("https") => protocol != Protocol::H2c,
        _ => false,
    };
    let names_user = address.authority()?.as_str().contains('@');
    (is_http && !names_user && address.path() == "/" && address.query().is_none()).then_some(address)
}

/// A route as it is written: the members of both in one table.
#[derive(Debug, Clone, Default)]
pub struct RouteSpec {
    /// Who is let through.
    pub rule: RuleSpec,
    /// What is done then.
    pub route: Route,
}

/// The members of a route beside those of its rule.
pub const OWN: [&str; 14] = [
    "upstream",
    "upstreams",
    "upstream_protocol",
    "health",
    "strip_headers",
    "strip_fields",
    "errors",
    "any_tenant",
    "keep_authorization",
    "keep_host",
    "websocket",
    "websocket_query",
    "timeout",
    "max_body",
];

impl<'de> Deserialize<'de> for RouteSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut members = Map::<String, Value>::deserialize(from)?;
        let own: Map<String, Value> = OWN
            .iter()
            .filter_map(|name| members.remove(*name).map(|value| ((*name).to_owned(), value)))
            .collect();
        let route = serde_json::from_value(own.into()).map_err(D::Error::custom)?;
        let rule = serde_json::from_value(members.into()).map_err(D::Error::custom)?;
        Ok(Self { rule, route })
    }
}

/// The default is for what no other route is for, so it cannot be for something.
pub(crate) fn check_default(rule: &RuleSpec) -> Result<(), BadRule> {
    let matchers = [("hosts", &rule.hosts), ("paths", &rule.paths), ("methods", &rule.methods)];
    match matchers.into_iter().find(|(_, names)| !names.is_empty()) {
        None => Ok(()),
        Some((field, _)) => Err(BadRule {
            rule: DEFAULT.to_owned(),
            field,
            what: "the default route is for every request that no other route is for".to_owned(),
        }),
    }
}
