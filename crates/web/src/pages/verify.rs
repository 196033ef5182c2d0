//! Behind the links of mails that prove an address: a button first, because mail scanners open links.
//!
//! The link of a sign-up makes the account where it was asked for, or for whoever knows the password that
//! was chosen then; else somebody could confirm an account that a stranger made in their name.

use askama::Template;
use axum::{Router, extract::FromRequestParts, response::Response, routing::get};
use doorward_core::{
    outcome::Code,
    users::{self, Proof, SignUpLink},
};
use doorward_proto::secret::{Kind, Opaque, SecretText};
use http::request::Parts;
use serde::Deserialize;

use super::{
    account::Done,
    carry::Carry,
    draft,
    form::{Errors, Field},
    frame::Frame,
    visit::{Posted, Visit, refusal_of, to},
};
use crate::{app::App, cookies::Cookie, surface::Failure};

/// Both links, and the page afterwards.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/verify", get(ask).post(verify))
        .route("/verify-email", get(ask_email).post(verify_email))
        .route("/verified", get(verified))
}

/// The secret of a mailed link, from the query.
pub struct Link(pub Opaque);

impl FromRequestParts<App> for Link {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        let token = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
        let link = token.and_then(|(_, value)| Opaque::parse(Kind::Link, &value));
        link.map(Self).ok_or_else(|| Code::LinkInvalid.into())
    }
}

/// The page behind the link: a button, and the password where another browser signed up.
#[derive(Template)]
#[template(path = "verify.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    action: &'static str,
    token: &'a str,
    email: String,
    errors: Errors,
    password: Option<Field>,
}

impl<'a> Page<'a> {
    /// The page for a link that proves `email`, to be sent to `action`.
    pub fn new(frame: &'a Frame, action: &'static str, token: &'a str, email: String) -> Self {
        Self { frame, action, token, email, errors: Errors::none(), password: None }
    }

    /// Asks for the password that was chosen at sign-up.
    #[must_use]
    pub fn with_password(mut self, errors: Errors) -> Self {
        let label = self.frame.t("field-password");
        let field = Field::password(self.frame, "password", "current-password", label);
        self.password = Some(field.focused().checked_alone(&errors));
        self.errors = errors;
        self
    }
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

#[derive(Deserialize)]
struct VerifyForm {
    #[serde(default)]
    token: String,
    password: Option<SecretText>,
}

fn marker(visit: &Visit) -> Option<Opaque> {
    Opaque::parse(Kind::Link, visit.cookie_value(Cookie::SignUp)?)
}

async fn ask(visit: Visit, Link(link): Link) -> Result<Response, Failure> {
    let found = users::check_sign_up(&visit.call, &link, marker(&visit).as_ref()).await?;
    let frame = visit.frame();
    Ok(visit.show(&page(&frame, &link, found, Errors::none())))
}

fn page<'a>(frame: &'a Frame, link: &'a Opaque, found: SignUpLink, errors: Errors) -> Page<'a> {
    let page = Page::new(frame, "/verify", link.expose(), found.email);
    if found.is_same_browser { page } else { page.with_password(errors) }
}

async fn verify(Posted { visit, form }: Posted<VerifyForm>) -> Result<Response, Failure> {
    let link = Opaque::parse(Kind::Link, &form.token).ok_or(Code::LinkInvalid)?;
    let proof = match (marker(&visit), form.password) {
        (_, Some(password)) => Proof::Password(password),
        (Some(marker), None) => Proof::Marker(marker),
        (None, None) => Proof::Password(SecretText::default()),
    };
    let refusal = match users::verify(&visit.call, &link, proof, visit.cookie.as_ref()).await {
        Ok((signed_in, next)) => {
            let carry = Carry::of(next.as_deref());
            draft::note_signed_in(&visit, carry.draft(), signed_in.session.id).await?;
            let response = visit.with_browser(to(&carry.on("/verified")), &signed_in.cookie);
            return Ok(visit.without(response, Cookie::SignUp));
        }
        Err(error) => refusal_of(error)?,
    };
    let errors = match (refusal.code, Errors::of(visit.text, &refusal)) {
        (Code::PasswordWrong, _) => Errors::one("password", visit.text.get("verify-password-wrong")),
        (_, Some(errors)) => errors,
        (_, None) => return Err(refusal.into()),
    };
    let found = users::check_sign_up(&visit.call, &link, None).await?;
    let frame = visit.frame();
    Ok(visit.show_wrong(&page(&frame, &link, found, errors), &refusal))
}

async fn ask_email(visit: Visit, Link(link): Link) -> Result<Response, Failure> {
    let email = users::check_change_email(&visit.call, &link).await?;
    let frame = visit.frame();
    Ok(visit.show(&Page::new(&frame, "/verify-email", link.expose(), email)))
}

async fn verify_email(Posted { visit, form }: Posted<VerifyForm>) -> Result<Response, Failure> {
    let link = Opaque::parse(Kind::Link, &form.token).ok_or(Code::LinkInvalid)?;
    users::confirm_email(&visit.call, &link).await?;
    if visit.active().is_some() {
        return Ok(Done::AddressConfirmed.at(&visit, "/account"));
    }
    Ok(to("/verified"))
}

async fn verified(visit: Visit) -> Response {
    let frame = visit.frame();
    visit.show(&VerifiedPage { frame: &frame, onward: visit.carry.onward() })
}
