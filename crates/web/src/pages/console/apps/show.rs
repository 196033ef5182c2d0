//! One application: how it is registered, and what can be done.

use axum::{extract::Path, response::Response};
use doorward_core::{
    clients::{Client, manage},
    principals::Status,
};

use super::{PATH, application, page, standing, trail};
use crate::{
    pages::{
        console::{
            Administrator, Area,
            part::{
                Cell, Link, Send,
                detail::{DetailPage, Panel},
            },
            said,
        },
        form::Errors,
        frame::Frame,
        visit::{Nothing, Posted, Visit, to},
        when::When,
    },
    surface::Failure,
};

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let client = application(visit, &id).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Applications, client.name.clone(), &errors);
    shell.trail = vec![trail(&administrator)];
    let badge = Some(standing(frame.text, client.status));
    let panels = vec![about(visit, &frame, &client)];
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

fn about(visit: &Visit, frame: &Frame, client: &Client) -> Panel {
    let when = |at| Cell::When(When::new(frame.text, at, visit.call.now));
    let words = |all: &[String]| Cell::words(all.to_vec(), frame.t("console-none"));
    let metadata = &client.metadata;
    let kind = if client.is_confidential { "apps-confidential" } else { "apps-public" };
    let party = if client.is_first_party { "apps-first-party" } else { "apps-third-party" };
    let org = client.org.to_string();
    let org = Link::new(format!("{}/{org}", Area::Organizations.path()), org);
    let facts = vec![
        (frame.t("apps-client-id"), Cell::id(frame, &client.client_id)),
        (frame.t("apps-kind"), Cell::Text(frame.t(kind))),
        (frame.t("apps-party"), Cell::Text(frame.t(party))),
        (frame.t("apps-method"), Cell::Code(metadata.token_endpoint_auth_method.name().to_owned())),
        (frame.t("apps-secrets"), Cell::Text(client.secrets.len().to_string())),
        (frame.t("apps-grants"), words(&metadata.grant_types)),
        (frame.t("apps-scopes"), words(&metadata.scopes)),
        (frame.t("apps-redirects"), words(&metadata.redirect_uris)),
        (frame.t("apps-signed-out"), words(&metadata.post_logout_redirect_uris)),
        (frame.t("apps-org"), Cell::Link(org)),
        (frame.t("apps-since"), when(client.created_at)),
        (frame.t("apps-changed"), when(client.updated_at)),
        (frame.t("console-id"), Cell::id(frame, client.id)),
    ];
    let page = page(client);
    let (at, key) = match client.status {
        Status::Suspended => ("resume", "apps-resume"),
        Status::Active | Status::Ended => ("suspend", "apps-suspend"),
    };
    Panel::new("facts", frame.t("console-facts"))
        .facts(facts)
        .send(Send::new(frame, format!("{page}/{at}"), frame.t(key)))
        .link(format!("{page}/delete"), frame.t("apps-delete"))
}

/// The buttons stand on the application's page.
pub(super) async fn back(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    Ok(to(&page(&application(&administrator.visit, &id).await?)))
}

async fn set(id: &str, posted: Posted<Nothing>, status: Status) -> Result<Response, Failure> {
    let (administrator, _) = match Administrator::of(posted, &format!("{PATH}/{id}")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let client = application(visit, id).await?;
    let client = manage::set_status(&visit.call, client.id, status).await?;
    let word = if status == Status::Active { "did-app-resumed" } else { "did-app-suspended" };
    Ok(said::at(visit, word, &page(&client)))
}

pub(super) async fn suspend(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    set(&id, posted, Status::Suspended).await
}

pub(super) async fn resume(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    set(&id, posted, Status::Active).await
}
