//! Signing in, identifier first: who are you, then what only you can do.
//!
//! Both steps look the same for every identifier, known or not.

use askama::Template;

use super::{
    form::{Errors, Field},
    frame::{Frame, initials},
};

/// First step: the identifier.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct IdentifierPage<'a> {
    frame: &'a Frame,
    action: String,
    errors: Errors,
    identifier: Field,
    sign_up: Option<String>,
}

impl<'a> IdentifierPage<'a> {
    /// The step with what was typed before. `action` carries the draft.
    pub fn new(frame: &'a Frame, action: String, typed: &str, errors: Errors) -> Self {
        let identifier = Field::new("identifier", "email", "username", frame.t("field-email"))
            .value(typed)
            .focused()
            .checked(&errors);
        Self { frame, action, errors, identifier, sign_up: None }
    }

    /// Offers to create an account.
    #[must_use]
    pub fn sign_up(mut self, to: String) -> Self {
        self.sign_up = Some(to);
        self
    }
}

/// Who the password step is about.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The identifier as typed, or the remembered account's.
    pub identifier: String,
    /// The name, only where this browser was signed in to the account before.
    pub name: Option<String>,
}

impl Identity {
    fn initials(&self) -> String {
        initials(self.name.as_deref().unwrap_or(&self.identifier), 2)
    }
}

/// Second step: the password.
#[derive(Template)]
#[template(path = "password.html")]
pub struct PasswordPage<'a> {
    frame: &'a Frame,
    action: String,
    identity: Identity,
    errors: Errors,
    password: Field,
    other: String,
}

/// Where the links of the password step lead.
#[derive(Debug, Clone)]
pub struct PasswordLinks {
    /// Where the form goes.
    pub action: String,
    /// To another account.
    pub other: String,
    /// To a new password.
    pub forgot: String,
}

impl<'a> PasswordPage<'a> {
    /// The step for one identity.
    pub fn new(frame: &'a Frame, links: PasswordLinks, identity: Identity, errors: Errors) -> Self {
        let password = Field::password(frame, "password", "current-password", frame.t("field-password"))
            .aside(frame.t("password-forgot"), links.forgot)
            .focused()
            .checked(&errors);
        Self { frame, action: links.action, identity, errors, password, other: links.other }
    }
}
