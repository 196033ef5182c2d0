//! Decisions as they are made, by this process: they are kept in memory while somebody looks, and nowhere else.

use axum::response::Response;
use doorward_core::outcome::{Code, Refusal, Result as Found};

use super::{PATH, page_of, trail};
use crate::{
    pages::{
        console::{
            Administrator, Area,
            part::{
                Cell, Row, Standing, Table,
                follow::{FollowPage, Words},
                list::{Asked, Filter},
            },
        },
        form::Errors,
        frame::Frame,
        visit::Visit,
        when::When,
    },
    routing::{Seen, Watched},
    surface::Failure,
};

const FILTERS: [&str; 2] = ["route", "decision"];
const COLUMNS: [&str; 6] =
    ["gateway-route", "gateway-decision", "gateway-who", "gateway-credential", "gateway-took", "audit-at"];
const WORDS: Words = Words {
    what: "gateway-live-what",
    newer: "gateway-live-newer",
    quiet: "gateway-live-quiet",
    all: "gateway-all-routes",
};

const fn word(is_let_in: bool) -> &'static str {
    if is_let_in { "allowed" } else { "refused" }
}

fn verdict(frame: &Frame, is_let_in: bool) -> Standing {
    if is_let_in {
        Standing::good(frame.t("gateway-let-in"))
    } else {
        Standing::bad(frame.t("gateway-kept-out"))
    }
}

fn read(visit: &Visit, asked: &Asked) -> Found<Watched> {
    let wrong = || Refusal::new(Code::RequestInvalid).field("after").hint("It is the number of a decision");
    let after = asked.page().after.map(|after| after.parse::<u64>().map_err(|_| wrong())).transpose()?;
    let is_let_in = asked.one_of("decision", [true, false], word)?;
    let Some(routing) = &visit.app.settings.routing else { return Ok(Watched::default()) };
    let mut found = routing.watch(after, visit.call.now);
    let route = asked.some("route");
    found.seen.retain(|one| {
        route.as_ref().is_none_or(|route| one.route.as_ref() == Some(route))
            && is_let_in.is_none_or(|is_let_in| is_let_in == one.is_let_in)
    });
    found.seen.reverse();
    Ok(found)
}

fn row(visit: &Visit, frame: &Frame, one: &Seen) -> Row {
    let millis = frame.text.number(u64::try_from(one.took.as_millis()).unwrap_or(u64::MAX));
    let status = one.status.map(|status| status.to_string()).unwrap_or_default();
    Row {
        page: one.route.as_deref().map(page_of),
        name: one.route.clone().unwrap_or_else(|| frame.t("gateway-no-route")),
        detail: [one.code.unwrap_or_default(), &status].join(" ").trim().to_owned(),
        cells: vec![
            Cell::Badge(verdict(frame, one.is_let_in)),
            Cell::text(one.who.as_deref(), frame.t("gateway-nobody-known")),
            Cell::text(one.credential, frame.t("console-none")),
            Cell::Text(frame.tv("gateway-millis", "millis", &millis)),
            Cell::When(When::new(frame.text, one.at, visit.call.now)),
        ],
    }
}

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &FILTERS)?;
    let found = read(visit, &asked)?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Gateway, frame.t("gateway-live"), &errors);
    shell.trail = trail(&administrator);
    let any = (frame.t("gateway-decision"), frame.t("console-any"));
    let decisions = [true, false].map(|is_let_in| (word(is_let_in), verdict(&frame, is_let_in).word));
    let filters = vec![
        Filter::text(&asked, "route", frame.t("gateway-route")),
        Filter::choice(&asked, "decision", any, decisions),
    ];
    let rows = found.seen.iter().map(|one| row(visit, &frame, one)).collect();
    let path = format!("{PATH}/live");
    let newer = asked.address(&path, Some(&found.newest.to_string()));
    let table = Table::new(&frame, "gateway-live-caption", &COLUMNS, rows);
    let page = FollowPage::new(&shell, &WORDS, (path, filters), table, (newer, PATH.to_owned()));
    Ok(administrator.show(&page))
}
