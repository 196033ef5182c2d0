//! The account pages: a person's own profile, password, sessions, connected applications,
//! keys and data.

use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::{
    bootstrap,
    orgs::Membership,
    sessions::Account,
    users::{self, PlatformRole},
};
use doorward_proto::id::{Id, Org};
use http::request::Parts;

pub use super::done::Done;
use super::{
    carry::Carry,
    console,
    form::Errors,
    frame::Frame,
    visit::{Posted, Visit, to},
};
use crate::{app::App, cookies::Cookie, surface::Failure};

/// Organisations that every page offers to switch to.
const NEAR: usize = 10;

pub mod answers;
pub mod applications;
pub mod data;
pub mod keys;
pub mod organizations;
pub mod picture;
pub mod profile;
pub mod security;
pub mod sessions;

/// Every account page.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(profile::routes())
        .merge(picture::routes())
        .merge(security::routes())
        .merge(sessions::routes())
        .merge(applications::routes())
        .merge(keys::routes())
        .merge(organizations::routes())
        .merge(answers::routes())
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
    /// Organisations that the person belongs to.
    Organizations,
    /// Deletion.
    Data,
}

impl Room {
    /// In the order of the navigation.
    pub const ALL: [Self; 7] = [
        Self::Profile,
        Self::Security,
        Self::Sessions,
        Self::Organizations,
        Self::Applications,
        Self::Keys,
        Self::Data,
    ];

    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Profile => "/account",
            Self::Security => "/account/security",
            Self::Sessions => "/account/sessions",
            Self::Applications => "/account/applications",
            Self::Keys => "/account/keys",
            Self::Organizations => "/account/organizations",
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
            Self::Organizations => "account-organizations",
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
    /// Whether the console is open to the person: to administrators, and to who runs an organisation.
    pub has_console: bool,
    /// The organisations that the person can act for.
    pub orgs: Vec<Place>,
}

/// An organisation that the person can act for.
#[derive(Debug, Clone)]
pub struct Place {
    /// What forms send.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether the session acts for it now.
    pub is_active: bool,
    /// Whether the person runs it, in the console.
    pub is_run: bool,
}

/// A signed-in person at an account page. Anybody else is sent to sign in, and comes back.
pub struct Resident {
    /// The request.
    pub visit: Visit,
    /// The account in use.
    pub account: Account,
    /// The organisations of the person, the personal one first.
    pub orgs: Vec<Membership>,
    /// Those of them that the person runs.
    run: Vec<Id<Org>>,
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
                let (orgs, run) = orgs_of(&visit, &account).await.map_err(IntoResponse::into_response)?;
                Ok(Self { visit, account, orgs, run, warning })
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
    pub async fn of<T>(posted: Posted<T>, room: Room) -> Result<(Self, T), Response> {
        let Posted { visit, form } = posted;
        if let Some(account) = visit.active().cloned() {
            let (orgs, run) = orgs_of(&visit, &account).await.map_err(IntoResponse::into_response)?;
            return Ok((Self { visit, account, orgs, run, warning: None }, form));
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
        let has_console = is_administrator || !self.run.is_empty();
        let (warning, orgs) = (self.warning.clone(), self.places());
        House { frame, room, email, done, warning, has_console, orgs }
    }

    /// The organisations of the person, in the same order.
    pub fn places(&self) -> Vec<Place> {
        self.orgs.iter().map(|own| self.place(own)).collect()
    }

    /// One of them.
    fn place(&self, own: &Membership) -> Place {
        Place {
            id: own.org.to_string(),
            name: own.name.clone(),
            is_active: own.org == self.account.session.org,
            is_run: self.run.contains(&own.org),
        }
    }

    /// Answers with a page; what has been done is said once.
    pub fn show(&self, page: &impl askama::Template) -> Response {
        self.visit.without(self.visit.show(page), Cookie::Done)
    }
}

/// The organisations of the person, and those of them that they run.
async fn orgs_of(visit: &Visit, account: &Account) -> Result<(Vec<Membership>, Vec<Id<Org>>), Failure> {
    let facts = users::facts(&visit.call, account.session.user).await?;
    let orgs = facts.map(|facts| facts.orgs).unwrap_or_default();
    let run = console::run_by(&visit.call, account, orgs.clone()).await?;
    Ok((orgs, run.into_iter().map(|one| one.org).collect()))
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
        Some(at) => visit.text.with("account-bootstrap-used", "when", &at.to_human_in(visit.text.zone())),
        None => visit.text.get("account-bootstrap-unused"),
    }))
}

impl House<'_> {
    fn t(&self, key: &str) -> String {
        self.frame.t(key)
    }
    /// The organisation that the session acts for, where there is another one to switch to.
    fn active(&self) -> Option<&Place> {
        self.orgs.iter().find(|place| place.is_active).filter(|_| self.orgs.len() > 1)
    }
    /// Those to switch to at once: the first of them.
    fn near(&self) -> impl Iterator<Item = &Place> {
        self.orgs.iter().take(NEAR)
    }
    fn has_more(&self) -> bool {
        self.orgs.len() > NEAR
    }
    fn title(&self) -> String {
        self.frame.t(self.room.key())
    }
}
