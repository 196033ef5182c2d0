//! The console: what administrators see and decide, area by area.
//!
//! Whoever is no administrator of the platform is refused by a page. Nothing here decides more: the use cases
//! are those of the management API, asked with an administrator's rights.

use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::{outcome::Code, rights::Rights, sessions::Account, users::PlatformRole};
use http::request::Parts;

use super::{
    account::root_credential,
    carry::Carry,
    done::Done,
    form::Errors,
    frame::Frame,
    visit::{Posted, Visit, to},
};
use crate::{app::App, cookies::Cookie, surface::Failure};

pub mod service_tokens;

/// Every page of the console.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/console", get(async || to(Area::ServiceTokens.path())))
        .merge(service_tokens::routes())
}

/// What a part of the console is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Long-lived secrets for programs.
    ServiceTokens,
}

impl Area {
    /// In the order of the navigation.
    pub const ALL: [Self; 1] = [Self::ServiceTokens];

    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ServiceTokens => "/console/service-tokens",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::ServiceTokens => "console-service-tokens",
        }
    }
}

/// What every page of the console has around its content.
pub struct Shell<'a> {
    /// What every page has.
    pub frame: &'a Frame,
    /// The area that is shown.
    pub area: Area,
    /// The heading.
    pub title: String,
    /// The way here: the pages above this one, by address and name.
    pub trail: Vec<(String, String)>,
    /// The administrator's mail address.
    pub email: String,
    /// What has just been done, in one sentence.
    pub done: Option<String>,
    /// What an administrator should not forget, in one sentence.
    pub warning: Option<String>,
}

impl Shell<'_> {
    fn t(&self, key: &str) -> String {
        self.frame.t(key)
    }
}

/// An administrator at a page of the console. Strangers are sent to sign in, and come back; anybody else is
/// refused.
pub struct Administrator {
    /// The request.
    pub visit: Visit,
    /// The account in use.
    pub account: Account,
    /// What should not be forgotten.
    warning: Option<String>,
}

impl FromRequestParts<App> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let asked = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let visit = Visit::from_request_parts(parts, app).await.map_err(Failure::into_response)?;
        let Some(account) = visit.active().cloned() else {
            return Err(to(&Carry::back_to(&asked).on("/sign-in")));
        };
        must_administer(&account).map_err(IntoResponse::into_response)?;
        let warning = root_credential(&visit, &account).await.map_err(IntoResponse::into_response)?;
        Ok(Self { visit, account, warning })
    }
}

fn must_administer(account: &Account) -> Result<(), Failure> {
    match account.platform_role {
        PlatformRole::Administrator => Ok(()),
        PlatformRole::User => Err(Code::Forbidden.into()),
    }
}

impl Administrator {
    /// Whoever posted a form of the console that is shown at `page`.
    ///
    /// # Errors
    /// The way to sign in, where the session has ended meanwhile; the refusal of whoever is no
    /// administrator.
    #[expect(clippy::result_large_err, reason = "the error is the answer that is sent at once")]
    pub fn of<T>(posted: Posted<T>, page: &str) -> Result<(Self, T), Response> {
        let Posted { visit, form } = posted;
        let Some(account) = visit.active().cloned() else {
            let elsewhere = to(&Carry::back_to(page).on("/sign-in"));
            return Err(visit.sent.put(&visit, elsewhere));
        };
        must_administer(&account).map_err(IntoResponse::into_response)?;
        Ok((Self { visit, account, warning: None }, form))
    }

    /// What an administrator may hand on and decide over.
    pub fn rights(&self) -> Rights {
        Rights { scopes: vec!["admin:*".to_owned()], workspaces: None }
    }

    /// What is around a page of this heading; `errors` belong to a form that was just sent.
    pub fn shell<'a>(&self, frame: &'a Frame, area: Area, title: String, errors: &Errors) -> Shell<'a> {
        let word = self.visit.cookie_value(Cookie::Done).filter(|_| errors.is_empty());
        let done = word.and_then(Done::read).map(|done| done.sentence(self.visit.text));
        let email = self.account.email.clone().unwrap_or_default();
        Shell { frame, area, title, trail: Vec::new(), email, done, warning: self.warning.clone() }
    }

    /// Answers with a page; what has been done is said once.
    pub fn show(&self, page: &impl askama::Template) -> Response {
        self.visit.without(self.visit.show(page), Cookie::Done)
    }
}
