//! The account pages: a person's own profile, password, sessions, connected applications and data.

use super::{frame::Frame, text::Text};

pub mod applications;
pub mod data;
pub mod profile;
pub mod security;
pub mod sessions;

/// One of the account pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Name and mail addresses.
    Profile,
    /// Password.
    Security,
    /// Where the person is signed in.
    Sessions,
    /// Applications with access.
    Applications,
    /// Deletion.
    Data,
}

impl Room {
    /// In the order of the navigation.
    pub const ALL: [Self; 5] =
        [Self::Profile, Self::Security, Self::Sessions, Self::Applications, Self::Data];

    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Profile => "/account",
            Self::Security => "/account/security",
            Self::Sessions => "/account/sessions",
            Self::Applications => "/account/applications",
            Self::Data => "/account/data",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Profile => "account-profile",
            Self::Security => "account-security",
            Self::Sessions => "account-sessions",
            Self::Applications => "account-applications",
            Self::Data => "account-data",
        }
    }
}

/// What has just been done: said once, on the page that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The profile was saved.
    Profile,
    /// A link was sent to a new address.
    AddressAsked,
    /// An address was confirmed.
    AddressConfirmed,
    /// The primary address was changed.
    AddressPrimary,
    /// An address was removed.
    AddressRemoved,
    /// The password was changed.
    Password,
    /// A session was ended.
    Session,
    /// All other sessions were ended.
    Sessions,
    /// An application's access was taken back.
    Application,
}

impl Done {
    const ALL: [Self; 9] = [
        Self::Profile,
        Self::AddressAsked,
        Self::AddressConfirmed,
        Self::AddressPrimary,
        Self::AddressRemoved,
        Self::Password,
        Self::Session,
        Self::Sessions,
        Self::Application,
    ];

    /// The word in the cookie, which is also the key of the sentence.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Profile => "done-profile",
            Self::AddressAsked => "done-address-asked",
            Self::AddressConfirmed => "done-address-confirmed",
            Self::AddressPrimary => "done-address-primary",
            Self::AddressRemoved => "done-address-removed",
            Self::Password => "done-password",
            Self::Session => "done-session",
            Self::Sessions => "done-sessions",
            Self::Application => "done-application",
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
}

/// What every account page has around its content.
pub struct House<'a> {
    /// What every page has.
    pub frame: &'a Frame,
    /// The room that is shown.
    pub room: Room,
    /// The person's mail address.
    pub email: String,
    /// What has just been done, in one sentence.
    pub done: Option<String>,
}

impl House<'_> {
    fn t(&self, key: &str) -> String {
        self.frame.t(key)
    }
    fn title(&self) -> String {
        self.frame.t(self.room.key())
    }
}
