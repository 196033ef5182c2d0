//! Signing out: the question where an application asks without proof, and the page afterwards.

use askama::Template;

use super::frame::Frame;

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
