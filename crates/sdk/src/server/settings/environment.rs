//! Settings as the environment has them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use doorward_proto::secret::SecretText;
use serde::de::DeserializeOwned;

use super::{AuthSettings, BadSettings, BootstrapSpec, IntrospectionSpec, IssuerSpec, private_text};
use crate::server::bootstrap::instant;

/// How our names begin.
pub(super) const OURS: &str = "DOORWARD_AUTH_";
/// How they begin elsewhere.
pub(super) const ALIAS: &str = "ORCHEO_AUTH_";

/// What the environment says, by the last part of its names.
#[derive(Default)]
pub(super) struct Variables(pub(super) BTreeMap<String, (String, String)>);

impl Variables {
    pub(super) fn settings(&self) -> Result<AuthSettings, BadSettings> {
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
        let more: Vec<IssuerSpec> = self.tables("ISSUERS")?;
        Ok(AuthSettings {
            mode: self.read("MODE")?.unwrap_or_default(),
            audience: self.list("AUDIENCE")?,
            issuers: names_one.then_some(issuer).into_iter().chain(more).collect(),
            basic_file: self.text("BASIC_FILE").map(PathBuf::from),
            tokens_file: self.text("TOKENS_FILE").map(PathBuf::from),
            introspection: self.introspection()?,
            certificates: self.tables("CERTIFICATES")?,
            certificate_subject: self.read("CERTIFICATE_SUBJECT")?.unwrap_or_default(),
            any_certificate: self.read("ANY_CERTIFICATE")?.unwrap_or_default(),
            bootstrap: self.bootstrap()?,
            any_audience: self.read("ANY_AUDIENCE")?.unwrap_or_default(),
            any_issuer: self.read("ANY_ISSUER")?.unwrap_or_default(),
            rate_limit_ip: self.read("RATE_LIMIT_IP")?.unwrap_or_default(),
            rate_limit_identity: self.read("RATE_LIMIT_IDENTITY")?.unwrap_or_default(),
            rate_limit_interval: self.read("RATE_LIMIT_INTERVAL")?.unwrap_or(60.0),
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
