//! The next version of a token: another secret under the same name. The present one goes on for a while.

use askama::Template;
use axum::{extract::Path, response::Response};
use doorward_core::{
    credentials,
    outcome::{Code, Refusal, Result as Outcome},
    service_tokens::{Key, RotateAsk, Token, WithSecret, rotate},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    create::{lifetime, password, wrong},
    page, secret, some, trail, version, words,
};
use crate::{
    pages::{
        console::{Administrator, Area, Shell},
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
    current_password: SecretText,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            minutes: (RotateAsk::default().overlap / 60).to_string(),
            days: String::new(),
            scopes: String::new(),
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
    errors: Errors,
    fields: [Field; 4],
}

impl<'a> Page<'a> {
    /// The page of the version whose page is `back`, with what was typed.
    pub fn new(shell: &'a Shell<'a>, back: String, typed: &Form, errors: Errors) -> Self {
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
        Self { frame, shell, action: format!("{back}/rotate"), back, errors, fields }
    }
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, token: &Token, errors: &Errors) -> Shell<'a> {
    let title = frame.tv("tokens-rotate-of", "name", &token.name);
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
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, &token, &errors);
    Ok(administrator.show(&Page::new(&shell, page(&token), &typed, errors)))
}

pub(super) async fn replace(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, form) = match Administrator::of(posted, &format!("{}/{id}/rotate", super::PATH)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let token = version(visit, &id).await?;
    let refusal = match replaced(&administrator, &token, &form).await {
        Ok(made) => {
            let what = visit.text.with("tokens-rotated-what", "name", &token.name);
            return Ok(secret::tell(&administrator, &made, what));
        }
        Err(error) => refusal_of(error)?,
    };
    let errors = match refusal.code {
        Code::TokenEnded => Some(Errors::one("", visit.text.get("tokens-ended"))),
        _ => wrong(visit.text, &refusal),
    };
    let Some(errors) = errors else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&administrator, &frame, &token, &errors);
    Ok(visit.show_wrong(&Page::new(&shell, page(&token), &form, errors), &refusal))
}

/// This version and no other: sent twice, the form replaces it once.
async fn replaced(administrator: &Administrator, token: &Token, form: &Form) -> Outcome<WithSecret> {
    let (call, ask) = (&administrator.visit.call, form.read()?);
    credentials::confirm(call, administrator.account.session.user, &form.current_password).await?;
    rotate(call, Key::Version(token.id), ask, administrator.rights()).await
}
