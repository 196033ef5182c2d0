//! A route: a rule, and what is done with the requests that it is for.

use doorward_judge::rule::{BadRule, RuleSpec};
use doorward_sdk::dress::Errors;
use http::Uri;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

use crate::DEFAULT;

/// What a route has beside its rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// The application behind, as `http://127.0.0.1:9000`; whom assertions are for. With `hosts`, requests for
    /// them are sent on to it.
    pub upstream: Option<String>,
    /// In which words refusals are told.
    pub errors: Errors,
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
    /// Where to.
    #[serde(skip)]
    pub(crate) target: Option<Uri>,
    /// For whom tokens may have been issued where the rule does not say so.
    #[serde(skip)]
    pub(crate) audiences: Vec<String>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            upstream: None,
            errors: Errors::Problem,
            keep_authorization: false,
            keep_host: false,
            websocket: true,
            websocket_query: false,
            timeout: 60,
            target: None,
            audiences: Vec::new(),
        }
    }
}

impl Route {
    /// Finds out where to, and for whom tokens count.
    pub(crate) fn compile(&mut self, rule: &RuleSpec, audiences: &[String]) -> Result<(), BadRule> {
        if let Some(upstream) = &self.upstream {
            let wrong = || BadRule {
                rule: rule.name.clone(),
                field: "upstream",
                what: format!("`{upstream}` is no application; write http://127.0.0.1:9000, without a path"),
            };
            let target: Uri = upstream.parse().map_err(|_| wrong())?;
            let is_http = matches!(target.scheme_str(), Some("http" | "https"));
            let names_user = target.authority().is_some_and(|authority| authority.as_str().contains('@'));
            if !is_http || names_user || target.path() != "/" || target.query().is_some() {
                return Err(wrong());
            }
            self.target = Some(target);
        }
        self.audiences = audiences.iter().chain(&self.upstream).cloned().collect();
        Ok(())
    }
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
pub const OWN: [&str; 7] =
    ["upstream", "errors", "keep_authorization", "keep_host", "websocket", "websocket_query", "timeout"];

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
