//! What the issuer's userinfo says of people beside their tokens (OpenID Connect Core 5.3): applications are told
//! mail address, organisation and role also where access tokens do not hold them.
//!
//! Nobody is let through or refused for it: without an answer, or with one of somebody else, nothing is told. A mail
//! address counts when the issuer has verified it, since applications take whoever has it for its owner.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use doorward_judge::Identity;
use doorward_proto::{
    jose::sha256_base64url,
    json::{self, Limits},
    time::Time,
};
use doorward_sdk::exchange::Http;
use http::{Request, StatusCode, header};
use serde_json::{Map, Value};

use super::place::Posts;

const LIMITS: Limits = Limits { bytes: 64 * 1024, depth: 16 };
/// What was said is asked again after this.
const FRESH: Duration = Duration::from_mins(5);
/// A request waits for no longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause after no answer.
const PAUSE: Duration = Duration::from_secs(30);
/// Tokens of which it is remembered.
const MOST: usize = 4_096;

/// What was said, by the hash of a token.
#[derive(Default)]
pub(super) struct Profiles(Mutex<HashMap<String, Profile>>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Profile {
    email: Option<String>,
    organization: Option<String>,
    organization_role: Option<String>,
    role: Option<String>,
    until: Time,
}

impl Profiles {
    /// Adds what the token itself does not say.
    pub(super) async fn complete(
        &self,
        identity: &mut Identity,
        asked: (&Posts, &str),
        token: &str,
        now: Time,
    ) {
        if identity.email.is_some() && identity.organization.is_some() && identity.role.is_some() {
            return;
        }
        let profile = self.of(&identity.subject, asked, token, now).await;
        let Profile { email, organization, organization_role, role, .. } = profile;
        // A role is one in an organisation: both from one place.
        if identity.organization.is_none() {
            identity.organization = organization;
            identity.organization_role = identity.organization_role.take().or(organization_role);
        }
        identity.email = identity.email.take().or(email);
        identity.role = identity.role.take().or(role);
    }

    async fn of(&self, subject: &str, (posts, endpoint): (&Posts, &str), token: &str, now: Time) -> Profile {
        let name = sha256_base64url(token.as_bytes());
        if let Some(profile) = self.known(&name, now) {
            return profile;
        }
        let asked = tokio::time::timeout(PATIENCE, ask(posts, endpoint, token)).await;
        let asked = asked.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")));
        let profile = asked.and_then(|said| profile(&said, subject, now)).unwrap_or_else(|why| {
            tracing::warn!(endpoint, why, "userinfo says nothing that can be used");
            Profile { until: now + PAUSE, ..Profile::default() }
        });
        self.keep(name, profile.clone(), now);
        profile
    }

    fn known(&self, name: &str, now: Time) -> Option<Profile> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).filter(|profile| now < profile.until).cloned()
    }

    fn keep(&self, name: String, profile: Profile, now: Time) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, profile| now < profile.until);
        }
        // Sessions in use come back with one question each.
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name, profile);
    }
}

async fn ask(posts: &Posts, endpoint: &str, token: &str) -> Result<Map<String, Value>, String> {
    let request = Request::get(endpoint)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|error| error.to_string())?;
    let answer = posts.send(request).await.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("it answers with status {}", answer.status()));
    }
    json::parse_object(answer.body(), LIMITS).map_err(|error| error.to_string())
}

/// OpenID Connect Core 5.3.2: what is said of another subject must not be used.
fn profile(said: &Map<String, Value>, subject: &str, now: Time) -> Result<Profile, String> {
    let mut identity = Identity::of(said);
    keep_verified_mail(&mut identity, said);
    let Identity { subject: about, email, organization, organization_role, role, .. } = identity;
    if about != subject {
        return Err("it is about somebody else".to_owned());
    }
    Ok(Profile { email, organization, organization_role, role, until: now + FRESH })
}

/// Leaves a mail address that the issuer has not verified out: whoever signs in there may have written anybody's.
pub(super) fn keep_verified_mail(identity: &mut Identity, said: &Map<String, Value>) {
    if said.get("email_verified") != Some(&Value::Bool(true)) {
        identity.email = None;
    }
}

#[cfg(test)]
mod tests;
