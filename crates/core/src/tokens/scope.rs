//! Which scopes belong in a token: those that its audience knows (RFC 8707 2.2, RFC 9068 3).
//!
//! An API knows the scopes it was created with, the issuer the standard ones and those of this server. The
//! scopes about a person may be asked for beside an API: they are for the ID token, for userinfo and for
//! staying connected, and never end up in the API's token unless the API knows them too.

use doorward_proto::scope::ScopeSet;

use super::Target;
use crate::{
    apis::catalog,
    outcome::{Code, Refusal},
};

impl Target {
    fn knows(&self, scope: &str) -> bool {
        match &self.api {
            Some(api) => api.has_scope(scope),
            None => catalog::is_own(scope),
        }
    }

    /// The part of these scopes that its tokens carry.
    pub(crate) fn scope_of(&self, granted: &ScopeSet) -> ScopeSet {
        granted.retain(|scope| self.knows(scope))
    }

    /// The same for scopes that were asked for by name: naming only others is a mistake.
    pub(crate) fn scope_named(&self, named: &ScopeSet) -> Result<ScopeSet, Refusal> {
        let known = self.scope_of(named);
        let others = named.without(&known).retain(|scope| !catalog::is_standard(scope));
        if known.is_empty() && !others.is_empty() { Err(unknown(&others)) } else { Ok(known) }
    }
}

/// What a request may be granted: every scope it names must be known to one of its audiences, and what it
/// does not name is left out where none knows it.
pub(crate) fn within(targets: &[Target], scope: ScopeSet, is_named: bool) -> Result<ScopeSet, Refusal> {
    let is_known =
        |scope: &str| catalog::is_standard(scope) || targets.iter().any(|target| target.knows(scope));
    let known = scope.retain(is_known);
    let others = scope.without(&known);
    if is_named && !others.is_empty() { Err(unknown(&others)) } else { Ok(known) }
}

fn unknown(scopes: &ScopeSet) -> Refusal {
    let hint = format!("Not a scope of the API that is asked for: {scopes}");
    Refusal::new(Code::ScopeInvalid).hint(hint).field("scope")
}
