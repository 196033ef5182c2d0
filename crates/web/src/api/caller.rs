//! Who calls the API, and what the caller may do.
//!
//! A credential that is present and bad is refused, also where none is needed. Nothing here decides what
//! an endpoint needs: that stands with its route.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use doorward_core::{
    api_keys::{self, LiveKey},
    apis::catalog,
    bootstrap,
    call::{Actor, Call},
    clients,
    orgs::{self, Holder, OrgScope},
    outcome::{Code, Error, Refusal, Result, refuse},
    rights::Rights,
    service_tokens::{self, LiveToken},
    tokens,
};
use doorward_proto::{
    access_token::TokenUse,
    id::{Id, Org, Session, User},
    secret::{SecretText, TokenHash},
};
use http::request::Parts;

use super::session;
use crate::{
    app::{App, ThroughSocket},
    oauth::proof,
    presented::{self, Scheme},
    surface::Failure,
};

/// Who calls, as the guard has found out. Handlers take it as an argument.
#[derive(Clone)]
pub struct Caller {
    /// The request, with its actor.
    pub call: Call,
    /// What `whoami` tells.
    pub who: Arc<Who>,
    /// Ties stored answers to this credential.
    pub(super) credential: TokenHash,
    /// Whether a browser's cookie is all that tells who it is.
    pub(super) is_browser: bool,
    /// Whether that browser's sign-in is too old for what cannot be undone.
    pub(super) is_stale: bool,
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

    /// Refuses a browser whose sign-in is too old for what cannot be undone.
    pub(super) fn must_be_fresh(&self) -> Result<()> {
        if !self.is_stale {
            return Ok(());
        }
        let hint = "This needs a sign-in of the last ten minutes: sign in again first";
        Err(Refusal::new(Code::Forbidden).hint(hint).into())
    }

    /// Whether anybody was recognised.
    pub fn is_anonymous(&self) -> bool {
        self.call.actor == Actor::Anonymous
    }

    /// What the caller can hand on. A service token, and a key, is bound to its workspaces, also to none; those
    /// of a person say where the person works.
    pub(super) fn rights(&self) -> Rights {
        let workspaces = &self.who.workspace_ids;
        let is_bound =
            matches!(self.call.actor, Actor::ServiceToken(_) | Actor::ApiKey(_) | Actor::PersonalKey { .. });
        Rights { scopes: self.who.scopes.clone(), workspaces: is_bound.then(|| workspaces.clone()) }
    }

    /// The organisation that the credential is of; of a session, the active one.
    pub(super) fn org(&self) -> Option<Id<Org>> {
        self.who.tenant_id.as_deref().and_then(|tenant| tenant.parse().ok())
    }

    /// Who wants to act in an organisation.
    pub(super) fn holder(&self) -> Holder {
        let person = match self.call.actor {
            Actor::User { id, .. } | Actor::PersonalKey { user: id, .. } => Some(id),
            _ => None,
        };
        Holder { scopes: self.who.scopes.clone(), tenant: self.org().filter(|_| !self.is_browser), person }
    }

    pub(super) fn anonymous(call: Call) -> Self {
        let who = Who { identity_type: "anonymous", ..Who::default() };
        Self { call, who: Arc::new(who), credential: TokenHash([0; 32]), is_browser: false, is_stale: false }
    }

    /// The person of the call, for the person's own account.
    pub(super) fn person(&self) -> Result<(Id<User>, Id<Session>)> {
        match self.call.actor {
            Actor::User { id, session } => Ok((id, session)),
            _ => Err(Refusal::new(Code::Forbidden).hint("Only a person has an account of their own").into()),
        }
    }

    /// The person of the call, also by a key of theirs: for what a key may do in the own account.
    pub(super) fn user(&self) -> Result<Id<User>> {
        match self.call.actor {
            Actor::PersonalKey { user, .. } => Ok(user),
            _ => self.person().map(|(user, _)| user),
        }
    }

    fn key(call: &Call, live: &LiveKey, presented: &SecretText) -> Self {
        let (key, holder) = (&live.key, live.holder.as_ref());
        let who = Who {
            subject: Some(key.subject()),
            identity_type: if holder.is_some() { "user" } else { "service" },
            scopes: live.scopes.clone(),
            workspace_ids: key.terms.workspace_ids.clone(),
            token_id: Some(key.id.to_string()),
            tenant_id: Some(key.org.to_string()),
            role: Some(holder.map_or("service", |holder| holder.platform_role.name()).to_owned()),
        };
        let credential = call.realm.vault.hash_bytes(presented.expose().as_bytes());
        Self {
            call: call.by(live.actor()),
            who: Arc::new(who),
            credential,
            is_browser: false,
            is_stale: false,
        }
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
        Self { call, who: Arc::new(who), credential: TokenHash([0; 32]), is_browser: false, is_stale: false }
    }

    fn service(call: &Call, live: &LiveToken, presented: &SecretText) -> Self {
        let token = &live.token;
        let who = Who {
            subject: Some(token.lineage.to_string()),
            identity_type: "service",
            scopes: token.scopes.iter().map(str::to_owned).collect(),
            workspace_ids: token.workspace_ids.clone(),
            token_id: Some(token.id.to_string()),
            tenant_id: Some(token.org.to_string()),
            role: Some("service".to_owned()),
        };
        let credential = call.realm.vault.hash_bytes(presented.expose().as_bytes());
        Self {
            call: call.by(live.actor()),
            who: Arc::new(who),
            credential,
            is_browser: false,
            is_stale: false,
        }
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
        Self {
            call: call.by(Actor::Bootstrap),
            who: Arc::new(who),
            credential,
            is_browser: false,
            is_stale: false,
        }
    }
}

/// The organisation of the path, entered by who may. Handlers of [`super::endpoint::Access::Org`] take it.
pub(super) struct Entered(pub(super) OrgScope);

impl FromRequestParts<App> for Entered {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> std::result::Result<Self, Failure> {
        let scope = parts.extensions.get::<OrgScope>().cloned();
        scope.map(Self).ok_or_else(|| Failure(orgs::unentered()))
    }
}

/// The refusal of a caller without a scope; it names the scope.
pub(super) fn lacks(scope: &str) -> Refusal {
    Refusal::new(Code::ScopeMissing).hint(format!("Missing required scopes: {scope}")).fact("scope", scope)
}

/// Finds out who calls.
pub(super) async fn recognise(app: &App, parts: &Parts, call: Call) -> Result<Caller> {
    if let Some((scheme, token)) = presented::in_header(&parts.headers)? {
        presented::nothing_else(&parts.headers)?;
        return match scheme {
            Scheme::Bearer => by_bearer(app, parts, &call, &token).await,
            Scheme::Dpop => by_token(parts, &call, (scheme, &token)).await,
        };
    }
    if let Some(key) = presented::key_header(&parts.headers)? {
        return by_key(&call, &key).await;
    }
    if parts.extensions.get::<ThroughSocket>().is_some() {
        return Ok(Caller::local(&call));
    }
    session::recognise(app, parts, call).await
}

async fn by_bearer(app: &App, parts: &Parts, call: &Call, token: &SecretText) -> Result<Caller> {
    if let Some(configured) = &app.settings.bootstrap
        && bootstrap::admit(call, &configured.token, configured.terms, token).await?
    {
        return Ok(Caller::bootstrap(call, &configured.scopes, token));
    }
    if api_keys::is_key(token.expose()) {
        return by_key(call, token).await;
    }
    if service_tokens::may_be(call, token.expose()).await? {
        let live = service_tokens::admit(call, token.expose()).await?;
        return Ok(Caller::service(call, &live, token));
    }
    by_token(parts, call, (Scheme::Bearer, token)).await
}

async fn by_key(call: &Call, key: &SecretText) -> Result<Caller> {
    let live = api_keys::admit(call, key.expose()).await?;
    Ok(Caller::key(call, &live, key))
}

/// One of our own access tokens, made for this server itself. A bound one comes with its proof.
async fn by_token(parts: &Parts, call: &Call, (scheme, token): (Scheme, &SecretText)) -> Result<Caller> {
    let live = tokens::verify(call, token.expose()).await?;
    match (live.jkt(), scheme) {
        (None, Scheme::Bearer) => {}
        (Some(jkt), Scheme::Dpop) => {
            let request = (parts.method.as_str(), &parts.uri);
            let proven = proof::proven(call, &parts.headers, request, Some(token.expose())).await?;
            if proven.as_deref() != Some(jkt) {
                return refuse(Code::DpopInvalid);
            }
        }
        _ => return refuse(Code::CredentialInvalid),
    }
    let claims = &live.claims;
    if claims.aud != call.realm.issuer {
        return refuse(Code::CredentialAudience);
    }
    live.allows(call.origin.address)?;
    let is_person = claims.token_use == Some(TokenUse::User);
    let actor = if is_person {
        let session = claims.sid.as_deref().and_then(|sid| sid.parse().ok());
        match (claims.sub.parse(), session) {
            (Ok(id), Some(session)) => Actor::User { id, session },
            _ => return refuse(Code::CredentialInvalid),
        }
    } else {
        match clients::find(call, &claims.client_id).await? {
            Some(client) => Actor::Client(client.id),
            None => return refuse(Code::CredentialRevoked),
        }
    };
    // A person's consent hands on what the person may do, never more. A change of role ends the token.
    let may_administer = !is_person || claims.role.as_deref() == Some("admin");
    let scopes = claims.scope.iter().filter(|scope| may_administer || !catalog::is_platform(scope));
    let who = Who {
        subject: Some(claims.sub.clone()),
        identity_type: if is_person { "user" } else { "client" },
        scopes: scopes.map(str::to_owned).collect(),
        workspace_ids: claims.workspace_ids.clone(),
        token_id: Some(claims.jti.clone()),
        tenant_id: claims.tenant_id.clone(),
        role: claims.role.clone(),
    };
    let credential = call.realm.vault.hash_bytes(token.expose().as_bytes());
    Ok(Caller { call: call.by(actor), who: Arc::new(who), credential, is_browser: false, is_stale: false })
}

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> std::result::Result<Self, Failure> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Failure(Error::fault("an API route without its guard")))
    }
}
