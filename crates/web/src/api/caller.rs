//! Who calls the API, and what the caller may do.
//!
//! A credential that is present and bad is refused, also where none is needed. Nothing here decides what
//! an endpoint needs: that stands with its route.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use doorward_core::{
    bootstrap,
    call::{Actor, Call},
    outcome::{Code, Error, Refusal, Result},
};
use doorward_proto::secret::{SecretText, TokenHash};
use http::{header, request::Parts};

use crate::{
    app::{App, ThroughSocket},
    surface::Failure,
};

/// No credential of ours is longer.
const MAX_CREDENTIAL: usize = 8 * 1024;

/// Who calls, as the guard has found out. Handlers take it as an argument.
#[derive(Clone)]
pub struct Caller {
    /// The request, with its actor.
    pub call: Call,
    /// What `whoami` tells.
    pub who: Arc<Who>,
    /// Ties stored answers to this credential.
    pub(super) credential: TokenHash,
}

/// What a credential says of its holder.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// `sub`; `None` for nobody.
    pub subject: Option<String>,
    /// `anonymous`, `user`, `client`, `service`, `agent` or `local`.
    pub identity_type: &'static str,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The workspaces it is bound to.
    pub workspace_ids: Vec<String>,
    /// The credential's public name.
    pub token_id: Option<String>,
    /// The organisation it acts in.
    pub tenant_id: Option<String>,
    /// `admin`, `user`, `agent` or `service`.
    pub role: Option<String>,
}

impl Caller {
    /// Whether the caller holds the scope, by name or by `admin:*`.
    pub fn has(&self, scope: &str) -> bool {
        let is_admin = scope.starts_with("admin:");
        self.who.scopes.iter().any(|held| held == scope || (is_admin && held == "admin:*"))
    }

    /// Refuses a caller without the scope.
    pub fn must_have(&self, scope: &str) -> Result<()> {
        if self.has(scope) { Ok(()) } else { Err(lacks(scope).into()) }
    }

    /// Whether anybody was recognised.
    pub fn is_anonymous(&self) -> bool {
        self.call.actor == Actor::Anonymous
    }

    fn anonymous(call: Call) -> Self {
        let who = Who { identity_type: "anonymous", ..Who::default() };
        Self { call, who: Arc::new(who), credential: TokenHash([0; 32]) }
    }

    fn local(call: &Call) -> Self {
        let who = Who {
            subject: Some("local".to_owned()),
            identity_type: "local",
            scopes: vec!["admin:*".to_owned()],
            role: Some("admin".to_owned()),
            ..Who::default()
        };
        let call = call.by(Actor::LocalAdministrator);
        Self { call, who: Arc::new(who), credential: TokenHash([0; 32]) }
    }

    fn bootstrap(call: &Call, scopes: &[String], token: &SecretText) -> Self {
        let who = Who {
            subject: Some("bootstrap".to_owned()),
            identity_type: "service",
            scopes: scopes.to_vec(),
            token_id: Some("bootstrap".to_owned()),
            role: Some("admin".to_owned()),
            ..Who::default()
        };
        let credential = call.realm.vault.hash_bytes(token.expose().as_bytes());
        Self { call: call.by(Actor::Bootstrap), who: Arc::new(who), credential }
    }
}

/// The refusal of a caller without a scope; it names the scope.
pub(super) fn lacks(scope: &str) -> Refusal {
    Refusal::new(Code::ScopeMissing).hint(format!("Missing required scopes: {scope}")).fact("scope", scope)
}

/// Finds out who calls.
pub(super) async fn recognise(app: &App, parts: &Parts, call: Call) -> Result<Caller> {
    if let Some(token) = bearer(parts)? {
        return by_token(app, &call, &token).await;
    }
    if parts.extensions.get::<ThroughSocket>().is_some() {
        return Ok(Caller::local(&call));
    }
    Ok(Caller::anonymous(call))
}

/// The token of the `Authorization` header (RFC 6750 2.1; the scheme's case does not matter).
fn bearer(parts: &Parts) -> Result<Option<SecretText>> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let hint = "The Authorization header may be sent once";
        return Err(Refusal::new(Code::RequestInvalid).hint(hint).into());
    }
    let text = value.to_str().map_err(|_| Error::from(Refusal::new(Code::CredentialInvalid)))?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::new(Code::CredentialScheme).into());
    }
    let token = token.trim_matches(' ');
    if token.is_empty() {
        return Err(Refusal::new(Code::CredentialMissing).into());
    }
    if token.len() > MAX_CREDENTIAL {
        return Err(Refusal::new(Code::CredentialInvalid).into());
    }
    Ok(Some(SecretText::from(token)))
}

async fn by_token(app: &App, call: &Call, token: &SecretText) -> Result<Caller> {
    if let Some(configured) = &app.settings.bootstrap
        && bootstrap::admit(call, &configured.token, configured.expires_at, token).await?
    {
        return Ok(Caller::bootstrap(call, &configured.scopes, token));
    }
    Err(Refusal::new(Code::CredentialInvalid).into())
}

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> std::result::Result<Self, Failure> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Failure(Error::fault("an API route without its guard")))
    }
}
