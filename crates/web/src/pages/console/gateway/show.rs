//! One route: its rule in words, how it is written, what was asked under it lately, and who was refused.

use std::time::Duration;

use axum::{extract::Path, response::Response};
use doorward_core::{
    audit::{self, Entry},
    outcome::Result as Found,
    usage::{self, Ask, By, Filter, Kind},
};
use serde_json::Value as Json;

use super::{
    REFUSED, one, part,
    spec::{sentences, text, written},
    standing, trail,
};
use crate::{
    api::routes::RouteView,
    explain,
    pages::{
        console::{
            Administrator, Area,
            part::{
                Cell, Row, Table,
                detail::{DetailPage, Panel},
            },
        },
        form::Errors,
        frame::Frame,
        visit::Visit,
        when::When,
    },
    surface::Failure,
};

const HOUR: Duration = Duration::from_hours(1);
/// Hours of calls that are told.
const HOURS: u32 = 24;
/// Refusals of the gateway that are gone through, and of them those that are shown.
const LOOKED_AT: usize = 200;
const SHOWN: usize = 10;
/// The setting that holds the routes of the configuration.
const SETTING: &str = "gateway.routes";

pub(super) async fn look(Path(key): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let route = one(visit, &key).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Gateway, route.name().to_owned(), &errors);
    shell.trail = trail(&administrator);
    let mut panels = vec![
        Panel::new("rule", frame.t("gateway-rule")).what(sentences(frame.text, &route.route)),
        members(visit, &frame, &route),
    ];
    let policy = text(&route.route, "policy");
    if !policy.is_empty() {
        panels.push(Panel::new("policy", frame.t("gateway-policies")).block(policy.to_owned()));
    }
    panels.push(calls(visit, &frame, &route).await?);
    panels.push(refusals(visit, &frame, &route).await?);
    let badge = Some(standing(frame.text, &route));
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

/// Its members as they are written, and where.
fn members(visit: &Visit, frame: &Frame, route: &RouteView) -> Panel {
    let is_shown = |(member, _): &(&String, &Json)| *member != "policy";
    let row = |(member, value): (&String, &Json)| Row {
        page: None,
        name: member.clone(),
        detail: String::new(),
        cells: vec![Cell::Code(written(value))],
    };
    let rows = route.route.iter().filter(is_shown).map(row).collect();
    let table = Table::new(frame, "gateway-members", &["gateway-member", "settings-value"], rows);
    let panel = Panel::new("members", frame.t("gateway-members")).table(table, String::new());
    panel.what(place(visit, frame, route))
}

/// Where a route is set, and how it is changed.
fn place(visit: &Visit, frame: &Frame, route: &RouteView) -> String {
    if route.source != "file" {
        let by = route.updated_by.as_deref().or(route.created_by.as_deref()).unwrap_or_default();
        let at = route.updated_at.as_deref().unwrap_or_default();
        return frame.text.with_each("gateway-of-api", &[("name", route.name()), ("by", by), ("at", at)]);
    }
    let all = visit.app.settings.in_force.all();
    let setting = all.iter().find(|setting| setting.name == SETTING);
    let variable = setting.map_or("DOORWARD_GATEWAY_ROUTES", |setting| setting.variable.as_str());
    match setting.map(|setting| setting.from.place()).filter(|place| !place.is_empty()) {
        Some(place) => frame.text.with2("gateway-of-place", ("variable", variable), ("place", place)),
        None => frame.text.with("gateway-of-file", "variable", variable),
    }
}

/// What was asked under it lately, by status.
async fn calls(visit: &Visit, frame: &Frame, route: &RouteView) -> Found<Panel> {
    // Who looks at this node is told what this node has counted so far.
    usage::flush(&visit.call).await?;
    let to = usage::hour_of(visit.call.now) + HOUR;
    let from = to - HOUR * HOURS;
    let name = route.name();
    let filter = Filter { from, to, kind: Kind::Request, route: Some(name.to_owned()), ..Filter::default() };
    let ask = Ask { filter, by: vec![By::Status], after: None, limit: usage::GREATEST_PAGE };
    let found = usage::read(&visit.call, ask).await?;
    let number = |number: i64| Cell::Text(frame.text.number(number.unsigned_abs()));
    let row = |row: &usage::Row| Row {
        page: None,
        name: row.name(By::Status),
        detail: String::new(),
        cells: vec![number(row.counts.requests), number(row.counts.denied)],
    };
    let columns = ["usage-by-status", "usage-requests", "usage-denied"];
    let table = Table::new(frame, "gateway-calls", &columns, found.rows.iter().map(row).collect());
    let all = format!("{}?by=status&route={}&from={from}", Area::Usage.path(), part(name));
    Ok(Panel::new("calls", frame.t("gateway-calls"))
        .table(table, frame.t("gateway-calls-none"))
        .link(all, frame.t("gateway-usage")))
}

/// What a code means, in words.
fn reason(code: &str) -> String {
    super::code(code)
        .and_then(explain::of)
        .map_or_else(String::new, |explained| explained.happened.to_owned())
}

/// Who was refused by it last, and why.
async fn refusals(visit: &Visit, frame: &Frame, route: &RouteView) -> Found<Panel> {
    let which = audit::Filter { code: Some(REFUSED.to_owned()), ..audit::Filter::default() };
    let found = audit::list(&visit.call.realm, which, None, LOOKED_AT).await?;
    let fact = |entry: &Entry, name: &str| {
        entry.facts.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let row = |entry: &Entry| {
        let code = fact(entry, "refusal");
        Row {
            page: Some(format!("{}/{}", Area::Audit.path(), entry.id)),
            detail: reason(&code),
            name: code,
            cells: vec![
                Cell::text(Some(&entry.subject), frame.t("gateway-nobody-known")),
                Cell::When(When::new(frame.text, entry.at, visit.call.now)),
            ],
        }
    };
    let of_route = found.iter().filter(|entry| fact(entry, "route") == route.name());
    let rows = of_route.take(SHOWN).map(row).collect();
    let columns = ["gateway-reason", "gateway-who", "audit-at"];
    let table = Table::new(frame, "gateway-refusals", &columns, rows);
    Ok(Panel::new("refusals", frame.t("gateway-refusals"))
        .table(table, frame.t("gateway-refusals-none"))
        .link(format!("{}?code={REFUSED}", Area::Audit.path()), frame.t("gateway-refusals-all")))
}
