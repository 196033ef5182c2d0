//! The overview: what has happened lately, as sums and charts; of the server to administrators, of one
//! organisation to who may see its usage.

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};
use doorward_core::{
    analytics::{self, Figure, Found, Range, Spend, Width},
    clients::manage::{self, ListAsk},
    outcome::Result as Outcome,
    page::PageAsk,
    usage::{self, prices::amount},
};
use doorward_proto::time::Time;

use super::{
    Area, Operator, Shell, audit, orgs,
    part::{
        Cell,
        chart::{Chart, Point, Shape, Span},
        detail::Panel,
        list::Asked,
    },
    usage::SEE,
};
use crate::{
    api::analytics::table,
    app::App,
    pages::{form::Errors, frame::Frame, visit::to},
    surface::Failure,
};

const PATH: &str = Area::Overview.path();
/// Events that are shown.
const RECENT: u32 = 6;

/// Every page of the area, and the same of one organisation.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console", get(look))
        .route("/console/overview.csv", get(sheet))
        .route("/console/organizations/{org}/overview", get(look_at))
        .route("/console/organizations/{org}/overview.csv", get(sheet_of))
}

/// How far back is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Back {
    Hours24,
    Days7,
    Days30,
    Days90,
}

impl Back {
    const ALL: [Self; 4] = [Self::Hours24, Self::Days7, Self::Days30, Self::Days90];

    const fn name(self) -> &'static str {
        match self {
            Self::Hours24 => "24h",
            Self::Days7 => "7d",
            Self::Days30 => "30d",
            Self::Days90 => "90d",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Hours24 => "overview-24h",
            Self::Days7 => "overview-7d",
            Self::Days30 => "overview-30d",
            Self::Days90 => "overview-90d",
        }
    }

    const fn span(self) -> (Width, u32) {
        match self {
            Self::Hours24 => (Width::Hour, 24),
            Self::Days7 => (Width::Day, 7),
            Self::Days30 => (Width::Day, 30),
            Self::Days90 => (Width::Day, 90),
        }
    }
}

/// A way to look at another range.
struct Way {
    to: String,
    label: String,
    is_current: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "console/overview.html")]
struct OverviewPage<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    what: String,
    /// The command that makes the first application, where there is none.
    first: Option<&'static str>,
    ways: Vec<Way>,
    sums: Vec<(String, Cell)>,
    charts: Vec<Chart>,
    export: String,
    recent: Option<Panel>,
}

/// What of it is told, and how it is called: of an organisation, sign-ins are those to applications, and failed
/// ones those at its own providers. Who types a wrong password is in no organisation yet.
const fn told(is_org: bool) -> [(Figure, &'static str); 5] {
    let (signed_in, failed) = if is_org {
        ((Figure::AppSignIns, "overview-app-sign-ins"), "overview-failed-own")
    } else {
        ((Figure::SignIns, "overview-sign-ins"), "overview-failed")
    };
    [
        signed_in,
        (Figure::SignInsFailed, failed),
        (Figure::ActiveUsers, "overview-people"),
        (Figure::Tokens, "overview-tokens"),
        (Figure::Denials, "overview-denials"),
    ]
}

fn asked(operator: &Operator) -> Outcome<Back> {
    let asked = Asked::read(operator.visit.query(), &["range"])?;
    Ok(asked.one_of("range", Back::ALL, Back::name)?.unwrap_or(Back::Hours24))
}

fn range(operator: &Operator, back: Back) -> Range {
    let (width, number) = back.span();
    Range::last(operator.visit.call.now, width, number)
}

/// To who runs an organisation and nothing else, their organisations.
async fn look(operator: Operator) -> Result<Response, Failure> {
    if !operator.is_administrator() {
        return Ok(to(Area::Organizations.path()));
    }
    let (visit, back) = (&operator.visit, asked(&operator)?);
    // Who looks at this node is told what this node has counted so far.
    usage::flush(&visit.call).await?;
    let found = analytics::of_all(&visit.call, range(&operator, back)).await?;
    let spend = analytics::spend(&visit.call, range(&operator, back), None).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = operator.shell(&frame, Area::Overview, frame.t(Area::Overview.key()), &errors);
    let mut page = page(&operator, &shell, (PATH, "/console/overview.csv"), (back, &found, false));
    page.tell(&operator, back, &found, spend.as_ref());
    page.first = first(&operator).await?;
    // The tables of ninety days leave no room for more in what a page may take.
    if back != Back::Days90 {
        page.recent = audit::recent(&operator, (&frame, None), RECENT).await?;
    }
    Ok(operator.show(&page))
}

async fn look_at(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let scope = orgs::enter(&operator, &org, SEE).await?;
    let (visit, back) = (&operator.visit, asked(&operator)?);
    usage::flush(&visit.call).await?;
    let found = analytics::of_org(&visit.call, &scope, range(&operator, back)).await?;
    let spend = analytics::spend(&visit.call, range(&operator, back), Some(&scope)).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = operator.shell(&frame, Area::Organizations, frame.t(Area::Overview.key()), &errors);
    shell.trail = orgs::trail_to(&operator, scope.org());
    let path = format!("{}/{}/overview", Area::Organizations.path(), scope.id());
    let mut page = page(&operator, &shell, (&path, &format!("{path}.csv")), (back, &found, true));
    page.tell(&operator, back, &found, spend.as_ref());
    if back != Back::Days90 {
        page.recent = audit::recent(&operator, (&frame, Some(&scope)), RECENT).await?;
    }
    Ok(operator.show(&page))
}

async fn sheet(administrator: super::Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let range = range(&administrator, asked(&administrator)?);
    usage::flush(&visit.call).await?;
    let spend = analytics::spend(&visit.call, range, None).await?;
    Ok(table(&analytics::of_all(&visit.call, range).await?, &Figure::ALL, spend.as_ref()))
}

async fn sheet_of(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let scope = orgs::enter(&operator, &org, SEE).await?;
    let visit = &operator.visit;
    let range = range(&operator, asked(&operator)?);
    usage::flush(&visit.call).await?;
    let spend = analytics::spend(&visit.call, range, Some(&scope)).await?;
    Ok(table(&analytics::of_org(&visit.call, &scope, range).await?, &Figure::ALL, spend.as_ref()))
}

fn page<'a>(
    operator: &Operator,
    shell: &'a Shell<'a>,
    (path, export): (&str, &str),
    (back, found, is_org): (Back, &Found, bool),
) -> OverviewPage<'a> {
    let frame = shell.frame;
    let told = told(is_org);
    let number = |figure| frame.text.number(found.totals.of(figure).unsigned_abs());
    let way = |one: Back| Way {
        to: format!("{path}?range={}", one.name()),
        label: frame.t(one.key()),
        is_current: one == back,
    };
    let [signed_in, failed, people, tokens, denials] = told;
    let lines = [
        ("sign-ins", "overview-chart-sign-ins", vec![signed_in, failed]),
        ("people", "overview-people", vec![people]),
        ("tokens", "overview-chart-tokens", vec![tokens, denials]),
    ];
    OverviewPage {
        frame,
        shell,
        what: frame.t(if is_org { "overview-what-org" } else { "overview-what" }),
        first: None,
        ways: Back::ALL.into_iter().map(way).collect(),
        sums: told.iter().map(|(figure, key)| (frame.t(key), Cell::Text(number(*figure)))).collect(),
        charts: lines.into_iter().map(|line| chart(operator, frame, (back, found), line)).collect(),
        export: format!("{export}?range={}", back.name()),
        recent: None,
    }
}

impl OverviewPage<'_> {
    /// Adds what was spent, where anything has a price.
    fn tell(&mut self, operator: &Operator, back: Back, found: &Found, spend: Option<&Spend>) {
        let Some(spend) = spend else { return };
        let (frame, span) = (self.frame, span(operator, back));
        let point = |row: &analytics::Row| {
            let (label, name) = span.words(row.at);
            let is_known = is_known(operator, row.at) || spend.rows.contains_key(&row.at);
            Point { label, name, values: is_known.then(|| vec![spend.at(row.at).unsigned_abs()]) }
        };
        let points = found.rows.iter().map(point).collect();
        let named = ("spend", frame.t("overview-spend"));
        let chart = Chart::amounts(frame, named, Shape::Bars, vec![frame.t("overview-spend")], points);
        self.charts.push(chart.unit(unit(frame, back)));
        self.sums.push((frame.t("overview-spend"), Cell::Text(amount(spend.total))));
    }
}

fn span(operator: &Operator, back: Back) -> Span {
    let range = range(operator, back);
    Span::new(range.from, range.to)
}

/// Whether what happened then would still be known.
fn is_known(operator: &Operator, at: Time) -> bool {
    let call = &operator.visit.call;
    at >= call.now - call.realm.settings.usage.retention
}

fn unit(frame: &Frame, back: Back) -> String {
    match back.span().0 {
        Width::Hour => frame.t("usage-an-hour"),
        Width::Day => frame.text.count("usage-days", 1),
    }
}

fn chart(
    operator: &Operator,
    frame: &Frame,
    (back, found): (Back, &Found),
    (id, title, series): (&'static str, &'static str, Vec<(Figure, &'static str)>),
) -> Chart {
    let span = span(operator, back);
    let point = |row: &analytics::Row| {
        let (label, name) = span.words(row.at);
        let values = series.iter().map(|(figure, _)| row.counts.of(*figure).unsigned_abs()).collect();
        let is_known = is_known(operator, row.at) || !row.counts.is_nothing();
        Point { label, name, values: is_known.then_some(values) }
    };
    let points = found.rows.iter().map(point).collect();
    let names = series.iter().map(|(_, key)| frame.t(key)).collect();
    Chart::new(frame, (id, frame.t(title)), Shape::Bars, names, points).unit(unit(frame, back))
}

/// What makes the first application, where there is none.
async fn first(operator: &Operator) -> Outcome<Option<&'static str>> {
    let ask = ListAsk { page: PageAsk { limit: 1, ..PageAsk::default() }, ..ListAsk::default() };
    let some = manage::list(&operator.visit.call, ask).await?;
    Ok(some.items.is_empty().then_some(
        "doorward client create --name Orders --type confidential \\\n  \
         --redirect-uris https://orders.example/callback --scopes openid --scopes email",
    ))
}
