//! A new token. Its secret outlives the session, so making one asks for the present password.

use askama::Template;
use axum::response::Response;
use doorward_core::{
    addresses, credentials,
    outcome::{Code, Refusal, Result as Outcome},
    service_tokens::{NewToken, Notes, create},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    secret::{SHOWN, kept},
    some, trail, words,
};
use crate::{
    pages::{
        console::{Administrator, Area, Shell, part::once},
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
#[derive(Debug, Clone, Deserialize)]
pub struct Form {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What it may do.
    #[serde(default)]
    pub scopes: String,
    /// Where.
    #[serde(default)]
    pub workspaces: String,
    /// For how long; for ever when empty.
    #[serde(default)]
    pub days: String,
    /// From where it may be used; from anywhere when empty.
    #[serde(default)]
    pub addresses: String,
    /// Who answers for it.
    #[serde(default)]
    pub owner: String,
    /// What it is for.
    #[serde(default)]
    pub purpose: String,
    #[serde(default)]
    once: String,
    #[serde(default)]
    current_password: SecretText,
}

impl Form {
    /// As the page first shows it, to this person.
    pub fn first(owner: &str) -> Self {
        Self {
            name: String::new(),
            scopes: String::new(),
            workspaces: String::new(),
            days: DAYS.to_owned(),
            addresses: String::new(),
            owner: owner.to_owned(),
            purpose: String::new(),
            once: String::new(),
            current_password: SecretText::default(),
        }
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

/// The page.
#[derive(Template)]
#[template(path = "console/service_tokens/create.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    once: String,
    errors: Errors,
    fields: Vec<Field>,
    password: Field,
}

impl<'a> Page<'a> {
    /// The page, with what was typed; `once` is a word of its own.
    pub fn new(shell: &'a Shell<'a>, typed: &Form, once: String, errors: Errors) -> Self {
        let frame = shell.frame;
        let field = |id, label: &str, hint: &str, value: &str| {
            Field::new(id, "text", "off", frame.t(label)).hint(frame.t(hint)).value(value).longest(4000)
        };
        let fields = vec![
            field("name", "tokens-name", "tokens-name-what", &typed.name).longest(64),
            field("scopes", "tokens-scopes", "tokens-scopes-what", &typed.scopes).optional(),
            field("workspaces", "tokens-workspaces", "tokens-workspaces-what", &typed.workspaces).optional(),
            field("days", "tokens-days", "tokens-days-what", &typed.days)
                .keyboard("numeric")
                .longest(6)
                .optional(),
            field("addresses", "tokens-addresses", "tokens-addresses-what", &typed.addresses).optional(),
            field("owner", "tokens-owner", "tokens-owner-what", &typed.owner).longest(500).optional(),
            field("purpose", "tokens-purpose", "tokens-purpose-what", &typed.purpose).longest(500).optional(),
        ];
        let fields = fields.into_iter().map(|field| field.checked(&errors)).collect();
        let password = password(frame, &errors);
        Self { frame, shell, once, errors, fields, password }
    }
}

/// The present password, once more.
pub(super) fn password(frame: &Frame, errors: &Errors) -> Field {
    Field::password(frame, "current_password", "current-password", frame.t("security-current"))
        .hint(frame.t("tokens-password-what"))
        .checked(errors)
}

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let mut typed = Form::first(administrator.account.email.as_deref().unwrap_or_default());
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
    let shell = shell(&administrator, &frame, &errors);
    Ok(administrator.show(&Page::new(&shell, &typed, once::word(visit)?, errors)))
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, errors: &Errors) -> Shell<'a> {
    let mut shell = administrator.shell(frame, Area::ServiceTokens, frame.t("tokens-new"), errors);
    shell.trail = vec![trail(administrator)];
    shell
}

pub(super) async fn make(posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, form) = match Administrator::of(posted, "/console/service-tokens/new") {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let (call, rights) = (visit.call.clone(), administrator.rights());
    let (user, typed) = (administrator.account.session.user, form.clone());
    let work = async move {
        let new = typed.read()?;
        credentials::confirm(&call, user, &typed.current_password).await?;
        kept(create(&call, new, &rights).await, true)
    };
    let refusal = match once::send(visit, (&form.once, SHOWN), work).await {
        Ok(onward) => return Ok(onward),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&administrator, &frame, &errors);
    Ok(visit.show_wrong(&Page::new(&shell, &form, once::word(visit)?, errors), &refusal))
}

/// What a refusal means for the form.
pub(super) fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
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
