//! What can be changed of a provider: who its subjects are stays as it is.

use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::{Code, Refusal, Result as Outcome},
    providers::{Provider, Settings},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    Keeper, Names,
    new::{secret, wrong},
};
use crate::{
    pages::{
        console::{
            Shell,
            part::form::{FormPage, version_after},
            said,
            words::words,
        },
        form::{Errors, Field},
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    version: String,
    name: String,
    client_id: String,
    client_secret: SecretText,
    scopes: String,
    domains: String,
    creates: Option<String>,
}

fn shell<'a>(keeper: &Keeper, frame: &'a Frame, provider: &Provider, errors: &Errors) -> Shell<'a> {
    let name = &provider.settings.name;
    let mut shell = keeper.shell(frame, frame.tv("providers-edit-of", "name", name), errors);
    shell.trail.push((keeper.page(provider), name.clone()));
    shell
}

fn form<'a>(
    keeper: &Keeper,
    (shell, provider): (&'a Shell<'a>, &Provider),
    typed: &Form,
    errors: Errors,
) -> FormPage<'a> {
    let (frame, page) = (shell.frame, keeper.page(provider));
    let field = |id, label: &str, value: &str| {
        Field::new(id, "text", "off", frame.t(label)).value(value).longest(512)
    };
    let stays = secret(frame, &provider.settings).hint(frame.t("providers-secret-stays")).optional();
    FormPage::new(shell, format!("{page}/edit"), page, errors)
        .hidden("version", typed.version.clone())
        .field(field("name", "providers-button", &typed.name).longest(60))
        .field(field("client_id", "providers-client-id", &typed.client_id))
        .field(stays)
        .field(field("scopes", "providers-scopes", &typed.scopes))
        .field(
            field("domains", "providers-domains", &typed.domains)
                .hint(frame.t("providers-domains-what"))
                .optional(),
        )
        .tick("creates", frame.t("providers-creates-tick"), typed.creates.is_some())
        .button(frame.t("console-save"))
}

pub(super) async fn look(keeper: Keeper) -> Result<Response, Failure> {
    if !keeper.may_write() {
        return Err(Code::Forbidden.into());
    }
    let visit = &keeper.operator.visit;
    let provider = keeper.provider().await?;
    if let Err(elsewhere) = keeper.operator.must_be_fresh(&format!("{}/edit", keeper.page(&provider))) {
        return Ok(elsewhere);
    }
    let settings = &provider.settings;
    let kept = |field, now: &str| visit.typed(field).unwrap_or(now).to_owned();
    let typed = Form {
        version: provider.version.to_string(),
        name: kept("name", &settings.name),
        client_id: kept("client_id", &settings.client_id),
        scopes: kept("scopes", &settings.scopes.join(" ")),
        domains: kept("domains", &settings.allowed_domains.join(" ")),
        creates: settings.creates_accounts.then(String::new),
        ..Form::default()
    };
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&keeper, &frame, &provider, &errors);
    Ok(keeper.operator.show(&form(&keeper, (&shell, &provider), &typed, errors)))
}

/// What becomes of the settings, and which version they are for.
fn changed(provider: &Provider, typed: &Form) -> Outcome<(i64, Settings)> {
    let seen = typed.version.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("version"))?;
    let mut settings = provider.settings.clone();
    typed.name.trim().clone_into(&mut settings.name);
    typed.client_id.trim().clone_into(&mut settings.client_id);
    settings.scopes = words(&typed.scopes);
    settings.allowed_domains = words(&typed.domains);
    settings.creates_accounts = typed.creates.is_some();
    Ok((seen, settings))
}

pub(super) async fn save(Path(names): Path<Names>, posted: Posted<Form>) -> Result<Response, Failure> {
    let named = |place: &str| names.get(place).map(String::as_str).unwrap_or_default();
    let below = format!("/{}/edit", named("provider"));
    let (keeper, typed) = match Keeper::posted(&names, posted, &below).await {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &keeper.operator.visit;
    let provider = keeper.provider().await?;
    let (seen, settings) = changed(&provider, &typed)?;
    let secret = Some(typed.client_secret.clone()).filter(|secret| !secret.expose().trim().is_empty());
    let refusal = match keeper.update((&provider, seen), settings, secret).await {
        Ok(provider) => return Ok(said::at(visit, "did-provider-saved", &keeper.page(&provider))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let version = version_after(&refusal, typed.version, provider.version);
    let typed = Form { version, ..typed };
    let frame = visit.frame();
    let shell = shell(&keeper, &frame, &provider, &errors);
    Ok(visit.show_wrong(&form(&keeper, (&shell, &provider), &typed, errors), &refusal))
}
