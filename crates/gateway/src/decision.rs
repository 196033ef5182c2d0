//! What was decided on a request, for whoever writes a line about it.

use std::sync::{Arc, OnceLock};

use doorward_judge::{Principal, Why};

/// Longer names, which other issuers may give people, are cut.
const LONGEST: usize = 200;

/// Who asked for what, and what was said. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The route whose rule decided; none where no rule was found.
    pub route: Option<String>,
    /// Whose credential it was, as the audit trail names them.
    pub subject: Option<String>,
    /// Of what kind it was, as `X-Auth-Type` has it.
    pub credential: Option<&'static str>,
    /// Why it was not let through; nothing where it was.
    pub refused: Option<Why>,
}

impl Decision {
    pub(crate) fn new(route: &str, principal: Option<&Principal>, refused: Option<Why>) -> Self {
        Self {
            route: (!route.is_empty()).then(|| route.to_owned()),
            subject: principal.map(|it| it.identity.subject.chars().take(LONGEST).collect()),
            credential: principal.map(|it| it.credential.name()),
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

/// The place of a request's decision: whoever decides first has it.
#[derive(Debug, Clone, Default)]
pub struct Decided(Arc<OnceLock<Decision>>);

impl Decided {
    pub(crate) fn is(&self, decision: impl FnOnce() -> Decision) {
        self.0.get_or_init(decision);
    }

    /// What was decided, once it is.
    pub fn get(&self) -> Option<&Decision> {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use doorward_judge::{CredentialKind, Identity};

    use super::*;

    #[test]
    fn the_first_decision_stands_and_names_are_cut() {
        let identity = Identity { subject: "\u{e4}".repeat(300), ..Identity::default() };
        let principal = Principal::new(identity, CredentialKind::Jwt);
        let decided = Decided::default();
        decided.clone().is(|| Decision::new("reports", Some(&principal), Some(Why::MissingScope)));
        decided.is(|| Decision::new("", None, None));
        let told = decided.get().unwrap();
        assert_eq!(told.subject.as_ref().unwrap().chars().count(), 200);
        assert_eq!(
            (told.route.as_deref(), told.credential, told.code()),
            (Some("reports"), Some("jwt"), "auth.missing_scope")
        );
        assert_eq!(Decision::new("", None, None).code(), "allowed");
    }
}
