//! Whose session a cookie holds: its token, as its issuer says of it every few seconds, so that it ends with the
//! session there; by the issuer's keys alone where it cannot be asked.

use std::{sync::Arc, time::Duration};

use doorward_gateway::{Authenticate, Memory};
use doorward_judge::{CredentialKind, Identity, Principal, Refusal, Why, allowed_addresses};
use doorward_proto::{
    jose::Unverified,
    json::{self, Limits},
    secret::SecretText,
    time::Time,
};
use doorward_sdk::{
    clock::Clock,
    exchange::Http,
    server::{Credential, Provider, Recognition, Scheme, Seen, jwt::Jwts},
};
use futures_util::future::BoxFuture;
use http::{Request, StatusCode, header};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{
    place::{Place, Posts},
    profiles::{Profiles, keep_verified_mail},
};

const LIMITS: Limits = Limits { bytes: 64 * 1024, depth: 16 };

pub(super) struct Sessions {
    pub(super) jwts: Arc<Jwts>,
    pub(super) place: Arc<Place>,
    pub(super) posts: Arc<Posts>,
    pub(super) profiles: Profiles,
    pub(super) authenticate: Authenticate,
    pub(super) memory: Arc<Memory>,
    /// For how long an answer is believed.
    pub(super) ttl: Duration,
    pub(super) clock: Clock,
}

impl Provider for Sessions {
    fn name(&self) -> &'static str {
        "session"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let (Some(scheme @ (Scheme::Session | Scheme::IdToken)), Some(token)) =
                (credential.scheme(), credential.token().map(SecretText::expose))
            else {
                return Ok(None);
            };
            if self.memory.is_ended(token) {
                return Err(Why::TokenRevoked.into());
            }
            let found = self.place.find().await.map_err(|why| unavailable(&why))?;
            // No issuer knows ID tokens at introspection.
            let mut principal = match found.introspection.as_deref().filter(|_| scheme == Scheme::Session) {
                Some(endpoint) => Some(self.ask(endpoint, token, seen.now).await?),
                None => self.by_keys(credential, token, seen).await?,
            };
            // Userinfo takes access tokens; an ID token says everything itself.
            if let (Some(endpoint), Some(principal)) = (found.userinfo.as_deref(), &mut principal)
                && scheme == Scheme::Session
            {
                let asked = (&*self.posts as &dyn Http, endpoint);
                self.profiles.complete(&mut principal.identity, asked, token, seen.now).await?;
            }
            // The cookie is for one host alone, and what is in it was issued to this gateway.
            let kind = CredentialKind::Session;
            Ok(principal.map(|found| Principal { credential: kind, audience: Vec::new(), ..found }))
        })
    }

    /// Another number after each while, and after each end.
    fn state(&self) -> i64 {
        let while_long = i64::try_from(self.ttl.as_micros()).unwrap_or(i64::MAX);
        let whiles = (self.clock)().as_micros().div_euclid(while_long);
        whiles.wrapping_add(self.memory.ends()).wrapping_add(self.jwts.state())
    }
}

impl Sessions {
    async fn by_keys(&self, credential: &Credential, token: &str, seen: Seen) -> Recognition {
        let Some(mut principal) = self.jwts.recognise(credential, seen).await? else { return Ok(None) };
        let claims = Unverified::decode_foreign(token).and_then(|token| token.unverified_claims());
        keep_verified_mail(&mut principal.identity, &claims.unwrap_or_default());
        Ok(Some(principal))
    }

    /// RFC 7662.
    async fn ask(&self, endpoint: &str, token: &str, now: Time) -> Result<Principal, Refusal> {
        let proven = (self.authenticate)(endpoint, now).ok_or(Why::Unavailable)?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", "access_token")
            .extend_pairs(proven.form)
            .finish();
        let mut request = Request::post(endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(form.into_bytes())
            .map_err(|_| Why::Unavailable)?;
        request.headers_mut().extend(proven.headers);
        let answer = self.posts.send(request).await.map_err(|error| unavailable(&error.to_string()))?;
        if answer.status() != StatusCode::OK {
            return Err(unavailable(&format!("introspection answers with status {}", answer.status())));
        }
        let said =
            json::parse_object(answer.body(), LIMITS).map_err(|error| unavailable(&error.to_string()))?;
        if said.get("active") != Some(&Value::Bool(true)) {
            return Err(Why::TokenRevoked.into());
        }
        principal(&said, now)
    }
}

fn principal(said: &Map<String, Value>, now: Time) -> Result<Principal, Refusal> {
    let mut identity = Identity::of(said);
    keep_verified_mail(&mut identity, said);
    if identity.subject.is_empty() {
        return Err(Refusal::new(Why::InvalidToken).hint("It names nobody"));
    }
    let expires_at = said.get("exp").and_then(Value::as_i64).map(Time::from_seconds);
    if expires_at.is_some_and(|end| now >= end) {
        return Err(Why::TokenExpired.into());
    }
    // A token that is bound to a key was not issued to this gateway, which has none.
    if said.get("cnf").is_some_and(|bound| !bound.is_null()) {
        return Err(Why::InvalidToken.into());
    }
    let addresses = allowed_addresses(said)
        .ok_or_else(|| unavailable("introspection tells addresses that are no networks"))?;
    Ok(Principal { expires_at, addresses, ..Principal::new(identity, CredentialKind::Session) })
}

fn unavailable(why: &str) -> Refusal {
    tracing::warn!(why, "the issuer of a session cannot be asked");
    Why::KeyUnavailable.into()
}

#[cfg(test)]
mod tests;
