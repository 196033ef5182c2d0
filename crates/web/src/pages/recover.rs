//! A forgotten password: asking for a link by mail, and choosing a new password behind it.

use askama::Template;

use super::{
    form::{Errors, Field},
    frame::Frame,
    sign_up::new_password,
};

/// Asking for the link. The answer is the same for every address.
#[derive(Template)]
#[template(path = "forgot.html")]
pub struct ForgotPage<'a> {
    frame: &'a Frame,
    action: String,
    errors: Errors,
    email: Field,
    back: String,
}

impl<'a> ForgotPage<'a> {
    /// The form with what was typed before; `back` leads to signing in.
    pub fn new(frame: &'a Frame, action: String, typed: &str, errors: Errors, back: String) -> Self {
        let email = Field::new("email", "email", "username", frame.t("field-email"))
            .value(typed)
            .focused()
            .checked(&errors);
        Self { frame, action, errors, email, back }
    }
}

/// Choosing the new password.
#[derive(Template)]
#[template(path = "reset.html")]
pub struct ResetPage<'a> {
    frame: &'a Frame,
    action: String,
    errors: Errors,
    password: Field,
}

impl<'a> ResetPage<'a> {
    /// The form; `action` carries the link's token.
    pub fn new(frame: &'a Frame, action: String, errors: Errors, shortest: usize) -> Self {
        let password = new_password(frame, shortest).focused().checked(&errors);
        Self { frame, action, errors, password }
    }
}
