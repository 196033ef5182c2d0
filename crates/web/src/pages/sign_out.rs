//! Signing out: the question where an application asks without proof, and the page afterwards.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use doorward_core::{
    outcome::Code,
    sessions::{self, Which},
};

use super::{
    frame::Frame,
    visit::{Nothing, Posted, Visit, to},
};
use crate::{app::App, cookies::Cookie, surface::Failure};

/// The question, its answer, and the page afterwards.
pub fn routes() -> Router<App> {
    Router::new().route("/sign-out", get(ask).post(sign_out)).route("/signed-out", get(signed_out))
}

/// "Sign out?"
#[derive(Template)]
#[template(path = "sign_out.html")]
pub struct ConfirmPage<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Where the form goes.
    pub action: String,
    /// Whose session would end; the primary mail address.
    pub email: Option<String>,
    /// Back to where nothing has changed.
    pub stay: String,
}

/// "You are signed out".
#[derive(Template)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Back to the application, where its return address was proven.
    pub back: Option<String>,
}

async fn ask(visit: Visit) -> Response {
    let Some(account) = visit.active() else { return to("/signed-out") };
    let (frame, email) = (visit.frame(), account.email.clone());
    let (action, stay) = ("/sign-out".to_owned(), visit.carry.onward());
    visit.show(&ConfirmPage { frame: &frame, action, email, stay })
}

/// Ends every session of this browser: who signs out of a shared device means all of it.
async fn sign_out(Posted { visit, .. }: Posted<Nothing>) -> Result<Response, Failure> {
    let response = visit.without(to("/signed-out"), Cookie::Identifier);
    let Some(cookie) = &visit.cookie else { return Ok(response) };
    match sessions::sign_out(&visit.call, cookie, Which::All).await {
        Ok(cookie) => Ok(visit.with_browser(response, &cookie)),
        Err(error) if error.code() == Some(Code::SignInRequired) => Ok(response),
        Err(error) => Err(error.into()),
    }
}

async fn signed_out(visit: Visit) -> Response {
    let frame = visit.frame();
    visit.show(&SignedOutPage { frame: &frame, back: None })
}
