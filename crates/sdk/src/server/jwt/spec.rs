//! An issuer as it is written in a configuration.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use doorward_judge::IdentityType;
use doorward_proto::{
    jose::{Alg, Jwks, KeySet, SharedSecret},
    secret::SecretText,
};
use serde::Deserialize;

use super::{
    Issuer,
    keys::{Keys, Place, Published},
};
use crate::fetch::Fetch;

/// An issuer whose JWTs are believed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IssuerSpec {
    /// Its names, as `iss` has them, exactly. Empty: whatever `iss` says, or does not; only for keys and secrets
    /// that are used by nobody else.
    #[serde(deserialize_with = "one_or_more")]
    pub issuer: Vec<String>,
    /// Where it publishes its keys. Without this, keys and secret: as its discovery document says.
    pub jwks_url: Option<String>,
    /// Its keys themselves, as a JWK Set.
    #[serde(deserialize_with = "text_or_object")]
    pub jwks_static: Option<String>,
    /// A secret that it shares with us, of at least 32 bytes: HS256.
    pub jwt_secret: Option<SecretText>,
    /// The algorithms that are accepted. Empty: all that its keys and its secret are for.
    pub allowed_algorithms: Vec<String>,
    /// For how many seconds keys that were read are used; less where the issuer says so.
    pub jwks_cache_ttl: u64,
    /// Seconds within which the issuer has to answer.
    pub jwks_timeout: f64,
    /// Accepts tokens whoever they were issued for.
    pub any_audience: bool,
    /// Accepts ID tokens.
    pub id_tokens: bool,
    /// What its subjects are, whatever the tokens say: `user`, `service` or `agent`.
    pub identity_type: Option<IdentityType>,
}

impl Default for IssuerSpec {
    fn default() -> Self {
        Self {
            issuer: Vec::new(),
            jwks_url: None,
            jwks_static: None,
            jwt_secret: None,
            allowed_algorithms: Vec::new(),
            jwks_cache_ttl: 300,
            jwks_timeout: 5.0,
            any_audience: false,
            id_tokens: false,
            identity_type: None,
        }
    }
}

/// Why an issuer makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("issuer {issuer}: {field}: {what}")]
pub struct BadIssuer {
    /// Its name.
    pub issuer: String,
    /// The member.
    pub field: &'static str,
    /// What is wrong, in words for the operator.
    pub what: String,
}

impl IssuerSpec {
    pub(super) fn compile(&self, fetch: &Arc<dyn Fetch>) -> Result<Issuer, BadIssuer> {
        let secret = match &self.jwt_secret {
            Some(secret) => {
                let read = SharedSecret::new(secret.expose().as_bytes());
                Some(read.map_err(|error| self.wrong("jwt_secret", error.to_string()))?)
            }
            None => None,
        };
        let keys = self.keys(fetch)?;
        let algorithms = self.algorithms(&keys, secret.is_some())?;
        Ok(Issuer {
            names: self.issuer.clone(),
            keys,
            secret,
            algorithms,
            takes_any_audience: self.any_audience,
            takes_id_tokens: self.id_tokens,
            identity_type: self.identity_type,
        })
    }

    pub(crate) fn keys(&self, fetch: &Arc<dyn Fetch>) -> Result<Keys, BadIssuer> {
        let place = match (&self.jwks_static, &self.jwks_url) {
            (Some(_), Some(_)) => {
                return Err(self.wrong("jwks_static", "there is jwks_url, too; keep one of them"));
            }
            (Some(text), None) => {
                let jwks = Jwks::parse(text.as_bytes());
                let jwks = jwks.map_err(|error| self.wrong("jwks_static", error.to_string()))?;
                let keys = KeySet::from_jwks(&jwks);
                if keys.is_empty() {
                    return Err(self.wrong("jwks_static", "it holds no key that can be used"));
                }
                return Ok(Keys::Fixed(Arc::new(keys)));
            }
            (None, Some(url)) => Place::Jwks(self.address("jwks_url", url)?),
            (None, None) if self.jwt_secret.is_some() => return Ok(Keys::None),
            (None, None) => match self.issuer.as_slice() {
                [issuer] => Place::Discovery(self.address("issuer", issuer)?),
                _ => {
                    return Err(self.wrong(
                        "jwks_url",
                        "name its keys, its secret, or one issuer that has a discovery document",
                    ));
                }
            },
        };
        let timeout = Duration::try_from_secs_f64(self.jwks_timeout).ok().filter(|it| !it.is_zero());
        let timeout = timeout.ok_or_else(|| self.wrong("jwks_timeout", "write seconds, such as 5.0"))?;
        let times = (Duration::from_secs(self.jwks_cache_ttl), timeout);
        Ok(Keys::Published(Arc::new(Published::new(place, times, Arc::clone(fetch)))))
    }

    fn address(&self, field: &'static str, url: &str) -> Result<String, BadIssuer> {
        let is_http = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let has_host =
            is_http.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']));
        if !has_host || url.contains(char::is_whitespace) {
            return Err(self.wrong(field, format!("`{url}` is no address of the web")));
        }
        Ok(url.to_owned())
    }

    fn algorithms(&self, keys: &Keys, has_secret: bool) -> Result<BTreeSet<String>, BadIssuer> {
        let published = Alg::ALL.iter().map(|alg| alg.as_str());
        let known: BTreeSet<&str> = published.clone().chain([SharedSecret::ALG]).collect();
        let has_keys = !matches!(keys, Keys::None);
        let possible: BTreeSet<&str> =
            published.filter(|_| has_keys).chain(Some(SharedSecret::ALG).filter(|_| has_secret)).collect();
        let names = |set: &BTreeSet<&str>| set.iter().copied().collect::<Vec<_>>().join(", ");
        if let Some(name) = self.allowed_algorithms.iter().find(|name| !known.contains(name.as_str())) {
            let what = format!("`{name}` is not one of {}", names(&known));
            return Err(self.wrong("allowed_algorithms", what));
        }
        let wanted = |name: &&str| {
            self.allowed_algorithms.is_empty() || self.allowed_algorithms.iter().any(|it| it == name)
        };
        let left: BTreeSet<&str> = possible.iter().copied().filter(wanted).collect();
        if left.is_empty() {
            let what = format!("its keys and its secret are for {}", names(&possible));
            return Err(self.wrong("allowed_algorithms", what));
        }
        Ok(left.into_iter().map(str::to_owned).collect())
    }

    fn wrong(&self, field: &'static str, what: impl Into<String>) -> BadIssuer {
        let issuer = self.issuer.first().map_or("(any)", String::as_str).to_owned();
        BadIssuer { issuer, field, what: what.into() }
    }
}

fn one_or_more<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        More(Vec<String>),
    }
    Ok(match Written::deserialize(from)? {
        Written::One(name) => vec![name],
        Written::More(names) => names,
    })
}

fn text_or_object<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<serde_json::Value>::deserialize(from)? {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) => Some(text),
        Some(object) => Some(object.to_string()),
    })
}
