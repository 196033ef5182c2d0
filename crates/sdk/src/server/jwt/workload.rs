//! Tokens of workloads: service accounts of Kubernetes and of Google Cloud, and JWT-SVIDs of SPIFFE.
//!
//! The platform says who a workload is, and nothing else: what it may do is written beside its issuer here.
//! Whatever else the token holds (the pod and the node that it is bound to, claims that somebody added) counts for
//! nothing. Such a token is good only for the audience it names, so none is taken whoever it was issued for.

use std::collections::BTreeSet;

use doorward_judge::{Identity, IdentityType, Refusal, Why, Workspaces};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::spec::IssuerSpec;
use crate::server::spiffe::{self, SpiffeId};

/// What an issuer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssuerKind {
    /// One that signs access tokens.
    #[default]
    Jwt,
    /// A cluster of Kubernetes, whose service accounts have tokens.
    Kubernetes,
    /// Google Cloud, whose service accounts have tokens.
    Gcp,
    /// A trust domain of SPIFFE, whose workloads have JWT-SVIDs.
    Spiffe,
}

/// How subjects of a cluster begin.
const KUBERNETES: &str = "system:serviceaccount:";
/// What mail addresses of service accounts end with, whoever made them.
const GOOGLE: &str = ".gserviceaccount.com";
/// What those end with that a project has made.
const OF_PROJECTS: &str = ".iam.gserviceaccount.com";

/// The workloads of one issuer.
#[derive(Debug, Clone)]
pub(super) struct Workloads {
    kind: Kind,
    /// Which of them; empty for all.
    allowed: Vec<String>,
    scopes: BTreeSet<String>,
    workspaces: Workspaces,
}

#[derive(Debug, Clone)]
enum Kind {
    Kubernetes,
    Gcp,
    /// Of this trust domain.
    Spiffe(String),
}

/// What is wrong: the member, and in words for the operator.
pub(super) type Wrong = (&'static str, String);

impl Workloads {
    /// Reads what is said of them; nothing for an issuer of another kind.
    pub(super) fn of(spec: &IssuerSpec) -> Result<Option<Self>, Wrong> {
        let kind = match spec.kind {
            IssuerKind::Jwt => return of_no_workloads(spec).map(|()| None),
            IssuerKind::Kubernetes => Kind::Kubernetes,
            IssuerKind::Gcp => Kind::Gcp,
            IssuerKind::Spiffe => Kind::Spiffe(trust_domain(spec)?),
        };
        if spec.any_audience {
            let what = "a workload's token is good only for the audience it names; take this away";
            return Err(("any_audience", what.to_owned()));
        }
        if spec.jwt_secret.is_some() {
            return Err((
                "jwt_secret",
                "tokens of workloads are signed with keys; take this away".to_owned(),
            ));
        }
        if matches!(kind, Kind::Gcp) && spec.workloads.is_empty() {
            let what = "anybody at Google has service accounts, and can have tokens for any audience; name those \
                        that are meant, such as *@my-project.iam.gserviceaccount.com";
            return Err(("workloads", what.to_owned()));
        }
        for pattern in &spec.workloads {
            check(&kind, pattern).map_err(|what| ("workloads", what))?;
        }
        Ok(Some(Self {
            kind,
            allowed: spec.workloads.clone(),
            scopes: spec.scopes.iter().cloned().collect(),
            workspaces: Workspaces::from_names(spec.workspaces.iter().map(String::as_str)),
        }))
    }

    /// Whether a token without a known issuer is one of these: a JWT-SVID needs no `iss` (JWT-SVID 3).
    pub(super) fn claims(&self, claims: &Map<String, Value>) -> bool {
        let Kind::Spiffe(domain) = &self.kind else { return false };
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        SpiffeId::parse(subject).is_ok_and(|id| id.domain() == domain)
    }

    /// Whether a token may say that it is of this type, beside `JWT`.
    pub(super) fn takes_typ(&self, typ: &str) -> bool {
        // JWT-SVID 2.4.
        matches!(self.kind, Kind::Spiffe(_)) && typ == "JOSE"
    }

    /// Who somebody is, by claims that were vouched for.
    pub(super) fn identity(&self, claims: &Map<String, Value>) -> Result<Identity, Refusal> {
        let (found, name) = match &self.kind {
            Kind::Kubernetes => kubernetes(claims)?,
            Kind::Gcp => gcp(claims)?,
            Kind::Spiffe(domain) => spiffe(claims, domain)?,
        };
        let is_meant = |pattern: &String| fits(&self.kind, pattern, &name);
        if !self.allowed.is_empty() && !self.allowed.iter().any(is_meant) {
            return Err(Refusal::new(Why::InvalidIssuer).hint(format!("It is not believed for {name}")));
        }
        Ok(Identity {
            kind: IdentityType::Service,
            role: Some("service".to_owned()),
            scopes: self.scopes.clone(),
            workspaces: self.workspaces.clone(),
            token_id: text(claims, "jti"),
            issuer: found.issuer.clone().or_else(|| text(claims, "iss")),
            ..found
        })
    }
}

/// What only workloads have is a mistake elsewhere.
fn of_no_workloads(spec: &IssuerSpec) -> Result<(), Wrong> {
    let lists = [("workloads", &spec.workloads), ("scopes", &spec.scopes), ("workspaces", &spec.workspaces)];
    let said = lists.into_iter().find(|(_, names)| !names.is_empty()).map(|(name, _)| name);
    match said.or_else(|| spec.trust_domain.is_some().then_some("trust_domain")) {
        Some(name) => Err((name, "it goes with a kind of workloads: kubernetes, gcp or spiffe".to_owned())),
        None => Ok(()),
    }
}

fn trust_domain(spec: &IssuerSpec) -> Result<String, Wrong> {
    let domain = spec.trust_domain.as_deref().unwrap_or_default();
    let domain = domain.strip_prefix("spiffe://").unwrap_or(domain);
    if domain.is_empty() || SpiffeId::parse(&format!("spiffe://{domain}")).is_err() || domain.contains('/') {
        return Err((
            "trust_domain",
            format!("`{domain}` is no trust domain; write one, such as example.org"),
        ));
    }
    if !spec.issuer.is_empty() {
        let what = "a trust domain is known by trust_domain; take this away, or the kind";
        return Err(("issuer", what.to_owned()));
    }
    if spec.jwks_url.is_none() && spec.jwks_static.is_none() && spec.jwks_file.is_none() {
        let what = "name the trust domain's bundle: a file, or with jwks_url its bundle endpoint";
        return Err(("jwks_file", what.to_owned()));
    }
    Ok(domain.to_owned())
}

fn check(kind: &Kind, pattern: &str) -> Result<(), String> {
    match kind {
        Kind::Kubernetes => match pattern.split_once('/') {
            Some((namespace, name)) if [namespace, name].iter().all(|part| *part == "*" || is_name(part)) => {
                Ok(())
            }
            _ => Err(format!(
                "`{pattern}` is no service account; write NAMESPACE/NAME, either of them perhaps *"
            )),
        },
        Kind::Gcp => {
            let (local, domain) = pattern.split_once('@').unwrap_or_default();
            let is_whole = local == "*" && domain.strip_suffix(OF_PROJECTS).is_some_and(is_name);
            let is_one = !local.is_empty() && !pattern.contains('*') && domain.ends_with(GOOGLE);
            let what = "write its mail address, or *@PROJECT.iam.gserviceaccount.com";
            if is_whole || is_one {
                Ok(())
            } else {
                Err(format!("`{pattern}` is no service account; {what}"))
            }
        }
        Kind::Spiffe(domain) => {
            spiffe::check_pattern(pattern)?;
            let rest = pattern.strip_prefix("spiffe://").and_then(|rest| rest.strip_prefix(domain.as_str()));
            match rest {
                Some(rest) if rest.starts_with('/') => Ok(()),
                _ => Err(format!("`{pattern}` is of another trust domain than {domain}")),
            }
        }
    }
}

fn fits(kind: &Kind, pattern: &str, name: &str) -> bool {
    match kind {
        Kind::Kubernetes | Kind::Gcp => {
            let sign = if matches!(kind, Kind::Gcp) { '@' } else { '/' };
            let (Some(pattern), Some(name)) = (pattern.split_once(sign), name.split_once(sign)) else {
                return false;
            };
            let is_same = |pattern: &str, name: &str| pattern == "*" || pattern == name;
            is_same(pattern.0, name.0) && is_same(pattern.1, name.1)
        }
        Kind::Spiffe(_) => SpiffeId::parse(name).is_ok_and(|id| spiffe::fits(pattern, id)),
    }
}

/// The account, with the groups that the cluster's own rules know it by; and its name here.
fn kubernetes(claims: &Map<String, Value>) -> Result<(Identity, String), Refusal> {
    let wrong = |hint: &str| Refusal::new(Why::InvalidToken).hint(hint);
    let subject = text(claims, "sub").unwrap_or_default();
    let account = subject.strip_prefix(KUBERNETES).and_then(|rest| rest.split_once(':'));
    let Some((namespace, name)) = account.filter(|(namespace, name)| is_name(namespace) && is_name(name))
    else {
        return Err(wrong("It is of no service account"));
    };
    if let Some(bound) = claims.get("kubernetes.io") {
        let said = [bound.get("namespace"), bound.pointer("/serviceaccount/name")];
        if said.map(|said| said.and_then(Value::as_str)) != [Some(namespace), Some(name)] {
            return Err(wrong("It names two service accounts"));
        }
    }
    let name = format!("{namespace}/{name}");
    let roles = ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    Ok((Identity { subject, roles: roles.into(), ..Identity::default() }, name))
}

/// The account by its mail address. Google has people, too; they have no such address.
fn gcp(claims: &Map<String, Value>) -> Result<(Identity, String), Refusal> {
    let email = text(claims, "email").filter(|email| email.ends_with(GOOGLE));
    let is_verified = claims.get("email_verified").and_then(Value::as_bool) == Some(true);
    let Some(email) = email.filter(|_| is_verified) else {
        let hint = "It names no service account; ask for it with format=full, or with includeEmail";
        return Err(Refusal::new(Why::InvalidToken).hint(hint));
    };
    let identity = Identity {
        subject: email.clone(),
        email: Some(email.clone()),
        client_id: text(claims, "azp"),
        ..Identity::default()
    };
    Ok((identity, email))
}

fn spiffe(claims: &Map<String, Value>, domain: &str) -> Result<(Identity, String), Refusal> {
    let wrong = |hint: &str| Refusal::new(Why::InvalidToken).hint(hint);
    let subject = text(claims, "sub").unwrap_or_default();
    let id = SpiffeId::parse(&subject).map_err(|error| wrong(error.0))?;
    if id.domain() != domain || id.path().is_empty() {
        return Err(wrong("It is of no workload of the trust domain"));
    }
    // Whoever signs for a trust domain may write any `iss`.
    let issuer = Some(format!("spiffe://{domain}"));
    Ok((Identity { issuer, subject: subject.clone(), ..Identity::default() }, subject))
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// RFC 1123: letters, digits, `-` and `.`.
fn is_name(name: &str) -> bool {
    let is_of_names =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    !name.is_empty() && name.len() <= 253 && name.bytes().all(is_of_names)
}

#[cfg(test)]
mod tests;
