//! One application: how it is registered, and what can be done.

use axum::{extract::Path, response::Response};
use doorward_core::{
    clients::{
        Client, Secret,
        manage::{self, Uses},
        of_org::WRITE,
    },
    outcome::Error,
    principals::Status,
};
use doorward_proto::time::Time;
use serde_json::Value as Json;

use super::{AREA, At, Keeper, keep, standing};
use crate::{
    pages::{
        console::{
            Area, Operator, branding, claims, orgs,
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

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::seeing(&operator, &at).await?;
    let (visit, client) = (keeper.visit(), &keeper.client);
    let decides = keep::decides(&visit.call, &keeper.site, client).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = keeper.site.below(&operator, &frame, (client.name.clone(), &errors));
    let badge = Some(standing(frame.text, client.status));
    let uses = manage::uses(&visit.call, client.id).await?;
    let facts = Panel::new("facts", frame.t("console-facts")).facts(facts(&keeper, &frame, uses));
    let mut panels = vec![doing(&keeper, &frame, facts, decides)];
    if client.metadata.has_secret() {
        let panel = secrets(visit, &frame, client);
        panels.push(if decides { renewing(&keeper, &frame, panel) } else { panel });
    }
    panels.push(whole(&frame, client)?);
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

/// A count; one that goes no further says so.
fn counted(frame: &Frame, count: i64) -> Cell {
    let number = frame.text.number(u64::try_from(count).unwrap_or_default());
    Cell::Text(if count < Uses::MOST { number } else { frame.tv("apps-or-more", "count", &number) })
}

/// Those that work now, and until when.
fn secrets(visit: &Visit, frame: &Frame, client: &Client) -> Panel {
    let now = visit.call.now;
    let mut facts = vec![(frame.t("apps-secrets-live"), Cell::Text(live(client, now).count().to_string()))];
    facts.extend(
        live(client, now)
            .filter_map(|secret| secret.expires_at)
            .map(|at| (frame.t("apps-secret-ends"), Cell::When(When::new(frame.text, at, now)))),
    );
    Panel::new("secrets", frame.t("apps-secrets")).what(frame.t("apps-secrets-what")).facts(facts)
}

fn live(client: &Client, now: Time) -> impl Iterator<Item = &Secret> {
    client.secrets.iter().filter(move |secret| secret.expires_at.is_none_or(|end| end > now))
}

/// With what is done about secrets.
fn renewing(keeper: &Keeper<'_>, frame: &Frame, panel: Panel) -> Panel {
    let page = keeper.page();
    let panel = panel.link(format!("{page}/rotate"), frame.t("apps-rotate"));
    let now = keeper.visit().call.now;
    if live(&keeper.client, now).all(|secret| secret.expires_at.is_none()) {
        return panel;
    }
    panel.send(Send::new(frame, format!("{page}/retire"), frame.t("apps-retire")))
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

fn facts(keeper: &Keeper<'_>, frame: &Frame, uses: Uses) -> Vec<(String, Cell)> {
    let (client, visit) = (&keeper.client, keeper.visit());
    let when = |at| Cell::When(When::new(frame.text, at, visit.call.now));
    let words = |all: &[String]| Cell::words(all.to_vec(), frame.t("console-none"));
    let metadata = &client.metadata;
    let kind = if client.is_confidential { "apps-confidential" } else { "apps-public" };
    let party = if client.is_first_party { "apps-first-party" } else { "apps-third-party" };
    let mut facts = vec![
        (frame.t("apps-client-id"), Cell::id(frame, &client.client_id)),
        (frame.t("apps-kind"), Cell::Text(frame.t(kind))),
        (frame.t("apps-party"), Cell::Text(frame.t(party))),
        (frame.t("apps-method"), Cell::Code(metadata.token_endpoint_auth_method.name().to_owned())),
        (frame.t("apps-grants"), words(&metadata.grant_types)),
        (frame.t("apps-scopes"), words(&metadata.scopes)),
        (frame.t("apps-redirects"), words(&metadata.redirect_uris)),
        (frame.t("apps-signed-out"), words(&metadata.post_logout_redirect_uris)),
    ];
    if keeper.site.org().is_none() {
        let org = client.org.to_string();
        let org = Link::new(format!("{}/{org}", Area::Organizations.path()), org);
        facts.push((frame.t("apps-org"), Cell::Link(org)));
    }
    facts.extend([
        (frame.t("apps-consents"), counted(frame, uses.consents)),
        (frame.t("apps-open-grants"), counted(frame, uses.grants)),
        (frame.t("apps-since"), when(client.created_at)),
        (frame.t("apps-changed"), when(client.updated_at)),
        (frame.t("console-id"), Cell::id(frame, client.id)),
    ]);
    facts
}

/// The facts, with what whoever looks may do.
fn doing(keeper: &Keeper<'_>, frame: &Frame, mut panel: Panel, decides: bool) -> Panel {
    let (site, page) = (&keeper.site, keeper.page());
    if decides {
        panel = panel.link(format!("{page}/edit"), frame.t("console-edit"));
    } else if site.may(WRITE) {
        panel = panel.what(frame.t("apps-not-own"));
    }
    if site.org().is_none_or(branding::may_change) {
        panel = panel.link(format!("{page}/branding"), frame.t("console-branding"));
    }
    if site.may(claims::READ) {
        let org = orgs::page_of(keeper.client.org);
        panel = panel.link(claims::of_client(&org, keeper.client.id), frame.t("console-claims"));
    }
    if !decides {
        return panel;
    }
    let panel = if keeper.client.status == Status::Suspended {
        panel.send(Send::new(frame, format!("{page}/resume"), frame.t("apps-resume")))
    } else {
        panel.link(format!("{page}/suspend"), frame.t("apps-suspend"))
    };
    panel.danger(format!("{page}/delete"), frame.t("apps-delete"))
}

/// The buttons stand on the application's page.
pub(super) async fn back(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    Ok(to(&Keeper::seeing(&operator, &at).await?.page()))
}

/// Asks before an application is stopped. One that is has the button that lets it work again.
pub(super) async fn ask(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::changing(&operator, &at).await?;
    let page = keeper.page();
    if keeper.client.status == Status::Suspended {
        return Ok(to(&page));
    }
    let (frame, errors) = (operator.visit.frame(), Errors::none());
    let title = frame.tv("apps-suspend-of", "name", &keeper.client.name);
    let shell = keeper.shell(&frame, title, &errors);
    let form = FormPage::new(&shell, format!("{page}/suspend"), page, errors)
        .what(frame.t("apps-suspend-what"))
        .danger(frame.t("apps-suspend"));
    Ok(operator.show(&form))
}

async fn set(at: &At, posted: Posted<Nothing>, status: Status) -> Result<Response, Failure> {
    let (operator, _) = match Operator::of(posted, &at.page(AREA)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::changing(&operator, at).await?;
    keep::set_status(&operator.visit.call, &keeper.site, &keeper.client, status).await?;
    let word = if status == Status::Active { "did-app-resumed" } else { "did-app-suspended" };
    Ok(said::at(&operator.visit, word, &keeper.page()))
}

pub(super) async fn suspend(Path(at): Path<At>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    set(&at, posted, Status::Suspended).await
}

pub(super) async fn resume(Path(at): Path<At>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    set(&at, posted, Status::Active).await
}
