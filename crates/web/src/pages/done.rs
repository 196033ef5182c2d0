//! What has just been done: a word in a cookie, said once on the page that follows.

use std::time::Duration;

use axum::response::Response;

use super::{
    text::Text,
    visit::{Visit, to},
};
use crate::cookies::Cookie;

/// A word that no page has said by then is not news any more.
const SAID_WITHIN: Duration = Duration::from_mins(1);

/// What has just been done: said once, on the page that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The profile was saved.
    Profile,
    /// News by mail were chosen, or not.
    News,
    /// A link was sent to a new address.
    AddressAsked,
    /// An address was confirmed.
    AddressConfirmed,
    /// The password was changed.
    Password,
    /// A linked sign-in was unlinked.
    Disconnected,
    /// A session was ended.
    Session,
    /// All other sessions were ended.
    Sessions,
    /// An application's access was taken back.
    Application,
    /// A key was revoked.
    Key,
    /// A service token was revoked.
    ServiceToken,
    /// A service token was reviewed.
    ServiceTokenReview,
    /// The person has joined an organisation.
    Joined,
    /// An organisation was made.
    OrgMade,
    /// Another organisation is the active one.
    OrgSwitched,
    /// The person has left an organisation.
    OrgLeft,
}

impl Done {
    const ALL: [Self; 16] = [
        Self::Profile,
        Self::News,
        Self::AddressAsked,
        Self::AddressConfirmed,
        Self::Password,
        Self::Disconnected,
        Self::Session,
        Self::Sessions,
        Self::Application,
        Self::Key,
        Self::ServiceToken,
        Self::ServiceTokenReview,
        Self::Joined,
        Self::OrgMade,
        Self::OrgSwitched,
        Self::OrgLeft,
    ];

    /// The word in the cookie, which is also the key of the sentence.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Profile => "done-profile",
            Self::News => "done-news",
            Self::AddressAsked => "done-address-asked",
            Self::AddressConfirmed => "done-address-confirmed",
            Self::Password => "done-password",
            Self::Disconnected => "done-disconnected",
            Self::Session => "done-session",
            Self::Sessions => "done-sessions",
            Self::Application => "done-application",
            Self::Key => "done-key",
            Self::ServiceToken => "done-service-token",
            Self::ServiceTokenReview => "done-service-token-review",
            Self::Joined => "done-joined",
            Self::OrgMade => "done-org-made",
            Self::OrgSwitched => "done-org-switched",
            Self::OrgLeft => "done-org-left",
        }
    }

    /// Reads a cookie's word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.word() == word)
    }

    /// What the person reads.
    pub fn sentence(self, text: Text) -> String {
        text.get(self.word())
    }

    /// Sends the browser to the page that says so.
    pub fn at(self, visit: &Visit, path: &str) -> Response {
        visit.with_cookie(to(path), Cookie::Done, self.word(), Some(SAID_WITHIN))
    }
}
