//! Whoever sent a request that was let through, and what they may do beyond what the rule asked for.
//!
//! A handler that finds that somebody may not refuses with a [`Refused`], which is told in the words of the
//! guard that let the request in.

use std::{fmt, sync::Arc};

use doorward_judge::{Identity, Principal, Refusal, Why};
use http::Response;

use crate::{
    dress::{Dress, Errors},
    server::Known,
};

/// How refusals of one request are told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scene {
    pub(crate) errors: Errors,
    pub(crate) realm: Arc<str>,
    pub(crate) request_id: Arc<str>,
}

/// A refusal with the words for it.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Why.
    pub refusal: Box<Refusal>,
    pub(crate) scene: Scene,
    /// The scopes that would help somebody who has presented nothing.
    pub(crate) scopes: String,
}

impl Refused {
    pub(crate) fn new(refusal: Refusal, scene: Scene) -> Self {
        Self { refusal: Box::new(refusal), scene, scopes: String::new() }
    }

    /// The answer.
    pub fn response(&self) -> Response<String> {
        let Scene { errors, realm, request_id } = &self.scene;
        let scopes = self.scopes.clone();
        let dress = Dress { errors: *errors, realm, scopes, request_id, resource_metadata: None };
        dress.refused(&self.refusal)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.refusal.message())
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Response<String> {
    fn from(refused: Refused) -> Self {
        refused.response()
    }
}

/// Somebody who was recognised, and let through. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    known: Arc<Known>,
    scene: Scene,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caller").field(&self.principal().identity.subject).finish()
    }
}

impl Caller {
    pub(crate) const fn new(known: Arc<Known>, scene: Scene) -> Self {
        Self { known, scene }
    }

    /// Everything that is known of them.
    pub fn principal(&self) -> &Principal {
        &self.known.principal
    }

    /// Who, and what they may do.
    pub fn identity(&self) -> &Identity {
        &self.known.principal.identity
    }

    /// The person, application, service or agent.
    pub fn subject(&self) -> &str {
        &self.identity().subject
    }

    /// Whether the credential has a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.identity().scopes.contains(scope)
    }

    /// Whether the holder has a role, or the platform's word for them is this one.
    pub fn has_role(&self, role: &str) -> bool {
        self.identity().roles.contains(role) || self.identity().role.as_deref() == Some(role)
    }

    /// Whether the credential opens a workspace.
    pub fn may_enter(&self, workspace: &str) -> bool {
        self.identity().workspaces.contains(workspace)
    }

    /// Goes on only with all of these scopes.
    ///
    /// # Errors
    /// `auth.missing_scope`, with those that are missing.
    pub fn require_scopes(&self, scopes: &[&str]) -> Result<&Self, Refused> {
        self.require(scopes, Why::MissingScope, |scope| self.has_scope(scope))
    }

    /// Goes on only with all of these permissions; a scope of that name will do.
    ///
    /// # Errors
    /// `auth.forbidden`.
    pub fn require_permissions(&self, permissions: &[&str]) -> Result<&Self, Refused> {
        self.require(permissions, Why::Forbidden, |permission| self.identity().may(permission))
    }

    /// Goes on only for who has one of these roles.
    ///
    /// # Errors
    /// `auth.forbidden`.
    pub fn require_role(&self, any_of: &[&str]) -> Result<&Self, Refused> {
        if any_of.iter().any(|role| self.has_role(role)) {
            return Ok(self);
        }
        Err(self.refuse(Why::Forbidden))
    }

    /// Goes on only for who may enter the workspace.
    ///
    /// # Errors
    /// `auth.workspace_forbidden`.
    pub fn require_workspace(&self, workspace: &str) -> Result<&Self, Refused> {
        self.require(&[workspace], Why::WorkspaceForbidden, |name| self.may_enter(name))
    }

    /// A refusal for a reason of the handler's own, in the words of the guard.
    pub fn refuse(&self, refusal: impl Into<Refusal>) -> Refused {
        Refused::new(refusal.into(), self.scene.clone())
    }

    fn require(&self, names: &[&str], why: Why, has: impl Fn(&str) -> bool) -> Result<&Self, Refused> {
        let missing: Vec<String> =
            names.iter().filter(|name| !has(name)).map(|name| (*name).to_owned()).collect();
        if missing.is_empty() { Ok(self) } else { Err(self.refuse(Refusal::new(why).missing(missing))) }
    }
}

#[cfg(test)]
mod tests;
