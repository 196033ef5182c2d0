//! What is asked, and the decision.
//!
//! Everything that a cache must not remember is judged here, on every request: proof of possession, the
//! address, the time, and whatever the rule demands.

use std::net::IpAddr;

use doorward_proto::time::Time;

use crate::{
    policy::Question,
    principal::{Principal, Proof},
    rule::{Mode, Rule},
    verdict::{Refusal, Verdict, Why},
};

/// What is known of a request's credential.
#[derive(Debug)]
pub enum Presented<'p> {
    /// There is none.
    Nothing,
    /// One that is good.
    Principal(&'p Principal),
    /// One that is not.
    Refused(Refusal),
}

/// The request that is to be let through, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'r> {
    /// Its method.
    pub method: &'r str,
    /// Its host, with the port where it names one.
    pub host: &'r str,
    /// Its path, in its normal form.
    pub path: &'r str,
}

/// One request, as far as it matters.
#[derive(Debug)]
pub struct Ask<'p, 'a> {
    /// The credential.
    pub presented: Presented<'p>,
    /// What it is for. Policies are about nothing else, so without it none permits.
    pub asked: Option<Asked<'a>>,
    /// What was proven beside it.
    pub proof: &'a Proof,
    /// Where the request comes from.
    pub address: IpAddr,
    /// When.
    pub now: Time,
    /// Whom tokens must be for where the rule names nobody. Empty: anybody.
    pub audiences: &'a [String],
}

/// Decides.
pub fn judge<'p>(rule: &Rule, ask: Ask<'p, '_>) -> Verdict<'p> {
    if rule.mode == Mode::Disabled {
        return Verdict::Allowed(None);
    }
    match ask.presented {
        Presented::Refused(refusal) => Verdict::Refused(refusal),
        // Who is asked for something can only be somebody.
        Presented::Nothing if rule.mode == Mode::Optional && !demands(rule) => {
            match forbidden(rule, &ask, None) {
                Some(refusal) => Verdict::Refused(refusal),
                None => Verdict::Allowed(None),
            }
        }
        Presented::Nothing => Verdict::Refused(Why::MissingToken.into()),
        Presented::Principal(principal) => match refusal(rule, &ask, principal) {
            Some(refusal) => Verdict::Refused(refusal),
            None => Verdict::Allowed(Some(principal)),
        },
    }
}

fn demands(rule: &Rule) -> bool {
    [&rule.scopes, &rule.roles, &rule.permissions, &rule.workspaces].iter().any(|names| !names.is_empty())
}

/// Why somebody is refused, if they are: first whether the credential is good here, then what it may.
fn refusal(rule: &Rule, ask: &Ask<'_, '_>, principal: &Principal) -> Option<Refusal> {
    let cheap = is_good(rule, ask, principal).err().or_else(|| may(rule, principal).err());
    cheap.or_else(|| forbidden(rule, ask, Some(principal)))
}

/// Why the rule's policies do not permit it, if they do not.
fn forbidden(rule: &Rule, ask: &Ask<'_, '_>, principal: Option<&Principal>) -> Option<Refusal> {
    let policy = rule.policy.as_deref()?;
    let Some(asked) = ask.asked else {
        let hint = "The route has a policy, which is about a request that is described";
        return Some(Refusal::new(Why::RequestNotDescribed).hint(hint));
    };
    let params = rule.params(asked.path);
    match policy.permits(&Question { rule: rule.name(), asked, params, principal, ask }) {
        Ok(true) => None,
        // Somebody may be permitted what nobody is.
        Ok(false) if principal.is_none() => Some(Why::MissingToken.into()),
        Ok(false) => Some(Why::PolicyDenied.into()),
        Err(cause) => Some(Refusal::new(Why::PolicyDenied).cause(cause)),
    }
}

fn is_good(rule: &Rule, ask: &Ask<'_, '_>, principal: &Principal) -> Result<(), Refusal> {
    let identity = &principal.identity;
    if principal.expires_at.is_some_and(|end| ask.now >= end) {
        return Err(Why::TokenExpired.into());
    }
    if principal.confirmation.as_ref().is_some_and(|key| !key.is_met(ask.proof)) {
        return Err(Why::ProofRequired.into());
    }
    if !principal.may_come_from(ask.address) {
        return Err(Why::InvalidAddress.into());
    }
    if !rule.accepts(principal.credential) {
        let kinds: Vec<&str> = rule.accept.iter().map(|kind| kind.name()).collect();
        return Err(Refusal::new(Why::InvalidToken).hint(format!("Accepted here: {}", kinds.join(", "))));
    }
    let is_believed = |issuer: &String| rule.issuers.contains(issuer);
    if !rule.issuers.is_empty() && !identity.issuer.as_ref().is_some_and(is_believed) {
        return Err(Why::InvalidIssuer.into());
    }
    let audiences = if rule.audiences.is_empty() { ask.audiences } else { &rule.audiences };
    let is_ours = principal.audience.iter().any(|audience| audiences.contains(audience));
    // Credentials that name nobody are good wherever they are accepted at all.
    if !audiences.is_empty() && !principal.audience.is_empty() && !is_ours {
        return Err(
            Refusal::new(Why::InvalidAudience).hint(format!("Accepted here: {}", audiences.join(", ")))
        );
    }
    Ok(())
}

fn may(rule: &Rule, principal: &Principal) -> Result<(), Refusal> {
    let identity = &principal.identity;
    let lacking = |names: &[String], has: &dyn Fn(&String) -> bool| -> Vec<String> {
        names.iter().filter(|name| !has(name)).cloned().collect()
    };
    let scopes = lacking(&rule.scopes, &|scope| identity.scopes.contains(scope));
    if !scopes.is_empty() {
        return Err(Refusal::new(Why::MissingScope).missing(scopes));
    }
    let workspaces = lacking(&rule.workspaces, &|workspace| identity.workspaces.contains(workspace));
    if !workspaces.is_empty() {
        return Err(Refusal::new(Why::WorkspaceForbidden).missing(workspaces));
    }
    let permissions = lacking(&rule.permissions, &|permission| identity.may(permission));
    if !permissions.is_empty() {
        return Err(Refusal::new(Why::Forbidden).missing(permissions));
    }
    let has_role = |role: &String| identity.roles.contains(role) || identity.role.as_ref() == Some(role);
    if !rule.roles.is_empty() && !rule.roles.iter().any(has_role) {
        return Err(Why::Forbidden.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
