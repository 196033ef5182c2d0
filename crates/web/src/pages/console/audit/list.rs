//! The list: the newest first, a page at a time.

use axum::{extract::Path, response::Response};
use doorward_core::page::Page;

use super::{COLUMNS, Place, which, wrong};
use crate::{
    pages::{
        console::{
            Area, Operator, orgs,
            part::{Link, Table, list::ListPage},
        },
        form::Errors,
    },
    surface::Failure,
};

/// Whoever administers no more than organisations is led to what has happened there.
pub(super) async fn look(operator: Operator) -> Result<Response, Failure> {
    if operator.is_administrator() {
        return page(&operator, &Place::server()).await;
    }
    orgs::lead(&operator, Area::Audit, "audit", doorward_core::audit::of_org::READ).await
}

pub(super) async fn look_at(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    page(&operator, &Place::of(&operator, &org).await?).await
}

async fn page(operator: &Operator, place: &Place) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let asked = place.asked(visit)?;
    let (errors, refusal) =
        wrong(visit.text, &asked).map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let found = match refusal {
        Some(_) => Page { items: Vec::new(), next: None },
        None => place.list(visit, which(&asked)?, &asked.page()).await?,
    };
    let frame = visit.frame();
    let mut shell = operator.shell(&frame, Area::Audit, place.title(frame.text), &errors);
    shell.trail = place.trail(operator);
    let rows = found.items.iter().map(|entry| place.row(visit, entry)).collect();
    let table = Table::new(&frame, "audit-caption", &COLUMNS, rows);
    let (path, next) = (&place.path, found.next.as_deref());
    let elsewhere = |end: &str| asked.address(&format!("{path}{end}"), None);
    let mut list = ListPage::new(&shell, (path, &asked), place.filters(&frame, &asked), table, next)
        .what(if place.org.is_some() { "audit-of-what" } else { "audit-what" })
        .makes(elsewhere("/follow"), "audit-follow")
        .empty("audit-none", "doorward audit list");
    if place.org.is_none() {
        list = list.beside(Link::new(format!("{path}/check"), frame.t("audit-check")));
    }
    let list = list
        .export(elsewhere(".csv"), "console-export")
        .export(elsewhere(".json"), "console-export-json")
        .wrong(errors);
    Ok(match refusal {
        Some(refusal) => visit.show_wrong(&list, &refusal),
        None => operator.show(&list),
    })
}
