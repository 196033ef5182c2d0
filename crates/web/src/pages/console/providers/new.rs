//! A new provider: by its preset first, then what the provider has given us.

use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::{Code, Refusal, Result as Outcome, refuse},
    providers::{ClientAuth, Kind, NewProvider, PRESETS, Settings, preset},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{Keeper, Names};
use crate::{
    pages::{
        console::{
            Shell,
            part::{
                Row, Table,
                detail::{DetailPage, Panel},
                form::FormPage,
            },
            said,
            words::some,
        },
        form::{Errors, Field},
        frame::Frame,
        text::Text,
        visit::{Posted, Visit, refusal_of},
    },
    surface::Failure,
};

/// The choice that is no preset.
const OPENID: &str = "openid";

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    preset: String,
    slug: String,
    name: String,
    issuer: String,
    client_id: String,
    client_secret: SecretText,
    team_id: String,
    key_id: String,
}

/// What is known before anything is typed; nothing for what is no preset.
fn known(name: &str) -> Option<Settings> {
    if name == OPENID {
        let scopes = ["openid", "email", "profile"].map(str::to_owned).to_vec();
        return Some(Settings { scopes, ..Settings::default() });
    }
    preset(name).map(doorward_core::providers::Preset::settings)
}

fn chosen(visit: &Visit) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(visit.query().as_bytes());
    pairs.find(|(name, _)| name == "preset").map(|(_, value)| value.into_owned())
}

pub(super) async fn look(keeper: Keeper) -> Result<Response, Failure> {
    if !keeper.may_write() {
        return Err(Code::Forbidden.into());
    }
    let visit = &keeper.operator.visit;
    let Some(name) = chosen(visit) else { return Ok(choose(&keeper)) };
    let page = format!("{}/new?preset={name}", keeper.path());
    let Some(settings) = known(&name) else { return Err(Code::NotFound.into()) };
    if let Err(elsewhere) = keeper.operator.must_be_fresh(&page) {
        return Ok(elsewhere);
    }
    let kept = |field, now: &str| visit.typed(field).unwrap_or(now).to_owned();
    let slug = if name == OPENID { String::new() } else { name.clone() };
    let typed = Form {
        slug: kept("slug", &slug),
        name: kept("name", &settings.name),
        issuer: kept("issuer", settings.issuer.as_deref().unwrap_or_default()),
        client_id: kept("client_id", ""),
        team_id: kept("team_id", ""),
        key_id: kept("key_id", ""),
        preset: name,
        ..Form::default()
    };
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&keeper, &frame, &errors);
    Ok(keeper.operator.show(&form(&keeper, (&shell, &settings), &typed, errors)))
}

/// The page on which one of several is chosen.
fn choose(keeper: &Keeper) -> Response {
    let (frame, errors) = (keeper.operator.visit.frame(), Errors::none());
    let shell = shell(keeper, &frame, &errors);
    let row = |name: &str, title: String| Row {
        page: Some(format!("{}/new?preset={name}", keeper.path())),
        name: title,
        detail: String::new(),
        cells: Vec::new(),
    };
    let mut rows: Vec<Row> = PRESETS.iter().map(|preset| row(preset.name, preset.title.to_owned())).collect();
    rows.push(row(OPENID, frame.t("providers-any-openid")));
    let table = Table::new(&frame, "providers-new", &["providers-name"], rows);
    let panel = Panel::new("presets", frame.t("providers-which")).table(table, String::new());
    keeper.operator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels: vec![panel] })
}

fn shell<'a>(keeper: &Keeper, frame: &'a Frame, errors: &Errors) -> Shell<'a> {
    keeper.shell(frame, frame.t("providers-new"), errors)
}

fn form<'a>(
    keeper: &Keeper,
    (shell, settings): (&'a Shell<'a>, &Settings),
    typed: &Form,
    errors: Errors,
) -> FormPage<'a> {
    let frame = shell.frame;
    let field = |id, label: &str, value: &str| {
        Field::new(id, "text", "off", frame.t(label)).value(value).longest(512)
    };
    let slug = if typed.slug.is_empty() { "…" } else { typed.slug.as_str() };
    let to = keeper.redirect_uri(slug);
    let mut form = FormPage::new(shell, format!("{}/new", keeper.path()), keeper.path(), errors)
        .hidden("preset", typed.preset.clone())
        .what(frame.tv("providers-register", "address", &to))
        .field(field("slug", "providers-slug", &typed.slug).longest(40).hint(frame.t("providers-slug-what")))
        .field(field("name", "providers-button", &typed.name).longest(60));
    if settings.kind == Kind::Oidc {
        form = form
            .field(field("issuer", "providers-issuer", &typed.issuer).hint(frame.t("providers-issuer-what")));
    }
    form = form.field(field("client_id", "providers-client-id", &typed.client_id));
    if settings.client_auth == ClientAuth::Apple {
        form = form.field(field("team_id", "providers-team-id", &typed.team_id)).field(field(
            "key_id",
            "providers-key-id",
            &typed.key_id,
        ));
    }
    form.field(secret(frame, settings)).button(frame.t("providers-make"))
}

/// The field of our secret there; it is never shown again.
pub(super) fn secret(frame: &Frame, settings: &Settings) -> Field {
    let is_apples = settings.client_auth == ClientAuth::Apple;
    let label = if is_apples { "providers-apple-key" } else { "providers-secret" };
    Field::new("client_secret", "password", "off", frame.t(label)).longest(4096)
}

/// What is added of what was typed.
fn asked(typed: &Form) -> Outcome<NewProvider> {
    let Some(mut settings) = known(&typed.preset) else { return refuse(Code::NotFound) };
    typed.name.trim().clone_into(&mut settings.name);
    if settings.kind == Kind::Oidc {
        settings.issuer = some(&typed.issuer);
    }
    typed.client_id.trim().clone_into(&mut settings.client_id);
    (settings.team_id, settings.key_id) = (some(&typed.team_id), some(&typed.key_id));
    (settings.creates_accounts, settings.is_enabled) = (true, true);
    let secret = Some(typed.client_secret.clone()).filter(|secret| !secret.expose().trim().is_empty());
    Ok(NewProvider { slug: typed.slug.trim().to_owned(), secret, settings })
}

pub(super) async fn make(Path(names): Path<Names>, posted: Posted<Form>) -> Result<Response, Failure> {
    let below = format!("/new?preset={}", posted.form.preset);
    let (keeper, typed) = match Keeper::posted(&names, posted, &below).await {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &keeper.operator.visit;
    let new = asked(&typed)?;
    let settings = new.settings.clone();
    let refusal = match keeper.create(new).await {
        Ok(provider) => return Ok(said::at(visit, "did-provider-made", &keeper.page(&provider))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&keeper, &frame, &errors);
    Ok(visit.show_wrong(&form(&keeper, (&shell, &settings), &typed, errors), &refusal))
}

/// What the form says of a refusal; nothing where it is not about what was typed.
pub(super) fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    const FIELDS: [(&str, &str); 7] = [
        ("slug", "providers-slug-what"),
        ("name", "providers-name-wrong"),
        ("issuer", "providers-issuer-what"),
        ("client_id", "providers-client-id-wrong"),
        ("client_secret", "providers-secret-wrong"),
        ("team_id", "providers-team-id-wrong"),
        ("allowed_domains", "providers-domains-wrong"),
    ];
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::Conflict, Some("slug")) => ("slug", "providers-slug-taken"),
        (Code::VersionMismatch, _) => ("", "console-changed-meanwhile"),
        (Code::RequestInvalid, Some(name)) => *FIELDS.iter().find(|(field, _)| *field == name)?,
        (Code::Conflict, _) => return Some(Errors::one("", refusal.hint.to_string())),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}
