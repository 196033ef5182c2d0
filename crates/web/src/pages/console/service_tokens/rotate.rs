//! The next version of a token: another secret under the same name. The present one goes on for a while.

use askama::Template;
use axum::{extract::Path, response::Response};
use doorward_core::{
    credentials,
    outcome::{Code, Refusal, Result as Outcome},
    service_tokens::{Key, RotateAsk, Token, rotate},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    create::{lifetime, password, wrong},
    organisation, page,
    secret::{SHOWN, kept},
    some, trail, version, words,
};
use crate::{
    pages::{
        console::{Administrator, Area, Shell, part::once},
        form::{Errors, Field},
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Deserialize)]
pub struct Form {
    #[serde(default)]
    minutes: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    scopes: String,
    #[serde(default)]
    once: String,
    #[serde(default)]
    current_password: SecretText,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            minutes: (RotateAsk::default().overlap / 60).to_string(),
            days: String::new(),
            scopes: String::new(),
            once: String::new(),
            current_password: SecretText::default(),
        }
    }
}

impl Form {
    fn read(&self) -> Outcome<RotateAsk> {
        let wrong = || Refusal::new(Code::RequestInvalid).field("overlap_seconds");
        let minutes: u64 = match some(&self.minutes) {
            Some(minutes) => minutes.parse().map_err(|_| wrong())?,
            // Nothing typed is no decision to end the present one at once.
            None => return Err(wrong().into()),
        };
        Ok(RotateAsk {
            overlap: minutes.saturating_mul(60),
            expires_in: lifetime(&self.days)?,
            scopes: words(&self.scopes),
        })
    }
}

/// The page.
#[derive(Template)]
#[template(path = "console/service_tokens/rotate.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    action: String,
    back: String,
    once: String,
    errors: Errors,
    fields: [Field; 4],
}

impl<'a> Page<'a> {
    /// The page of the version whose page is `back`, with what was typed; `once` is a word of its own.
    pub fn new(shell: &'a Shell<'a>, back: String, (typed, once): (&Form, String), errors: Errors) -> Self {
        let frame = shell.frame;
        let field = |id, label: &str, hint: &str, value: &str| {
            let field = Field::new(id, "text", "off", frame.t(label)).hint(frame.t(hint)).value(value);
            field.longest(4000).checked(&errors)
        };
        let fields = [
            field("minutes", "tokens-overlap", "tokens-overlap-what", &typed.minutes).keyboard("numeric"),
            field("days", "tokens-days", "tokens-days-again", &typed.days).keyboard("numeric").optional(),
            field("scopes", "tokens-scopes-more", "tokens-scopes-more-what", &typed.scopes).optional(),
            password(frame, &errors),
        ];
        Self { frame, shell, action: format!("{back}/rotate"), back, once, errors, fields }
    }
}

fn shell<'a>(
    administrator: &Administrator,
    frame: &'a Frame,
    (token, org): (&Token, &str),
    errors: &Errors,
) -> Shell<'a> {
    let title = frame.text.with2("tokens-rotate-of", ("name", &token.name), ("org", org));
    let mut shell = administrator.shell(frame, Area::ServiceTokens, title, errors);
    shell.trail = vec![trail(administrator), (page(token), token.name.clone())];
    shell
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let token = version(visit, &id).await?;
    let mut typed = Form::default();
    let fields = [("minutes", &mut typed.minutes), ("days", &mut typed.days), ("scopes", &mut typed.scopes)];
    for (name, field) in fields {
        if let Some(value) = visit.typed(name) {
            value.clone_into(field);
        }
    }
    let org = organisation(visit, &token).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, (&token, &org), &errors);
    Ok(administrator.show(&Page::new(&shell, page(&token), (&typed, once::word(visit)?), errors)))
}

pub(super) async fn replace(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, form) = match Administrator::of(posted, &format!("{}/{id}/rotate", super::PATH)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let token = version(visit, &id).await?;
    let (call, rights, id) = (visit.call.clone(), administrator.rights(), token.id);
    let (user, typed) = (administrator.account.session.user, form.clone());
    let work = async move {
        let ask = typed.read()?;
        credentials::confirm(&call, user, &typed.current_password).await?;
        // This version and no other: sent from two pages, the form replaces it once.
        kept(rotate(&call, Key::Version(id), ask, rights).await, false)
    };
    let refusal = match once::send(visit, (&form.once, SHOWN), work).await {
        Ok(onward) => return Ok(onward),
        Err(error) => refusal_of(error)?,
    };
    let errors = match refusal.code {
        Code::TokenEnded => Some(Errors::one("", visit.text.get("tokens-ended"))),
        _ => wrong(visit.text, &refusal),
    };
    let Some(errors) = errors else { return Err(refusal.into()) };
    let org = organisation(visit, &token).await?;
    let frame = visit.frame();
    let shell = shell(&administrator, &frame, (&token, &org), &errors);
    let page = Page::new(&shell, page(&token), (&form, once::word(visit)?), errors);
    Ok(visit.show_wrong(&page, &refusal))
}
