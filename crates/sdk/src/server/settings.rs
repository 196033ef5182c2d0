//! Whose credentials are believed, as it is written: in code, in a file, or in the environment.
//!
//! The variables are `DOORWARD_AUTH_…`; the same names with `ORCHEO_AUTH_…` are read as well, and every secret
//! may stand in a file that `…_FILE` names. What is not safe has to be allowed by name: without an audience or
//! an issuer to compare, tokens that were made for somebody else would be good.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use doorward_judge::Mode;
use doorward_proto::{secret::SecretText, time::Time};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Chain, Provider,
    basic::Htpasswd,
    bootstrap::{Bootstrap, BootstrapSpec},
    certificate::{CertificateSpec, Certificates, SubjectFrom},
    fixed::FixedTokens,
    introspection::{Introspection, IntrospectionSpec},
    jwt::{IssuerSpec, Jwts},
};
use crate::{
    clock::{self, Clock},
    exchange::Http,
    fetch::{Fetch, Web},
};

const OURS: &str = "DOORWARD_AUTH_";
const ALIAS: &str = "ORCHEO_AUTH_";

/// Whose credentials are believed.
#[derive(Debug, Clone, Default, Deserialize)]
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
        Self { fetch: Arc::new(Web(Arc::clone(&http))), http: Some(http), clock: clock::system() }
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
                    any_audience: spec.any_audience || self.any_audience,
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
        let is_strict = |spec: &IssuerSpec| !spec.any_audience;
        let compares = self.introspection.is_some() || self.issuers.iter().any(is_strict);
        if self.audience.is_empty() && !self.any_audience && compares {
            let what = "tokens that were issued for somebody else would be good; name the audience, or allow it \
                        with any_audience";
            return Err(BadSettings::new("audience", what));
        }
        if !self.any_issuer && self.issuers.iter().any(|spec| spec.issuer.is_empty()) {
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

/// What the environment says, by the last part of its names.
#[derive(Default)]
struct Variables(BTreeMap<String, (String, String)>);

impl Variables {
    fn settings(&self) -> Result<AuthSettings, BadSettings> {
        let jwks = self.text("JWKS_STATIC").or_else(|| self.text("JWKS"));
        let issuer = IssuerSpec {
            issuer: self.list("ISSUER")?,
            jwks_url: self.text("JWKS_URL"),
            jwks_static: jwks,
            jwt_secret: self.secret("JWT_SECRET")?,
            allowed_algorithms: self.list("ALLOWED_ALGORITHMS")?,
            jwks_cache_ttl: self.read("JWKS_CACHE_TTL")?.unwrap_or(300),
            jwks_timeout: self.read("JWKS_TIMEOUT")?.unwrap_or(5.0),
            ..IssuerSpec::default()
        };
        let names_one = !issuer.issuer.is_empty()
            || issuer.jwks_url.is_some()
            || issuer.jwks_static.is_some()
            || issuer.jwt_secret.is_some();
        Ok(AuthSettings {
            mode: self.read("MODE")?.unwrap_or_default(),
            audience: self.list("AUDIENCE")?,
            issuers: names_one.then_some(issuer).into_iter().collect(),
            basic_file: self.text("BASIC_FILE").map(PathBuf::from),
            tokens_file: self.text("TOKENS_FILE").map(PathBuf::from),
            introspection: self.introspection()?,
            certificates: self.tables("CERTIFICATES")?,
            certificate_subject: self.read("CERTIFICATE_SUBJECT")?.unwrap_or_default(),
            any_certificate: self.read("ANY_CERTIFICATE")?.unwrap_or_default(),
            bootstrap: self.bootstrap()?,
            any_audience: self.read("ANY_AUDIENCE")?.unwrap_or_default(),
            any_issuer: self.read("ANY_ISSUER")?.unwrap_or_default(),
        })
    }

    fn introspection(&self) -> Result<Option<IntrospectionSpec>, BadSettings> {
        let Some(url) = self.text("INTROSPECTION_URL") else { return Ok(None) };
        let lacks = |name| move || self.wrong(name, "it goes with INTROSPECTION_URL");
        Ok(Some(IntrospectionSpec {
            url,
            client_id: self.text("INTROSPECTION_CLIENT_ID").ok_or_else(lacks("INTROSPECTION_CLIENT_ID"))?,
            client_secret: self
                .secret("INTROSPECTION_CLIENT_SECRET")?
                .ok_or_else(lacks("INTROSPECTION_CLIENT_SECRET"))?,
            ttl: self.read("INTROSPECTION_TTL")?.unwrap_or(5),
            jwts: self.read("INTROSPECTION_JWTS")?.unwrap_or_default(),
        }))
    }

    fn bootstrap(&self) -> Result<Option<BootstrapSpec>, BadSettings> {
        let Some(token) = self.secret("BOOTSTRAP_SERVICE_TOKEN")? else { return Ok(None) };
        let expires_at = match self.text("BOOTSTRAP_TOKEN_EXPIRES_AT") {
            None => None,
            // One that cannot be read must not mean: never.
            Some(text) => Some(instant(&text).ok_or_else(|| {
                self.wrong("BOOTSTRAP_TOKEN_EXPIRES_AT", "write 2026-05-01T12:00:00Z or seconds since 1970")
            })?),
        };
        Ok(Some(BootstrapSpec { token, scopes: self.list("BOOTSTRAP_TOKEN_SCOPES")?, expires_at }))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|(_, value)| value.trim().to_owned())
    }

    /// Itself, or in the file that is named.
    fn secret(&self, name: &str) -> Result<Option<SecretText>, BadSettings> {
        let file_name = format!("{name}_FILE");
        match (self.text(name), self.text(&file_name)) {
            (Some(_), Some(_)) => Err(self.wrong(&file_name, format!("{OURS}{name} is set, too; keep one"))),
            (Some(text), None) => Ok(Some(SecretText::new(text))),
            (None, Some(path)) => {
                let text = private_text(Path::new(&path)).map_err(|what| self.wrong(&file_name, what))?;
                Ok(Some(SecretText::from(text.trim_end_matches(['\n', '\r']))))
            }
            (None, None) => Ok(None),
        }
    }

    /// A JSON list, or names with commas or spaces between them.
    fn list(&self, name: &str) -> Result<Vec<String>, BadSettings> {
        let Some(text) = self.text(name) else { return Ok(Vec::new()) };
        if text.starts_with('[') {
            return serde_json::from_str(&text).map_err(|_| self.wrong(name, "it is no JSON list of texts"));
        }
        let names = text.split([',', ' ', '\n', '\t']).filter(|name| !name.is_empty());
        Ok(names.map(str::to_owned).collect())
    }

    /// A JSON list of objects.
    fn tables<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, BadSettings> {
        let Some(text) = self.text(name) else { return Ok(Vec::new()) };
        serde_json::from_str(&text).map_err(|error| self.wrong(name, error.to_string()))
    }

    /// A word, a number, or yes and no.
    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, BadSettings> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let lower = text.to_ascii_lowercase();
        let value = serde_json::from_str(&lower).unwrap_or_else(|_| lower.into());
        serde_json::from_value(value).map(Some).map_err(|error| self.wrong(name, error.to_string()))
    }

    fn wrong(&self, name: &str, what: impl Into<String>) -> BadSettings {
        let written =
            self.0.get(name).map_or_else(|| format!("{OURS}{name}"), |(written, _)| written.clone());
        BadSettings::new(written, what)
    }
}

/// RFC 3339, or seconds since 1970.
fn instant(text: &str) -> Option<Time> {
    text.parse().map(Time::from_seconds).ok().or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests;
