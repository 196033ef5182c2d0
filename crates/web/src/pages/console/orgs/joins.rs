//! Applications by which people join an organisation: naming one, and taking it off.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{
        Kind, OrgScope,
        joins::{self, JoinClient},
    },
    outcome::{Code, Refusal},
};
use serde::Deserialize;

use super::{PATH, SETTINGS, enter, page, trail_to};
use crate::{
    pages::{
        console::{
            Area, Operator,
            part::{Cell, Row, Send, Table, detail::Panel, form::FormPage},
            said,
        },
        form::{Errors, Field},
        frame::Frame,
        visit::{Nothing, Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    client: String,
}

/// Those that are named, on the organisation's page, for whoever may change that.
pub(super) fn panel(frame: &Frame, scope: &OrgScope, named: &[JoinClient]) -> Panel {
    let page = page(scope.org());
    let row = |one: &JoinClient| {
        let to = format!("{page}/join-clients/{}/remove", one.id);
        let about = frame.tv("orgs-join-remove-of", "name", &one.name);
        let send = Send::new(frame, to, frame.t("orgs-join-remove")).about(about);
        Row {
            page: None,
            name: one.name.clone(),
            detail: one.client_id.clone(),
            cells: vec![Cell::Send(send)],
        }
    };
    let columns = ["orgs-join-app", "orgs-do"];
    let table = Table::new(frame, "orgs-joins", &columns, named.iter().map(row).collect());
    let panel = Panel::new("joins", frame.t("orgs-joins")).table(table, frame.t("orgs-joins-none"));
    if scope.org().kind != Kind::Personal {
        return panel.link(format!("{page}/join-clients/new"), frame.t("orgs-join-add"));
    }
    panel
}

fn show(
    operator: &Operator,
    scope: &OrgScope,
    (typed, wrong): (&str, Option<(Errors, Refusal)>),
) -> Response {
    let visit = &operator.visit;
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let mut shell = operator.shell(&frame, Area::Organizations, frame.t("orgs-join-add"), &errors);
    shell.trail = trail_to(operator, scope.org());
    let back = page(scope.org());
    let client = Field::new("client", "text", "off", frame.t("orgs-join-client")).value(typed).longest(128);
    let form = FormPage::new(&shell, format!("{back}/join-clients/new"), back, errors)
        .what(frame.t("orgs-join-what"))
        .field(client)
        .button(frame.t("orgs-join-add"));
    match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => operator.show(&form),
    }
}

pub(super) async fn look(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let scope = enter(&operator, &org, SETTINGS).await?;
    let typed = operator.visit.typed("client").unwrap_or_default().to_owned();
    Ok(show(&operator, &scope, (&typed, None)))
}

pub(super) async fn add(Path(org): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{PATH}/{org}/join-clients/new")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let scope = enter(&operator, &org, SETTINGS).await?;
    let refusal = match joins::add(&visit.call, &scope, typed.client.trim()).await {
        Ok(_) => return Ok(said::at(visit, "did-join-added", &page(scope.org()))),
        Err(error) => refusal_of(error)?,
    };
    let key = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("client_id")) => "orgs-join-wrong",
        (Code::Conflict, _) => "orgs-join-full",
        _ => return Err(refusal.into()),
    };
    let errors = Errors::one("client", visit.text.get(key));
    Ok(show(&operator, &scope, (&typed.client, Some((errors, refusal)))))
}

pub(super) async fn remove(
    Path((org, client)): Path<(String, String)>,
    posted: Posted<Nothing>,
) -> Result<Response, Failure> {
    let (operator, _) = match Operator::of(posted, &format!("{PATH}/{org}")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let scope = enter(&operator, &org, SETTINGS).await?;
    match joins::remove(&operator.visit.call, &scope, &client).await {
        // Taken off already, by a second click.
        Err(error) if error.code() == Some(Code::NotFound) => {}
        other => other?,
    }
    Ok(said::at(&operator.visit, "did-join-removed", &page(scope.org())))
}
