//! The console: what administrators see and decide, area by area. What its pages are put together from is
//! in [`part`].
//!
//! Whoever is no administrator of the platform is refused by a page. Nothing here decides more: the use cases
//! are those of the management API, asked with an administrator's rights.

use std::ops::Deref;

use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use doorward_core::{orgs::Holder, outcome::Code, rights::Rights, sessions::Account, users::PlatformRole};
use http::request::Parts;

use super::{
    account::root_credential,
    carry::Carry,
    done::Done,
    form::Errors,
    frame::Frame,
    sign_in,
    visit::{Posted, Visit, to},
};
use crate::{app::App, cookies::Cookie, surface::Failure};

mod announcements;
mod apis;
mod apps;
mod audit;
mod branding;
mod claims;
mod gateway;
mod keys;
mod mail;
mod mail_templates;
mod orgs;
mod overview;
pub mod part;
mod prices;
mod providers;
mod roles;
mod said;
mod service_tokens;
mod sessions;
mod settings;
mod site;
mod usage;
mod users;
mod words;

pub use orgs::run_by;

/// Every page of the console.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(overview::routes())
        .merge(users::routes())
        .merge(orgs::routes())
        .merge(apps::routes())
        .merge(apis::routes())
        .merge(providers::routes())
        .merge(claims::routes())
        .merge(roles::routes())
        .merge(usage::routes())
        .merge(prices::routes())
        .merge(audit::routes())
        .merge(keys::routes())
        .merge(mail::routes())
        .merge(branding::routes())
        .merge(mail_templates::routes())
        .merge(announcements::routes())
        .merge(service_tokens::routes())
        .merge(gateway::routes())
        .merge(sessions::routes())
        .merge(settings::routes())
}

/// What a part of the console is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// What has happened lately.
    Overview,
    /// People.
    Users,
    /// Organisations.
    Organizations,
    /// Programs that people sign in to.
    Applications,
    /// Where people sign in elsewhere.
    Providers,
    /// What whoever holds one may do.
    Roles,
    /// Long-lived secrets for programs.
    ServiceTokens,
    /// How much was used.
    Usage,
    /// What has happened.
    Audit,
    /// What signs tokens.
    Keys,
    /// Who is signed in.
    Sessions,
    /// What is written to people.
    Mail,
    /// What pages look like.
    Branding,
    /// How the server is set.
    Settings,
    /// What tokens are made for.
    Apis,
    /// What mails say.
    MailTemplates,
    /// What is said to many.
    Announcements,
    /// What stands before applications.
    Gateway,
}

impl Area {
    /// In the order of the navigation.
    pub const ALL: &[Self] = &[
        Self::Overview,
        Self::Users,
        Self::Organizations,
        Self::Applications,
        Self::Apis,
        Self::Providers,
        Self::Roles,
        Self::ServiceTokens,
        Self::Gateway,
        Self::Sessions,
        Self::Usage,
        Self::Audit,
        Self::Keys,
        Self::Mail,
        Self::Branding,
        Self::Settings,
        Self::MailTemplates,
        Self::Announcements,
    ];
    /// What is open to whoever runs an organisation.
    const OF_ORGANIZATIONS: &[Self] =
        &[Self::Organizations, Self::Applications, Self::Apis, Self::Roles, Self::ServiceTokens, Self::Audit];

    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/console",
            Self::Users => "/console/users",
            Self::Organizations => "/console/organizations",
            Self::Applications => "/console/applications",
            Self::Apis => "/console/apis",
            Self::Providers => "/console/providers",
            Self::Roles => "/console/roles",
            Self::ServiceTokens => "/console/service-tokens",
            Self::Usage => "/console/usage",
            Self::Audit => "/console/audit",
            Self::Keys => "/console/keys",
            Self::Sessions => "/console/sessions",
            Self::Mail => "/console/mail",
            Self::Branding => "/console/branding",
            Self::Settings => "/console/settings",
            Self::MailTemplates => "/console/mail-templates",
            Self::Announcements => "/console/announcements",
            Self::Gateway => "/console/gateway",
        }
    }

    /// The last word of its address, also below an organisation's page.
    fn word(self) -> &'static str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Overview => "console-overview",
            Self::Users => "console-users",
            Self::Organizations => "console-organizations",
            Self::Applications => "console-applications",
            Self::Apis => "console-apis",
            Self::Providers => "console-providers",
            Self::Roles => "console-roles",
            Self::ServiceTokens => "console-service-tokens",
            Self::Usage => "console-usage",
            Self::Audit => "console-audit",
            Self::Keys => "console-keys",
            Self::Sessions => "console-sessions",
            Self::Mail => "console-mail",
            Self::Branding => "console-branding",
            Self::Settings => "console-settings",
            Self::MailTemplates => "console-mail-templates",
            Self::Announcements => "console-announcements",
            Self::Gateway => "console-gateway",
        }
    }
}

/// What every page of the console has around its content.
pub struct Shell<'a> {
    /// What every page has.
    pub frame: &'a Frame,
    /// The areas that are open to whoever looks, in the order of the navigation.
    pub areas: &'static [Area],
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

/// Somebody at a page of the console. Strangers are sent to sign in, and come back. What a page of an
/// organisation shows, and to whom, is decided by who enters it.
pub struct Operator {
    /// The request.
    pub visit: Visit,
    /// The account in use.
    pub account: Account,
    /// What should not be forgotten.
    warning: Option<String>,
}

impl FromRequestParts<App> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let asked = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let visit = Visit::from_request_parts(parts, app).await.map_err(Failure::into_response)?;
        let Some(account) = visit.active().cloned() else {
            return Err(to(&Carry::back_to(&asked).on("/sign-in")));
        };
        let warning = root_credential(&visit, &account).await.map_err(IntoResponse::into_response)?;
        Ok(Self { visit, account, warning })
    }
}

/// An administrator at a page of the console; anybody else is refused.
pub struct Administrator(Operator);

impl Deref for Administrator {
    type Target = Operator;

    fn deref(&self) -> &Operator {
        &self.0
    }
}

impl FromRequestParts<App> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        Self::check(Operator::from_request_parts(parts, app).await?)
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
        let (operator, form) = Operator::of(posted, page)?;
        Ok((Self::check(operator)?, form))
    }

    #[expect(clippy::result_large_err, reason = "the error is the answer that is sent at once")]
    fn check(operator: Operator) -> Result<Self, Response> {
        if operator.is_administrator() {
            Ok(Self(operator))
        } else {
            Err(Failure::from(Code::Forbidden).into_response())
        }
    }
}

/// What administrators hold.
const EVERYTHING: &str = "admin:*";

fn administers(account: &Account) -> bool {
    account.platform_role == PlatformRole::Administrator
}

/// By what somebody enters an organisation.
fn holder(account: &Account) -> Holder {
    let scopes = if administers(account) { vec![EVERYTHING.to_owned()] } else { Vec::new() };
    Holder { scopes, tenant: None, person: Some(account.session.user) }
}

impl Operator {
    /// Whoever posted a form of the console that is shown at `page`.
    ///
    /// # Errors
    /// The way to sign in, where the session has ended meanwhile.
    #[expect(clippy::result_large_err, reason = "the error is the answer that is sent at once")]
    pub fn of<T>(posted: Posted<T>, page: &str) -> Result<(Self, T), Response> {
        let Posted { visit, form } = posted;
        let Some(account) = visit.active().cloned() else {
            let elsewhere = to(&Carry::back_to(page).on("/sign-in"));
            return Err(visit.sent.put(&visit, elsewhere));
        };
        Ok((Self { visit, account, warning: None }, form))
    }

    /// What they may hand on and decide over on the server: everything, or nothing.
    pub fn rights(&self) -> Rights {
        let scopes = if self.is_administrator() { vec![EVERYTHING.to_owned()] } else { Vec::new() };
        Rights { scopes, workspaces: None }
    }

    /// Whether they administer the server.
    pub fn is_administrator(&self) -> bool {
        administers(&self.account)
    }

    /// Sends whoever signed in too long ago for what `page` does to prove again who they are; what they
    /// typed waits.
    ///
    /// # Errors
    /// The way to sign in.
    #[expect(clippy::result_large_err, reason = "the error is the answer that is sent at once")]
    fn must_be_fresh(&self, page: &str) -> Result<(), Response> {
        sign_in::must_be_fresh(&self.visit, &self.account, page)
    }

    /// What is around a page of this heading; `errors` belong to a form that was just sent.
    pub fn shell<'a>(&self, frame: &'a Frame, area: Area, title: String, errors: &Errors) -> Shell<'a> {
        let word = self.visit.cookie_value(Cookie::Done).filter(|_| errors.is_empty());
        let text = self.visit.text;
        let done = word.and_then(|word| {
            Done::read(word).map(|done| done.sentence(text)).or_else(|| said::sentence(text, word))
        });
        let email = self.account.email.clone().unwrap_or_default();
        Shell {
            frame,
            areas: if self.is_administrator() { Area::ALL } else { Area::OF_ORGANIZATIONS },
            area,
            title,
            trail: Vec::new(),
            email,
            done,
            warning: self.warning.clone(),
        }
    }

    /// Answers with a page; what has been done is said once.
    pub fn show(&self, page: &impl askama::Template) -> Response {
        self.visit.without(self.visit.show(page), Cookie::Done)
    }
}
