//! Signing out: the question where an application asks without proof, and the page afterwards.

use askama::Template;
use axum::{Router, extract::Query, response::Response, routing::get};
use doorward_core::{
    logout,
    outcome::Code,
    sessions::{self, Which},
};

use serde::Deserialize;
use url::Url;

use super::{
    frame::Frame,
    visit::{Posted, Visit, to},
};
use crate::{app::App, cookies::Cookie, headers::Policy, surface::Failure};

/// What follows the end of an account.
pub const DELETED: &str = "/account-deleted";

/// The question, its answer, and the page afterwards.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-out", get(ask).post(sign_out))
        .route("/signed-out", get(signed_out))
        .route(DELETED, get(deleted))
}

/// "Sign out?"
#[derive(Template)]
#[template(path = "sign_out.html")]
pub struct ConfirmPage<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Where to go afterwards, sealed; may be empty.
    pub after: &'a str,
    /// Whose sessions would end: everybody's at this browser, by the primary mail address.
    pub emails: Vec<String>,
    /// Back to where nothing has changed.
    pub stay: String,
}

/// "You are signed out", or what else has ended.
#[derive(Template)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Whether the account is deleted.
    pub is_deleted: bool,
}

/// Where an application wants the person to end up, sealed by us when the address was proven.
#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: String,
}

async fn ask(mut visit: Visit, Query(After { after }): Query<After>) -> Response {
    let emails = signed_in(&visit);
    if emails.is_empty() {
        return to("/signed-out");
    }
    let back = logout::open_after(&visit.call, &after);
    if let Some(uri) = back.and_then(|uri| Url::parse(&uri).ok()) {
        visit.policy = Policy::new().form_may_end_at(&uri);
    }
    let (frame, stay) = (visit.frame(), visit.carry.onward());
    visit.show(&ConfirmPage { frame: &frame, after: &after, emails, stay })
}

/// The addresses of everybody who is signed in at this browser.
fn signed_in(visit: &Visit) -> Vec<String> {
    let accounts = visit.signed.iter().flat_map(|signed| &signed.accounts);
    accounts.map(|account| account.email.clone().unwrap_or_default()).collect()
}

/// Ends every session of this browser: who signs out of a shared device means all of it.
async fn sign_out(Posted { visit, form }: Posted<After>) -> Result<Response, Failure> {
    let back = logout::open_after(&visit.call, &form.after);
    let response = visit.without(to(back.as_deref().unwrap_or("/signed-out")), Cookie::Identifier);
    let Some(cookie) = &visit.cookie else { return Ok(response) };
    match sessions::sign_out(&visit.call, cookie, Which::All).await {
        Ok(cookie) => Ok(visit.with_browser(response, &cookie)),
        Err(error) if error.code() == Some(Code::SignInRequired) => Ok(response),
        Err(error) => Err(error.into()),
    }
}

/// Says so only where it is true: the address can be opened by anybody at any time.
async fn signed_out(visit: Visit) -> Response {
    if !signed_in(&visit).is_empty() {
        return to("/sign-out");
    }
    let frame = visit.frame();
    visit.show(&SignedOutPage { frame: &frame, is_deleted: false })
}

/// The same of an account that was deleted.
async fn deleted(visit: Visit) -> Response {
    if !signed_in(&visit).is_empty() {
        return to("/account");
    }
    let frame = visit.frame();
    visit.show(&SignedOutPage { frame: &frame, is_deleted: true })
}
