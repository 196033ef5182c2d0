//! The signed word for who was let through: what the identity headers say, in a form that an application can
//! verify with the issuer's keys.
//!
//! It is for one application, lives a minute at the most and never beyond its credential, and is used again
//! for half a minute: signing is the dearest part of an answer.

use std::{sync::Arc, time::Duration};

use doorward_judge::Principal;
use doorward_proto::time::Time;
use doorward_sdk::server::Known;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use serde::Serialize;

use crate::Inner;

const LIFETIME: Duration = Duration::from_secs(60);
/// So that whoever gets one has half a minute left.
const REUSED: Duration = Duration::from_secs(30);

/// Signs assertions.
pub trait Signer: Send + Sync + 'static {
    /// A compact JWT of these claims, with the type `doorward-assertion+jwt`; `None` when it cannot be had
    /// now, which its maker logs.
    fn sign<'a>(&'a self, claims: &'a AssertionClaims<'a>) -> BoxFuture<'a, Option<String>>;
}

/// What an assertion says.
#[derive(Debug, Serialize)]
pub struct AssertionClaims<'p> {
    /// The issuer.
    pub iss: &'p str,
    /// The application behind.
    pub aud: &'p str,
    /// Whoever was let through.
    pub sub: &'p str,
    /// Signed, in seconds since 1970.
    pub iat: i64,
    /// The end, in seconds since 1970.
    pub exp: i64,
    /// By what kind of credential.
    pub auth_type: &'static str,
    /// `user`, `service` or `agent`.
    pub identity_type: &'static str,
    /// Scopes, with spaces between them.
    pub scope: String,
    /// Permissions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<&'p str>,
    /// Roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<&'p str>,
    /// Workspaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workspace_ids: Vec<&'p str>,
    /// The platform's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'p str>,
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<&'p str>,
    /// The mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'p str>,
    /// The application that it came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'p str>,
    /// The agent that acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<&'p str>,
    /// The public name of the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<&'p str>,
}

impl<'p> AssertionClaims<'p> {
    fn of(principal: &'p Principal, issuer: &'p str, audience: &'p str, now: Time) -> Self {
        let identity = &principal.identity;
        let end = principal.expires_at.map_or(now + LIFETIME, |end| end.min(now + LIFETIME));
        let texts =
            |set: &'p std::collections::BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>();
        Self {
            iss: issuer,
            aud: audience,
            sub: &identity.subject,
            iat: now.as_seconds(),
            exp: end.as_seconds(),
            auth_type: principal.credential.name(),
            identity_type: identity.kind.name(),
            scope: texts(&identity.scopes).join(" "),
            permissions: texts(&identity.permissions),
            roles: texts(&identity.roles),
            workspace_ids: identity.workspaces.iter().collect(),
            role: identity.role.as_deref(),
            tenant_id: identity.organization.as_deref(),
            email: identity.email.as_deref(),
            client_id: identity.client_id.as_deref(),
            agent_id: identity.agent_id.as_deref(),
            token_id: identity.token_id.as_deref(),
        }
    }
}

/// The assertion for one application: the one signed a moment ago, or a new one.
pub(crate) async fn of(
    gateway: &Inner,
    known: &Arc<Known>,
    audience: &str,
    now: Time,
) -> Option<HeaderValue> {
    if let Some(signed) = known.assertion(audience, now, REUSED) {
        return Some(signed);
    }
    let claims = AssertionClaims::of(&known.principal, &gateway.issuer, audience, now);
    let signed = gateway.signer.as_ref()?.sign(&claims).await?;
    let signed = HeaderValue::from_str(&signed).ok()?;
    known.keep_assertion(audience, now, signed.clone());
    Some(signed)
}
