//! The audit trail in the console: looked for, a page at a time, as it goes on or as a file, and whether its chain
//! holds; and what of it is an organisation's own, for whoever may read that.

use std::net::IpAddr;

use axum::{Router, routing::get};
use doorward_core::{
    audit::{self, Entry, Filter as Which, Outcome, of_org},
    orgs::OrgScope,
    outcome::{Code, Refusal, Result as Found},
    page::{Page, PageAsk},
};
use doorward_proto::time::Time;

use super::{
    Area, Operator, orgs,
    part::{
        Cell, Row, Standing, Table,
        detail::Panel,
        list::{Asked, Filter},
    },
};
use crate::{
    app::App,
    pages::{form::Errors, frame::Frame, text::Text, visit::Visit, when::When},
};

mod export;
mod follow;
mod list;
mod show;

const PATH: &str = Area::Audit.path();
const COLUMNS: [&str; 5] = ["audit-code", "audit-outcome", "audit-actor", "audit-subject", "audit-at"];
const FILTERS: [&str; 9] =
    ["code", "outcome", "actor", "subject", "client", "since", "until", "org", "address"];
/// Of an organisation: which one it is stands in the path, and addresses are personal.
const FILTERS_OF_ORG: [&str; 7] = ["code", "outcome", "actor", "subject", "client", "since", "until"];

/// Every page of the area, and the same of one organisation.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/audit", get(list::look))
        .route("/console/audit/follow", get(follow::look))
        .route("/console/audit.csv", get(export::csv))
        .route("/console/audit.json", get(export::json))
        .route("/console/audit/check", get(show::check))
        .route("/console/audit/{id}", get(show::look))
        .route("/console/organizations/{org}/audit", get(list::look_at))
        .route("/console/organizations/{org}/audit/follow", get(follow::look_at))
        .route("/console/organizations/{org}/audit.csv", get(export::csv_of))
        .route("/console/organizations/{org}/audit.json", get(export::json_of))
        .route("/console/organizations/{org}/audit/{id}", get(show::look_at))
}

/// Whose events are shown: the server's, or those of an organisation that was entered.
struct Place {
    path: String,
    org: Option<OrgScope>,
}

impl Place {
    fn server() -> Self {
        Self { path: PATH.to_owned(), org: None }
    }

    async fn of(operator: &Operator, org: &str) -> Found<Self> {
        let scope = orgs::enter(operator, org, of_org::READ).await?;
        Ok(Self { path: format!("{}/audit", orgs::page(scope.org())), org: Some(scope) })
    }

    fn asked(&self, visit: &Visit) -> Found<Asked> {
        let filters: &[&str] = if self.org.is_some() { &FILTERS_OF_ORG } else { &FILTERS };
        Asked::read(visit.query(), filters)
    }

    /// The pages above the list.
    fn trail(&self, operator: &Operator) -> Vec<(String, String)> {
        self.org.as_ref().map(|scope| orgs::trail_to(operator, scope.org())).unwrap_or_default()
    }

    /// The pages above one that belongs to the list.
    fn trail_to(&self, operator: &Operator) -> Vec<(String, String)> {
        let mut trail = self.trail(operator);
        trail.push((self.path.clone(), operator.visit.text.get(Area::Audit.key())));
        trail
    }

    /// The heading of the list.
    fn title(&self, text: Text) -> String {
        match &self.org {
            None => text.get(Area::Audit.key()),
            Some(scope) => text.with("audit-of", "name", &scope.org().name),
        }
    }

    async fn list(&self, visit: &Visit, which: Which, ask: &PageAsk) -> Found<Page<Entry>> {
        let rows = usize::try_from(ask.rows()).unwrap_or(50);
        let before = ask.after.clone();
        let items = match &self.org {
            None => audit::list(&visit.call.realm, which, before, rows).await?,
            Some(scope) => of_org::list(&visit.call, scope, (which, before, rows)).await?,
        };
        Ok(ask.page(items, |entry| entry.id.clone()))
    }

    async fn follow(&self, visit: &Visit, which: Which, after: i64, limit: usize) -> Found<Vec<Entry>> {
        match &self.org {
            None => audit::follow(&visit.call.realm, which, after, limit).await,
            Some(scope) => of_org::follow(&visit.call, scope, (which, after, limit)).await,
        }
    }

    fn row(&self, visit: &Visit, entry: &Entry) -> Row {
        let text = visit.text;
        let who = |id: &str| match id {
            "" => Cell::Soft(text.get("console-none")),
            id => Cell::Code(id.to_owned()),
        };
        Row {
            page: Some(format!("{}/{}", self.path, entry.id)),
            name: entry.code.clone(),
            detail: String::new(),
            cells: vec![
                Cell::Badge(standing(text, entry.outcome)),
                who(&entry.actor),
                who(&entry.subject),
                Cell::When(When::new(text, entry.at, visit.call.now)),
            ],
        }
    }

    fn filters(&self, frame: &Frame, asked: &Asked) -> Vec<Filter> {
        let outcomes =
            [Outcome::Granted, Outcome::Refused].map(|it| (word(it), standing(frame.text, it).word));
        let any = (frame.t("audit-outcome"), frame.t("console-any"));
        let mut filters = vec![
            Filter::text(asked, "code", frame.t("audit-code-search")),
            Filter::choice(asked, "outcome", any, outcomes),
            Filter::text(asked, "actor", frame.t("audit-actor")),
            Filter::text(asked, "subject", frame.t("audit-subject")),
            Filter::text(asked, "client", frame.t("audit-client")),
            Filter::text(asked, "since", frame.t("audit-since")),
            Filter::text(asked, "until", frame.t("audit-until")),
        ];
        if self.org.is_none() {
            filters.push(Filter::text(asked, "org", frame.t("audit-org")));
            filters.push(Filter::text(asked, "address", frame.t("audit-address")));
        }
        filters
    }
}

/// The newest events of the server, or of an organisation that was entered; none for who may not read those.
pub(super) async fn recent(
    operator: &Operator,
    (frame, org): (&Frame, Option<&OrgScope>),
    most: u32,
) -> Found<Option<Panel>> {
    let place = match org {
        None => Place::server(),
        Some(scope) if scope.may(of_org::READ) => Place::of(operator, &scope.id().to_string()).await?,
        Some(_) => return Ok(None),
    };
    let ask = PageAsk { limit: most, ..PageAsk::default() };
    let found = place.list(&operator.visit, Which::default(), &ask).await?;
    let rows = found.items.iter().map(|event| place.row(&operator.visit, event)).collect();
    let table = Table::new(frame, "overview-recent", &COLUMNS, rows);
    let panel = Panel::new("recent", frame.t("overview-recent"));
    let panel = panel.table(table, frame.t("overview-recent-none"));
    Ok(Some(panel.link(place.path, frame.t(Area::Audit.key()))))
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Granted => "granted",
        Outcome::Refused => "refused",
    }
}

fn standing(text: Text, outcome: Outcome) -> Standing {
    match outcome {
        Outcome::Granted => Standing::plain(text.get("audit-granted")),
        Outcome::Refused => Standing::bad(text.get("audit-refused")),
    }
}

fn time(asked: &Asked, name: &'static str) -> Result<Option<Time>, Refusal> {
    let wrong = || Refusal::new(Code::RequestInvalid).field(name).hint("Such as 2026-11-22T10:00:00Z");
    asked.some(name).map(|text| text.parse().map_err(|_| wrong())).transpose()
}

fn address(asked: &Asked) -> Result<Option<IpAddr>, Refusal> {
    let wrong = || Refusal::new(Code::RequestInvalid).field("address").hint("Such as 192.0.2.1");
    asked.some("address").map(|text| text.parse().map_err(|_| wrong())).transpose()
}

/// What cannot be read of what was typed, each with what is wrong.
fn wrong(text: Text, asked: &Asked) -> Option<(Errors, Refusal)> {
    let (mut errors, mut first) = (Errors::none(), None);
    for name in ["since", "until"] {
        if let Err(refusal) = time(asked, name) {
            errors.add(name, text.get("audit-time-wrong"));
            first = first.or(Some(refusal));
        }
    }
    if let Err(refusal) = address(asked) {
        errors.add("address", text.get("audit-address-wrong"));
        first = first.or(Some(refusal));
    }
    first.map(|refusal| (errors, refusal))
}

fn which(asked: &Asked) -> Found<Which> {
    Ok(Which {
        actor: asked.some("actor"),
        subject: asked.some("subject"),
        client: asked.some("client"),
        org: asked.some("org"),
        code: asked.some("code"),
        outcome: asked.one_of("outcome", [Outcome::Granted, Outcome::Refused], word)?,
        since: time(asked, "since")?,
        until: time(asked, "until")?,
        request_id: None,
        address: address(asked)?,
    })
}
