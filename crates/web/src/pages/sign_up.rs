//! Creating an account, and confirming its mail address.
//!
//! The answer to a sign-up is the same whether or not the address has an account: the mail says which.

use std::time::Duration;

use askama::Template;
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    authorize,
    call::Call,
    outcome::{Code, Refusal},
    settings::SignUpMode,
    users::{self, Email, SignUpAsk},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    draft,
    form::{Errors, Field, Tick},
    frame::Frame,
    news, sign_in,
    visit::{Nothing, Posted, Visit, refusal_of, to},
};
use crate::{app::App, cookies::Cookie, oauth, surface::Failure};

/// Sign-up and the page after it.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-up", get(form).post(sign_up))
        .route("/sign-up/sent", get(sent))
        .route("/sign-up/skip", post(skip).get(form))
}

/// What was typed before.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// Whether the person wants to be written to.
    pub wants_news: bool,
}

/// Sign-up.
#[derive(Template)]
#[template(path = "sign_up.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    action: String,
    errors: Errors,
    fields: [Field; 3],
    news: Tick,
    sign_in: String,
    skip: Option<String>,
}

impl<'a> Page<'a> {
    /// The form with what was typed before; `shortest` is the fewest letters of a password.
    pub fn new(frame: &'a Frame, action: String, typed: Typed, errors: Errors, shortest: usize) -> Self {
        let news = news::tick(frame, typed.wants_news);
        let fields = fields(frame, typed, &errors, shortest);
        Self { frame, action, errors, fields, news, sign_in: "/sign-in".to_owned(), skip: None }
    }

    /// Where somebody goes who has an account.
    #[must_use]
    pub fn sign_in(mut self, to: String) -> Self {
        self.sign_in = to;
        self
    }

    /// Where somebody goes who goes on without an account.
    #[must_use]
    pub fn skip(mut self, to: Option<String>) -> Self {
        self.skip = to;
        self
    }
}

/// Name, address and password of an account to be.
pub(super) fn fields(frame: &Frame, typed: Typed, errors: &Errors, shortest: usize) -> [Field; 3] {
    [
        Field::new("name", "text", "name", frame.t("field-name")).value(typed.name).focused().checked(errors),
        Field::new("email", "email", "email", frame.t("field-email")).value(typed.email).checked(errors),
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
    again: Option<&'static str>,
    back: String,
}

impl<'a> CheckMailPage<'a> {
    /// The page for a mail to `email`, with how long its link works; `back` leads to the form it came from.
    pub fn new(frame: &'a Frame, (sent, lasts): (Sent, Duration), email: String, back: String) -> Self {
        let what = match sent {
            Sent::Confirm => "check-mail-confirm",
            Sent::Reset => "check-mail-reset",
        };
        let what = frame.text.count(what, lasts.as_secs().div_ceil(60));
        let again = match sent {
            Sent::Confirm => None,
            Sent::Reset => Some("/forgot"),
        };
        Self { frame, what, email, again, back }
    }
}

#[derive(Deserialize)]
struct SignUpForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    new_password: SecretText,
    news: Option<String>,
}

async fn form(mut visit: Visit) -> Result<Response, Failure> {
    if visit.call.realm.settings.sign_up.mode != SignUpMode::Open {
        return Err(Code::SignUpClosed.into());
    }
    draft::read(&mut visit).await?;
    let expected = visit.asked.as_ref().and_then(|view| view.whom.login_hint.as_deref());
    let expected = expected.filter(|hint| Email::parse(hint).is_ok());
    let typed = Typed {
        name: visit.typed("name").unwrap_or_default().to_owned(),
        email: visit.typed("email").or(expected).unwrap_or_default().to_owned(),
        wants_news: visit.typed("news").is_some(),
    };
    let frame = visit.frame();
    Ok(visit.show(&page(&visit, &frame, typed, Errors::none())))
}

fn page<'a>(visit: &Visit, frame: &'a Frame, typed: Typed, errors: Errors) -> Page<'a> {
    let shortest = visit.call.realm.settings.password.min_length;
    let page = Page::new(frame, visit.carry.on("/sign-up"), typed, errors, shortest);
    page.sign_in(visit.carry.on("/sign-in")).skip(way_past(visit))
}

/// Where somebody goes who goes on without an account, if the application lets them.
pub(super) fn way_past(visit: &Visit) -> Option<String> {
    let may_skip = visit.asked.as_ref().is_some_and(|view| view.may_skip);
    may_skip.then(|| visit.carry.on("/sign-up/skip"))
}

/// The application is told that there is no account, and goes on without.
async fn skip(Posted { visit, .. }: Posted<Nothing>) -> Result<Response, Failure> {
    let Some(draft) = visit.carry.draft() else { return Err(Code::DraftUnknown.into()) };
    let next = authorize::skip(&visit.call, draft).await?;
    oauth::answer(&visit.app, &visit.call, visit.headers(), next)
}

async fn sign_up(Posted { visit, form }: Posted<SignUpForm>) -> Result<Response, Failure> {
    let typed = Typed {
        name: form.name.trim().to_owned(),
        email: form.email.trim().to_owned(),
        wants_news: form.news.is_some(),
    };
    let refusal = match ask(&visit, &typed, form.new_password).await {
        Ok(response) => return Ok(response),
        Err(Failure(error)) => refusal_of(error)?,
    };
    wrong(visit, typed, refusal).await
}

async fn ask(visit: &Visit, typed: &Typed, password: SecretText) -> Result<Response, Failure> {
    let view = match visit.carry.draft() {
        Some(draft) => Some(authorize::view(&visit.call, draft).await?),
        None => None,
    };
    let registers = view.as_ref().and_then(|view| view.registers);
    let call = Call { asked_by: view.as_ref().map(|view| view.client), ..visit.call.clone() };
    let ask = SignUpAsk {
        email: Email::parse(&typed.email)?,
        password,
        name: Some(typed.name.clone()).filter(|name| !name.is_empty()),
        locale: Some(visit.text.tag().to_owned()),
        marketing_consent: typed.wants_news.then(|| news::agreed(visit.text)),
        next: visit.carry.asked(),
        registers,
    };
    let marker = users::sign_up(&call, ask).await?;
    let lasts = visit.call.realm.settings.mail.link_ttl;
    let response = to(&visit.carry.on("/sign-up/sent"));
    let response = visit.with_cookie(response, Cookie::SignUp, marker.expose(), Some(lasts));
    Ok(sign_in::remember(visit, response, &typed.email))
}

async fn wrong(mut visit: Visit, typed: Typed, refusal: Refusal) -> Result<Response, Failure> {
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    // An authorization that is over meanwhile says so when it is come back to; what was typed stays.
    match draft::read(&mut visit).await {
        Err(error) if error.code() == Some(Code::DraftUnknown) => {}
        other => other?,
    }
    let frame = visit.frame();
    Ok(visit.show_wrong(&page(&visit, &frame, typed, errors), &refusal))
}

async fn sent(visit: Visit) -> Response {
    let Some(email) = sign_in::typed_before(&visit) else { return to(&visit.carry.on("/sign-up")) };
    let frame = visit.frame();
    let sent = (Sent::Confirm, visit.call.realm.settings.mail.link_ttl);
    visit.show(&CheckMailPage::new(&frame, sent, email, visit.carry.on("/sign-up")))
}
