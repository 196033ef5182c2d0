//! Back on the sign-in page, where no provider has signed anybody in: what was going on goes on, and the page
//! says why, once.

use std::time::Duration;

use axum::response::Response;
use doorward_core::outcome::{Code, Refusal};

use crate::{
    cookies::Cookie,
    pages::{
        carry::Carry,
        text::Text,
        visit::{Visit, to},
    },
};

/// A word that the page has not said by then is not news any more.
const SAID_WITHIN: Duration = Duration::from_mins(1);

/// What people read about each reason, by its key in the catalogue; the same as on an error page.
const SENTENCES: [(Code, &str); 9] = [
    (Code::ConnectRefused, "error-connect-refused-what"),
    (Code::ConnectInvalid, "error-connect-invalid-what"),
    (Code::ConnectUnreachable, "error-connect-unreachable-what"),
    (Code::ConnectUnverified, "error-connect-unverified-what"),
    (Code::ConnectState, "error-connect-state-what"),
    (Code::ConnectOutside, "error-connect-outside-what"),
    (Code::SignUpClosed, "error-sign-up-closed-what"),
    (Code::SignUpDomain, "error-sign-up-closed-what"),
    // A suspended account, of which no more is said.
    (Code::SignInFailed, "error-connect-refused-what"),
];

/// Why nobody was signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Turned {
    /// One sentence.
    pub(in crate::pages) sentence: String,
    /// Under which it stands in the log and the audit trail.
    pub(in crate::pages) reference: String,
}

/// Whether it is about the provider, so that another way may lead on.
pub(super) fn is_about(refusal: &Refusal) -> bool {
    matches!(refusal.code, Code::ConnectRefused | Code::ConnectInvalid | Code::ConnectUnreachable)
}

/// Sends the browser to the sign-in page of what it was doing.
pub(super) fn away(visit: &Visit, carry: &Carry, refusal: &Refusal) -> Response {
    let response = to(&carry.on("/sign-in?other=yes"));
    let word = format!("{}~{}", refusal.code.name(), visit.call.origin.request_id);
    visit.with_cookie(response, Cookie::Done, &word, Some(SAID_WITHIN))
}

/// Why this browser has come back from a provider a moment ago.
pub(in crate::pages) fn turned(visit: &Visit) -> Option<Turned> {
    read(visit.text, visit.cookie_value(Cookie::Done)?)
}

fn read(text: Text, word: &str) -> Option<Turned> {
    let (name, reference) = word.split_once('~')?;
    let (_, key) = SENTENCES.iter().find(|(code, _)| code.name() == name)?;
    Some(Turned { sentence: text.get(key), reference: reference.to_owned() })
}
