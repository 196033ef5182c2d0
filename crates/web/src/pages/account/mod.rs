//! The account pages: a person's own profile, password, sessions, connected applications,
//! keys and data.

use std::time::Duration;

use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::{bootstrap, sessions::Account, users::PlatformRole};
use http::request::Parts;

use super::{
    carry::Carry,
    form::Errors,
    frame::Frame,
    text::Text,
    visit::{Posted, Visit, to},
};
use crate::{app::App, cookies::Cookie, surface::Failure};

pub mod applications;
pub mod data;
pub mod keys;
pub mod profile;
pub mod security;
pub mod sessions;

/// Every account page.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(profile::routes())
        .merge(security::routes())
        .merge(sessions::routes())
        .merge(applications::routes())
        .merge(keys::routes())
        .merge(data::routes())
        .route("/.well-known/change-password", get(async || to("/account/security#password")))
}

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
    /// Keys for programs.
    Keys,
    /// Deletion.
    Data,
}

impl Room {
    /// In the order of the navigation.
    pub const ALL: [Self; 6] =
        [Self::Profile, Self::Security, Self::Sessions, Self::Applications, Self::Keys, Self::Data];

    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Profile => "/account",
            Self::Security => "/account/security",
            Self::Sessions => "/account/sessions",
            Self::Applications => "/account/applications",
            Self::Keys => "/account/keys",
            Self::Data => "/account/data",
        }
    }

    /// To the page, for whoever opens the address of one of its forms: by reloading, or from the history.
    fn door(self) -> impl Fn() -> std::future::Ready<Response> + Clone + Send + Sync + 'static {
        move || std::future::ready(to(self.path()))
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Profile => "account-profile",
            Self::Security => "account-security",
            Self::Sessions => "account-sessions",
            Self::Applications => "account-applications",
            Self::Keys => "account-keys",
            Self::Data => "account-data",
        }
    }
}

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
    /// A session was ended.
    Session,
    /// All other sessions were ended.
    Sessions,
    /// An application's access was taken back.
    Application,
    /// A key was revoked.
    Key,
}

impl Done {
    const ALL: [Self; 9] = [
        Self::Profile,
        Self::News,
        Self::AddressAsked,
        Self::AddressConfirmed,
        Self::Password,
        Self::Session,
        Self::Sessions,
        Self::Application,
        Self::Key,
    ];

    /// The word in the cookie, which is also the key of the sentence.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Profile => "done-profile",
            Self::News => "done-news",
            Self::AddressAsked => "done-address-asked",
            Self::AddressConfirmed => "done-address-confirmed",
            Self::Password => "done-password",
            Self::Session => "done-session",
            Self::Sessions => "done-sessions",
            Self::Application => "done-application",
            Self::Key => "done-key",
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
    /// What an administrator should not forget, in one sentence.
    pub warning: Option<String>,
}

/// A signed-in person at an account page. Anybody else is sent to sign in, and comes back.
pub struct Resident {
    /// The request.
    pub visit: Visit,
    /// The account in use.
    pub account: Account,
    /// What an administrator should not forget.
    warning: Option<String>,
}

impl FromRequestParts<App> for Resident {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let path = parts.uri.path().to_owned();
        let visit = Visit::from_request_parts(parts, app).await.map_err(Failure::into_response)?;
        match visit.active().cloned() {
            Some(account) => {
                let warning = root_credential(&visit, &account).await.map_err(IntoResponse::into_response)?;
                Ok(Self { visit, account, warning })
            }
            None => Err(to(&Carry::back_to(&path).on("/sign-in"))),
        }
    }
}

impl Resident {
    /// Whoever posted a form of an account page.
    ///
    /// # Errors
    /// The way to sign in, where the session has ended meanwhile.
    #[expect(clippy::result_large_err, reason = "the error is the answer that is sent at once")]
    pub fn of<T>(posted: Posted<T>, room: Room) -> Result<(Self, T), Response> {
        let Posted { visit, form } = posted;
        if let Some(account) = visit.active().cloned() {
            return Ok((Self { visit, account, warning: None }, form));
        }
        let elsewhere = to(&Carry::back_to(room.path()).on("/sign-in"));
        Err(visit.sent.put(&visit, elsewhere))
    }

    /// What is around the page; `errors` belong to a form that was just sent.
    pub fn house<'a>(&self, frame: &'a Frame, room: Room, errors: &Errors) -> House<'a> {
        let word = self.visit.cookie_value(Cookie::Done).filter(|_| errors.is_empty());
        let done = word.and_then(Done::read).map(|done| done.sentence(self.visit.text));
        let email = self.account.email.clone().unwrap_or_default();
        House { frame, room, email, done, warning: self.warning.clone() }
    }

    /// Answers with a page; what has been done is said once.
    pub fn show(&self, page: &impl askama::Template) -> Response {
        self.visit.without(self.visit.show(page), Cookie::Done)
    }
}

/// Tells an administrator of the bootstrap token for as long as one is configured: whoever has it can do
/// whatever an administrator can.
async fn root_credential(visit: &Visit, account: &Account) -> Result<Option<String>, Failure> {
    let Some(configured) = &visit.app.settings.bootstrap else { return Ok(None) };
    if account.platform_role != PlatformRole::Administrator {
        return Ok(None);
    }
    let memory = bootstrap::memory(&visit.call, &configured.token).await?;
    Ok(Some(match memory.and_then(|memory| memory.last_used_at) {
        Some(at) => visit.text.with("account-bootstrap-used", "when", &at.to_human()),
        None => visit.text.get("account-bootstrap-unused"),
    }))
}

impl House<'_> {
    fn t(&self, key: &str) -> String {
        self.frame.t(key)
    }
    fn title(&self) -> String {
        self.frame.t(self.room.key())
    }
}
