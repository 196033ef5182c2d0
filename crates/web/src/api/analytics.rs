//! Analytics: `/api/v1/analytics` of the whole server, `/api/v1/orgs/{org}/analytics` of one organisation;
//! every hour or day of a range, as JSON or as a table for a spreadsheet.

use axum::response::{IntoResponse as _, Response};
use doorward_core::{
    analytics::{self, Counts, Figure, Found, Range, Spend, Width},
    call::Call,
    outcome::Result,
    usage::prices::amount,
};
use doorward_proto::time::Time;
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Listing, found, wrong},
    caller::{Caller, Entered},
    endpoint::Endpoint,
};
use crate::csv;

const QUERY: [&str; 5] = ["from", "to", "interval", "figure", "format"];
/// Days that are told where no beginning is asked for, and hours.
const LATELY: u32 = 30;
const LATELY_HOURS: u32 = 24;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/analytics", all)
            .scope("admin:usage:read")
            .answers::<AnalyticsView>()
            .asked(&QUERY)
            .says("Tells how many signed in, failed to, were given tokens or were refused, and how many were there"),
        Endpoint::get("/api/v1/orgs/{org}/analytics", of_org)
            .org("org:usage:read")
            .answers::<AnalyticsView>()
            .asked(&QUERY)
            .says("Tells the same of what happened in an organisation's name"),
    ]
}

/// What happened in a range.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Analytics)]
struct AnalyticsView {
    /// Every hour or day, the oldest first.
    items: Vec<RowView>,
    /// From this hour or day on.
    #[schema(format = DateTime)]
    from: String,
    /// Before this one.
    #[schema(format = DateTime)]
    to: String,
    /// What they come to. People are not added up: they are those of the whole range, and named only where it
    /// reaches up to now.
    totals: CountsView,
}

/// An hour or a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnalyticsRow)]
struct RowView {
    /// Its beginning.
    #[schema(format = DateTime)]
    at: String,
    #[serde(flatten)]
    counts: CountsView,
}

/// What there was; all of it, or what was asked for.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = AnalyticsCounts)]
struct CountsView {
    /// Sign-ins.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_ins: Option<i64>,
    /// Tries to sign in that were refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_ins_failed: Option<i64>,
    /// Sign-ins to applications, by whoever is signed in already, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_sign_ins: Option<i64>,
    /// Access tokens that were issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<i64>,
    /// Credentials that were refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    denials: Option<i64>,
    /// People who were there.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_users: Option<i64>,
}

impl CountsView {
    fn new(counts: &Counts, asked: &Asked, knows_people: bool) -> Self {
        let of = |figure| asked.wants(figure).then(|| counts.of(figure));
        Self {
            sign_ins: of(Figure::SignIns),
            sign_ins_failed: of(Figure::SignInsFailed),
            app_sign_ins: of(Figure::AppSignIns),
            tokens: of(Figure::Tokens),
            denials: of(Figure::Denials),
            active_users: of(Figure::ActiveUsers).filter(|_| knows_people),
        }
    }
}

async fn all(caller: Caller, headers: HeaderMap, listing: Listing) -> Answer {
    let asked = Asked::read(&caller.call, &headers, listing)?;
    asked.answer(&analytics::of_all(&caller.call, asked.range).await?)
}

async fn of_org(caller: Caller, Entered(scope): Entered, headers: HeaderMap, listing: Listing) -> Answer {
    let asked = Asked::read(&caller.call, &headers, listing)?;
    asked.answer(&analytics::of_org(&caller.call, &scope, asked.range).await?)
}

/// What is asked for, and how it is to be told.
struct Asked {
    range: Range,
    figure: Option<Figure>,
    is_table: bool,
}

impl Asked {
    fn read(call: &Call, headers: &HeaderMap, mut listing: Listing) -> Result<Self> {
        let is_table = super::usage::wants_table(headers, &mut listing)?;
        let width = listing.one_of("interval", Width::ALL, Width::name)?.unwrap_or_default();
        let number = if width == Width::Day { LATELY } else { LATELY_HOURS };
        let to = time(&mut listing, "to")?.unwrap_or_else(|| Range::last(call.now, width, number).to);
        let from = time(&mut listing, "from")?.unwrap_or_else(|| to - width.length() * number);
        let figure = listing.one_of("figure", Figure::ALL, Figure::name)?;
        listing.nothing_else()?;
        Ok(Self { range: Range { from, to, width }, figure, is_table })
    }

    fn wants(&self, figure: Figure) -> bool {
        self.figure.is_none_or(|wanted| wanted == figure)
    }

    fn answer(&self, analytics: &Found) -> Answer {
        if self.is_table {
            let figures: Vec<Figure> = Figure::ALL.into_iter().filter(|figure| self.wants(*figure)).collect();
            return Ok(table(analytics, &figures, None));
        }
        let row = |row: &analytics::Row| RowView {
            at: row.at.to_string(),
            counts: CountsView::new(&row.counts, self, true),
        };
        found(&AnalyticsView {
            items: analytics.rows.iter().map(row).collect(),
            from: self.range.from.to_string(),
            to: self.range.to.to_string(),
            totals: CountsView::new(&analytics.totals, self, analytics.knows_people),
        })
    }
}

/// Every hour or day, and these of what there was in it, with what was spent where that is wanted.
pub(crate) fn table(analytics: &Found, figures: &[Figure], spend: Option<&Spend>) -> Response {
    let mut text = String::new();
    let names = figures.iter().map(|figure| figure.name()).chain(spend.map(|_| "spend"));
    csv::line(&mut text, std::iter::once("at").chain(names));
    for row in &analytics.rows {
        let numbers = figures.iter().map(|figure| row.counts.of(*figure).to_string());
        let numbers: Vec<String> = numbers.chain(spend.map(|spend| amount(spend.at(row.at)))).collect();
        let at = row.at.to_string();
        csv::line(&mut text, std::iter::once(at.as_str()).chain(numbers.iter().map(String::as_str)));
    }
    let place = HeaderValue::from_static("attachment; filename=\"analytics.csv\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(csv::TYPE)),
        (header::CONTENT_DISPOSITION, place),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, text).into_response()
}

fn time(listing: &mut Listing, name: &'static str) -> Result<Option<Time>> {
    let parsed = listing.filter(name).map(|text| text.parse()).transpose();
    parsed.map_err(|_| wrong(name, "Times are written as in 2026-11-22T10:00:00Z").into())
}
