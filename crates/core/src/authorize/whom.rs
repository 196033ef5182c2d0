//! Which of the accounts at a browser a request is about. Decisions and pages ask here, so that no page
//! leads to another account than the one that will be decided on.

use doorward_proto::id::{self, Id};

use super::{Progress, Request};
use crate::sessions::{Account, Signed};

/// Whom a request is about, as far as that is said.
#[derive(Debug, Clone, Default)]
pub struct Whom {
    /// The one person it accepts, by `id_token_hint` or by a `sub` that was asked for.
    pub subject: Option<String>,
    /// Whom the application expects; only a hint, so whoever is chosen instead is as good.
    pub login_hint: Option<String>,
    /// The session in which somebody has signed in for it, or that was chosen.
    pub session: Option<Id<id::Session>>,
}

/// What was found.
#[derive(Debug, Clone, Copy)]
pub enum Found<'s> {
    /// The account.
    Account(&'s Account),
    /// Whoever it is about is not signed in here.
    Missing,
    /// Several are signed in, and nothing says which.
    Several,
}

impl Whom {
    pub(super) fn of(request: &Request, progress: &Progress) -> Self {
        Self {
            subject: request.hinted_subject.clone(),
            login_hint: request.ask.login_hint.clone(),
            session: progress.session,
        }
    }

    /// Whether the person may answer at all.
    pub(super) fn accepts(&self, account: &Account) -> bool {
        self.subject.as_ref().is_none_or(|subject| *subject == account.session.user.to_string())
    }

    /// The account that has been chosen or has signed in for the request, and may answer.
    pub(super) fn chosen<'s>(&self, signed: &'s Signed) -> Option<&'s Account> {
        let mut accounts = signed.accounts.iter().filter(|account| self.accepts(account));
        accounts.find(|account| Some(account.session.id) == self.session)
    }

    /// The account that answers: the chosen one, the one accepted, the one expected, or the one in use.
    pub fn find<'s>(&self, signed: &'s Signed) -> Found<'s> {
        let one = |found: Option<&'s Account>| found.map_or(Found::Missing, Found::Account);
        if let Some(account) = self.chosen(signed) {
            return Found::Account(account);
        }
        if self.subject.is_some() {
            return one(signed.accounts.iter().find(|account| self.accepts(account)));
        }
        if let Some(hint) = &self.login_hint {
            return one(signed.accounts.iter().find(|account| account.is_called(hint)));
        }
        match (signed.active(), signed.accounts.as_slice()) {
            (Some(account), _) | (None, [account]) => Found::Account(account),
            (None, []) => Found::Missing,
            (None, _) => Found::Several,
        }
    }
}
