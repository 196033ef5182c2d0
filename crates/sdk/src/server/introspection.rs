//! Tokens that only their issuer can read: it is asked (RFC 7662).
//!
//! What it says is believed for some seconds; after them it is asked again, so a token that was taken back is
//! refused within that time. This is for a gateway on another machine: one with the issuer's own database knows
//! at once.

use std::{sync::Arc, time::Duration};

use data_encoding::BASE64;
use doorward_judge::{Confirmation, CredentialKind, Identity, Principal, Refusal, Why, allowed_addresses};
use doorward_proto::{
    json::{self, Limits},
    secret::SecretText,
    time::Time,
};
use futures_util::future::BoxFuture;
use http::{Request, Uri, header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Credential, Provider, Recognition, Seen, jwt::seconds};
use crate::{
    clock::Clock,
    exchange::Http,
    fetch::{NamedBy, check},
};

const LIMITS: Limits = Limits { bytes: 64 * 1024, depth: 16 };
/// The kinds of Doorward's own secrets that are credentials at an application.
const OPEN: [&str; 4] = ["dw_at_", "dw_st_", "dw_ak_", "dw_pk_"];
/// Nothing is believed for longer.
const LONGEST: Duration = Duration::from_secs(30);
const SHORTEST: Duration = Duration::from_secs(1);

/// Whom to ask, as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionSpec {
    /// The issuer's introspection endpoint.
    pub url: String,
    /// The name under which we ask.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: SecretText,
    /// For how many seconds an answer is believed: 1 to 30.
    #[serde(default = "usual")]
    pub ttl: u64,
    /// Whether JWTs are asked about as well. Then one that was taken back is refused in time; without this their
    /// issuer's keys alone decide.
    #[serde(default)]
    pub jwts: bool,
}

const fn usual() -> u64 {
    5
}

/// Asks the issuer.
pub struct Introspection {
    url: Uri,
    authorization: SecretText,
    ttl: Duration,
    takes_jwts: bool,
    takes_any_audience: bool,
    http: Arc<dyn Http>,
    clock: Clock,
}

impl Introspection {
    /// Asks under this name; `takes_any_audience` accepts tokens whoever they were issued for.
    ///
    /// # Errors
    /// In words for the operator: an address to which no token may be sent.
    pub fn new(
        spec: &IntrospectionSpec,
        takes_any_audience: bool,
        (http, clock): (Arc<dyn Http>, Clock),
    ) -> Result<Self, String> {
        let url: Uri = spec.url.parse().map_err(|_| format!("`{}` is no address of the web", spec.url))?;
        check(&url, NamedBy::Operator).map_err(|why| format!("tokens are sent there: {why}"))?;
        // RFC 6749 2.3.1: each part is form-encoded first.
        let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", part(&spec.client_id), part(spec.client_secret.expose()));
        let authorization = SecretText::new(format!("Basic {}", BASE64.encode(pair.as_bytes())));
        let ttl = Duration::from_secs(spec.ttl).clamp(SHORTEST, LONGEST);
        let takes_jwts = spec.jwts;
        Ok(Self { url, authorization, ttl, takes_jwts, takes_any_audience, http, clock })
    }

    async fn ask(&self, token: &str, now: Time) -> Recognition {
        let form: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
        let request = Request::post(self.url.clone())
            .header(header::AUTHORIZATION, self.authorization.expose())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(form.into_bytes());
        let request = request.map_err(|_| Why::InvalidToken)?;
        let answer = self.http.send(request).await.map_err(|error| unavailable(&error.to_string()))?;
        if answer.status().as_u16() != 200 {
            return Err(unavailable(&format!("it answers with status {}", answer.status())));
        }
        let said =
            json::parse_object(answer.body(), LIMITS).map_err(|error| unavailable(&error.to_string()))?;
        if said.get("active") != Some(&Value::Bool(true)) {
            return Err(Why::InvalidToken.into());
        }
        self.principal(token, &said, now).map(Some)
    }

    fn principal(&self, token: &str, said: &Map<String, Value>, now: Time) -> Result<Principal, Refusal> {
        let expires_at = match said.get("exp") {
            None | Some(Value::Null) => None,
            Some(end) => Some(seconds(end).ok_or_else(|| unavailable("it tells an end that is no time"))?),
        };
        if expires_at.is_some_and(|end| now >= end) {
            return Err(Why::TokenExpired.into());
        }
        let identity = Identity::of(said);
        if identity.subject.is_empty() {
            return Err(Refusal::new(Why::InvalidToken).hint("It names nobody"));
        }
        let kind = kind(token);
        let audience = match said.get("aud") {
            _ if self.takes_any_audience => Vec::new(),
            Some(Value::String(name)) => vec![name.clone()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        // Service tokens and keys are for nobody in particular; an access token that names nobody is for nobody.
        if kind == CredentialKind::AccessToken && audience.is_empty() && !self.takes_any_audience {
            return Err(Refusal::new(Why::InvalidAudience).hint("The issuer does not say for whom it is"));
        }
        let addresses =
            allowed_addresses(said).ok_or_else(|| unavailable("it tells addresses that are no networks"))?;
        Ok(Principal {
            audience,
            expires_at,
            addresses,
            confirmation: said.get("cnf").map(Confirmation::of),
            ..Principal::new(identity, kind)
        })
    }
}

fn unavailable(why: &str) -> Refusal {
    tracing::warn!(why, "the issuer cannot be asked about a token");
    Why::KeyUnavailable.into()
}

/// What Doorward's own secrets say of themselves.
fn kind(token: &str) -> CredentialKind {
    match token {
        token if token.starts_with("dw_st_") => CredentialKind::ServiceToken,
        token if token.starts_with("dw_ak_") || token.starts_with("dw_pk_") => CredentialKind::ApiKey,
        _ => CredentialKind::AccessToken,
    }
}

impl Provider for Introspection {
    fn name(&self) -> &'static str {
        "introspection"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(token) = credential.token().map(SecretText::expose) else { return Ok(None) };
            if token.split('.').count() == 3 && !self.takes_jwts {
                return Ok(None);
            }
            // Secrets of other kinds may be known to the issuer, too, and open nothing here.
            if token.starts_with("dw_") && !OPEN.iter().any(|kind| token.starts_with(kind)) {
                return Err(Why::InvalidToken.into());
            }
            self.ask(token, seen.now).await
        })
    }

    /// Another number after each while.
    fn state(&self) -> i64 {
        let while_long = i64::try_from(self.ttl.as_micros()).unwrap_or(i64::MAX);
        (self.clock)().as_micros().div_euclid(while_long)
    }
}

#[cfg(test)]
mod tests;
