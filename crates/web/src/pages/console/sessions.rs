//! Who is signed in, in the console: everybody's sessions, and ending one, with the reason.

use axum::{Router, extract::Path, response::Response, routing::get};
use doorward_core::{
    outcome::{Code, Refusal, Result as Found},
    page::{Page, PageAsk},
    sessions::{self, OfPerson, Session},
    users::{self, Email},
};
use doorward_proto::id::{Id, Session as SessionKind, User};
use serde::Deserialize;

use super::{
    Administrator, Area, Shell,
    part::{
        Cell, Link, Row, Table,
        detail::{DetailPage, Panel},
        form::FormPage,
        list::{Asked, Filter, ListPage},
        sheet::Sheet,
    },
    said,
};
use crate::{
    app::App,
    pages::{
        account::sessions::Device,
        form::{Errors, Field},
        frame::Frame,
        visit::{Posted, Visit, refusal_of},
        when::When,
    },
    surface::Failure,
};

const PATH: &str = Area::Sessions.path();
const COLUMNS: [&str; 5] =
    ["users-email", "sessions-device", "sessions-address", "sessions-last", "sessions-began"];

/// Every page of the area.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/sessions", get(look))
        .route("/console/sessions.csv", get(export))
        .route("/console/sessions/{id}", get(show))
        .route("/console/sessions/{id}/end", get(ask).post(end))
}

/// Whose sessions are looked for.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Everybody,
    One(Id<User>),
    /// A person whom nobody knows: there are none.
    Nobody,
}

async fn whose(visit: &Visit, asked: &Asked) -> Found<Whose> {
    let Some(text) = asked.some("person") else { return Ok(Whose::Everybody) };
    if let Ok(id) = text.parse() {
        return Ok(Whose::One(id));
    }
    let Ok(email) = Email::parse(&text) else { return Ok(Whose::Nobody) };
    let found = users::find_by_email(&visit.call, &email).await?;
    Ok(found.map_or(Whose::Nobody, |user| Whose::One(user.id)))
}

async fn read(visit: &Visit, whose: Whose, ask: PageAsk) -> Found<Page<OfPerson>> {
    match whose {
        Whose::Everybody => sessions::list_all(&visit.call, None, ask).await,
        Whose::One(user) => sessions::list_all(&visit.call, Some(user), ask).await,
        Whose::Nobody => Ok(Page { items: Vec::new(), next: None }),
    }
}

fn device(frame: &Frame, session: &Session) -> String {
    Device::of(session.user_agent.as_deref().unwrap_or_default()).title(frame)
}

fn name(one: &OfPerson) -> String {
    one.who.clone().unwrap_or_else(|| one.session.user.to_string())
}

fn row(visit: &Visit, frame: &Frame, one: &OfPerson) -> Row {
    let when = |at| Cell::When(When::new(frame.text, at, visit.call.now));
    let session = &one.session;
    Row {
        page: Some(format!("{PATH}/{}", session.id)),
        name: name(one),
        detail: session.id.to_string(),
        cells: vec![
            Cell::Text(device(frame, session)),
            Cell::Text(session.address.clone()),
            when(session.seen_at),
            when(session.auth_time),
        ],
    }
}

async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &["person"])?;
    let found = read(visit, whose(visit, &asked).await?, asked.page()).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = administrator.shell(&frame, Area::Sessions, frame.t(Area::Sessions.key()), &errors);
    let rows = found.items.iter().map(|one| row(visit, &frame, one)).collect();
    let filters = vec![Filter::text(&asked, "person", frame.t("sessions-person"))];
    let table = Table::new(&frame, "sessions-caption", &COLUMNS, rows);
    let list = ListPage::new(&shell, (PATH, &asked), filters, table, found.next.as_deref())
        .what("sessions-listed")
        .empty("sessions-nobody", "doorward session list")
        .export(asked.address("/console/sessions.csv", None), "console-export");
    Ok(administrator.show(&list))
}

/// What fits, as a file.
async fn export(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &["person"])?;
    let whose = whose(visit, &asked).await?;
    let columns =
        ["id", "user_id", "email", "org_id", "address", "user_agent", "auth_time", "seen_at", "expires_at"];
    let line = |one: &OfPerson| {
        let session = &one.session;
        vec![
            session.id.to_string(),
            session.user.to_string(),
            one.who.clone().unwrap_or_default(),
            session.org.to_string(),
            session.address.clone(),
            session.user_agent.clone().unwrap_or_default(),
            session.auth_time.to_string(),
            session.seen_at.to_string(),
            session.expires_at.to_string(),
        ]
    };
    Ok(Sheet::new(&columns).fill(&asked, |page| read(visit, whose, page), line).await?.answer("sessions"))
}

/// A live session by the id in an address.
async fn one(visit: &Visit, id: &str) -> Found<OfPerson> {
    let id: Id<SessionKind> = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    sessions::live(&visit.call, id).await
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, title: String, errors: &Errors) -> Shell<'a> {
    let mut shell = administrator.shell(frame, Area::Sessions, title, errors);
    shell.trail = vec![(PATH.to_owned(), frame.t(Area::Sessions.key()))];
    shell
}

async fn show(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let one = one(visit, &id).await?;
    let session = &one.session;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, name(&one), &errors);
    let when = |at| Cell::When(When::new(frame.text, at, visit.call.now));
    let link = |area: Area, id: String| Cell::Link(Link::new(format!("{}/{id}", area.path()), id));
    let facts = vec![
        (frame.t("sessions-whose"), link(Area::Users, session.user.to_string())),
        (frame.t("audit-org"), link(Area::Organizations, session.org.to_string())),
        (frame.t("sessions-device"), Cell::Text(device(&frame, session))),
        (frame.t("sessions-agent"), Cell::text(session.user_agent.as_deref(), frame.t("console-none"))),
        (frame.t("sessions-address"), Cell::Text(session.address.clone())),
        (frame.t("sessions-proof"), Cell::words(session.amr.clone(), frame.t("console-none"))),
        (frame.t("sessions-began"), when(session.auth_time)),
        (frame.t("sessions-last"), when(session.seen_at)),
        (frame.t("sessions-until"), when(session.expires_at)),
        (frame.t("console-id"), Cell::id(&frame, session.id)),
    ];
    let panel = Panel::new("facts", frame.t("console-facts"))
        .facts(facts)
        .link(format!("{PATH}/{}/end", session.id), frame.t("sessions-end-one"));
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels: vec![panel] }))
}

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Form {
    reason: String,
}

fn form<'a>(shell: &'a Shell<'a>, session: &Session, typed: &Form, errors: Errors) -> FormPage<'a> {
    let frame = shell.frame;
    let page = format!("{PATH}/{}", session.id);
    let reason = Field::new("reason", "text", "off", frame.t("tokens-reason"))
        .hint(frame.t("sessions-reason-what"))
        .longest(500)
        .value(&typed.reason);
    FormPage::new(shell, format!("{page}/end"), page, errors)
        .what(frame.t("sessions-end-what"))
        .field(reason)
        .danger(frame.t("sessions-end-one"))
}

async fn ask(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let one = one(visit, &id).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, frame.tv("sessions-end-name", "name", &name(&one)), &errors);
    Ok(administrator.show(&form(&shell, &one.session, &Form::default(), errors)))
}

async fn end(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, typed) = match Administrator::of(posted, &format!("{PATH}/{id}/end")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let one = one(visit, &id).await?;
    let (whose, which) = (Some(one.session.user), one.session.id);
    let refusal = match sessions::end_for(&visit.call, whose, which, Some(&typed.reason)).await {
        Ok(()) => return Ok(said::at(visit, "did-session-ended", PATH)),
        Err(error) => refusal_of(error)?,
    };
    if refusal.code != Code::RequestInvalid {
        return Err(refusal.into());
    }
    let (frame, errors) = (visit.frame(), Errors::one("reason", visit.text.get("tokens-reason-wrong")));
    let shell = shell(&administrator, &frame, frame.tv("sessions-end-name", "name", &name(&one)), &errors);
    Ok(visit.show_wrong(&form(&shell, &one.session, &typed, errors), &refusal))
}
