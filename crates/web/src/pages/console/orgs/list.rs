//! Every organisation for administrators; for others, those that they run.

use axum::response::Response;
use doorward_core::{
    orgs::{
        Membership, Org,
        manage::{self, ListAsk},
    },
    outcome::{Code, Result as Outcome},
    page::PageAsk,
};

use super::{PATH, SEE, own, page, standing};
use crate::{
    pages::{
        console::{
            Administrator, Area, Operator,
            part::{
                Cell, Row, Table,
                list::{Asked, Filter, ListPage},
                sheet::Sheet,
            },
        },
        form::Errors,
        visit::{Visit, to},
        when::When,
    },
    surface::Failure,
};

const COLUMNS: [&str; 4] = ["orgs-name", "orgs-status", "orgs-slug", "orgs-since"];

fn asked(visit: &Visit) -> Outcome<Asked> {
    Asked::read(visit.query(), &["query", "status"])
}

const fn word(is_active: bool) -> &'static str {
    if is_active { "active" } else { "suspended" }
}

fn ask(asked: &Asked, page: PageAsk) -> Outcome<ListAsk> {
    Ok(ListAsk { page, is_active: asked.one_of("status", [true, false], word)? })
}

fn row(visit: &Visit, org: &Org) -> Row {
    let (text, none) = (visit.text, visit.text.get("console-none"));
    Row {
        page: Some(page(org)),
        name: org.name.clone(),
        detail: String::new(),
        cells: vec![
            Cell::Badge(standing(text, org.is_active)),
            org.slug.clone().map_or(Cell::Soft(none), Cell::Code),
            Cell::When(When::new(text, org.created_at, visit.call.now)),
        ],
    }
}

pub(super) async fn look(operator: Operator) -> Result<Response, Failure> {
    if !operator.is_administrator() {
        return look_own(&operator).await;
    }
    let visit = &operator.visit;
    let asked = asked(visit)?;
    let found = manage::list(&visit.call, ask(&asked, asked.page())?).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = operator.shell(&frame, Area::Organizations, frame.t(Area::Organizations.key()), &errors);
    let rows = found.items.iter().map(|org| row(visit, org)).collect();
    let states = [true, false].map(|is_active| (word(is_active), standing(frame.text, is_active).word));
    let any = (frame.t("orgs-status"), frame.t("console-any"));
    let filters = vec![
        Filter::text(&asked, "query", frame.t("orgs-search")),
        Filter::choice(&asked, "status", any, states),
    ];
    let table = Table::new(&frame, "orgs-caption", &COLUMNS, rows);
    let list = ListPage::new(&shell, (PATH, &asked), filters, table, found.next.as_deref())
        .what("orgs-what")
        .makes(format!("{PATH}/new"), "orgs-new")
        .empty("orgs-none", "doorward org create --name \"Acme\" --slug acme")
        .export(asked.address("/console/organizations.csv", None), "console-export");
    Ok(operator.show(&list))
}

/// Whoever runs one is led to it.
async fn look_own(operator: &Operator) -> Result<Response, Failure> {
    choose(operator, Area::Organizations, "", SEE).await
}

/// Leads whoever administers no more than organisations to what one of them has at this place below its page;
/// whoever may in several chooses.
pub(in crate::pages::console) async fn lead(
    operator: &Operator,
    area: Area,
    place: &str,
    permission: &'static str,
) -> Result<Response, Failure> {
    choose(operator, area, &format!("/{place}"), permission).await
}

async fn choose(
    operator: &Operator,
    area: Area,
    below: &str,
    permission: &'static str,
) -> Result<Response, Failure> {
    let own = own(operator, permission).await?;
    let [first, rest @ ..] = own.as_slice() else { return Err(Code::Forbidden.into()) };
    if rest.is_empty() {
        return Ok(to(&format!("{PATH}/{}{below}", first.org)));
    }
    let (frame, errors) = (operator.visit.frame(), Errors::none());
    let shell = operator.shell(&frame, area, frame.t(area.key()), &errors);
    let row = |one: &Membership| Row {
        page: Some(format!("{PATH}/{}{below}", one.org)),
        name: one.name.clone(),
        detail: String::new(),
        cells: vec![Cell::Text(one.role.clone())],
    };
    let rows = own.iter().map(row).collect();
    let table = Table::new(&frame, "orgs-own", &["orgs-name", "orgs-role"], rows);
    let asked = Asked::read("", &[])?;
    let path = area.path();
    Ok(operator.show(&ListPage::new(&shell, (path, &asked), Vec::new(), table, None).what("orgs-own")))
}

/// The same list, whole.
pub(super) async fn export(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = asked(visit)?;
    let read = async |page| manage::list(&visit.call, ask(&asked, page)?).await;
    let columns = ["id", "name", "slug", "kind", "status", "created_at"];
    let line = |org: &Org| {
        vec![
            org.id.to_string(),
            org.name.clone(),
            org.slug.clone().unwrap_or_default(),
            org.kind.name().to_owned(),
            word(org.is_active).to_owned(),
            org.created_at.to_string(),
        ]
    };
    Ok(Sheet::new(&columns).fill(&asked, read, line).await?.answer("organizations"))
}
