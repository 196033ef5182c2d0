//! The end of a token before its time: with a reason, and with its name typed.

use askama::Template;
use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::{Code, Refusal, Result as Outcome},
    service_tokens::{Key, Token, revoke},
};
use serde::Deserialize;

use super::{organisation, page, some, trail, version};
use crate::{
    pages::{
        console::{Administrator, Area, Shell},
        done::Done,
        form::{Errors, Field, Tick},
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Form {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    confirm: String,
    /// Whether only the version of this page ends.
    #[serde(default)]
    only: String,
}

/// The page.
#[derive(Template)]
#[template(path = "console/service_tokens/revoke.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    org: String,
    action: String,
    back: String,
    errors: Errors,
    reason: Field,
    confirm: Field,
    only: Tick,
}

/// Which version a page is about.
#[derive(Debug, Clone)]
pub struct Which {
    /// Its name.
    pub name: String,
    /// Its number.
    pub version: i64,
    /// Its page.
    pub page: String,
    /// The id of its organisation.
    pub org: String,
}

impl Which {
    fn of(token: &Token) -> Self {
        Self {
            name: token.name.clone(),
            version: token.version,
            page: page(token),
            org: token.org.to_string(),
        }
    }
}

impl<'a> Page<'a> {
    /// The page, with what was typed.
    pub fn new(shell: &'a Shell<'a>, which: Which, typed: &Form, errors: Errors) -> Self {
        let frame = shell.frame;
        let reason = Field::new("reason", "text", "off", frame.t("tokens-reason"))
            .hint(frame.t("tokens-reason-what"))
            .longest(500)
            .value(&typed.reason)
            .checked(&errors);
        let confirm = Field::new("confirm", "text", "off", frame.tv("tokens-confirm", "name", &which.name))
            .longest(64)
            .checked(&errors);
        let label = frame.tv("tokens-only", "version", &which.version.to_string());
        let only = Tick { id: "only", label, is_ticked: !typed.only.is_empty() };
        Self {
            frame,
            shell,
            org: which.org,
            action: format!("{}/revoke", which.page),
            back: which.page,
            errors,
            reason,
            confirm,
            only,
        }
    }
}

fn shell<'a>(
    administrator: &Administrator,
    frame: &'a Frame,
    (token, org): (&Token, &str),
    errors: &Errors,
) -> Shell<'a> {
    let title = frame.text.with2("tokens-revoke-of", ("name", &token.name), ("org", org));
    let mut shell = administrator.shell(frame, Area::ServiceTokens, title, errors);
    shell.trail = vec![trail(administrator), (page(token), token.name.clone())];
    shell
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let token = version(visit, &id).await?;
    let kept = |field| visit.typed(field).unwrap_or_default().to_owned();
    // The name is typed again: what cannot be undone is confirmed by whoever is signed in now.
    let typed = Form { reason: kept("reason"), confirm: String::new(), only: kept("only") };
    let org = organisation(visit, &token).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, (&token, &org), &errors);
    Ok(administrator.show(&Page::new(&shell, Which::of(&token), &typed, errors)))
}

pub(super) async fn end(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, form) = match Administrator::of(posted, &format!("{}/{id}/revoke", super::PATH)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let token = version(visit, &id).await?;
    let refusal = match ended(&administrator, &token, &form).await {
        Ok(()) => return Ok(Done::ServiceToken.at(visit, &page(&token))),
        Err(error) => refusal_of(error)?,
    };
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("confirm")) => ("confirm", "tokens-confirm-wrong"),
        (Code::RequestInvalid, Some("reason")) => ("reason", "tokens-reason-wrong"),
        _ => return Err(refusal.into()),
    };
    let org = organisation(visit, &token).await?;
    let (frame, errors) = (visit.frame(), Errors::one(field, visit.text.get(key)));
    let shell = shell(&administrator, &frame, (&token, &org), &errors);
    Ok(visit.show_wrong(&Page::new(&shell, Which::of(&token), &form, errors), &refusal))
}

async fn ended(administrator: &Administrator, token: &Token, form: &Form) -> Outcome<()> {
    let wrong = |field: &'static str| Refusal::new(Code::RequestInvalid).field(field);
    let reason = some(&form.reason).ok_or_else(|| wrong("reason"))?;
    if form.confirm.trim() != token.name {
        return Err(wrong("confirm").into());
    }
    let key =
        if form.only.is_empty() { Key::Name(token.org, token.name.clone()) } else { Key::Version(token.id) };
    match revoke(&administrator.visit.call, key, reason, administrator.rights()).await {
        // By a second click, or by somebody else: it is over either way.
        Err(error) if error.code() == Some(Code::TokenEnded) => Ok(()),
        other => other.map(drop),
    }
}
