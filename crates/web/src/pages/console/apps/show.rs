//! One application: how it is registered, and what can be done.

use axum::{extract::Path, response::Response};
use doorward_core::{
    clients::{
        Client,
        manage::{self, Uses},
    },
    outcome::Error,
    principals::Status,
};
use serde_json::Value as Json;

use super::{PATH, application, page, standing, trail};
use crate::{
    pages::{
        console::{
            Administrator, Area,
            part::{
                Cell, Link, Send,
                detail::{DetailPage, Panel},
                form::FormPage,
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
    let uses = manage::uses(&visit.call, client.id).await?;
    let mut panels = vec![about(visit, &frame, &client, uses)];
    if client.metadata.has_secret() {
        panels.push(secrets(visit, &frame, &client));
    }
    panels.push(whole(&frame, &client)?);
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

/// A count; one that goes no further says so.
fn counted(frame: &Frame, count: i64) -> Cell {
    let number = frame.text.number(u64::try_from(count).unwrap_or_default());
    Cell::Text(if count < Uses::MOST { number } else { frame.tv("apps-or-more", "count", &number) })
}

/// Those that work now, and until when.
fn secrets(visit: &Visit, frame: &Frame, client: &Client) -> Panel {
    let now = visit.call.now;
    let live = || client.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| end > now));
    let replaced = live().filter_map(|secret| secret.expires_at);
    let ends = replaced.map(|at| (frame.t("apps-secret-ends"), Cell::When(When::new(frame.text, at, now))));
    let ends: Vec<_> = ends.collect();
    let page = page(client);
    let panel = Panel::new("secrets", frame.t("apps-secrets"))
        .what(frame.t("apps-secrets-what"))
        .link(format!("{page}/rotate"), frame.t("apps-rotate"));
    let panel = if ends.is_empty() {
        panel
    } else {
        panel.send(Send::new(frame, format!("{page}/retire"), frame.t("apps-retire")))
    };
    let mut facts = vec![(frame.t("apps-secrets-live"), Cell::Text(live().count().to_string()))];
    facts.extend(ends);
    panel.facts(facts)
}

/// What differs from what is usual, by the names of the API.
fn whole(frame: &Frame, client: &Client) -> Result<Panel, Failure> {
    const SHOWN: [&str; 5] =
        ["redirect_uris", "post_logout_redirect_uris", "grant_types", "scopes", "token_endpoint_auth_method"];
    let value = serde_json::to_value(&client.metadata).map_err(Error::from)?;
    let members = value.as_object().into_iter().flatten();
    let told = members.filter(|(name, value)| !SHOWN.contains(&name.as_str()) && !is_usual(value));
    let facts: Vec<_> = told
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), Cell::Code(value))
        })
        .collect();
    let panel = Panel::new("more", frame.t("apps-more"));
    Ok(if facts.is_empty() { panel.what(frame.t("apps-more-none")) } else { panel.facts(facts) })
}

fn is_usual(value: &Json) -> bool {
    *value == Json::Bool(false)
        || value.as_array().is_some_and(Vec::is_empty)
        || matches!(value.as_str(), Some("session" | "offline_access"))
}

fn about(visit: &Visit, frame: &Frame, client: &Client, uses: Uses) -> Panel {
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
        (frame.t("apps-grants"), words(&metadata.grant_types)),
        (frame.t("apps-scopes"), words(&metadata.scopes)),
        (frame.t("apps-redirects"), words(&metadata.redirect_uris)),
        (frame.t("apps-signed-out"), words(&metadata.post_logout_redirect_uris)),
        (frame.t("apps-org"), Cell::Link(org)),
        (frame.t("apps-consents"), counted(frame, uses.consents)),
        (frame.t("apps-open-grants"), counted(frame, uses.grants)),
        (frame.t("apps-since"), when(client.created_at)),
        (frame.t("apps-changed"), when(client.updated_at)),
        (frame.t("console-id"), Cell::id(frame, client.id)),
    ];
    let page = page(client);
    let panel = Panel::new("facts", frame.t("console-facts"))
        .facts(facts)
        .link(format!("{page}/edit"), frame.t("console-edit"))
        .link(format!("{page}/branding"), frame.t("console-branding"));
    let panel = if client.status == Status::Suspended {
        panel.send(Send::new(frame, format!("{page}/resume"), frame.t("apps-resume")))
    } else {
        panel.link(format!("{page}/suspend"), frame.t("apps-suspend"))
    };
    panel.danger(format!("{page}/delete"), frame.t("apps-delete"))
}

/// The buttons stand on the application's page.
pub(super) async fn back(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    Ok(to(&page(&application(&administrator.visit, &id).await?)))
}

/// Asks before an application is stopped. One that is has the button that lets it work again.
pub(super) async fn ask(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let client = application(visit, &id).await?;
    let page = page(&client);
    if client.status == Status::Suspended {
        return Ok(to(&page));
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let title = frame.tv("apps-suspend-of", "name", &client.name);
    let mut shell = administrator.shell(&frame, Area::Applications, title, &errors);
    shell.trail = vec![trail(&administrator), (page.clone(), client.name.clone())];
    let form = FormPage::new(&shell, format!("{page}/suspend"), page, errors)
        .what(frame.t("apps-suspend-what"))
        .danger(frame.t("apps-suspend"));
    Ok(administrator.show(&form))
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
