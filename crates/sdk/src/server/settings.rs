//! Whose credentials are believed, as it is written: in code, in a file, or in the environment.
//!
//! The variables are `DOORWARD_AUTH_…`; the same names with `ORCHEO_AUTH_…` are read as well, and every secret
//! may stand in a file that `…_FILE` names. What is not safe has to be allowed by name: without an audience or
//! an issuer to compare, tokens that were made for somebody else would be good.

mod environment;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use doorward_judge::Mode;
use serde::Deserialize;

use self::environment::{ALIAS, OURS, Variables};
use super::{
    Chain, Provider,
    basic::Htpasswd,
    bootstrap::{Bootstrap, BootstrapSpec},
    certificate::{CertificateSpec, Certificates, SubjectFrom},
    fixed::FixedTokens,
    introspection::{Introspection, IntrospectionSpec},
    jwt::{IssuerKind, IssuerSpec, Jwts},
    limits::FailureLimits,
};
use crate::{
    clock::{self, Clock},
    exchange::Http,
    fetch::{Fetch, Web},
};

/// Whose credentials are believed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// Whether a credential is needed.
    pub mode: Mode,
    /// For whom tokens must have been issued (`aud`): one of these.
    pub audience: Vec<String>,
    /// The issuers of JWTs.
    pub issuers: Vec<IssuerSpec>,
    /// Whose client certificates are.
    pub certificates: Vec<CertificateSpec>,
    /// Where a certificate says who it is, when no entry does.
    pub certificate_subject: SubjectFrom,
    /// Takes every certificate that is shown for somebody, who may do nothing in particular.
    pub any_certificate: bool,
    /// Names and passwords, as `htpasswd -B` writes them.
    pub basic_file: Option<PathBuf>,
    /// Fixed tokens.
    pub tokens_file: Option<PathBuf>,
    /// The issuer that is asked about tokens that nobody else can read.
    pub introspection: Option<IntrospectionSpec>,
    /// A token that may do what it says until it ends.
    pub bootstrap: Option<BootstrapSpec>,
    /// Accepts JWTs whoever they were issued for.
    pub any_audience: bool,
    /// Accepts JWTs that one of the keys has signed, whoever they say issued them.
    pub any_issuer: bool,
    /// How many failures to say who one is are allowed from one address; 0 for any number.
    pub rate_limit_ip: u32,
    /// How many in the name of one identity, from one address; 0 for any number.
    pub rate_limit_identity: u32,
    /// Within how many seconds.
    pub rate_limit_interval: f64,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            audience: Vec::new(),
            issuers: Vec::new(),
            certificates: Vec::new(),
            certificate_subject: SubjectFrom::default(),
            any_certificate: false,
            basic_file: None,
            tokens_file: None,
            introspection: None,
            bootstrap: None,
            any_audience: false,
            any_issuer: false,
            rate_limit_ip: 0,
            rate_limit_identity: 0,
            rate_limit_interval: 60.0,
        }
    }
}

/// What providers need of the world.
#[derive(Clone)]
pub struct Outside {
    /// Reads keys.
    pub fetch: Arc<dyn Fetch>,
    /// Asks issuers about tokens; needed for introspection alone.
    pub http: Option<Arc<dyn Http>>,
    /// The clock.
    pub clock: Clock,
}

impl Outside {
    /// The world as this client reaches it, by the clock of the machine.
    pub fn over(http: Arc<dyn Http>) -> Self {
        Self { fetch: Arc::new(Web::new(Arc::clone(&http))), http: Some(http), clock: clock::system() }
    }
}

/// What is wrong with settings, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {what}")]
pub struct BadSettings {
    /// The setting, as whoever reads it writes it: `audience`, or `DOORWARD_AUTH_AUDIENCE`.
    pub name: String,
    /// In words for the operator.
    pub what: String,
}

impl BadSettings {
    fn new(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { name: name.into(), what: what.into() }
    }
}

impl AuthSettings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// The first variable that makes no sense.
    pub fn from_environment() -> Result<Self, BadSettings> {
        let pairs = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_pairs(pairs)
    }

    /// Reads variables. Empty ones count as unset.
    ///
    /// # Errors
    /// As [`Self::from_environment`].
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, BadSettings> {
        let mut variables = Variables::default();
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.trim().is_empty()) {
            if let Some(short) = name.strip_prefix(OURS) {
                variables.0.insert(short.to_owned(), (name, value));
            } else if let Some(short) = name.strip_prefix(ALIAS) {
                // Our own name counts before the alias.
                variables.0.entry(short.to_owned()).or_insert((name, value));
            }
        }
        variables.settings()
    }

    /// Whoever knows the credentials, in the order in which they are asked.
    ///
    /// # Errors
    /// What is not safe and not allowed by name; the first issuer or file that makes no sense.
    pub fn providers(&self, outside: &Outside) -> Result<Vec<Arc<dyn Provider>>, BadSettings> {
        self.refuse_unsafe()?;
        let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
        if let Some(bootstrap) = &self.bootstrap {
            let read = Bootstrap::new(bootstrap).map_err(|what| BadSettings::new("bootstrap", what))?;
            providers.push(Arc::new(read));
        }
        if let Some(path) = &self.tokens_file {
            let text = private_text(path).map_err(|what| BadSettings::new("tokens_file", what))?;
            let read = FixedTokens::read(&text);
            let read = read
                .map_err(|wrong| BadSettings::new("tokens_file", format!("{}: {wrong}", path.display())))?;
            providers.push(Arc::new(read));
        }
        if let Some(path) = &self.basic_file {
            let text = private_text(path).map_err(|what| BadSettings::new("basic_file", what))?;
            let read = Htpasswd::read(&text);
            let read =
                read.map_err(|wrong| BadSettings::new("basic_file", format!("{}: {wrong}", path.display())))?;
            providers.push(Arc::new(read));
        }
        if !self.issuers.is_empty() {
            let specs: Vec<IssuerSpec> = self
                .issuers
                .iter()
                .map(|spec| IssuerSpec {
                    // Tokens of workloads name theirs, always.
                    any_audience: spec.any_audience || (self.any_audience && spec.kind == IssuerKind::Jwt),
                    ..spec.clone()
                })
                .collect();
            let jwts = Jwts::new(&specs, &outside.fetch);
            providers.push(Arc::new(jwts.map_err(|wrong| BadSettings::new("issuers", wrong.to_string()))?));
        }
        if !self.certificates.is_empty() || self.any_certificate {
            let read = Certificates::new(&self.certificates, self.certificate_subject, self.any_certificate);
            let read = read.map_err(|wrong| BadSettings::new("certificates", wrong.to_string()))?;
            providers.insert(0, Arc::new(read));
        }
        if let Some(spec) = &self.introspection {
            let http = outside.http.clone();
            let http =
                http.ok_or_else(|| BadSettings::new("introspection", "there is no HTTP client to ask with"))?;
            let how = (http, Arc::clone(&outside.clock));
            let read = Introspection::new(spec, self.any_audience, how);
            let read: Arc<dyn Provider> =
                Arc::new(read.map_err(|what| BadSettings::new("introspection", what))?);
            // Whoever reads JWTs by their issuer's keys alone would answer first.
            let place = if spec.jwts {
                providers.len().saturating_sub(usize::from(!self.issuers.is_empty()))
            } else {
                providers.len()
            };
            providers.insert(place, read);
        }
        Ok(providers)
    }

    /// A chain of them; what is no credential for production is said in the log.
    ///
    /// # Errors
    /// As [`Self::providers`].
    pub fn chain(&self, outside: &Outside) -> Result<Chain, BadSettings> {
        let providers = self.providers(outside)?;
        for (name, what) in self.notes() {
            tracing::warn!(name, "{what}");
        }
        Ok(Chain::new(providers))
    }

    /// How many failures are allowed, for a [`Limiter`](super::limits::Limiter) over other counters than those in
    /// memory.
    ///
    /// # Errors
    /// Numbers that are no limits.
    pub fn failures(&self) -> Result<FailureLimits, BadSettings> {
        for (name, limit) in
            [("rate_limit_ip", self.rate_limit_ip), ("rate_limit_identity", self.rate_limit_identity)]
        {
            if limit > FailureLimits::MOST {
                let what =
                    format!("more than {} failures are no limit; 0 allows any number", FailureLimits::MOST);
                return Err(BadSettings::new(name, what));
            }
        }
        let (seconds, longest) = (self.rate_limit_interval, FailureLimits::LONGEST);
        let interval =
            Duration::try_from_secs_f64(seconds).ok().filter(|_| (1.0..=longest).contains(&seconds));
        let interval = interval.ok_or_else(|| {
            let what = format!("{seconds} seconds are no window for failures; it is 1 to {longest}");
            BadSettings::new("rate_limit_interval", what)
        })?;
        Ok(FailureLimits { address: self.rate_limit_ip, identity: self.rate_limit_identity, interval })
    }

    /// What an operator should know, by the name of the setting.
    pub fn notes(&self) -> Vec<(&'static str, &'static str)> {
        let said = [
            (
                self.bootstrap.is_some(),
                "bootstrap",
                "the bootstrap token is set; remove it as soon as there is another credential",
            ),
            (
                self.tokens_file.is_some(),
                "tokens_file",
                "fixed tokens are believed, which are no credentials for production",
            ),
            (
                self.basic_file.is_some(),
                "basic_file",
                "names with passwords are believed, which are no credentials for production",
            ),
        ];
        said.into_iter().filter(|(is_set, ..)| *is_set).map(|(_, name, what)| (name, what)).collect()
    }

    /// Whether any credential would be good.
    pub fn believes_anybody(&self) -> bool {
        !self.issuers.is_empty()
            || self.basic_file.is_some()
            || self.tokens_file.is_some()
            || self.bootstrap.is_some()
            || self.introspection.is_some()
            || !self.certificates.is_empty()
            || self.any_certificate
    }

    fn refuse_unsafe(&self) -> Result<(), BadSettings> {
        // A load balancer of ours signs for whoever is behind it.
        let is_strict = |spec: &IssuerSpec| !spec.any_audience && spec.signer.is_none();
        let compares = self.introspection.is_some() || self.issuers.iter().any(is_strict);
        if self.audience.is_empty() && !self.any_audience && compares {
            let what = "tokens that were issued for somebody else would be good; name the audience, or allow it \
                        with any_audience";
            return Err(BadSettings::new("audience", what));
        }
        if self.any_audience && self.issuers.iter().any(|spec| spec.kind != IssuerKind::Jwt) {
            let what = "tokens of workloads are good only for the audience they name; take any_audience away, or give \
                        it to those issuers that need it";
            return Err(BadSettings::new("audience", what));
        }
        if !self.any_issuer && self.issuers.iter().any(IssuerSpec::is_for_any_issuer) {
            let what = "whoever signs with these keys would be believed as anybody; name the issuer, or allow it \
                        with any_issuer";
            return Err(BadSettings::new("issuer", what));
        }
        Ok(())
    }
}

/// Reads a file of secrets; one that everybody on the machine can read is refused.
///
/// # Errors
/// In words for the operator.
pub fn private_text(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("cannot read {shown}: {error}");
    let mode = fs::metadata(path).map_err(cannot)?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(format!("everybody on this machine can read {shown}; run chmod 600 on it"));
    }
    fs::read_to_string(path).map_err(cannot)
}

#[cfg(test)]
mod tests;
