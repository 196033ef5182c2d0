//! Creating the first administrator behind the one-time link that the first start prints.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use doorward_core::{
    outcome::{Code, Refusal},
    users::{
        Email,
        setup::{self, Administrator},
    },
};
use doorward_proto::secret::{Kind, Opaque, SecretText};
use serde::Deserialize;

use super::{
    form::{Errors, Field},
    frame::Frame,
    sign_up::{Typed, fields},
    verify::Link,
    visit::{Posted, Visit, refusal_of, to},
};
use crate::{app::App, surface::Failure};

/// The page and its form.
pub fn routes() -> Router<App> {
    Router::new().route("/setup", get(form).post(complete))
}

/// Set-up: creates the first administrator.
#[derive(Template)]
#[template(path = "setup.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    token: &'a str,
    errors: Errors,
    fields: [Field; 3],
}

impl<'a> Page<'a> {
    /// The form with what was typed before. `token` is the link's secret.
    pub fn new(frame: &'a Frame, token: &'a str, typed: Typed, errors: Errors, shortest: usize) -> Self {
        let fields = fields(frame, typed, &errors, shortest);
        Self { frame, token, errors, fields }
    }
}

#[derive(Deserialize)]
struct SetupForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    new_password: SecretText,
}

async fn form(visit: Visit, Link(link): Link) -> Result<Response, Failure> {
    setup::check(&visit.call, &link).await?;
    let typed = Typed {
        name: visit.typed("name").unwrap_or_default().to_owned(),
        email: visit.typed("email").unwrap_or_default().to_owned(),
        ..Typed::default()
    };
    let frame = visit.frame();
    let shortest = visit.call.realm.settings.password.min_length;
    Ok(visit.show(&Page::new(&frame, link.expose(), typed, Errors::none(), shortest)))
}

async fn complete(Posted { visit, form }: Posted<SetupForm>) -> Result<Response, Failure> {
    let link = Opaque::parse(Kind::Link, &form.token).ok_or(Code::LinkInvalid)?;
    let typed =
        Typed { name: form.name.trim().to_owned(), email: form.email.trim().to_owned(), ..Typed::default() };
    let refusal = match make(&visit, &link, &typed, form.new_password).await {
        Ok(response) => return Ok(response),
        Err(Failure(error)) => refusal_of(error)?,
    };
    wrong(&visit, &link, typed, refusal)
}

async fn make(
    visit: &Visit,
    link: &Opaque,
    typed: &Typed,
    password: SecretText,
) -> Result<Response, Failure> {
    let who = Administrator {
        email: Email::parse(&typed.email)?,
        password,
        name: Some(typed.name.clone()).filter(|name| !name.is_empty()),
    };
    let signed_in = setup::complete(&visit.call, link, who, visit.cookie.as_ref()).await?;
    Ok(visit.with_browser(to("/account"), &signed_in.cookie))
}

fn wrong(visit: &Visit, link: &Opaque, typed: Typed, refusal: Refusal) -> Result<Response, Failure> {
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shortest = visit.call.realm.settings.password.min_length;
    Ok(visit.show_wrong(&Page::new(&frame, link.expose(), typed, errors, shortest), &refusal))
}
