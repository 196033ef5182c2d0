//! What became of a request at the gateway, for whoever writes a line about it or counts it.

use std::sync::{Arc, OnceLock};

use doorward_judge::{CredentialKind, Principal, Why};
use http::StatusCode;

use crate::metering::{Metering, Tally};

/// Longer names, which other issuers may give people, are cut.
const LONGEST: usize = 200;

/// Who asked for what, and what was said. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The route whose rule decided; none where no rule was found.
    pub route: Option<String>,
    /// Whose credential it was, as the audit trail names them.
    pub subject: Option<String>,
    /// Of what kind it was.
    pub credential: Option<CredentialKind>,
    /// Who vouched for it, where a token says so.
    pub issuer: Option<String>,
    /// The organisation that it acts in.
    pub organization: Option<String>,
    /// The application that it came through.
    pub client: Option<String>,
    /// The agent that acts.
    pub agent: Option<String>,
    /// Why it was not let through, or went no further afterwards; nothing where it did.
    pub refused: Option<Why>,
}

impl Decision {
    pub(crate) fn new(route: &str, principal: Option<&Principal>, refused: Option<Why>) -> Self {
        let identity = principal.map(|it| &it.identity);
        Self {
            route: (!route.is_empty()).then(|| route.to_owned()),
            subject: identity.map(|it| it.subject.chars().take(LONGEST).collect()),
            credential: principal.map(|it| it.credential),
            issuer: identity.and_then(|it| it.issuer.clone()),
            organization: identity.and_then(|it| it.organization.clone()),
            client: identity.and_then(|it| it.client_id.clone()),
            agent: identity.and_then(|it| it.agent_id.clone()),
            refused,
        }
    }

    /// `allowed`, or the code of the refusal.
    pub const fn code(&self) -> &'static str {
        match self.refused {
            None => "allowed",
            Some(why) => why.code(),
        }
    }
}

/// The place of a request's decision: whoever decides first has it, and only what was let through can be refused
/// after that.
#[derive(Debug, Clone, Default)]
pub struct Decided(Arc<Place>);

#[derive(Debug, Default)]
struct Place {
    first: OnceLock<Decision>,
    /// What became of what was let through.
    last: OnceLock<Decision>,
    tally: Tally,
}

impl Place {
    fn decision(&self) -> Option<&Decision> {
        self.last.get().or_else(|| self.first.get())
    }

    fn is_denied(&self) -> bool {
        self.first.get().is_some_and(|first| first.refused.is_some())
    }
}

/// The rest is counted when nobody holds it any more: the answer is out, or whoever asked has gone.
impl Drop for Place {
    fn drop(&mut self) {
        if let Some(decision) = self.decision() {
            self.tally.end(decision, self.is_denied());
        }
    }
}

impl Decided {
    pub(crate) fn is(&self, decision: impl FnOnce() -> Decision) {
        self.0.first.get_or_init(decision);
    }

    /// Notes a refusal.
    pub(crate) fn is_refused(&self, route: &str, principal: Option<&Principal>, why: Why) {
        let first = self.0.first.get_or_init(|| Decision::new(route, principal, Some(why)));
        if first.refused.is_none() {
            self.0.last.get_or_init(|| Decision { refused: Some(why), ..first.clone() });
        }
    }

    /// What was decided, once it is.
    pub fn get(&self) -> Option<&Decision> {
        self.0.decision()
    }

    /// From now on it is counted.
    pub(crate) fn is_metered(&self, metering: Metering) {
        self.0.tally.begin(metering);
    }

    /// Counts the request, once it is known what it is answered.
    pub(crate) fn is_answered(&self, status: StatusCode) {
        if let Some(decision) = self.get() {
            self.0.tally.answered(decision, self.0.is_denied(), status);
        }
    }

    /// What came in and what goes out of it.
    pub(crate) fn tally(&self) -> &Tally {
        &self.0.tally
    }
}

#[cfg(test)]
mod tests {
    use doorward_judge::Identity;

    use super::*;

    #[test]
    fn the_first_decision_stands_and_names_are_cut() {
        let identity = Identity { subject: "\u{e4}".repeat(300), ..Identity::default() };
        let principal = Principal::new(identity, CredentialKind::Jwt);
        let decided = Decided::default();
        decided.clone().is_refused("reports", Some(&principal), Why::MissingScope);
        decided.is(|| Decision::new("", None, None));
        decided.is_refused("", None, Why::UpstreamTimeout);
        let told = decided.get().unwrap();
        assert_eq!(told.subject.as_ref().unwrap().chars().count(), 200);
        assert_eq!(
            (told.route.as_deref(), told.credential, told.code()),
            (Some("reports"), Some(CredentialKind::Jwt), "auth.missing_scope")
        );
        assert_eq!(Decision::new("", None, None).code(), "allowed");
    }

    #[test]
    fn what_was_let_through_and_went_no_further_is_refused() {
        let principal = Principal::new(Identity::default(), CredentialKind::Jwt);
        let decided = Decided::default();
        decided.is(|| Decision::new("reports", Some(&principal), None));
        assert_eq!(decided.get().unwrap().code(), "allowed");
        decided.is_refused("other", None, Why::UpstreamTimeout);
        decided.is_refused("other", None, Why::InvalidToken);
        let told = decided.get().unwrap();
        assert_eq!(
            (told.route.as_deref(), told.credential, told.code()),
            (Some("reports"), Some(CredentialKind::Jwt), Why::UpstreamTimeout.code())
        );
    }
}
