//! The end of a role, and of what an organisation has put into one that each has: with its name typed,
//! and by whoever has just signed in.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{
        OrgScope,
        roles::{self, Role},
    },
    outcome::{Code, Refusal},
};
use serde::Deserialize;

use super::{Named, WRITE, page, place, role, trail_to};
use crate::{
    pages::{
        console::{Area, Operator, orgs, part::form::FormPage, said},
        form::Errors,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    confirm: String,
}

fn show(
    operator: &Operator,
    (scope, role): (&OrgScope, &Role),
    wrong: Option<(Errors, Refusal)>,
) -> Response {
    let visit = &operator.visit;
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let (title, what, button) = if role.is_built_in {
        ("roles-reset-of", "roles-reset-what", "roles-reset")
    } else {
        ("roles-delete-of", "roles-delete-what", "roles-delete")
    };
    let mut shell = operator.shell(&frame, Area::Roles, frame.tv(title, "name", &role.name), &errors);
    shell.trail = trail_to(operator, scope);
    shell.trail.push((page(scope, &role.name), role.name.clone()));
    let back = page(scope, &role.name);
    let form = FormPage::new(&shell, format!("{back}/delete"), back, errors)
        .what(frame.t(what))
        .confirm(&role.name)
        .danger(frame.t(button));
    match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => operator.show(&form),
    }
}

pub(super) async fn look(Path((org, name)): Named, operator: Operator) -> Result<Response, Failure> {
    let scope = orgs::enter(&operator, &org, WRITE).await?;
    let role = role(&operator, &scope, &name).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/delete", page(&scope, &role.name))) {
        return Ok(elsewhere);
    }
    Ok(show(&operator, (&scope, &role), None))
}

pub(super) async fn end(Path((org, name)): Named, posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{}/{org}/roles/{name}/delete", Area::Organizations.path());
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let scope = orgs::enter(&operator, &org, WRITE).await?;
    let role = role(&operator, &scope, &name).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/delete", page(&scope, &role.name))) {
        return Ok(elsewhere);
    }
    if typed.confirm.trim() != role.name {
        let errors = Errors::one("confirm", visit.text.get("console-confirm-wrong"));
        let refusal = Refusal::new(Code::RequestInvalid).field("confirm");
        return Ok(show(&operator, (&scope, &role), Some((errors, refusal))));
    }
    let refusal = match roles::remove(&visit.call, &scope, &name).await {
        Ok(()) => return Ok(said::at(visit, "did-role-ended", &place(&scope))),
        Err(error) => refusal_of(error)?,
    };
    let key = match refusal.code {
        Code::Conflict => "roles-held",
        Code::ScopeMissing => "roles-beyond",
        _ => return Err(refusal.into()),
    };
    let errors = Errors::one("", visit.text.get(key));
    Ok(show(&operator, (&scope, &role), Some((errors, refusal))))
}
