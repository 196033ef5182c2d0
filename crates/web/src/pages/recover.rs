//! A forgotten password: asking for a link by mail, and choosing a new password behind it.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use doorward_core::{
    credentials::{self, Reset},
    outcome::Code,
    users::Email,
};
use doorward_proto::secret::{Kind, Opaque, SecretText};
use serde::Deserialize;

use super::{
    carry::Carry,
    draft,
    form::{Errors, Field},
    frame::Frame,
    sign_in,
    sign_up::{CheckMailPage, Sent, new_password},
    verify::Link,
    visit::{Posted, Visit, refusal_of, to},
};
use crate::{app::App, surface::Failure};

/// Both halves.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/forgot", get(form).post(forgot))
        .route("/forgot/sent", get(sent))
        .route("/reset", get(reset_form).post(reset))
        .route("/reset/done", get(done))
}

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
        let email = Field::new("email", "email", "email", frame.t("field-email"))
            .value(typed)
            .focused()
            .checked_alone(&errors);
        Self { frame, action, errors, email, back }
    }
}

/// Choosing the new password.
#[derive(Template)]
#[template(path = "reset.html")]
pub struct ResetPage<'a> {
    frame: &'a Frame,
    token: &'a str,
    email: String,
    errors: Errors,
    password: Field,
}

impl<'a> ResetPage<'a> {
    /// The form; `token` is the link's secret, and `email` whose password it is.
    pub fn new(frame: &'a Frame, (token, email): (&'a str, String), errors: Errors, shortest: usize) -> Self {
        let password = new_password(frame, shortest).focused().checked_alone(&errors);
        Self { frame, token, email, errors, password }
    }
}

/// "Your new password is saved".
#[derive(Template)]
#[template(path = "reset_done.html")]
pub struct DonePage<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Onward: back to the application, or to the account.
    pub onward: String,
}

#[derive(Deserialize)]
struct ForgotForm {
    #[serde(default)]
    email: String,
}

#[derive(Deserialize)]
struct ResetForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    new_password: SecretText,
}

fn page<'a>(visit: &Visit, frame: &'a Frame, typed: &str, errors: Errors) -> ForgotPage<'a> {
    ForgotPage::new(frame, visit.carry.on("/forgot"), typed, errors, visit.carry.on("/sign-in"))
}

async fn form(visit: Visit) -> Response {
    let frame = visit.frame();
    let typed = visit.typed("email").map(str::to_owned).or_else(|| sign_in::typed_before(&visit));
    let typed = typed.unwrap_or_default();
    visit.show(&page(&visit, &frame, &typed, Errors::none()))
}

async fn forgot(Posted { mut visit, form }: Posted<ForgotForm>) -> Result<Response, Failure> {
    // An authorization that is over meanwhile keeps nobody from a new password.
    match draft::read(&mut visit).await {
        Err(error) if error.code() == Some(Code::DraftUnknown) => {}
        other => other?,
    }
    let typed = form.email.trim();
    let refusal = match ask(&visit, typed).await {
        Ok(()) => {
            let response = to(&visit.carry.on("/forgot/sent"));
            return Ok(sign_in::remember(&visit, response, typed));
        }
        Err(Failure(error)) => refusal_of(error)?,
    };
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    Ok(visit.show_wrong(&page(&visit, &frame, typed, errors), &refusal))
}

async fn ask(visit: &Visit, typed: &str) -> Result<(), Failure> {
    let (email, locale) = (Email::parse(typed)?, visit.text.tag());
    Ok(credentials::forgot(&visit.call, email, Some(locale), visit.carry.asked()).await?)
}

async fn sent(visit: Visit) -> Response {
    let Some(email) = sign_in::typed_before(&visit) else { return to(&visit.carry.on("/forgot")) };
    let frame = visit.frame();
    let sent = (Sent::Reset, visit.call.realm.settings.mail.link_ttl);
    visit.show(&CheckMailPage::new(&frame, sent, email, visit.carry.on("/forgot")))
}

async fn reset_form(visit: Visit, Link(link): Link) -> Result<Response, Failure> {
    let email = credentials::check_reset(&visit.call, &link).await?;
    let frame = visit.frame();
    let shortest = visit.call.realm.settings.password.min_length;
    Ok(visit.show(&ResetPage::new(&frame, (link.expose(), email), Errors::none(), shortest)))
}

async fn reset(Posted { visit, form }: Posted<ResetForm>) -> Result<Response, Failure> {
    let link = Opaque::parse(Kind::Link, &form.token).ok_or(Code::LinkInvalid)?;
    let cookie = visit.cookie.clone();
    let ask = Reset { link: link.clone(), password: form.new_password, cookie };
    let refusal = match credentials::reset(&visit.call, ask).await {
        Ok((signed_in, next)) => {
            let carry = Carry::of(next.as_deref());
            draft::note_signed_in(&visit, carry.draft(), signed_in.session.id).await?;
            return Ok(visit.with_browser(to(&carry.on("/reset/done")), &signed_in.cookie));
        }
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    let email = credentials::check_reset(&visit.call, &link).await?;
    let frame = visit.frame();
    let shortest = visit.call.realm.settings.password.min_length;
    Ok(visit.show_wrong(&ResetPage::new(&frame, (link.expose(), email), errors, shortest), &refusal))
}

async fn done(visit: Visit) -> Response {
    let frame = visit.frame();
    visit.show(&DonePage { frame: &frame, onward: visit.carry.onward() })
}
