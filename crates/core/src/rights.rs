//! What somebody may hand on: whoever makes a credential for another hands on rights, and never more than
//! the own ones.

use crate::{
    apis::catalog,
    outcome::{Code, Refusal, Result},
};

/// What somebody holds and can therefore hand on.
#[derive(Debug, Clone)]
pub struct Rights {
    /// By name; `admin:*` is every right there is.
    pub scopes: Vec<String>,
    /// The only workspaces that may be handed on; `None` when nothing binds the holder to any.
    pub workspaces: Option<Vec<String>>,
}

impl Rights {
    fn has_all(&self) -> bool {
        self.scopes.iter().any(|held| held == "admin:*")
    }

    fn holds(&self, scope: &str) -> bool {
        self.has_all() || self.scopes.iter().any(|held| held == scope)
    }

    /// Refuses a holder without the right.
    ///
    /// # Errors
    /// `ScopeMissing`.
    pub(crate) fn must_hold(&self, scope: &str) -> Result<()> {
        if self.holds(scope) { Ok(()) } else { Err(Self::lacks(scope).into()) }
    }

    fn lacks(scope: &str) -> Refusal {
        let hint = format!("Missing required scopes: {scope}");
        Refusal::new(Code::ScopeMissing).hint(hint).fact("scope", scope)
    }

    /// Refuses to hand on what is not held.
    ///
    /// # Errors
    /// `ScopeMissing`, `WorkspaceForbidden`.
    pub(crate) fn cover<'s>(
        &self,
        scopes: impl IntoIterator<Item = &'s str>,
        workspaces: &[String],
    ) -> Result<()> {
        if self.has_all() {
            return Ok(());
        }
        if let Some(scope) = scopes.into_iter().find(|scope| !self.holds(scope)) {
            return Err(Self::lacks(scope).into());
        }
        let Some(bound) = self.workspaces.as_ref().filter(|bound| !bound.iter().any(|one| one == "*")) else {
            return Ok(());
        };
        match workspaces.iter().find(|workspace| !bound.contains(workspace)) {
            Some(other) => Err(Refusal::new(Code::WorkspaceForbidden)
                .field("workspace_ids")
                .hint("The caller does not have this workspace")
                .fact("workspace", other.as_str())
                .into()),
            None => Ok(()),
        }
    }

    /// Refuses to decide over a credential that may do more to this server than the holder may.
    ///
    /// # Errors
    /// `ScopeMissing`.
    pub(crate) fn over<'s>(&self, scopes: impl IntoIterator<Item = &'s str>) -> Result<()> {
        match scopes.into_iter().find(|scope| catalog::is_management(scope) && !self.holds(scope)) {
            Some(scope) => Err(Self::lacks(scope).into()),
            None => Ok(()),
        }
    }
}
