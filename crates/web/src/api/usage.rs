//! Usage: `/api/v1/usage` of all, `/api/v1/orgs/{org}/usage` of one organisation, `/api/v1/me/usage` of
//! oneself; as JSON a page at a time, or whole as a table for a spreadsheet.

use std::time::Duration;

use axum::{body::Body, response::IntoResponse as _};
use bytes::Bytes;
use doorward_core::{
    call::Call,
    outcome::Result,
    usage::{self, Ask, By, Counts, Filter, Found, Kind, Row, prices::amount},
};
use doorward_proto::time::Time;
use futures_util::{future::try_join, stream};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Listing, cursor_of, found, wrong},
    caller::{Caller, Entered},
    endpoint::Endpoint,
};
use crate::csv;

const FILTERS: [&str; 11] =
    ["from", "to", "by", "kind", "org_id", "user", "client_id", "agent_id", "route", "status", "format"];
const OF_ORG: [&str; 10] =
    ["from", "to", "by", "kind", "user", "client_id", "agent_id", "route", "status", "format"];
const OWN: [&str; 9] = ["from", "to", "by", "kind", "org_id", "client_id", "route", "status", "format"];

const HOUR: Duration = Duration::from_hours(1);
/// What is told where no beginning is asked for.
const LATELY: Duration = Duration::from_hours(30 * 24);

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/usage", all)
            .scope("admin:usage:read")
            .answers::<UsageView>()
            .filtered(&FILTERS)
            .says("Tells how much was used, by whatever it is asked for, and what that comes to in all"),
        Endpoint::get("/api/v1/orgs/{org}/usage", of_org)
            .org("org:usage:read")
            .answers::<UsageView>()
            .filtered(&OF_ORG)
            .says("Tells how much was used in an organisation's name"),
        Endpoint::get("/api/v1/me/usage", own)
            .account("me:read")
            .answers::<UsageView>()
            .filtered(&OWN)
            .says("Tells how much one has used"),
    ]
}

/// How much was used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
struct UsageView {
    /// A page of groups, in the order of their names.
    items: Vec<GroupView>,
    /// Where the next page begins.
    next_cursor: Option<String>,
    /// From this hour on.
    #[schema(format = DateTime)]
    from: String,
    /// Before this hour.
    #[schema(format = DateTime)]
    to: String,
    /// All of it, on every page the same.
    totals: CountsView,
}

/// What was used by one group. Only what it was put together by is named; an empty text is who or what has no
/// name: nobody who was recognised, no organisation, no route.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = UsageGroup)]
struct GroupView {
    /// The beginning of the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    hour: Option<String>,
    /// The day, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Date)]
    day: Option<String>,
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<String>,
    /// The person, service token or application; from elsewhere as `ISSUER|SUBJECT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// The application it came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The agent that acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    /// The route of the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    /// `2xx` to `5xx`; `none` for who left before the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(flatten)]
    counts: CountsView,
}

/// How often, and how much.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = UsageCounts)]
struct CountsView {
    /// Times.
    requests: i64,
    /// Of these, those that were not let through.
    denied: i64,
    /// Bytes of bodies that went through the proxy to applications.
    request_bytes: i64,
    /// Bytes of bodies that went through the proxy back.
    response_bytes: i64,
    /// Time until the answers began, in microseconds.
    duration_us: i64,
    /// What it costs, with nine places; where anything of this kind has a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
}

impl CountsView {
    const COLUMNS: [&'static str; 5] =
        ["requests", "denied", "request_bytes", "response_bytes", "duration_us"];

    fn new(counts: Counts, cost: Option<i64>) -> Self {
        Self {
            cost: cost.map(amount),
            requests: counts.requests,
            denied: counts.denied,
            request_bytes: counts.request_bytes,
            response_bytes: counts.response_bytes,
            duration_us: counts.micros,
        }
    }

    fn cells(&self) -> impl Iterator<Item = String> {
        [self.requests, self.denied, self.request_bytes, self.response_bytes, self.duration_us]
            .map(|number| number.to_string())
            .into_iter()
            .chain(self.cost.clone())
    }
}

/// What a column or member is called.
const fn column(by: By) -> &'static str {
    match by {
        By::Org => "org_id",
        By::Client => "client_id",
        By::Agent => "agent_id",
        by => by.name(),
    }
}

fn view(row: &Row, by: &[By], is_priced: bool) -> GroupView {
    let name = |one: By| by.contains(&one).then(|| row.name(one));
    GroupView {
        hour: name(By::Hour),
        day: name(By::Day),
        org_id: name(By::Org),
        user: name(By::User),
        client_id: name(By::Client),
        agent_id: name(By::Agent),
        route: name(By::Route),
        status: name(By::Status),
        counts: CountsView::new(row.counts, is_priced.then_some(row.cost)),
    }
}

async fn all(caller: Caller, headers: HeaderMap, mut listing: Listing) -> Answer {
    let asked = Asked::read(&caller.call, &headers, &mut listing)?;
    let asked = asked.of_org(listing.filter("org_id")).by(listing.filter("user"), listing.filter("agent_id"));
    asked.answer(&caller.call, listing).await
}

async fn of_org(caller: Caller, Entered(scope): Entered, headers: HeaderMap, mut listing: Listing) -> Answer {
    let asked = Asked::read(&caller.call, &headers, &mut listing)?;
    let org = Some(scope.id().to_string());
    let asked = asked.of_org(org).by(listing.filter("user"), listing.filter("agent_id"));
    asked.answer(&caller.call, listing).await
}

async fn own(caller: Caller, headers: HeaderMap, mut listing: Listing) -> Answer {
    let asked = Asked::read(&caller.call, &headers, &mut listing)?;
    let user = Some(caller.user()?.to_string());
    asked.of_org(listing.filter("org_id")).by(user, None).answer(&caller.call, listing).await
}

/// What is asked for, and how it is to be told.
struct Asked {
    filter: Filter,
    by: Vec<By>,
    is_table: bool,
}

impl Asked {
    /// What everybody may ask for.
    fn read(call: &Call, headers: &HeaderMap, listing: &mut Listing) -> Result<Self> {
        let is_table = wants_table(headers, listing)?;
        let to = time(listing, "to")?.unwrap_or_else(|| usage::hour_of(call.now) + HOUR);
        let from = time(listing, "from")?.unwrap_or(to - LATELY);
        let filter = Filter {
            from,
            to,
            kind: listing.one_of("kind", Kind::ALL, Kind::name)?.unwrap_or_default(),
            client: listing.filter("client_id"),
            route: listing.filter("route"),
            status: status(listing)?,
            ..Filter::default()
        };
        let by = listing.filter("by").unwrap_or_default();
        let by = by.split(',').filter(|name| !name.is_empty()).map(|name| {
            let known = By::ALL.into_iter().find(|by| by.name() == name || column(*by) == name);
            let hint =
                "It is by some of hour, day, org, user, client, agent, route, status, with commas between";
            known.ok_or_else(|| wrong("by", hint).into())
        });
        Ok(Self { filter, by: by.collect::<Result<_>>()?, is_table })
    }

    fn of_org(mut self, org: Option<String>) -> Self {
        self.filter.org = org;
        self
    }

    fn by(mut self, user: Option<String>, agent: Option<String>) -> Self {
        (self.filter.user, self.filter.agent) = (user, agent);
        self
    }

    async fn answer(self, call: &Call, listing: Listing) -> Answer {
        let page = listing.ask()?;
        if page.query.is_some() {
            return Err(
                wrong("query", "Usage has no names to look for; ask for a user or a client_id").into()
            );
        }
        // Whoever asks this node is told what this node has counted so far.
        usage::flush(call).await?;
        let Self { filter, by, is_table } = self;
        let ask = Ask { filter: filter.clone(), by: by.clone(), after: page.after, limit: page.limit };
        if is_table {
            return file(call, ask, Format::Csv).await;
        }
        // Each goes through all of it: side by side.
        let (totals, rows) = try_join(usage::sum(call, filter.clone()), usage::read(call, ask)).await?;
        found(&UsageView {
            items: rows.rows.iter().map(|row| view(row, &by, rows.is_priced)).collect(),
            next_cursor: rows.next.as_deref().map(cursor_of),
            from: filter.from.to_string(),
            to: filter.to.to_string(),
            totals: CountsView::new(totals.counts, totals.cost),
        })
    }
}

/// Whether a table for a spreadsheet is asked for, and no JSON.
pub(super) fn wants_table(headers: &HeaderMap, listing: &mut Listing) -> Result<bool> {
    match listing.filter("format").as_deref() {
        None => {
            Ok(headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/csv")))
        }
        Some("json") => Ok(false),
        Some("csv") => Ok(true),
        Some(_) => Err(wrong("format", "It is json or csv").into()),
    }
}

fn time(listing: &mut Listing, name: &'static str) -> Result<Option<Time>> {
    let parsed = listing.filter(name).map(|text| text.parse()).transpose();
    parsed.map_err(|_| wrong(name, "Times are written as in 2026-11-22T10:00:00Z").into())
}

fn status(listing: &mut Listing) -> Result<Option<u8>> {
    let Some(text) = listing.filter("status") else { return Ok(None) };
    let known = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"].iter().position(|name| *name == text);
    match known.map(u8::try_from) {
        Some(Ok(class)) => Ok(Some(class)),
        _ => Err(wrong("status", "It is one of none, 1xx, 2xx, 3xx, 4xx, 5xx").into()),
    }
}

/// As what an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table.
    Csv,
    /// An object with all groups and what they come to.
    Json,
}

/// All groups, read as they are sent: there may be more than fit into memory. What breaks off halfway ends
/// the connection, so that nobody takes a part for the whole.
pub(crate) async fn file(call: &Call, ask: Ask, format: Format) -> Answer {
    let mut by = ask.by.clone();
    by.sort_unstable();
    by.dedup();
    let ask = Ask { limit: usage::GREATEST_PAGE, ..ask };
    // What cannot be read is told before anything is sent.
    let first = usage::read(call, ask.clone()).await?;
    let (sum, is_priced) = (Counts::default(), first.is_priced);
    let mut export = Export { call: call.clone(), by, ask, format, sum, cost: 0, is_priced, is_over: false };
    let mut head = export.head();
    export.add(&mut head, first)?;
    let rest = stream::try_unfold(export, |mut export| async move {
        if export.is_over {
            return Ok::<_, std::io::Error>(None);
        }
        let text = export.more().await.map_err(|error| {
            tracing::error!(?error, "an export broke off");
            std::io::Error::other("the export broke off")
        })?;
        Ok(Some((Bytes::from(text), export)))
    });
    let begin = stream::once(async move { Ok(Bytes::from(head)) });
    let (kind, place) = match format {
        Format::Csv => (csv::TYPE, "attachment; filename=\"usage.csv\""),
        Format::Json => ("application/json", "attachment; filename=\"usage.json\""),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(place)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let body = Body::from_stream(futures_util::StreamExt::chain(begin, rest));
    Ok((headers, body).into_response())
}

/// An export on its way.
struct Export {
    call: Call,
    by: Vec<By>,
    ask: Ask,
    format: Format,
    /// What the groups that were written come to.
    sum: Counts,
    cost: i64,
    /// Whether anything had a price when it began.
    is_priced: bool,
    is_over: bool,
}

impl Export {
    fn head(&self) -> String {
        let mut text = String::new();
        match self.format {
            Format::Csv => {
                let names = self.by.iter().map(|by| column(*by)).chain(CountsView::COLUMNS);
                csv::line(&mut text, names.chain(self.is_priced.then_some("cost")));
            }
            Format::Json => {
                let (from, to) = (self.ask.filter.from, self.ask.filter.to);
                text.push_str(&format!("{{\"from\":\"{from}\",\"to\":\"{to}\",\"items\":["));
            }
        }
        text
    }

    async fn more(&mut self) -> Result<String> {
        let found = usage::read(&self.call, self.ask.clone()).await?;
        let mut text = String::new();
        self.add(&mut text, found)?;
        Ok(text)
    }

    /// Writes a page of groups, and the end behind the last one.
    fn add(&mut self, text: &mut String, found: Found) -> Result<()> {
        let is_priced = self.is_priced;
        for (place, row) in found.rows.iter().enumerate() {
            match self.format {
                Format::Csv => {
                    let names: Vec<String> = self.by.iter().map(|by| row.name(*by)).collect();
                    let counts = CountsView::new(row.counts, is_priced.then_some(row.cost));
                    let numbers: Vec<String> = counts.cells().collect();
                    csv::line(text, names.iter().chain(&numbers).map(String::as_str));
                }
                Format::Json => {
                    let is_first = place == 0 && self.ask.after.is_none();
                    text.push_str(if is_first { "\n" } else { ",\n" });
                    text.push_str(&serde_json::to_string(&view(row, &self.by, is_priced))?);
                }
            }
            self.sum += row.counts;
            self.cost += row.cost;
        }
        self.is_over = found.next.is_none();
        self.ask.after = found.next;
        if self.is_over && self.format == Format::Json {
            let totals = serde_json::to_string(&CountsView::new(self.sum, is_priced.then_some(self.cost)))?;
            text.push_str(&format!("],\n\"totals\":{totals}}}\n"));
        }
        Ok(())
    }
}
