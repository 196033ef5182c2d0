//! Choosing among the accounts of one browser.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use doorward_core::{
    authorize,
    outcome::Code,
    sessions::{self, Signed},
};
use serde::Deserialize;

use super::{
    draft,
    frame::{Frame, initials},
    visit::{Posted, Visit, to},
};
use crate::{app::App, surface::Failure};

/// The page and its form.
pub fn routes() -> Router<App> {
    Router::new().route("/choose-account", get(ask).post(choose))
}

/// An account that this browser was signed in to.
#[derive(Debug, Clone)]
pub struct Account {
    /// What the form sends.
    pub session: String,
    /// The person's name; may be empty.
    pub name: String,
    /// The primary mail address.
    pub email: String,
}

impl Account {
    fn initials(&self) -> String {
        initials(self.title(), 2)
    }
    fn title(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }
}

/// The page: one button for each account.
#[derive(Template)]
#[template(path = "choose.html")]
pub struct Page<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Where the form goes.
    pub action: String,
    /// The accounts, last used first.
    pub accounts: Vec<Account>,
    /// To another account.
    pub other: String,
}

#[derive(Deserialize)]
struct ChooseForm {
    #[serde(default)]
    session: String,
}

async fn ask(mut visit: Visit) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let signed = visit.signed.as_ref().map(Signed::by_last_use).unwrap_or_default();
    let accounts: Vec<Account> = signed
        .into_iter()
        .map(|account| Account {
            session: account.session.id.to_string(),
            name: account.name.clone().unwrap_or_default(),
            email: account.email.clone().unwrap_or_default(),
        })
        .collect();
    if accounts.is_empty() {
        return Ok(to(&visit.carry.on("/sign-in")));
    }
    let frame = visit.frame();
    let (action, other) = (visit.carry.on("/choose-account"), visit.carry.on("/sign-in?other=yes"));
    Ok(visit.show(&Page { frame: &frame, action, accounts, other }))
}

async fn choose(Posted { visit, form }: Posted<ChooseForm>) -> Result<Response, Failure> {
    let session = form.session.parse().map_err(|_| Failure::from(Code::RequestInvalid))?;
    let Some(cookie) = &visit.cookie else { return Ok(to(&visit.carry.on("/sign-in"))) };
    let cookie = sessions::choose(&visit.call, cookie, session).await?;
    if let Some(draft) = visit.carry.draft() {
        authorize::chose_account(&visit.call, draft, session).await?;
    }
    Ok(visit.with_browser(to(&visit.carry.onward()), &cookie))
}
