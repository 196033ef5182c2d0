//! JWTs of other issuers.
//!
//! An issuer is believed because the configuration names it, never because a token does. The algorithm belongs
//! to the key: a secret checks HS256 and nothing else, published keys check what they are made for, and the
//! token's header can only agree (RFC 8725 3.1). ID tokens are for the client that asked for them and open
//! nothing here (RFC 9068 4). A cluster of Kubernetes may vouch for its tokens itself.

mod by_kid;
mod counts;
mod file;
mod front;
mod keys;
mod meant;
mod review;
mod spec;
mod workload;

use std::{borrow::Cow, collections::BTreeSet, sync::Arc, time::Duration};

use doorward_judge::{Confirmation, CredentialKind, Identity, IdentityType, Principal, Refusal, Why};
use doorward_proto::{
    jose::{JoseError, SharedSecret, Typ, Unverified, decode_base64url, named_algorithm},
    json::{self, Limits},
    time::Time,
};
use futures_util::future::BoxFuture;
use http::HeaderName;
use serde_json::{Map, Value};

pub(crate) use self::keys::Keys;
#[cfg(feature = "client")]
pub(crate) use self::keys::metadata_urls;
use self::meant::Meant;
use super::{Credential, Provider, Recognition, Seen};
use crate::fetch::Fetch;

pub use spec::{BadIssuer, IssuerSpec};
pub use workload::IssuerKind;

/// How far two clocks may be apart.
const SKEW: Duration = Duration::from_secs(60);
const LIMITS: Limits = Limits { bytes: 16 * 1024, depth: 16 };
/// Claims that only ID tokens have (OpenID Connect Core 2, 3.3.2.11).
const OF_ID_TOKENS: [&str; 3] = ["nonce", "at_hash", "c_hash"];

/// The issuers that are believed. A JWT of anybody else is refused here, so it comes after whoever knows the
/// JWTs of the server itself.
pub struct Jwts {
    issuers: Vec<Issuer>,
    meant: Meant,
}

/// One issuer.
struct Issuer {
    /// Its `iss`, exactly; none for one whose tokens name nobody in particular.
    names: Vec<String>,
    keys: Keys,
    secret: Option<SharedSecret>,
    algorithms: BTreeSet<String>,
    takes_any_audience: bool,
    takes_id_tokens: bool,
    identity_type: Option<IdentityType>,
    /// Whose workloads they are, where it is a platform that vouches for workloads.
    workloads: Option<workload::Workloads>,
    /// The header in which alone its tokens count, where it is a proxy in front.
    header: Option<HeaderName>,
    /// The load balancer that has to have signed them.
    signer: Option<String>,
}

impl Jwts {
    /// Reads the issuers; keys are fetched when they are needed first.
    ///
    /// # Errors
    /// The first issuer that makes no sense.
    pub fn new(specs: &[IssuerSpec], fetch: &Arc<dyn Fetch>) -> Result<Self, BadIssuer> {
        let issuers = specs.iter().map(|spec| spec.compile(fetch)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { issuers, meant: Meant::default() })
    }

    /// The issuer that a token says to be from, among those whose tokens stand where this one does.
    fn of(&self, claims: &Map<String, Value>, header: Option<&HeaderName>) -> Option<&Issuer> {
        let here = || self.issuers.iter().filter(|issuer| issuer.header.as_ref() == header);
        let named = claims.get("iss").and_then(Value::as_str);
        let is_named = |issuer: &&Issuer| named.is_some_and(|name| issuer.names.iter().any(|it| it == name));
        let of_domain = |issuer: &&Issuer| issuer.workloads.as_ref().is_some_and(|it| it.claims(claims));
        let is_for_any = |issuer: &&Issuer| issuer.names.is_empty() && issuer.workloads.is_none();
        here().find(is_named).or_else(|| here().find(of_domain)).or_else(|| here().find(is_for_any))
    }

    async fn recognised(&self, token: &str, header: Option<&HeaderName>, now: Time) -> Recognition {
        // What fills up the parts of a token in a header is no part of what they say.
        let plain =
            header.map(|_| token.split('.').map(|part| part.trim_end_matches('=')).collect::<Vec<_>>());
        let plain = plain.map_or(Cow::Borrowed(token), |parts| Cow::Owned(parts.join(".")));
        let algorithm = match named_algorithm(&plain) {
            Ok(algorithm) => algorithm,
            Err(JoseError::Algorithm) => return Err(Why::UnsupportedAlgorithm.into()),
            Err(_) => return Ok(None),
        };
        let unverified = peek(&plain).ok_or(Why::InvalidToken)?;
        let issuer = self.of(&unverified, header).ok_or(Why::InvalidIssuer)?;
        if !issuer.algorithms.contains(&algorithm) {
            let names: Vec<&str> = issuer.algorithms.iter().map(String::as_str).collect();
            let hint = format!("Accepted from this issuer: {}", names.join(", "));
            return Err(Refusal::new(Why::UnsupportedAlgorithm).hint(hint));
        }
        let (typ, claims) = issuer.verified((token, &algorithm), &self.meant, now).await?;
        issuer.principal(typ.as_deref(), &claims, now).map(Some)
    }
}

impl Provider for Jwts {
    fn name(&self) -> &'static str {
        "jwt"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            match credential {
                Credential::Token { token, .. } => self.recognised(token.expose(), None, seen.now).await,
                Credential::Fronted { header, token } => {
                    self.recognised(token.expose(), Some(header), seen.now).await
                }
                Credential::Basic { .. } | Credential::Certificate(_) => Ok(None),
            }
        })
    }

    fn fronts(&self) -> Vec<HeaderName> {
        self.issuers.iter().filter_map(|issuer| issuer.header.clone()).collect()
    }

    fn expect(&self, audiences: &BTreeSet<String>) {
        self.meant.extend(audiences);
    }

    fn state(&self) -> i64 {
        self.issuers.iter().map(|issuer| issuer.keys.generation()).sum()
    }
}

impl Issuer {
    async fn verified(
        &self,
        (token, algorithm): (&str, &str),
        meant: &Meant,
        now: Time,
    ) -> Result<(Option<String>, Map<String, Value>), Refusal> {
        let wrong = |error: JoseError| match error {
            JoseError::Algorithm => Refusal::from(Why::UnsupportedAlgorithm),
            JoseError::UnknownKey => {
                Refusal::new(Why::InvalidToken).hint("It names a key that its issuer has not")
            }
            _ => Why::InvalidToken.into(),
        };
        if algorithm == SharedSecret::ALG {
            let secret = self.secret.as_ref().ok_or(Why::UnsupportedAlgorithm)?;
            let opened = secret.open(token).map_err(wrong)?;
            return Ok((opened.typ().map(str::to_owned), opened.claims().map_err(wrong)?));
        }
        if let Keys::Reviewed(reviewer) = &self.keys {
            let (typ, claims) = review::unverified(token)?;
            meant.admit(&self.principal(typ.as_deref(), &claims, now)?.audience)?;
            return reviewer.reviewed(token).await;
        }
        let decode =
            if self.signer.is_some() { Unverified::decode_padded } else { Unverified::decode_foreign };
        let unverified = decode(token).map_err(wrong)?;
        if self.signer.is_some() {
            // Keys are published for everybody's load balancers: nobody is asked for those of a token that could
            // not count.
            if unverified.header().signer != self.signer {
                return Err(Refusal::new(Why::InvalidIssuer).hint("Another load balancer has signed it"));
            }
            let claims = unverified.unverified_claims().map_err(wrong)?;
            self.principal(unverified.header().typ.as_deref(), &claims, now)?;
        }
        let keys = self.keys.for_token(&unverified, now).await?;
        keys.verify(&unverified).map_err(wrong)?;
        let typ = unverified.header().typ.clone();
        Ok((typ, unverified.unverified_claims().map_err(wrong)?))
    }

    /// Whoever the claims are about, once somebody has vouched for them.
    fn principal(
        &self,
        typ: Option<&str>,
        claims: &Map<String, Value>,
        now: Time,
    ) -> Result<Principal, Refusal> {
        self.check_kind(typ, claims)?;
        let time = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(value) => seconds(value).map(Some).ok_or_else(|| Refusal::from(Why::InvalidToken)),
        };
        let expires_at = time("exp")?.ok_or_else(|| Refusal::new(Why::InvalidToken).hint("It has no end"))?;
        if now >= expires_at {
            return Err(Why::TokenExpired.into());
        }
        let begins_at = time("nbf")?.into_iter().chain(time("iat")?).max();
        if begins_at.is_some_and(|begins_at| begins_at > now + SKEW) {
            return Err(Refusal::new(Why::InvalidToken).hint("It is not valid yet"));
        }
        // A load balancer of ours signs for whoever is behind it, and names nobody.
        let is_for_us = self.takes_any_audience || self.signer.is_some();
        let audience = if is_for_us { Vec::new() } else { audience(claims)? };
        let mut identity = match &self.workloads {
            Some(workloads) => workloads.identity(claims)?,
            None => Identity::of(claims),
        };
        if identity.subject.is_empty() {
            return Err(Refusal::new(Why::InvalidToken).hint("It names nobody"));
        }
        if let Some(kind) = self.identity_type {
            identity.kind = kind;
        }
        Ok(Principal {
            audience,
            expires_at: Some(expires_at),
            confirmation: claims.get("cnf").map(Confirmation::of),
            ..Principal::new(identity, CredentialKind::Jwt)
        })
    }

    fn check_kind(&self, typ: Option<&str>, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let is_access_token = typ.is_some_and(|typ| Typ::AccessToken.matches(typ));
        let is_of_theirs =
            |typ: &str| Typ::Jwt.matches(typ) || self.workloads.as_ref().is_some_and(|it| it.takes_typ(typ));
        if !is_access_token && typ.is_some_and(|typ| !is_of_theirs(typ)) {
            return Err(Refusal::new(Why::InvalidToken).hint("It is of another kind"));
        }
        let is_id_token = !is_access_token && OF_ID_TOKENS.iter().any(|name| claims.contains_key(*name));
        if is_id_token && !self.takes_id_tokens {
            let hint = "An ID token is for the application that signed somebody in; send an access token";
            return Err(Refusal::new(Why::InvalidToken).hint(hint));
        }
        Ok(())
    }
}

/// The claims of a token that nobody has vouched for: to find out whose it says to be.
fn peek(token: &str) -> Option<Map<String, Value>> {
    let payload = token.split('.').nth(1)?;
    json::parse_object(&decode_base64url(payload.as_bytes()).ok()?, LIMITS).ok()
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519 2).
pub(super) fn seconds(value: &Value) -> Option<Time> {
    if let Some(seconds) = value.as_i64() {
        return Some(Time::from_seconds(seconds));
    }
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite())?;
    #[expect(clippy::cast_possible_truncation, reason = "a cast from a float saturates")]
    Some(Time::from_seconds(seconds as i64))
}

/// One name or several. A token for nobody in particular would be good everywhere.
fn audience(claims: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let named: Vec<String> = match claims.get("aud") {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let named: Vec<String> = named.into_iter().filter(|name| !name.is_empty()).collect();
    if named.is_empty() {
        return Err(Refusal::new(Why::InvalidAudience).hint("The token names no audience"));
    }
    Ok(named)
}

#[cfg(test)]
mod tests;
