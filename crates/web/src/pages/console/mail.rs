//! Outgoing mail in the console: what is waiting, what became of each, and trying again.
//!
//! The words of a mail hold working links, so they are shown after a fresh sign-in only, and reading them is
//! an event of its own.

use axum::{Router, extract::Path, response::Response, routing::get};
use doorward_core::{
    mail::{self, Mail, Status},
    outcome::{Code, Refusal, Result as Found},
    page::{Page, PageAsk},
};

use super::{
    Administrator, Area,
    part::{
        Cell, Link, Row, Send, Standing, Table,
        detail::{DetailPage, Panel},
        list::{Asked, Filter, ListPage},
        sheet::Sheet,
    },
    said,
};
use crate::{
    app::App,
    pages::{
        form::Errors,
        frame::Frame,
        text::Text,
        visit::{Nothing, Posted, Visit, to},
        when::When,
    },
    surface::Failure,
};

const PATH: &str = Area::Mail.path();
const COLUMNS: [&str; 5] = ["mail-to", "mail-kind", "mail-status", "mail-tries", "mail-written"];
const STATES: [Status; 3] = [Status::Waiting, Status::Sent, Status::GivenUp];

/// Every page of the area. The address of a form also shows it: to whoever reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/mail", get(look))
        .route("/console/mail.csv", get(export))
        .route("/console/mail/{id}", get(show))
        .route("/console/mail/{id}/words", get(words))
        .route("/console/mail/{id}/retry", get(back).post(retry))
}

fn standing(text: Text, status: Status) -> Standing {
    match status {
        Status::Waiting => Standing::plain(text.get("mail-waiting")),
        Status::Sent => Standing::good(text.get("mail-sent")),
        Status::GivenUp => Standing::bad(text.get("mail-given-up")),
    }
}

async fn read(visit: &Visit, asked: &Asked, ask: PageAsk) -> Found<Page<Mail>> {
    mail::list(&visit.call, asked.one_of("status", STATES, Status::name)?, ask).await
}

fn row(visit: &Visit, mail: &Mail) -> Row {
    let text = visit.text;
    Row {
        page: Some(format!("{PATH}/{}", mail.id)),
        name: mail.recipient.clone(),
        detail: mail.id.to_string(),
        cells: vec![
            Cell::Code(mail.template.name().to_owned()),
            Cell::Badge(standing(text, mail.status)),
            Cell::Text(mail.attempts.to_string()),
            Cell::When(When::new(text, mail.created_at, visit.call.now)),
        ],
    }
}

async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &["status"])?;
    let found = read(visit, &asked, asked.page()).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = administrator.shell(&frame, Area::Mail, frame.t(Area::Mail.key()), &errors);
    let rows = found.items.iter().map(|mail| row(visit, mail)).collect();
    let any = (frame.t("mail-status"), frame.t("console-any"));
    let states = STATES.map(|status| (status.name(), standing(frame.text, status).word));
    let filters = vec![Filter::choice(&asked, "status", any, states)];
    let table = Table::new(&frame, "mail-caption", &COLUMNS, rows);
    let list = ListPage::new(&shell, (PATH, &asked), filters, table, found.next.as_deref())
        .what("mail-what")
        .empty("mail-none", "doorward mail list")
        .export(asked.address("/console/mail.csv", None), "console-export");
    Ok(administrator.show(&list))
}

/// What fits, as a file.
async fn export(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &["status"])?;
    let columns = [
        "id",
        "recipient",
        "template",
        "locale",
        "status",
        "attempts",
        "last_error",
        "created_at",
        "sent_at",
    ];
    let line = |mail: &Mail| {
        vec![
            mail.id.to_string(),
            mail.recipient.clone(),
            mail.template.name().to_owned(),
            mail.locale.clone(),
            mail.status.name().to_owned(),
            mail.attempts.to_string(),
            mail.last_error.clone().unwrap_or_default(),
            mail.created_at.to_string(),
            mail.sent_at.map(|at| at.to_string()).unwrap_or_default(),
        ]
    };
    Ok(Sheet::new(&columns).fill(&asked, |page| read(visit, &asked, page), line).await?.answer("mail"))
}

/// A mail by the id in an address.
async fn one(visit: &Visit, id: &str) -> Found<Mail> {
    mail::find(&visit.call, id.parse().map_err(|_| Refusal::new(Code::NotFound))?).await
}

fn trail(administrator: &Administrator) -> (String, String) {
    (PATH.to_owned(), administrator.visit.text.get(Area::Mail.key()))
}

async fn show(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let mail = one(visit, &id).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Mail, mail.recipient.clone(), &errors);
    shell.trail = vec![trail(&administrator)];
    let badge = Some(standing(frame.text, mail.status));
    let panels = vec![about(visit, &frame, &mail)];
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

fn about(visit: &Visit, frame: &Frame, mail: &Mail) -> Panel {
    let when = |at| When::new(frame.text, at, visit.call.now);
    let person = |id: String| Cell::Link(Link::new(format!("{}/{id}", Area::Users.path()), id));
    let none = || Cell::Soft(frame.t("console-none"));
    let page = format!("{PATH}/{}", mail.id);
    let mut facts = vec![
        (frame.t("mail-kind"), Cell::Code(mail.template.name().to_owned())),
        (frame.t("mail-person"), mail.user.map_or_else(none, |user| person(user.to_string()))),
        (frame.t("mail-language"), Cell::Code(mail.locale.clone())),
        (frame.t("mail-written"), Cell::When(when(mail.created_at))),
        (frame.t("mail-sent-at"), Cell::when(mail.sent_at.map(when), frame.t("mail-not-yet"))),
        (frame.t("mail-tries"), Cell::Text(mail.attempts.to_string())),
        (frame.t("mail-error"), Cell::text(mail.last_error.as_deref(), frame.t("console-none"))),
        (frame.t("console-id"), Cell::id(frame, mail.id)),
    ];
    if mail.status == Status::Waiting {
        facts.push((frame.t("mail-next"), Cell::When(when(mail.due_at))));
    }
    let panel = Panel::new("facts", frame.t("console-facts"))
        .facts(facts)
        .link(format!("{page}/words"), frame.t("mail-read"));
    match mail.status {
        Status::Sent => panel,
        Status::Waiting | Status::GivenUp => {
            panel.send(Send::new(frame, format!("{page}/retry"), frame.t("mail-retry")))
        }
    }
}

async fn words(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let mail = one(visit, &id).await?;
    let page = format!("{PATH}/{}", mail.id);
    if let Err(elsewhere) = administrator.must_be_fresh(&format!("{page}/words")) {
        return Ok(elsewhere);
    }
    let (mail, words) = mail::show(&visit.call, mail.id).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Mail, words.subject, &errors);
    shell.trail = vec![trail(&administrator), (page, mail.recipient.clone())];
    let panel = Panel::new("words", frame.t("mail-words")).what(frame.t("mail-words-what")).block(words.text);
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels: vec![panel] }))
}

/// The button stands on the mail's page.
async fn back(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    Ok(to(&format!("{PATH}/{}", one(&administrator.visit, &id).await?.id)))
}

async fn retry(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let page = format!("{PATH}/{id}");
    let (administrator, _) = match Administrator::of(posted, &page) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let mail = one(visit, &id).await?;
    mail::retry(&visit.call, mail.id).await?;
    Ok(said::at(visit, "did-mail-retried", &page))
}
