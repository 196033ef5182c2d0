//! The end of an organisation, and of somebody's place in one: with the name typed.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{
        OrgScope, manage, members,
        workspaces::{self, Workspace},
    },
    outcome::{Code, Error, Refusal},
};
use serde::Deserialize;

use super::{
    END, MEMBERS, PATH, enter,
    members::{called, member},
    page, trail_to,
    workspaces::{WRITE, found},
};
use crate::{
    pages::{
        console::{Area, Operator, part::form::FormPage, said},
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

/// What ends.
struct What {
    /// Below the organisation's page.
    at: String,
    title: String,
    warning: &'static str,
    button: &'static str,
    name: String,
}

fn show(
    operator: &Operator,
    (scope, what): (&OrgScope, &What),
    wrong: Option<(Errors, Refusal)>,
) -> Response {
    let visit = &operator.visit;
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let mut shell = operator.shell(&frame, Area::Organizations, what.title.clone(), &errors);
    shell.trail = trail_to(operator, scope.org());
    let back = page(scope.org());
    let form = FormPage::new(&shell, format!("{back}/{}", what.at), back, errors)
        .what(frame.t(what.warning))
        .confirm(&what.name)
        .danger(frame.t(what.button));
    match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => operator.show(&form),
    }
}

fn unconfirmed(operator: &Operator) -> (Errors, Refusal) {
    let errors = Errors::one("confirm", operator.visit.text.get("console-confirm-wrong"));
    (errors, Refusal::new(Code::RequestInvalid).field("confirm"))
}

/// What the page says of a refusal of what was confirmed.
fn refused(operator: &Operator, error: Error) -> Result<(Errors, Refusal), Failure> {
    let refusal = refusal_of(error)?;
    match refusal.code {
        Code::LastOwner => Ok((Errors::one("", operator.visit.text.get("orgs-last-owner")), refusal)),
        _ => Err(refusal.into()),
    }
}

fn whole(operator: &Operator, scope: &OrgScope) -> What {
    let name = scope.org().name.clone();
    What {
        at: "delete".to_owned(),
        title: operator.visit.text.with("orgs-delete-of", "name", &name),
        warning: "orgs-delete-what",
        button: "orgs-delete",
        name,
    }
}

pub(super) async fn look(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let scope = enter(&operator, &org, END).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{PATH}/{org}/delete")) {
        return Ok(elsewhere);
    }
    Ok(show(&operator, (&scope, &whole(&operator, &scope)), None))
}

pub(super) async fn end(Path(org): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{PATH}/{org}/delete");
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let scope = enter(&operator, &org, END).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&path) {
        return Ok(elsewhere);
    }
    if typed.confirm.trim() != scope.org().name {
        let wrong = unconfirmed(&operator);
        return Ok(show(&operator, (&scope, &whole(&operator, &scope)), Some(wrong)));
    }
    manage::end(&operator.visit.call, &scope).await?;
    // Who ran it alone runs none now.
    let onward = if operator.is_administrator() { PATH } else { "/account" };
    Ok(said::at(&operator.visit, "did-org-ended", onward))
}

fn one(operator: &Operator, scope: &OrgScope, member: &members::Member) -> What {
    let text = operator.visit.text;
    let name = called(member);
    What {
        at: format!("members/{}/remove", member.user),
        title: text.with2("orgs-remove-of", ("name", &name), ("org", &scope.org().name)),
        warning: "orgs-remove-what",
        button: "orgs-remove",
        name,
    }
}

pub(super) async fn look_member(
    Path((org, user)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let scope = enter(&operator, &org, MEMBERS).await?;
    let member = member(&operator, &scope, &user).await?;
    Ok(show(&operator, (&scope, &one(&operator, &scope, &member)), None))
}

pub(super) async fn remove(
    Path((org, user)): Path<(String, String)>,
    posted: Posted<Form>,
) -> Result<Response, Failure> {
    let path = format!("{PATH}/{org}/members/{user}/remove");
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let scope = enter(&operator, &org, MEMBERS).await?;
    let member = member(&operator, &scope, &user).await?;
    let what = one(&operator, &scope, &member);
    let wrong = if typed.confirm.trim() == what.name {
        match members::remove(&operator.visit.call, &scope, member.user).await {
            Ok(()) => return Ok(said::at(&operator.visit, "did-member-removed", &page(scope.org()))),
            Err(error) => refused(&operator, error)?,
        }
    } else {
        unconfirmed(&operator)
    };
    Ok(show(&operator, (&scope, &what), Some(wrong)))
}

fn room(operator: &Operator, workspace: &Workspace) -> What {
    What {
        at: format!("workspaces/{}/delete", workspace.id),
        title: operator.visit.text.with("workspaces-delete-of", "name", &workspace.name),
        warning: "workspaces-delete-what",
        button: "workspaces-delete",
        name: workspace.name.clone(),
    }
}

pub(super) async fn look_workspace(
    Path((org, name)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let scope = enter(&operator, &org, WRITE).await?;
    let workspace = found(&operator, &scope, &name).await?;
    let what = room(&operator, &workspace);
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/{}", page(scope.org()), what.at)) {
        return Ok(elsewhere);
    }
    Ok(show(&operator, (&scope, &what), None))
}

pub(super) async fn remove_workspace(
    Path((org, name)): Path<(String, String)>,
    posted: Posted<Form>,
) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{PATH}/{org}/workspaces/{name}/delete")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let scope = enter(&operator, &org, WRITE).await?;
    let workspace = found(&operator, &scope, &name).await?;
    let what = room(&operator, &workspace);
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/{}", page(scope.org()), what.at)) {
        return Ok(elsewhere);
    }
    if typed.confirm.trim() != what.name {
        let wrong = unconfirmed(&operator);
        return Ok(show(&operator, (&scope, &what), Some(wrong)));
    }
    workspaces::remove(&operator.visit.call, &scope, &workspace.id).await?;
    Ok(said::at(&operator.visit, "did-workspace-removed", &page(scope.org())))
}
