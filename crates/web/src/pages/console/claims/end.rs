//! The end of a claim: with its name typed, and by whoever has just signed in.

use axum::{extract::Path, response::Response};
use doorward_core::{
    claims::{self, Mapping},
    outcome::{Code, Refusal},
};
use serde::Deserialize;

use super::{At, Keeper, posted_at};
use crate::{
    pages::{
        console::{Operator, part::form::FormPage, said},
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

fn show((keeper, mapping): (&Keeper<'_>, &Mapping), is_wrong: bool) -> Response {
    let (visit, page) = (keeper.visit(), keeper.page(mapping));
    let frame = visit.frame();
    let errors = match is_wrong {
        true => Errors::one("confirm", frame.t("console-confirm-wrong")),
        false => Errors::none(),
    };
    let mut shell = keeper.below(&frame, frame.tv("claims-delete-of", "name", &mapping.name), &errors);
    shell.trail.push((page.clone(), mapping.name.clone()));
    let form = FormPage::new(&shell, format!("{page}/delete"), page, errors)
        .what(frame.t("claims-delete-what"))
        .confirm(&mapping.name)
        .danger(frame.t("claims-delete"));
    match is_wrong {
        true => visit.show_wrong(&form, &Refusal::new(Code::RequestInvalid).field("confirm")),
        false => keeper.operator.show(&form),
    }
}

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let (keeper, mapping) = Keeper::changing(&operator, &at).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/delete", keeper.page(&mapping))) {
        return Ok(elsewhere);
    }
    Ok(show((&keeper, &mapping), false))
}

pub(super) async fn end(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &posted_at(&at, &format!("{}/delete", at.id))) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (keeper, mapping) = Keeper::changing(&operator, &at).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/delete", keeper.page(&mapping))) {
        return Ok(elsewhere);
    }
    if typed.confirm.trim() != mapping.name {
        return Ok(show((&keeper, &mapping), true));
    }
    claims::remove(&operator.visit.call, &keeper.scope, mapping.id).await?;
    Ok(said::at(&operator.visit, "did-claim-removed", &keeper.list()))
}
