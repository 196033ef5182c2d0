//! Usage in the console: of everything to administrators, of one organisation to who may see it there; as a
//! chart over time, as groups a page at a time, and whole as a file.

use std::time::Duration;

use axum::{Router, extract::Path, response::Response, routing::get};
use doorward_core::{
    outcome::{Code, Refusal, Result as Found},
    page::{Page, PageAsk},
    usage::{self, Ask, By, Counts, Filter as Which, Kind, prices::amount},
    users,
};
use doorward_proto::time::Time;
use futures_util::future::try_join;

use super::{
    Administrator, Area, Operator, orgs,
    part::{
        Cell, Row, Table,
        chart::{Chart, MOST, Point, Shape, Span, Width},
        list::{Asked, Filter, ListPage},
    },
    prices,
};
use crate::{
    api::usage::{Format, file},
    app::App,
    pages::{
        form::Errors,
        frame::Frame,
        visit::{Visit, refusal_of},
    },
    surface::Failure,
};

const PATH: &str = Area::Usage.path();
/// What shows an organisation's usage.
pub(super) const SEE: &str = "org:usage:read";
const FILTERS: [&str; 9] = ["kind", "by", "from", "to", "org", "user", "client", "route", "status"];
/// By what groups are made here; the API knows more.
const GROUPS: [By; 7] = [By::Day, By::Hour, By::Route, By::User, By::Org, By::Client, By::Status];
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Days shown unless others are asked for, today among them.
const LATELY: u32 = 30;

/// Every page of the area, and the same of one organisation.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/usage", get(look))
        .route("/console/usage.csv", get(async |who: Administrator| export(&who, None, Format::Csv).await))
        .route("/console/usage.json", get(async |who: Administrator| export(&who, None, Format::Json).await))
        .route("/console/organizations/{org}/usage", get(look_at))
        .route("/console/organizations/{org}/usage.csv", get(csv_of))
        .route("/console/organizations/{org}/usage.json", get(json_of))
}

/// The beginning of the day (UTC) that an instant is in.
fn day_of(at: Time) -> Time {
    let day = i64::try_from(DAY.as_secs()).unwrap_or(1);
    Time::from_seconds(at.as_seconds().div_euclid(day) * day)
}

/// An hour, or a day: all of it, also where it is the last one.
fn time(asked: &Asked, name: &'static str, is_end: bool) -> Result<Option<Time>, Refusal> {
    let Some(text) = asked.some(name) else { return Ok(None) };
    let wrong =
        || Refusal::new(Code::RequestInvalid).field(name).hint("Such as 2026-11-22, or 2026-11-22T10:00:00Z");
    if text.len() == 10 {
        let day: Time = format!("{text}T00:00:00Z").parse().map_err(|_| wrong())?;
        return Ok(Some(if is_end { day + DAY } else { day }));
    }
    Ok(Some(text.parse().map_err(|_| wrong())?))
}

/// The days that cannot be read, each with what is wrong.
fn wrong(frame: &Frame, asked: &Asked) -> Option<(Errors, Refusal)> {
    let (mut errors, mut first) = (Errors::none(), None);
    for (name, is_end) in [("from", false), ("to", true)] {
        if let Err(refusal) = time(asked, name, is_end) {
            errors.add(name, frame.t("usage-day-wrong"));
            first = first.or(Some(refusal));
        }
    }
    first.map(|refusal| (errors, refusal))
}

/// What a refusal of times means that can be read.
fn wrong_time(frame: &Frame, refusal: &Refusal) -> Option<(Errors, Refusal)> {
    let (field, key) = match refusal.field.as_deref()? {
        "from" => ("from", "usage-from-wrong"),
        "to" => ("to", "usage-to-wrong"),
        _ => return None,
    };
    Some((Errors::one(field, frame.t(key)), refusal.clone()))
}

/// What the address asks for; of an organisation, whatever it says of others.
fn which(visit: &Visit, asked: &Asked, org: Option<&str>) -> Found<Which> {
    let to = time(asked, "to", true)?.unwrap_or_else(|| usage::hour_of(visit.call.now) + HOUR);
    let from = time(asked, "from", false)?.unwrap_or_else(|| day_of(to - HOUR) - (LATELY - 1) * DAY);
    let class = asked.one_of("status", CLASSES, |it| it)?;
    let class = class.and_then(|class| CLASSES.iter().position(|one| *one == class));
    Ok(Which {
        from,
        to,
        kind: asked.one_of("kind", Kind::ALL, Kind::name)?.unwrap_or_default(),
        org: org.map(str::to_owned).or_else(|| asked.some("org")),
        user: asked.some("user"),
        client: asked.some("client"),
        agent: None,
        route: asked.some("route"),
        status: class.and_then(|class| u8::try_from(class).ok()),
    })
}

fn group(asked: &Asked) -> Found<By> {
    Ok(asked.one_of("by", GROUPS, By::name)?.unwrap_or(By::Day))
}

fn asked(visit: &Visit) -> Found<Asked> {
    Asked::read(visit.query(), &FILTERS)
}

async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let (frame, errors) = (administrator.visit.frame(), Errors::none());
    let shell = administrator.shell(&frame, Area::Usage, frame.t(Area::Usage.key()), &errors);
    page(&administrator, &shell, PATH, None).await
}

async fn look_at(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let scope = orgs::enter(&operator, &org, SEE).await?;
    let (frame, errors) = (operator.visit.frame(), Errors::none());
    let mut shell = operator.shell(&frame, Area::Organizations, frame.t(Area::Usage.key()), &errors);
    shell.trail = orgs::trail_to(&operator, scope.org());
    let path = format!("{}/{}/usage", Area::Organizations.path(), scope.id());
    page(&operator, &shell, &path, Some(&scope.id().to_string())).await
}

async fn csv_of(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let scope = orgs::enter(&operator, &org, SEE).await?;
    export(&operator, Some(&scope.id().to_string()), Format::Csv).await
}

async fn json_of(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let scope = orgs::enter(&operator, &org, SEE).await?;
    export(&operator, Some(&scope.id().to_string()), Format::Json).await
}

/// All groups that fit, as a file.
async fn export(operator: &Operator, org: Option<&str>, format: Format) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let asked = asked(visit)?;
    usage::flush(&visit.call).await?;
    let ask = Ask { filter: which(visit, &asked, org)?, by: vec![group(&asked)?], after: None, limit: 1 };
    file(&visit.call, ask, format).await
}

async fn page(
    operator: &Operator,
    shell: &super::Shell<'_>,
    path: &str,
    org: Option<&str>,
) -> Result<Response, Failure> {
    let (visit, frame) = (&operator.visit, shell.frame);
    let asked = asked(visit)?;
    let again = |(errors, refusal): (Errors, Refusal)| {
        let table = Table::new(frame, "usage-caption", &[], Vec::new());
        let filters = filters(frame, &asked, org);
        let list = ListPage::new(shell, (path, &asked), filters, table, None).what("usage-what");
        visit.show_wrong(&list.wrong(errors), &refusal)
    };
    if let Some(wrong) = wrong(frame, &asked) {
        return Ok(again(wrong));
    }
    let (filter, by) = (which(visit, &asked, org)?, group(&asked)?);
    // Who looks at this node is told what this node has counted so far.
    usage::flush(&visit.call).await?;
    let PageAsk { after, limit, .. } = asked.page();
    // Each goes through all of it: side by side.
    let groups = usage::read(&visit.call, Ask { filter: filter.clone(), by: vec![by], after, limit });
    let (found, over) = match try_join(groups, OverTime::read(visit, filter)).await {
        Ok(read) => read,
        Err(error) => {
            let refusal = refusal_of(error)?;
            return Ok(again(wrong_time(frame, &refusal).ok_or(refusal)?));
        }
    };
    let mut rows = Vec::with_capacity(found.rows.len());
    for one in &found.rows {
        let mut row = row(operator, by, one).await?;
        row.cells.extend(found.is_priced.then(|| Cell::Text(amount(one.cost))));
        rows.push(row);
    }
    let is_priced = found.is_priced;
    let found = Page { items: rows, next: found.next };
    let (chart, totals) = (over.chart(visit, frame), over.totals);
    let mut columns = vec![column(by), "usage-requests", "usage-denied", "usage-in", "usage-out"];
    columns.extend(is_priced.then_some("usage-cost"));
    let table = Table::new(frame, "usage-caption", &columns, found.items);
    let number = |number: i64| frame.text.number(number.unsigned_abs());
    let sum = frame.text.with2(
        "usage-sum",
        ("requests", &number(totals.requests)),
        ("denied", &number(totals.denied)),
    );
    let sum = if is_priced {
        format!("{sum} {}", frame.tv("usage-costs", "amount", &amount(over.cost)))
    } else {
        sum
    };
    let mut list =
        ListPage::new(shell, (path, &asked), filters(frame, &asked, org), table, found.next.as_deref())
            .what("usage-what")
            .chart(chart, sum)
            .empty("usage-none", "doorward usage show --by route")
            .export(asked.address(&format!("{path}.csv"), None), "console-export")
            .export(asked.address(&format!("{path}.json"), None), "usage-json");
    if org.is_none() {
        list = list.makes(prices::PATH.to_owned(), "prices-title");
    }
    Ok(operator.show(&list))
}

const fn column(by: By) -> &'static str {
    match by {
        By::Hour => "usage-by-hour",
        By::Day => "usage-by-day",
        By::Org => "usage-by-org",
        By::User => "usage-by-user",
        By::Client => "usage-by-client",
        By::Agent => "usage-by-agent",
        By::Route => "usage-by-route",
        By::Status => "usage-by-status",
    }
}

fn filters(frame: &Frame, asked: &Asked, org: Option<&str>) -> Vec<Filter> {
    let kind = |kind: Kind| match kind {
        Kind::Request => (kind.name(), frame.t("usage-kind-request")),
        Kind::SignIn => (kind.name(), frame.t("usage-kind-sign-in")),
        Kind::Token => (kind.name(), frame.t("usage-kind-token")),
    };
    let kinds = Kind::ALL.into_iter().filter(|it| *it != Kind::Request).map(kind);
    let groups = GROUPS.into_iter().filter(|by| *by != By::Day);
    let mut all = vec![
        Filter::choice(asked, "kind", (frame.t("usage-kind"), frame.t("usage-kind-request")), kinds),
        Filter::choice(
            asked,
            "by",
            (frame.t("usage-by"), frame.t("usage-by-day")),
            groups.map(|by| (by.name(), frame.t(column(by)))),
        ),
        Filter::text(asked, "from", frame.t("usage-from")),
        Filter::text(asked, "to", frame.t("usage-to")),
        Filter::text(asked, "route", frame.t("usage-by-route")),
        Filter::text(asked, "user", frame.t("usage-by-user")),
        Filter::text(asked, "client", frame.t("usage-by-client")),
        Filter::choice(
            asked,
            "status",
            (frame.t("usage-by-status"), frame.t("console-any")),
            CLASSES.map(|class| (class, class.to_owned())),
        ),
    ];
    if org.is_none() {
        all.push(Filter::text(asked, "org", frame.t("usage-by-org")));
    }
    all
}

/// A group; people by their mail address, to whom may open their page.
async fn row(operator: &Operator, by: By, found: &usage::Row) -> Found<Row> {
    let visit = &operator.visit;
    let name = found.name(by);
    let mut row =
        Row { page: None, name: name.clone(), detail: String::new(), cells: cells(visit, found.counts) };
    if name.is_empty() {
        row.name = visit.text.get("usage-nobody");
    } else if by == By::User && operator.is_administrator() {
        if let Ok(id) = name.parse()
            && let Some(email) = users::find(&visit.call, id).await?.and_then(|user| user.email)
        {
            row.page = Some(format!("{}/{name}", Area::Users.path()));
            (row.name, row.detail) = (email, name);
        }
    } else if by == By::Org && operator.is_administrator() {
        row.page = Some(format!("{}/{name}", Area::Organizations.path()));
    }
    Ok(row)
}

fn cells(visit: &Visit, counts: Counts) -> Vec<Cell> {
    [counts.requests, counts.denied, counts.request_bytes, counts.response_bytes]
        .map(|number| Cell::Text(visit.text.number(number.unsigned_abs())))
        .to_vec()
}

/// How much was used over the time that is shown, and in all.
struct OverTime {
    span: Span,
    sums: Vec<Counts>,
    totals: Counts,
    cost: i64,
}

impl OverTime {
    async fn read(visit: &Visit, filter: Which) -> Found<Self> {
        let span = Span::new(filter.from, filter.to);
        let by = if span.width == Width::Hour { By::Hour } else { By::Day };
        let (mut sums, mut totals, mut cost) = (vec![Counts::default(); MOST], Counts::default(), 0_i64);
        let mut ask = Ask { filter, by: vec![by], after: None, limit: usage::GREATEST_PAGE };
        loop {
            let found = usage::read(&visit.call, ask.clone()).await?;
            for row in &found.rows {
                totals += row.counts;
                cost = cost.saturating_add(row.cost);
                if let Some(sum) = span.place(row.at()).and_then(|place| sums.get_mut(place)) {
                    *sum += row.counts;
                }
            }
            if found.next.is_none() {
                return Ok(Self { span, sums, totals, cost });
            }
            ask.after = found.next;
        }
    }

    /// What was let through and what was not.
    fn chart(&self, visit: &Visit, frame: &Frame) -> Chart {
        let Self { span, sums, .. } = self;
        let kept_since = visit.call.now - visit.call.realm.settings.usage.retention;
        let point = |(begin, counts): (Time, &Counts)| {
            let (label, name) = span.words(begin);
            let passed = (counts.requests - counts.denied).unsigned_abs();
            let is_known = begin >= kept_since || counts.requests > 0;
            Point { label, name, values: is_known.then(|| vec![passed, counts.denied.unsigned_abs()]) }
        };
        let points = span.begins().zip(sums).map(point).collect();
        let series = vec![frame.t("usage-passed"), frame.t("usage-denied")];
        let unit = match span.width {
            Width::Hour => frame.t("usage-an-hour"),
            Width::Days(days) => frame.text.count("usage-days", days.into()),
        };
        Chart::new(frame, ("usage", frame.t("usage-over-time")), Shape::Bars, series, points).unit(unit)
    }
}
