//! What is done to an organisation by one button.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{Kind, invitations, manage},
    outcome::{Code, Refusal},
};

use super::{MEMBERS, PATH, SEE, SETTINGS, enter, page, trail_to};
use crate::{
    pages::{
        console::{Administrator, Area, Operator, part::form::FormPage, said},
        form::Errors,
        visit::{Nothing, Posted, to},
    },
    surface::Failure,
};

/// The buttons stand on the organisation's page.
pub(super) async fn look(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    Ok(to(&page(enter(&operator, &org, SEE).await?.org())))
}

pub(super) async fn look_at(
    Path((org, _)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    look(Path(org), operator).await
}

/// Asks before an organisation is stopped. One that is has the button that lets it be used again.
pub(super) async fn ask(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = enter(&operator, &org, SEE).await?;
    let (org, page) = (scope.org(), page(scope.org()));
    if !scope.is_platform() || !org.is_active || org.kind != Kind::Team {
        return Ok(to(&page));
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let title = frame.tv("orgs-suspend-of", "name", &org.name);
    let mut shell = operator.shell(&frame, Area::Organizations, title, &errors);
    shell.trail = trail_to(&operator, org);
    let form = FormPage::new(&shell, format!("{page}/suspend"), page, errors)
        .what(frame.t("orgs-suspend-what"))
        .danger(frame.t("orgs-suspend"));
    Ok(operator.show(&form))
}

async fn set_active(org: &str, posted: Posted<Nothing>, is_active: bool) -> Result<Response, Failure> {
    let (administrator, _) = match Administrator::of(posted, &format!("{PATH}/{org}")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let scope = enter(&administrator, org, SETTINGS).await?;
    let org = manage::set_active(&administrator.visit.call, &scope, is_active).await?;
    let word = if is_active { "did-org-resumed" } else { "did-org-suspended" };
    Ok(said::at(&administrator.visit, word, &page(&org)))
}

pub(super) async fn suspend(Path(org): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    set_active(&org, posted, false).await
}

pub(super) async fn resume(Path(org): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    set_active(&org, posted, true).await
}

/// Takes an invitation back.
pub(super) async fn revoke(
    Path((org, id)): Path<(String, String)>,
    posted: Posted<Nothing>,
) -> Result<Response, Failure> {
    let (operator, _) = match Operator::of(posted, &format!("{PATH}/{org}")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let scope = enter(&operator, &org, MEMBERS).await?;
    let id = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    match invitations::revoke(&operator.visit.call, &scope, id).await {
        // Taken back already, by a second click.
        Err(error) if error.code() == Some(Code::NotFound) => {}
        other => other?,
    }
    Ok(said::at(&operator.visit, "did-uninvited", &page(scope.org())))
}
