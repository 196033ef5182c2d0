//! The audit trail in the console: looked for, a page at a time or as a file, and whether its chain holds.

use axum::{Router, extract::Path, response::Response, routing::get};
use doorward_core::{
    audit::{self, Entry, Filter as Which, Outcome},
    outcome::{Code, Refusal, Result as Found},
    page::{Page, PageAsk},
};
use doorward_proto::{
    id::{Client, Kind as _, Mail as MailKind, Org, ServiceToken, Session, User},
    time::Time,
};
use serde_json::{Map, Value as Json};

use super::{
    Administrator, Area,
    part::{
        Cell, Link, Row, Standing, Table,
        detail::{DetailPage, Panel},
        list::{Asked, Filter, ListPage},
        sheet::Sheet,
    },
};
use crate::{
    app::App,
    pages::{form::Errors, frame::Frame, text::Text, visit::Visit, when::When},
    surface::Failure,
};

const PATH: &str = Area::Audit.path();
const COLUMNS: [&str; 5] = ["audit-code", "audit-outcome", "audit-actor", "audit-subject", "audit-at"];
const FILTERS: [&str; 6] = ["code", "outcome", "actor", "subject", "since", "until"];

/// Every page of the area.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/audit", get(look))
        .route("/console/audit.csv", get(export))
        .route("/console/audit/check", get(check))
        .route("/console/audit/{id}", get(show))
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

/// The times that cannot be read, each with what is wrong.
fn wrong(text: Text, asked: &Asked) -> (Errors, Option<Refusal>) {
    let (mut errors, mut first) = (Errors::none(), None);
    for name in ["since", "until"] {
        if let Err(refusal) = time(asked, name) {
            errors.add(name, text.get("audit-time-wrong"));
            first = first.or(Some(refusal));
        }
    }
    (errors, first)
}

fn which(asked: &Asked) -> Found<Which> {
    Ok(Which {
        actor: asked.some("actor"),
        subject: asked.some("subject"),
        code: asked.some("code"),
        outcome: asked.one_of("outcome", [Outcome::Granted, Outcome::Refused], word)?,
        since: time(asked, "since")?,
        until: time(asked, "until")?,
        ..Which::default()
    })
}

async fn read(visit: &Visit, asked: &Asked, ask: PageAsk) -> Found<Page<Entry>> {
    let rows = usize::try_from(ask.rows()).unwrap_or(50);
    let items = audit::list(&visit.call.realm, which(asked)?, ask.after.clone(), rows).await?;
    Ok(ask.page(items, |entry| entry.id.clone()))
}

fn row(visit: &Visit, entry: &Entry) -> Row {
    let text = visit.text;
    let who = |id: &str| match id {
        "" => Cell::Soft(text.get("console-none")),
        id => Cell::Code(id.to_owned()),
    };
    Row {
        page: Some(format!("{PATH}/{}", entry.id)),
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

async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &FILTERS)?;
    let (errors, refusal) = wrong(visit.text, &asked);
    let found = match refusal {
        Some(_) => Page { items: Vec::new(), next: None },
        None => read(visit, &asked, asked.page()).await?,
    };
    let frame = visit.frame();
    let shell = administrator.shell(&frame, Area::Audit, frame.t(Area::Audit.key()), &errors);
    let rows = found.items.iter().map(|entry| row(visit, entry)).collect();
    let outcomes = [Outcome::Granted, Outcome::Refused].map(|it| (word(it), standing(frame.text, it).word));
    let any = (frame.t("audit-outcome"), frame.t("console-any"));
    let filters = vec![
        Filter::text(&asked, "code", frame.t("audit-code-search")),
        Filter::choice(&asked, "outcome", any, outcomes),
        Filter::text(&asked, "actor", frame.t("audit-actor")),
        Filter::text(&asked, "subject", frame.t("audit-subject")),
        Filter::text(&asked, "since", frame.t("audit-since")),
        Filter::text(&asked, "until", frame.t("audit-until")),
    ];
    let table = Table::new(&frame, "audit-caption", &COLUMNS, rows);
    let list = ListPage::new(&shell, (PATH, &asked), filters, table, found.next.as_deref())
        .what("audit-what")
        .makes(format!("{PATH}/check"), "audit-check")
        .empty("audit-none", "doorward audit list")
        .export(asked.address("/console/audit.csv", None), "console-export")
        .wrong(errors);
    Ok(match refusal {
        Some(refusal) => visit.show_wrong(&list, &refusal),
        None => administrator.show(&list),
    })
}

/// What fits, as a file.
async fn export(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &FILTERS)?;
    let columns = [
        "seq",
        "id",
        "at",
        "code",
        "outcome",
        "actor",
        "subject",
        "client_id",
        "org_id",
        "request_id",
        "facts",
    ];
    let line = |entry: &Entry| {
        vec![
            entry.seq.map_or_else(String::new, |seq| seq.to_string()),
            entry.id.clone(),
            entry.at.to_string(),
            entry.code.clone(),
            word(entry.outcome).to_owned(),
            entry.actor.clone(),
            entry.subject.clone(),
            entry.client.clone(),
            entry.org.clone(),
            entry.request_id.clone(),
            Json::Object(entry.facts.clone()).to_string(),
        ]
    };
    Ok(Sheet::new(&columns).fill(&asked, |page| read(visit, &asked, page), line).await?.answer("audit"))
}

fn trail(administrator: &Administrator) -> (String, String) {
    (PATH.to_owned(), administrator.visit.text.get(Area::Audit.key()))
}

/// Who or what an event names, by its page where it has one here.
fn place(frame: &Frame, id: &str) -> Cell {
    let area = match id.split_once('_').map(|(kind, _)| kind) {
        Some(User::PREFIX) => Area::Users,
        Some(Org::PREFIX) => Area::Organizations,
        Some(Client::PREFIX) => Area::Applications,
        Some(Session::PREFIX) => Area::Sessions,
        Some(ServiceToken::PREFIX) => Area::ServiceTokens,
        Some(MailKind::PREFIX) => Area::Mail,
        _ => return Cell::text(Some(id), frame.t("console-none")),
    };
    Cell::Link(Link::new(format!("{}/{id}", area.path()), id))
}

async fn show(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let id = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    let entry = audit::find(&visit.call.realm, id).await?.ok_or(Refusal::new(Code::NotFound))?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Audit, entry.code.clone(), &errors);
    shell.trail = vec![trail(&administrator)];
    let who = |id: &str| place(&frame, id);
    let mut facts = vec![
        (frame.t("audit-at"), Cell::When(When::new(frame.text, entry.at, visit.call.now))),
        (frame.t("audit-actor"), who(&entry.actor)),
        (frame.t("audit-subject"), who(&entry.subject)),
        (frame.t("audit-client"), who(&entry.client)),
        (frame.t("audit-org"), who(&entry.org)),
        (frame.t("audit-request"), who(&entry.request_id)),
        (
            frame.t("audit-seq"),
            Cell::text(entry.seq.map(|seq| seq.to_string()).as_deref(), frame.t("audit-unsealed")),
        ),
        (frame.t("console-id"), Cell::id(&frame, &entry.id)),
    ];
    facts.extend(members(&entry.facts));
    let mut panels = vec![Panel::new("facts", frame.t("console-facts")).facts(facts)];
    let detail = Panel::new("detail", frame.t("audit-detail"));
    panels.push(match &entry.detail {
        Some(personal) => detail.facts(members(personal)),
        None => detail.what(frame.t("audit-erased")),
    });
    let badge = Some(standing(frame.text, entry.outcome));
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

/// Members of an event, by the names that they have in the trail.
fn members(all: &Map<String, Json>) -> Vec<(String, Cell)> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    all.iter().map(|(name, value)| (name.clone(), Cell::Text(text(value)))).collect()
}

/// Checks every link and signature now.
async fn check(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let report = audit::verify(&visit.call.realm).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Audit, frame.t("audit-checked"), &errors);
    shell.trail = vec![trail(&administrator)];
    let badge = Some(match &report.broken {
        None => Standing::good(frame.t("audit-holds")),
        Some(_) => Standing::bad(frame.t("audit-broken")),
    });
    let panels = vec![outcome(&frame, &report)];
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

fn outcome(frame: &Frame, report: &audit::Report) -> Panel {
    let number = |number: Option<i64>| {
        Cell::text(number.map(|number| number.to_string()).as_deref(), frame.t("console-none"))
    };
    let facts = vec![
        (frame.t("audit-first"), number(report.first)),
        (frame.t("audit-last"), number(report.last)),
        (frame.t("audit-events"), Cell::Text(report.events.to_string())),
        (frame.t("audit-erased-count"), Cell::Text(report.erased.to_string())),
        (frame.t("audit-checkpoints"), Cell::Text(report.checkpoints.to_string())),
        (frame.t("audit-signed-through"), number(report.signed_through)),
        (frame.t("audit-waiting"), Cell::Text(report.unsealed.to_string())),
    ];
    let what = match &report.broken {
        None => frame.t("audit-holds-what"),
        Some(broken) => {
            let seq = broken.seq.to_string();
            frame.text.with2("audit-broken-what", ("seq", &seq), ("what", broken.what))
        }
    };
    Panel::new("report", frame.t("audit-report")).what(what).facts(facts)
}
