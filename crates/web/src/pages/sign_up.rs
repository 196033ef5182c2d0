//! Creating an account, and confirming its mail address.
//!
//! The answer to a sign-up is the same whether or not the address has an account: the mail says which.

use askama::Template;

use super::{
    form::{Errors, Field},
    frame::Frame,
};

/// What was typed before.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
}

/// Sign-up, and the same fields for the first administrator.
#[derive(Template)]
#[template(path = "sign_up.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    action: String,
    errors: Errors,
    fields: [Field; 3],
    sign_in: String,
}

impl<'a> Page<'a> {
    /// The form with what was typed before; `shortest` is the fewest letters of a password.
    pub fn new(frame: &'a Frame, action: String, typed: Typed, errors: Errors, shortest: usize) -> Self {
        let fields = fields(frame, typed, &errors, shortest);
        Self { frame, action, errors, fields, sign_in: "/sign-in".to_owned() }
    }

    /// Where somebody goes who has an account.
    #[must_use]
    pub fn sign_in(mut self, to: String) -> Self {
        self.sign_in = to;
        self
    }
}

/// Set-up: creates the first administrator.
#[derive(Template)]
#[template(path = "setup.html")]
pub struct SetupPage<'a> {
    frame: &'a Frame,
    action: String,
    errors: Errors,
    fields: [Field; 3],
}

impl<'a> SetupPage<'a> {
    /// The form with what was typed before. `action` carries the set-up token.
    pub fn new(frame: &'a Frame, action: String, typed: Typed, errors: Errors, shortest: usize) -> Self {
        let fields = fields(frame, typed, &errors, shortest);
        Self { frame, action, errors, fields }
    }
}

fn fields(frame: &Frame, typed: Typed, errors: &Errors, shortest: usize) -> [Field; 3] {
    [
        Field::new("name", "text", "name", frame.t("field-name")).value(typed.name).focused().checked(errors),
        Field::new("email", "email", "username", frame.t("field-email")).value(typed.email).checked(errors),
        new_password(frame, shortest).checked(errors),
    ]
}

/// A field for a password to be.
pub fn new_password(frame: &Frame, shortest: usize) -> Field {
    Field::password(frame, "new_password", "new-password", frame.t("field-new-password"))
        .hint(frame.text.count("field-new-password-hint", shortest as u64))
        .at_least(shortest)
}

/// What a mail that is on its way is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Confirming the address of a new account.
    Confirm,
    /// A new password.
    Reset,
}

/// "Check your mail".
#[derive(Template)]
#[template(path = "check_mail.html")]
pub struct CheckMailPage<'a> {
    frame: &'a Frame,
    what: String,
    email: String,
    again: &'static str,
    back: String,
}

impl<'a> CheckMailPage<'a> {
    /// The page for a mail to `email`; `back` leads to the form it came from.
    pub fn new(frame: &'a Frame, sent: Sent, email: String, back: String) -> Self {
        let what = frame.t(match sent {
            Sent::Confirm => "check-mail-confirm",
            Sent::Reset => "check-mail-reset",
        });
        let again = match sent {
            Sent::Confirm => "/sign-up/again",
            Sent::Reset => "/forgot",
        };
        Self { frame, what, email, again, back }
    }
}

/// The page behind the link in the mail: a button, because mail scanners open links.
#[derive(Template)]
#[template(path = "verify.html")]
pub struct VerifyPage<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Where the form goes; carries the link's token.
    pub action: String,
}

/// "Your address is confirmed".
#[derive(Template)]
#[template(path = "verified.html")]
pub struct VerifiedPage<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Onward: back to the application, or to the account.
    pub onward: String,
}
