//! A new token. Its secret outlives the session, so making one asks for the present password.

use axum::{extract::Path, response::Response};
use doorward_core::{
    addresses, credentials,
    outcome::{Code, Refusal, Result as Outcome},
    service_tokens::{NewToken, Notes},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    AREA, At, Site, WRITE, address, keep,
    secret::{kept, shown},
    some, words,
};
use crate::{
    pages::{
        console::{
            Operator, Shell,
            part::{form::FormPage, once},
        },
        form::{Errors, Field},
        frame::Frame,
        text::Text,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

const DAY: u64 = 24 * 60 * 60;
/// How long a token lives unless something else is typed, in days.
const DAYS: &str = "90";

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    name: String,
    scopes: String,
    workspaces: String,
    days: String,
    addresses: String,
    owner: String,
    purpose: String,
    once: String,
    current_password: SecretText,
}

impl Form {
    /// As the page first shows it, to this person.
    fn first(owner: &str) -> Self {
        Self { days: DAYS.to_owned(), owner: owner.to_owned(), ..Self::default() }
    }

    fn read(&self) -> Outcome<NewToken> {
        let wrong = |field: &'static str| Refusal::new(Code::RequestInvalid).field(field);
        let name = some(&self.name).ok_or_else(|| wrong("name"))?;
        Ok(NewToken {
            name: Some(name),
            org: None,
            scopes: words(&self.scopes),
            workspace_ids: words(&self.workspaces),
            notes: Notes {
                owner: some(&self.owner),
                purpose: some(&self.purpose),
                allowed_addresses: addresses::read(&words(&self.addresses))?,
                ..Notes::default()
            },
            expires_in: lifetime(&self.days)?,
        })
    }
}

/// Days as seconds; none for ever.
pub(super) fn lifetime(days: &str) -> Outcome<Option<u64>> {
    let Some(days) = some(days) else { return Ok(None) };
    let days: u64 = days.parse().map_err(|_| Refusal::new(Code::TokenLifetime))?;
    Ok(Some(days.saturating_mul(DAY)))
}

/// Whose tokens are made, for who may.
async fn making(operator: &Operator, at: &At) -> Outcome<Site> {
    let site = Site::enter(operator, AREA, (at.org.as_deref(), WRITE)).await?;
    if site.may_make(WRITE) { Ok(site) } else { Err(Refusal::new(Code::NotFound).into()) }
}

fn shell<'f>(operator: &Operator, site: &Site, frame: &'f Frame, errors: &Errors) -> Shell<'f> {
    site.below(operator, frame, (frame.t("tokens-new"), errors))
}

fn form<'a>(
    shell: &'a Shell<'a>,
    site: &Site,
    (typed, once): (&Form, String),
    errors: Errors,
) -> FormPage<'a> {
    let frame = shell.frame;
    let field = |id, label: &str, hint: &str, value: &str| {
        Field::new(id, "text", "off", frame.t(label)).hint(frame.t(hint)).value(value).longest(4000)
    };
    let (scopes, workspaces) = match site.org() {
        None => ("tokens-scopes-what", "tokens-workspaces-what"),
        Some(_) => ("tokens-scopes-own", "tokens-workspaces-own"),
    };
    FormPage::new(shell, format!("{}/new", site.list()), site.list().to_owned(), errors)
        .hidden("once", once)
        .field(field("name", "tokens-name", "tokens-name-what", &typed.name).longest(64))
        .field(field("scopes", "tokens-scopes", scopes, &typed.scopes).optional())
        .field(field("workspaces", "tokens-workspaces", workspaces, &typed.workspaces).optional())
        .field(days("tokens-days-what", &typed.days, frame))
        .field(field("addresses", "tokens-addresses", "tokens-addresses-what", &typed.addresses).optional())
        .field(field("owner", "tokens-owner", "tokens-owner-what", &typed.owner).longest(500).optional())
        .field(
            field("purpose", "tokens-purpose", "tokens-purpose-what", &typed.purpose).longest(500).optional(),
        )
        .password()
        .button(frame.t("tokens-do"))
}

/// How long a token lives.
pub(super) fn days(hint: &str, value: &str, frame: &Frame) -> Field {
    let field = Field::new("days", "text", "off", frame.t("tokens-days")).hint(frame.t(hint)).value(value);
    field.keyboard("numeric").longest(6).optional()
}

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let site = making(&operator, &at).await?;
    let mut typed = Form::first(operator.account.email.as_deref().unwrap_or_default());
    let kept = [
        ("name", &mut typed.name),
        ("scopes", &mut typed.scopes),
        ("workspaces", &mut typed.workspaces),
        ("days", &mut typed.days),
        ("addresses", &mut typed.addresses),
        ("owner", &mut typed.owner),
        ("purpose", &mut typed.purpose),
    ];
    for (name, place) in kept {
        if let Some(value) = visit.typed(name) {
            value.clone_into(place);
        }
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&operator, &site, &frame, &errors);
    Ok(operator.show(&form(&shell, &site, (&typed, once::word(visit)?), errors)))
}

pub(super) async fn make(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{}/new", address(AREA, at.org.as_deref()));
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let site = making(&operator, &at).await?;
    let (call, rights) = (visit.call.clone(), operator.rights());
    let (user, sent, scope) = (operator.account.session.user, typed.clone(), site.org().cloned());
    let work = async move {
        let new = sent.read()?;
        credentials::confirm(&call, user, &sent.current_password).await?;
        kept(keep::create(&call, scope.as_ref(), (new, &rights)).await, true)
    };
    let refusal = match once::send(visit, (&typed.once, &shown(&site)), work).await {
        Ok(onward) => return Ok(onward),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal, &site) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&operator, &site, &frame, &errors);
    Ok(visit.show_wrong(&form(&shell, &site, (&typed, once::word(visit)?), errors), &refusal))
}

/// What a refusal means for the form. What an organisation can give is narrower, and the refusal says how.
pub(super) fn wrong(text: Text, refusal: &Refusal, site: &Site) -> Option<Errors> {
    if site.org().is_some() && !refusal.hint.is_empty() {
        let field = match (refusal.code, refusal.field.as_deref()) {
            (Code::ScopeMissing, _) | (Code::RequestInvalid, Some("scopes")) => Some("scopes"),
            (Code::RequestInvalid, Some("workspace_ids")) => Some("workspaces"),
            (Code::Conflict, _) => Some(""),
            _ => None,
        };
        if let Some(field) = field {
            return Some(Errors::one(field, text.with("words-wrong", "why", &refusal.hint)));
        }
    }
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("name")) => ("name", "tokens-name-wrong"),
        (Code::TokenNameTaken, _) => ("name", "tokens-name-taken"),
        (Code::RequestInvalid, Some("scopes")) => ("scopes", "tokens-scopes-wrong"),
        (Code::RequestInvalid, Some("workspace_ids")) => ("workspaces", "tokens-workspaces-wrong"),
        (Code::TokenLifetime, _) => ("days", "tokens-days-wrong"),
        (Code::RequestInvalid, Some("allowed_addresses")) => ("addresses", "tokens-addresses-wrong"),
        (Code::RequestInvalid, Some("owner")) => ("owner", "tokens-text-wrong"),
        (Code::RequestInvalid, Some("purpose")) => ("purpose", "tokens-text-wrong"),
        (Code::RequestInvalid, Some("overlap_seconds")) => ("minutes", "tokens-overlap-wrong"),
        (Code::IdempotencyConflict, _) => ("", "tokens-sent-before"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}
