//! Under which conditions a request is let through: written by an operator, compiled once, and then only
//! looked at.
//!
//! Of several rules that match a request the most specific one counts, and only that one: host before path,
//! path before method, and of two equals the first. A request that no rule matches is judged by whoever asks
//! as its default says, never let through for want of a rule.

mod pattern;

use std::{collections::BTreeSet, sync::Arc};

use doorward_proto::scope::is_scope_name;
use serde::Deserialize;

use self::pattern::{HostPattern, PathPattern};
use crate::{
    host,
    limit::{self, Limit, LimitsSpec},
    path::NormalPath,
    policy::Policy,
    principal::CredentialKind,
};

/// Whether a credential is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Always.
    #[default]
    Required,
    /// No; but one that is presented must be good, and counts.
    Optional,
    /// No; what is presented is not looked at.
    Disabled,
}

impl Mode {
    /// `required`, `optional` or `disabled`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Disabled => "disabled",
        }
    }
}

/// A rule as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSpec {
    /// What it is called.
    pub name: String,
    /// Hosts: `app.example.com` or `*.example.com`. Empty: every host.
    pub hosts: Vec<String>,
    /// Paths: `/reports`, `/reports/*` for one segment, `/reports/{owner}` for one that policies can
    /// name, `/reports/**` for all below and itself. Empty: every path.
    pub paths: Vec<String>,
    /// Methods. Empty: every method.
    pub methods: Vec<String>,
    /// Whether a credential is needed.
    pub mode: Mode,
    /// The kinds of credentials that count. Empty: every kind.
    pub accept: Vec<CredentialKind>,
    /// Whose tokens count. Empty: those of every issuer that is believed.
    pub issuers: Vec<String>,
    /// For whom a token must have been issued: one of these. Empty: whatever whoever asks takes for itself.
    pub audiences: Vec<String>,
    /// Scopes that the credential must have, all of them.
    pub scopes: Vec<String>,
    /// Roles of which the holder must have one.
    pub roles: Vec<String>,
    /// Permissions that the holder must have, all of them.
    pub permissions: Vec<String>,
    /// Workspaces that the credential must open, all of them.
    pub workspaces: Vec<String>,
    /// Policies in Cedar, of which one must permit and none forbid. Empty: none is asked.
    pub policy: String,
    /// How fast: `100/minute`, a table, or a list of these.
    pub rate_limit: LimitsSpec,
    /// How many in a part of the calendar, written alike.
    pub quota: LimitsSpec,
}

/// Why a rule cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("route {rule}: {field}: {what}")]
pub struct BadRule {
    /// The rule's name, or its place in the list.
    pub rule: String,
    /// The member.
    pub field: &'static str,
    /// What is wrong, in words for the operator.
    pub what: String,
}

/// A rule, ready to be applied.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    name: String,
    hosts: Vec<HostPattern>,
    paths: Vec<PathPattern>,
    methods: BTreeSet<String>,
    pub(crate) mode: Mode,
    pub(crate) accept: Vec<CredentialKind>,
    pub(crate) issuers: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
    pub(crate) workspaces: Vec<String>,
    pub(crate) policy: Option<Arc<Policy>>,
    limits: Vec<Limit>,
}

impl Rule {
    /// Compiles a rule.
    ///
    /// # Errors
    /// The first member that makes no sense.
    pub fn compile(spec: RuleSpec) -> Result<Self, BadRule> {
        let wrong = |field, what: String| BadRule { rule: spec.name.clone(), field, what };
        let hosts = spec.hosts.iter().map(|host| HostPattern::read(host));
        let hosts = hosts.collect::<Result<_, _>>().map_err(|what| wrong("hosts", what))?;
        let paths = spec.paths.iter().map(|path| PathPattern::read(path));
        let paths = paths.collect::<Result<Vec<_>, _>>().map_err(|what| wrong("paths", what))?;
        if let Some(method) = spec.methods.iter().find(|method| !is_method(method)) {
            return Err(wrong("methods", format!("`{method}` is no method; write GET")));
        }
        let lists = [("scopes", &spec.scopes), ("permissions", &spec.permissions)];
        for (field, names) in lists {
            if let Some(name) = names.iter().find(|name| !is_scope_name(name)) {
                return Err(wrong(field, format!("`{name}` is no scope")));
            }
        }
        let demands = [&spec.scopes, &spec.roles, &spec.permissions, &spec.workspaces];
        if spec.mode == Mode::Disabled && demands.iter().any(|names| !names.is_empty()) {
            let what = "nothing is looked at when the mode is disabled, so nothing can be demanded";
            return Err(wrong("mode", what.to_owned()));
        }
        let policy = match spec.policy.as_str() {
            "" => None,
            _ if spec.mode == Mode::Disabled => {
                let what = "nothing is looked at when the mode is disabled, so no policy is asked";
                return Err(wrong("mode", what.to_owned()));
            }
            text => {
                let policy = Policy::compile(text, &spec.methods, &pattern::params(&paths));
                Some(Arc::new(policy.map_err(|what| wrong("policy", what))?))
            }
        };
        let limits = limit::compile(&spec.rate_limit, &spec.quota);
        let limits = limits.map_err(|(field, what)| wrong(field, what))?;
        Ok(Self {
            policy,
            limits,
            name: spec.name,
            hosts,
            paths,
            methods: spec.methods.into_iter().collect(),
            mode: spec.mode,
            accept: spec.accept,
            issuers: spec.issuers,
            audiences: spec.audiences,
            scopes: spec.scopes,
            roles: spec.roles,
            permissions: spec.permissions,
            workspaces: spec.workspaces.iter().map(|name| name.trim().to_lowercase()).collect(),
        })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this kind of credential counts.
    pub fn accepts(&self, kind: CredentialKind) -> bool {
        self.accept.is_empty() || self.accept.contains(&kind)
    }

    /// Whether a credential is needed.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The scopes that it demands.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Whether credentials of this kind count.
    pub fn takes(&self, kind: CredentialKind) -> bool {
        self.accept.is_empty() || self.accept.contains(&kind)
    }

    /// For whom tokens must have been issued; empty where whoever asks says so.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Whether tokens of this issuer count.
    pub fn believes(&self, issuer: &str) -> bool {
        self.issuers.is_empty() || self.issuers.iter().any(|name| name == issuer)
    }

    /// Whether it says of which issuers tokens count.
    pub fn names_issuers(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// Whether it names exactly this host, in the spelling of [`host::name`].
    pub fn names_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| pattern.names(host))
    }

    /// Whether it is for every host.
    pub const fn is_for_all_hosts(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Whether it has policies.
    pub const fn has_policy(&self) -> bool {
        self.policy.is_some()
    }

    /// What its pattern for this path calls parts of it.
    pub(crate) fn params(&self, path: &str) -> Vec<(&str, String)> {
        let Ok(path) = NormalPath::read(path) else { return Vec::new() };
        let matching = self.paths.iter().filter_map(|pattern| Some((pattern.matches(&path)?, pattern)));
        let best = matching.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, pattern)| pattern.params(&path)).unwrap_or_default()
    }

    /// How much of it.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Whether it names this host.
    pub fn is_for_host(&self, host: &str) -> bool {
        host::name(host).is_some_and(|host| self.hosts.iter().any(|pattern| pattern.matches(&host).is_some()))
    }

    /// Whether it matches whatever the other one does, and as specifically.
    fn covers(&self, other: &Self) -> bool {
        let has_host = |host| self.hosts.contains(host);
        let has_path = |path| self.paths.iter().any(|own| own.is_for_the_same(path));
        self.hosts.is_empty() == other.hosts.is_empty()
            && other.hosts.iter().all(has_host)
            && self.paths.is_empty() == other.paths.is_empty()
            && other.paths.iter().all(has_path)
            && self.methods.is_empty() == other.methods.is_empty()
            && other.methods.is_subset(&self.methods)
    }

    /// How specifically it matches, if it does.
    fn matches(&self, host: &str, method: &str, path: &NormalPath) -> Option<Rank> {
        let host = best(&self.hosts, |pattern| pattern.matches(host))?;
        let path = best(&self.paths, |pattern| pattern.matches(path))?;
        if !self.methods.is_empty() && !self.methods.contains(method) {
            return None;
        }
        Some((host, path, !self.methods.is_empty()))
    }

    /// How specifically it matches at best.
    fn rank(&self) -> Rank {
        let host = best(&self.hosts, |pattern| Some(pattern.rank())).unwrap_or_default();
        let path = best(&self.paths, |pattern| Some(pattern.rank())).unwrap_or_default();
        (host, path, !self.methods.is_empty())
    }
}

/// How specific a match is: by host, by path, by method.
type Rank = (Vec<u8>, Vec<u8>, bool);

/// The best of the patterns that match; no patterns match everything, and say nothing.
fn best<P>(patterns: &[P], rank: impl Fn(&P) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    if patterns.is_empty() { Some(Vec::new()) } else { patterns.iter().filter_map(rank).max() }
}

fn is_method(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}

/// The rules of one place, in one order.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Compiles all rules.
    ///
    /// # Errors
    /// The first rule that makes no sense, has no name, or has another one's.
    pub fn compile(specs: Vec<RuleSpec>) -> Result<Self, BadRule> {
        let mut names = BTreeSet::new();
        let mut rules = Vec::with_capacity(specs.len());
        for (place, spec) in specs.into_iter().enumerate() {
            let what = match spec.name.as_str() {
                "" => Some("a route needs a name"),
                name if !names.insert(name.to_owned()) => Some("another route has this name"),
                _ => None,
            };
            if let Some(what) = what {
                let rule = if spec.name.is_empty() { format!("{}", place + 1) } else { spec.name };
                return Err(BadRule { rule, field: "name", what: what.to_owned() });
            }
            rules.push(Rule::compile(spec)?);
        }
        Ok(Self(rules))
    }

    /// The rule for a request: the most specific one.
    pub fn find(&self, host: &str, method: &str, path: &NormalPath) -> Option<&Rule> {
        // What is no host is in no list of hosts, and so in no rule that names none either.
        let host = host::name(host)?;
        let host = host.as_str();
        let matching = self.0.iter().filter_map(|rule| Some((rule.matches(host, method, path)?, rule)));
        // Of two equals the first: `max_by` would take the last.
        matching.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, rule)| rule)
    }

    /// All of them as they are held against a request: of two that match it, the one that counts comes first. A rule
    /// with several patterns stands where its most specific ones put it.
    pub fn in_order(&self) -> Vec<&Rule> {
        let mut rules: Vec<(Rank, &Rule)> = self.0.iter().map(|rule| (rule.rank(), rule)).collect();
        // Of two equals the first, as in `find`.
        rules.sort_by(|(one, _), (other, _)| other.cmp(one));
        rules.into_iter().map(|(_, rule)| rule).collect()
    }

    /// The rule of this name.
    pub fn named(&self, name: &str) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.name == name)
    }

    /// Rules that never count, each with one before it that is for all of its requests and says as much of them.
    pub fn idle(&self) -> impl Iterator<Item = (&Rule, &Rule)> {
        self.0.iter().enumerate().filter_map(|(place, rule)| {
            let before = self.0.iter().take(place).find(|first| first.covers(rule))?;
            Some((rule, before))
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests;
