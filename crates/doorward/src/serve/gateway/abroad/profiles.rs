//! What the issuer's userinfo says of people beside their tokens (OpenID Connect Core 5.3): applications are told
//! mail address, organisation and role also where access tokens do not hold them.
//!
//! A rule may ask for any of it, and one that forbids has to know: while nothing is known, nobody is let through.
//! What was said once is used on for a while when userinfo falls silent, and not at all once it refuses the token. A
//! mail address counts when the issuer has verified it, since applications take whoever has it for its owner.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use doorward_judge::{Identity, Refusal, Why};
use doorward_proto::{
    jose::sha256_base64url,
    json::{self, Limits},
    time::Time,
};
use doorward_sdk::exchange::Http;
use http::{Request, StatusCode, header};
use serde_json::{Map, Value};

const LIMITS: Limits = Limits { bytes: 64 * 1024, depth: 16 };
/// What was said is asked again after this.
const FRESH: Duration = Duration::from_mins(5);
/// For how long it is used on while userinfo is silent.
const STALE: Duration = Duration::from_hours(1);
/// A request waits for no longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause after no answer.
const PAUSE: Duration = Duration::from_secs(5);
/// Tokens of which it is remembered.
const MOST: usize = 4_096;

/// What was said, by the hash of a token.
#[derive(Default)]
pub(super) struct Profiles(Mutex<HashMap<String, Known>>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Profile {
    email: Option<String>,
    organization: Option<String>,
    organization_role: Option<String>,
    role: Option<String>,
}

/// What is known of one token's holder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    said: Said,
    /// When it is asked again.
    until: Time,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// No answer so far.
    Nothing,
    /// This, then.
    Profile(Profile, Time),
    /// It took the token once, and does not any more.
    Ended,
}

impl Known {
    fn usable(&self, now: Time) -> Result<Profile, Refusal> {
        match &self.said {
            Said::Profile(profile, at) if now < *at + FRESH + STALE => Ok(profile.clone()),
            Said::Ended => Err(Why::TokenRevoked.into()),
            Said::Profile(..) | Said::Nothing => Err(Why::KeyUnavailable.into()),
        }
    }
}

/// Why nothing new is known.
#[derive(Debug, PartialEq, Eq)]
enum Silent {
    /// It does not take the token (RFC 6750 3.1).
    Refused,
    /// It says nothing that can be used.
    Unusable(String),
}

impl Profiles {
    /// Adds what the token itself does not say.
    ///
    /// # Errors
    /// `KeyUnavailable` while it is not known; `TokenRevoked` for a token that userinfo has taken, and does not take
    /// any more.
    pub(super) async fn complete(
        &self,
        identity: &mut Identity,
        asked: (&dyn Http, &str),
        token: &str,
        now: Time,
    ) -> Result<(), Refusal> {
        if identity.email.is_some() && identity.organization.is_some() && identity.role.is_some() {
            return Ok(());
        }
        let profile = self.of(&identity.subject, asked, token, now).await?;
        let Profile { email, organization, organization_role, role } = profile;
        // A role is one in an organisation: both from one place.
        if identity.organization.is_none() {
            identity.organization = organization;
            identity.organization_role = identity.organization_role.take().or(organization_role);
        }
        identity.email = identity.email.take().or(email);
        identity.role = identity.role.take().or(role);
        Ok(())
    }

    async fn of(
        &self,
        subject: &str,
        (http, endpoint): (&dyn Http, &str),
        token: &str,
        now: Time,
    ) -> Result<Profile, Refusal> {
        let name = sha256_base64url(token.as_bytes());
        let known = self.known(&name);
        if let Some(known) = known.as_ref().filter(|known| now < known.until) {
            return known.usable(now);
        }
        let asked = tokio::time::timeout(PATIENCE, ask(http, endpoint, token)).await;
        let asked = asked.unwrap_or_else(|_| Err(unusable(format!("no answer within {PATIENCE:?}"))));
        let before = known.map_or(Said::Nothing, |known| known.said);
        let known = match asked.and_then(|said| profile(&said, subject)) {
            Ok(profile) => Known { said: Said::Profile(profile, now), until: now + FRESH },
            Err(why) => {
                tracing::warn!(endpoint, ?why, "userinfo says nothing that can be used");
                match (why, before) {
                    // One that never took it may take none: whoever signs in again would fare no better.
                    (Silent::Refused, Said::Profile(..) | Said::Ended) => {
                        Known { said: Said::Ended, until: now + FRESH }
                    }
                    (_, before) => Known { said: before, until: now + PAUSE },
                }
            }
        };
        self.keep(name, known.clone(), now);
        known.usable(now)
    }

    fn known(&self, name: &str) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn keep(&self, name: String, what: Known, now: Time) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, known| now < known.until);
        }
        // Sessions in use come back with one question each.
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name, what);
    }
}

fn unusable(why: impl ToString) -> Silent {
    Silent::Unusable(why.to_string())
}

async fn ask(http: &dyn Http, endpoint: &str, token: &str) -> Result<Map<String, Value>, Silent> {
    let request = Request::get(endpoint)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(unusable)?;
    let answer = http.send(request).await.map_err(unusable)?;
    match answer.status() {
        StatusCode::OK => json::parse_object(answer.body(), LIMITS).map_err(unusable),
        StatusCode::UNAUTHORIZED => Err(Silent::Refused),
        status => Err(unusable(format!("it answers with status {status}"))),
    }
}

/// OpenID Connect Core 5.3.2: what is said of another subject must not be used.
fn profile(said: &Map<String, Value>, subject: &str) -> Result<Profile, Silent> {
    let mut identity = Identity::of(said);
    keep_verified_mail(&mut identity, said);
    let Identity { subject: about, email, organization, organization_role, role, .. } = identity;
    if about != subject {
        return Err(unusable("it is about somebody else"));
    }
    Ok(Profile { email, organization, organization_role, role })
}

/// Leaves a mail address that the issuer has not verified out: whoever signs in there may have written anybody's.
pub(super) fn keep_verified_mail(identity: &mut Identity, said: &Map<String, Value>) {
    if said.get("email_verified") != Some(&Value::Bool(true)) {
        identity.email = None;
    }
}

#[cfg(test)]
mod tests;
