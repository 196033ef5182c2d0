//! What has just been done in the console: said once, on the page that follows.

use std::time::Duration;

use axum::response::Response;

use crate::{
    cookies::Cookie,
    pages::{
        text::Text,
        visit::{Visit, to},
    },
};

/// A word that no page has said by then is not news any more.
const SAID_WITHIN: Duration = Duration::from_mins(1);

/// Every sentence, by its key in the catalogue.
const SAID: &[&str] = &[
    "did-user-made",
    "did-user-made-mailed",
    "did-user-saved",
    "did-user-suspended",
    "did-user-resumed",
    "did-user-ended",
    "did-user-sessions",
    "did-user-mailed",
    "did-org-made",
    "did-org-saved",
    "did-org-suspended",
    "did-org-resumed",
    "did-org-ended",
    "did-member-added",
    "did-member-saved",
    "did-member-removed",
    "did-api-made",
    "did-api-saved",
    "did-api-ended",
    "did-claim-made",
    "did-claim-saved",
    "did-claim-removed",
    "did-role-made",
    "did-role-saved",
    "did-role-ended",
    "did-field-made",
    "did-field-saved",
    "did-field-moved",
    "did-field-removed",
    "did-invited",
    "did-uninvited",
    "did-workspace-made",
    "did-workspace-saved",
    "did-workspace-removed",
    "did-workspace-member-added",
    "did-workspace-member-removed",
    "did-join-added",
    "did-join-removed",
    "did-app-saved",
    "did-app-retired",
    "did-app-suspended",
    "did-app-resumed",
    "did-app-ended",
    "did-provider-made",
    "did-provider-saved",
    "did-provider-suspended",
    "did-provider-resumed",
    "did-provider-ended",
    "did-key-made",
    "did-session-ended",
    "did-mail-retried",
    "did-price-set",
    "did-price-deleted",
    "did-brand-saved",
    "did-words-saved",
    "did-announced",
    "did-announcement-stopped",
    "did-words-tested",
    "did-words-reset",
];

/// Sends the browser to the page that says so.
pub(super) fn at(visit: &Visit, key: &'static str, path: &str) -> Response {
    visit.with_cookie(to(path), Cookie::Done, key, Some(SAID_WITHIN))
}

/// The sentence of a cookie's word.
pub(super) fn sentence(text: Text, word: &str) -> Option<String> {
    SAID.iter().find(|key| **key == word).map(|key| text.get(key))
}
