//! The list: in the order in which routes are held against a request.

use axum::response::Response;
use doorward_core::{outcome::Result as Found, page::Page};

use super::{
    PATH, all, key, page,
    spec::{Mode, asks, limits, texts, upstreams, written},
    standing,
};
use crate::{
    api::routes::RouteView,
    pages::{
        console::{
            Administrator, Area,
            part::{
                Cell, Link, Row, Table,
                list::{Asked, Filter, ListPage},
                sheet::Sheet,
            },
        },
        form::Errors,
        frame::Frame,
        visit::Visit,
    },
    surface::Failure,
};

const FILTERS: [&str; 2] = ["query", "mode"];
const COLUMNS: [&str; 7] = [
    "gateway-route",
    "gateway-hosts",
    "gateway-paths",
    "gateway-asks",
    "gateway-limits",
    "gateway-upstream",
    "gateway-standing",
];
/// Routes on a page.
const MOST: usize = 40;

/// Whether a route is among what is looked for.
fn fits(route: &RouteView, query: &str, mode: Option<Mode>) -> bool {
    let query = query.to_lowercase();
    let (spec, name) = (&route.route, route.name().to_owned());
    let lists = ["hosts", "paths", "methods", "scopes", "roles", "permissions"];
    let mut texts = lists.iter().flat_map(|member| texts(spec, member)).chain(upstreams(spec)).chain([name]);
    let is_found = texts.any(|text| text.to_lowercase().contains(&query));
    is_found && mode.is_none_or(|mode| mode == Mode::of(spec))
}

async fn found(visit: &Visit, asked: &Asked) -> Found<Vec<RouteView>> {
    let mode = asked.one_of("mode", Mode::ALL, Mode::name)?;
    let mut found = all(visit).await?;
    found.retain(|route| fits(route, asked.held("query"), mode));
    Ok(found)
}

fn row(frame: &Frame, route: &RouteView) -> Row {
    let spec = &route.route;
    let words = |words: Vec<String>, none: &str| Cell::words(words, frame.t(none));
    let methods = texts(spec, "methods");
    Row {
        page: Some(page(route)),
        name: route.name().to_owned(),
        detail: if methods.is_empty() { frame.t("gateway-every-method") } else { methods.join(", ") },
        cells: vec![
            words(texts(spec, "hosts"), "gateway-every-host"),
            words(texts(spec, "paths"), "gateway-every-path"),
            Cell::Words(asks(frame.text, spec)),
            words(limits(frame.text, spec), "console-none"),
            words(upstreams(spec), "gateway-no-upstream"),
            Cell::Badge(standing(frame.text, route)),
        ],
    }
}

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &FILTERS)?;
    let found = found(visit, &asked).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = administrator.shell(&frame, Area::Gateway, frame.t(Area::Gateway.key()), &errors);
    let begun = asked.page().after;
    let begun = found.iter().position(|route| begun.as_deref() == Some(key(route)));
    let rest = found.get(begun.map_or(0, |last| last + 1)..).unwrap_or_default();
    let (shown, more) = rest.split_at_checked(MOST).unwrap_or((rest, &[]));
    let next = shown.last().filter(|_| !more.is_empty()).map(key);
    let rows = shown.iter().map(|route| row(&frame, route)).collect();
    let any = (frame.t("gateway-mode"), frame.t("console-any"));
    let modes = Mode::ALL.map(|mode| (mode.name(), frame.t(mode.key())));
    let filters = vec![
        Filter::text(&asked, "query", frame.t("gateway-search")),
        Filter::choice(&asked, "mode", any, modes),
    ];
    let table = Table::new(&frame, "gateway-caption", &COLUMNS, rows);
    let is_there = visit.app.settings.routing.is_some();
    let list = ListPage::new(&shell, (PATH, &asked), filters, table, next)
        .what(if is_there { "gateway-what" } else { "gateway-absent" })
        .makes(format!("{PATH}/who"), "gateway-who-in")
        .beside(Link::new(format!("{PATH}/live"), frame.t("gateway-live")))
        .beside(Link::new(format!("{PATH}/secrets"), frame.t("gateway-secrets")))
        .empty("gateway-none", "doorward route list")
        .export(asked.address(&format!("{PATH}.csv"), None), "console-export");
    Ok(administrator.show(&list))
}

/// The same list, whole.
pub(super) async fn export(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &FILTERS)?;
    let columns = [
        "name",
        "hosts",
        "paths",
        "methods",
        "mode",
        "scopes",
        "permissions",
        "roles",
        "workspaces",
        "rate_limit",
        "quota",
        "upstreams",
        "has_policy",
        "source",
        "in_force",
        "id",
    ];
    let read = async |_| Ok(Page { items: found(visit, &asked).await?, next: None });
    let line = |route: &RouteView| {
        let spec = &route.route;
        let list = |member| texts(spec, member).join(" ");
        let limit = |member| spec.get(member).map(written).unwrap_or_default();
        vec![
            route.name().to_owned(),
            list("hosts"),
            list("paths"),
            list("methods"),
            Mode::of(spec).name().to_owned(),
            list("scopes"),
            list("permissions"),
            list("roles"),
            list("workspaces"),
            limit("rate_limit"),
            limit("quota"),
            upstreams(spec).join(" "),
            spec.contains_key("policy").to_string(),
            route.source.to_owned(),
            route.in_force.to_string(),
            route.id.clone().unwrap_or_default(),
        ]
    };
    Ok(Sheet::new(&columns).fill(&asked, read, line).await?.answer("routes"))
}
