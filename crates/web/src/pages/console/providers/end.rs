//! The end of a provider: with its name typed, and by whoever has just signed in.

use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::{Code, Refusal},
    providers::Provider,
};
use serde::Deserialize;

use super::{Keeper, Names};
use crate::{
    pages::{
        console::{part::form::FormPage, said},
        form::Errors,
        visit::Posted,
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    confirm: String,
}

fn show(keeper: &Keeper, provider: &Provider, wrong: Option<(Errors, Refusal)>) -> Response {
    let visit = &keeper.operator.visit;
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let (name, page) = (&provider.settings.name, keeper.page(provider));
    let mut shell = keeper.shell(&frame, frame.tv("providers-delete-of", "name", name), &errors);
    shell.trail.push((page.clone(), name.clone()));
    let form = FormPage::new(&shell, format!("{page}/delete"), page, errors)
        .what(frame.t("providers-delete-what"))
        .confirm(name)
        .danger(frame.t("providers-delete"));
    match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => keeper.operator.show(&form),
    }
}

pub(super) async fn look(keeper: Keeper) -> Result<Response, Failure> {
    if !keeper.may_write() {
        return Err(Code::Forbidden.into());
    }
    let provider = keeper.provider().await?;
    if let Err(elsewhere) = keeper.operator.must_be_fresh(&format!("{}/delete", keeper.page(&provider))) {
        return Ok(elsewhere);
    }
    Ok(show(&keeper, &provider, None))
}

pub(super) async fn end(Path(names): Path<Names>, posted: Posted<Form>) -> Result<Response, Failure> {
    let below = format!("/{}/delete", names.get("provider").map(String::as_str).unwrap_or_default());
    let (keeper, typed) = match Keeper::posted(&names, posted, &below).await {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let provider = keeper.provider().await?;
    if typed.confirm.trim() != provider.settings.name {
        let errors = Errors::one("confirm", keeper.operator.visit.text.get("console-confirm-wrong"));
        return Ok(show(
            &keeper,
            &provider,
            Some((errors, Refusal::new(Code::RequestInvalid).field("confirm"))),
        ));
    }
    keeper.end(&provider).await?;
    Ok(said::at(&keeper.operator.visit, "did-provider-ended", &keeper.path()))
}
