//! The account pages: a person's own profile, password, sessions, connected applications,
//! keys and data.

use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::{bootstrap, sessions::Account, users::PlatformRole};
use http::request::Parts;

pub use super::done::Done;
use super::{
    carry::Carry,
    form::Errors,
    frame::Frame,
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
    /// Whether the person administers the platform.
    pub is_administrator: bool,
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
        let is_administrator = self.account.platform_role == PlatformRole::Administrator;
        House { frame, room, email, done, warning: self.warning.clone(), is_administrator }
    }

    /// Answers with a page; what has been done is said once.
    pub fn show(&self, page: &impl askama::Template) -> Response {
        self.visit.without(self.visit.show(page), Cookie::Done)
    }
}

/// Tells an administrator of the bootstrap token for as long as one is configured: whoever has it can do
/// whatever an administrator can.
pub(super) async fn root_credential(visit: &Visit, account: &Account) -> Result<Option<String>, Failure> {
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
