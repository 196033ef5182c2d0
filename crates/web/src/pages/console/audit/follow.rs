//! The trail as it goes on. A module of the page asks for what is newer every few seconds; without it, a link does.
//!
//! A follower goes by the number in the chain, so nothing is shown twice and nothing is missed; events are in the
//! chain a second or so after they happened.

use axum::{extract::Path, response::Response};
use doorward_core::{
    audit::{self, Entry},
    outcome::{Code, Refusal, Result as Found},
    page::PageAsk,
};

use super::{COLUMNS, Place, which, wrong};
use crate::{
    pages::{
        console::{
            Administrator, Area, Operator,
            part::{
                Table,
                follow::{FollowPage, Words},
                list::Asked,
            },
        },
        form::Errors,
        visit::Visit,
    },
    surface::Failure,
};

/// Events that the page begins with.
const FIRST: u32 = 25;
/// Events that come at once at the most; the rest is behind the next link.
const MOST: usize = 100;

const WORDS: Words =
    Words { what: "audit-follow-what", newer: "audit-newer", quiet: "audit-quiet", all: "audit-all" };

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    page(&administrator, &Place::server()).await
}

pub(super) async fn look_at(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    page(&operator, &Place::of(&operator, &org).await?).await
}

/// What is to be shown, the newest first, and the number that what is newer comes after.
async fn read(visit: &Visit, place: &Place, asked: &Asked) -> Found<(Vec<Entry>, i64)> {
    // Before the events are read, so that none is between them and the number.
    let tip = audit::tip(&visit.call.realm).await?;
    let wanted = which(asked)?;
    let Some(after) = &asked.page().after else {
        let ask = PageAsk { limit: FIRST, ..PageAsk::default() };
        let found = place.list(visit, wanted, &ask).await?.items;
        return Ok((found.into_iter().filter(|one| one.seq.is_some_and(|seq| seq <= tip)).collect(), tip));
    };
    let wrong = || Refusal::new(Code::RequestInvalid).field("after").hint("It is the number of an event");
    let after: i64 = after.parse().ok().filter(|after| *after >= 0).ok_or_else(wrong)?;
    let mut found = place.follow(visit, wanted, after, MOST).await?;
    let last = found.last().and_then(|entry| entry.seq).unwrap_or(after);
    // Nothing up to the newest fits any more than what was found.
    let next = if found.len() < MOST { last.max(tip) } else { last };
    found.reverse();
    Ok((found, next.max(after)))
}

async fn page(operator: &Operator, place: &Place) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let asked = place.asked(visit)?;
    let (errors, refusal) =
        wrong(visit.text, &asked).map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let (found, newest) = match refusal {
        Some(_) => (Vec::new(), 0),
        None => read(visit, place, &asked).await?,
    };
    let frame = visit.frame();
    let mut shell = operator.shell(&frame, Area::Audit, frame.t("audit-follow"), &errors);
    shell.trail = place.trail_to(operator);
    let rows = found.iter().map(|entry| place.row(visit, entry)).collect();
    let path = format!("{}/follow", place.path);
    let table = Table::new(&frame, "audit-caption", &COLUMNS, rows);
    let places = (asked.address(&path, Some(&newest.to_string())), asked.address(&place.path, None));
    let filters = place.filters(&frame, &asked);
    let page = FollowPage::new(&shell, &WORDS, (path, filters), table, places).wrong(errors);
    Ok(match refusal {
        Some(refusal) => visit.show_wrong(&page, &refusal),
        None => operator.show(&page),
    })
}
