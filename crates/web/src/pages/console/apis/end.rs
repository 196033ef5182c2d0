//! The end of an API: with its name typed.

use axum::{extract::Path, response::Response};
use doorward_core::{
    apis::{Api, of_org::WRITE},
    outcome::{Code, Refusal},
};
use serde::Deserialize;

use super::{PATH, Place};
use crate::{
    pages::{
        console::{Area, Operator, part::form::FormPage, said},
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

fn show(operator: &Operator, (place, api): (&Place, &Api), is_wrong: bool) -> Response {
    let visit = &operator.visit;
    let frame = visit.frame();
    let errors = match is_wrong {
        true => Errors::one("confirm", frame.t("console-confirm-wrong")),
        false => Errors::none(),
    };
    let mut shell =
        operator.shell(&frame, Area::Apis, frame.tv("apis-delete-of", "name", &api.name), &errors);
    shell.trail = place.trail_to(operator);
    let page = place.page(api);
    shell.trail.push((page.clone(), api.name.clone()));
    let form = FormPage::new(&shell, format!("{page}/delete"), page, errors)
        .what(frame.t("apis-delete-what"))
        .confirm(&api.name)
        .danger(frame.t("apis-delete"));
    match is_wrong {
        true => visit.show_wrong(&form, &Refusal::new(Code::RequestInvalid).field("confirm")),
        false => operator.show(&form),
    }
}

pub(super) async fn look(Path(id): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let place = Place::server(&operator)?;
    asked(&operator, &place, &id).await
}

pub(super) async fn look_at(
    Path((org, id)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let place = Place::of(&operator, &org, WRITE).await?;
    asked(&operator, &place, &id).await
}

async fn asked(operator: &Operator, place: &Place, id: &str) -> Result<Response, Failure> {
    let api = place.find(operator, id).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/delete", place.page(&api))) {
        return Ok(elsewhere);
    }
    Ok(show(operator, (place, &api), false))
}

pub(super) async fn end(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{PATH}/{id}/delete")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let place = Place::server(&operator)?;
    ended(&operator, &place, (&id, &typed)).await
}

pub(super) async fn end_at(
    Path((org, id)): Path<(String, String)>,
    posted: Posted<Form>,
) -> Result<Response, Failure> {
    let path = format!("{}/{org}/apis/{id}/delete", Area::Organizations.path());
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let place = Place::of(&operator, &org, WRITE).await?;
    ended(&operator, &place, (&id, &typed)).await
}

async fn ended(operator: &Operator, place: &Place, (id, typed): (&str, &Form)) -> Result<Response, Failure> {
    let api = place.find(operator, id).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/delete", place.page(&api))) {
        return Ok(elsewhere);
    }
    if typed.confirm.trim() != api.name {
        return Ok(show(operator, (place, &api), true));
    }
    place.end(operator, &api).await?;
    Ok(said::at(&operator.visit, "did-api-ended", &place.path))
}
