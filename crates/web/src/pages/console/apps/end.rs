//! The end of an application: for good, with its name typed, and by whoever has just signed in.

use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::{Code, Refusal},
    principals::Status,
};
use serde::Deserialize;

use super::{AREA, At, Keeper, keep};
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

fn show(keeper: &Keeper<'_>, is_wrong: bool) -> Response {
    let (visit, page, name) = (keeper.visit(), keeper.page(), &keeper.client.name);
    let frame = visit.frame();
    let errors = match is_wrong {
        true => Errors::one("confirm", frame.t("console-confirm-wrong")),
        false => Errors::none(),
    };
    let shell = keeper.shell(&frame, frame.tv("apps-delete-of", "name", name), &errors);
    let form = FormPage::new(&shell, format!("{page}/delete"), page, errors)
        .what(frame.t("apps-delete-what"))
        .confirm(name)
        .danger(frame.t("apps-delete"));
    match is_wrong {
        true => visit.show_wrong(&form, &Refusal::new(Code::RequestInvalid).field("confirm")),
        false => keeper.operator.show(&form),
    }
}

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::changing(&operator, &at).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/delete", keeper.page())) {
        return Ok(elsewhere);
    }
    Ok(show(&keeper, false))
}

pub(super) async fn end(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{}/delete", at.page(AREA))) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::changing(&operator, &at).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/delete", keeper.page())) {
        return Ok(elsewhere);
    }
    if typed.confirm.trim() != keeper.client.name {
        return Ok(show(&keeper, true));
    }
    keep::set_status(&operator.visit.call, &keeper.site, &keeper.client, Status::Ended).await?;
    Ok(said::at(&operator.visit, "did-app-ended", keeper.site.list()))
}
