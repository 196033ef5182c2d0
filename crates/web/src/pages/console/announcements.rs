//! Announcements in the console: what was said to whom, and saying something. Sending asks for a fresh sign-in, and
//! shows before how many people it is for.

use axum::{Router, extract::Path, response::Response, routing::get};
use doorward_core::{
    announcements::{self, Announcement, COUNTED, Consent, NewAnnouncement, Sender, Status},
    outcome::{Code, Refusal, Result as Outcome},
};
use doorward_proto::id::{Announcement as Kind, Id};
use serde::Deserialize;

use super::{
    Administrator, Area, Operator, Shell,
    part::{
        Cell, Row, Send, Standing, Table,
        detail::{DetailPage, Panel},
        form::FormPage,
        list::{Asked, ListPage},
        sheet::Sheet,
    },
    said,
    site::{At, Site, address},
};
use crate::{
    app::App,
    pages::{
        form::{Errors, Field},
        text::Text,
        visit::{Nothing, Posted, Visit, refusal_of, to},
        when::When,
    },
    surface::Failure,
};

/// Whoever may see what was announced to an organisation.
pub(super) const READ: &str = "org:announcements:read";
const WRITE: &str = "org:announcements:write";

const AREA: Area = Area::Announcements;

/// Every page of the area, and the same of one organisation. The address of a form also shows it: to whoever
/// reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    ["/console/announcements", "/console/organizations/{org}/announcements"]
        .into_iter()
        .fold(Router::new(), |router, list| router.merge(pages(list)))
        .route("/console/announcements/consents.csv", get(consents))
}

fn pages(at: &str) -> Router<App> {
    Router::new()
        .route(at, get(list))
        .route(&format!("{at}/new"), get(look_new).post(make))
        .route(&format!("{at}/{{id}}"), get(show))
        .route(&format!("{at}/{{id}}/stop"), get(back).post(stop))
}

/// Who says something, for who may.
async fn sender(operator: &Operator, at: &At, permission: &'static str) -> Outcome<(Site, Sender)> {
    let site = Site::enter(operator, AREA, (at.org.as_deref(), permission)).await?;
    let sender = match site.org() {
        None => Sender::instance(&operator.visit.call),
        Some(scope) => Sender::org(scope, permission)?,
    };
    Ok((site, sender))
}

fn id(at: &At) -> Outcome<Id<Kind>> {
    at.id.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}

fn standing(text: Text, status: Status) -> Standing {
    match status {
        Status::Sending => Standing::plain(text.get("news-sending")),
        Status::Sent => Standing::good(text.get("news-sent")),
        Status::Stopped => Standing::bad(text.get("news-stopped")),
    }
}

fn row(visit: &Visit, list: &str, one: &Announcement) -> Row {
    Row {
        page: Some(format!("{list}/{}", one.id)),
        name: one.subject.clone(),
        detail: one.id.to_string(),
        cells: vec![
            Cell::Badge(standing(visit.text, one.status)),
            Cell::Text(one.written.to_string()),
            Cell::When(When::new(visit.text, one.created_at, visit.call.now)),
        ],
    }
}

async fn list(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let (site, sender) = sender(&operator, &at, READ).await?;
    let asked = Asked::read(visit.query(), &[])?;
    let found = announcements::list(&visit.call, &sender, asked.page()).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = site.shell(&operator, &frame, (frame.t("console-announcements"), &errors));
    let rows = found.items.iter().map(|one| row(visit, site.list(), one)).collect();
    let columns = ["words-subject", "news-state", "news-written", "news-when"];
    let table = Table::new(&frame, "console-announcements", &columns, rows);
    let next = found.next.as_deref();
    let mut page = ListPage::new(&shell, (site.list(), &asked), Vec::new(), table, next)
        .makes(format!("{}/new", site.list()), "news-new");
    page = match site.org() {
        Some(_) => page.what("news-what-org").empty("news-none", "doorward org announcements acme"),
        None => page
            .what("news-what")
            .empty("news-none", "doorward announcement list")
            .export("/console/announcements/consents.csv".to_owned(), "news-consents"),
    };
    Ok(operator.show(&page))
}

/// Who has agreed to be written to, as a file.
async fn consents(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &[])?;
    let columns = ["user_id", "email", "email_verified", "agreed_at", "words"];
    let line = |one: &Consent| {
        vec![
            one.user.to_string(),
            one.email.clone().unwrap_or_default(),
            one.is_verified.to_string(),
            one.at.to_string(),
            one.words.clone().unwrap_or_default(),
        ]
    };
    let read = |page| announcements::consents(&visit.call, page);
    Ok(Sheet::new(&columns).fill(&asked, read, line).await?.answer("consents"))
}

async fn show(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let (site, sender) = sender(&operator, &at, READ).await?;
    let one = announcements::find(&visit.call, &sender, id(&at)?).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = site.below(&operator, &frame, (one.subject.clone(), &errors));
    let when = |at| When::new(frame.text, at, visit.call.now);
    let facts = vec![
        (frame.t("news-written"), Cell::Text(one.written.to_string())),
        (frame.t("news-by"), Cell::Code(one.created_by.clone())),
        (frame.t("news-when"), Cell::When(when(one.created_at))),
        (frame.t("news-finished"), Cell::when(one.finished_at.map(when), frame.t("mail-not-yet"))),
        (frame.t("console-id"), Cell::id(&frame, one.id)),
    ];
    let mut panel = Panel::new("said", frame.t("words-text")).block(one.text.clone()).facts(facts);
    if one.status == Status::Sending {
        panel =
            panel.send(Send::new(&frame, format!("{}/{}/stop", site.list(), one.id), frame.t("news-stop")));
    }
    let badge = Some(standing(frame.text, one.status));
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels: vec![panel] }))
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Form {
    subject: String,
    text: String,
}

async fn form<'a>(
    shell: &'a Shell<'a>,
    (operator, site, sender): (&Operator, &Site, &Sender),
    typed: &Form,
    errors: Errors,
) -> Outcome<FormPage<'a>> {
    let frame = shell.frame;
    let reach = announcements::reach(&operator.visit.call, sender).await?;
    let number = u64::try_from(reach).unwrap_or_default();
    let readers = if reach < COUNTED {
        frame.text.count("news-reach", number)
    } else {
        frame.tv("news-reach-more", "count", &frame.text.number(number))
    };
    let what = if site.org().is_none() { "news-new-what" } else { "news-new-what-org" };
    let field = |id, key: &str, value: &str| Field::new(id, "text", "off", frame.t(key)).value(value);
    let hint = frame.t("news-text-what");
    Ok(FormPage::new(shell, format!("{}/new", site.list()), site.list().to_owned(), errors)
        .what(frame.t(what))
        .what(readers)
        .field(field("subject", "words-subject", &typed.subject).longest(150))
        .field(field("text", "words-text", &typed.text).hint(hint).rows(14).longest(8000))
        .button(frame.t("news-send")))
}

async fn look_new(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let (site, sender) = sender(&operator, &at, WRITE).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/new", site.list())) {
        return Ok(elsewhere);
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = site.below(&operator, &frame, (frame.t("news-new"), &errors));
    Ok(operator.show(&form(&shell, (&operator, &site, &sender), &Form::default(), errors).await?))
}

async fn make(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let page = format!("{}/new", address(AREA, at.org.as_deref()));
    let (operator, typed) = match Operator::of(posted, &page) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let (site, sender) = sender(&operator, &at, WRITE).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&format!("{}/new", site.list())) {
        return Ok(elsewhere);
    }
    let new = NewAnnouncement { subject: typed.subject.clone(), text: typed.text.clone() };
    let refusal = match announcements::make(&visit.call, &sender, new).await {
        Ok(one) => return Ok(said::at(visit, "did-announced", &format!("{}/{}", site.list(), one.id))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = site.below(&operator, &frame, (frame.t("news-new"), &errors));
    let page = form(&shell, (&operator, &site, &sender), &typed, errors).await?;
    Ok(visit.show_wrong(&page, &refusal))
}

fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let field = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("subject")) => "subject",
        (Code::RequestInvalid, Some("text")) => "text",
        (Code::Conflict, _) => "",
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.with("words-wrong", "why", &refusal.hint)))
}

/// The button stands on the announcement's page.
async fn back(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let (site, sender) = sender(&operator, &at, READ).await?;
    let one = announcements::find(&operator.visit.call, &sender, id(&at)?).await?;
    Ok(to(&format!("{}/{}", site.list(), one.id)))
}

async fn stop(Path(at): Path<At>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (operator, _) = match Operator::of(posted, &at.page(AREA)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (site, sender) = sender(&operator, &at, WRITE).await?;
    let id = id(&at)?;
    announcements::stop(&operator.visit.call, &sender, id).await?;
    Ok(said::at(&operator.visit, "did-announcement-stopped", &format!("{}/{id}", site.list())))
}
