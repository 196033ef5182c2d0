//! The list: looked for, a page at a time, or whole as a file.

use axum::{extract::Path, response::Response};
use doorward_core::apis::{Api, of_org};

use super::{PATH, Place, format_word};
use crate::{
    pages::{
        console::{
            Administrator, Area, Operator, orgs,
            part::{
                Cell, Row, Table,
                list::{Asked, Filter, ListPage},
                sheet::Sheet,
            },
        },
        form::Errors,
        visit::Visit,
        when::When,
    },
    surface::Failure,
};

const COLUMNS: [&str; 5] = ["apis-name", "apis-identifier", "apis-scopes", "apis-format", "apis-since"];

/// Whoever administers no more than organisations is led to the APIs of one.
pub(super) async fn look(operator: Operator) -> Result<Response, Failure> {
    if !operator.is_administrator() {
        return orgs::lead(&operator, Area::Apis, "apis", of_org::READ).await;
    }
    page(&operator, &Place::server(&operator)?).await
}

pub(super) async fn look_at(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    page(&operator, &Place::of(&operator, &org, of_org::READ).await?).await
}

fn row(visit: &Visit, place: &Place, api: &Api) -> Row {
    let number = visit.text.number(u64::try_from(api.scopes.len()).unwrap_or_default());
    Row {
        page: Some(place.page(api)),
        name: api.name.clone(),
        detail: String::new(),
        cells: vec![
            Cell::Code(api.identifier.clone()),
            Cell::Text(number),
            Cell::Text(format_word(visit.text, api.token_format)),
            Cell::When(When::new(visit.text, api.created_at, visit.call.now)),
        ],
    }
}

async fn page(operator: &Operator, place: &Place) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let asked = Asked::read(visit.query(), &["query"])?;
    let found = place.list(operator, asked.page()).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = operator.shell(&frame, Area::Apis, place.title(frame.text), &errors);
    shell.trail = place.trail(operator);
    let rows = found.items.iter().map(|api| row(visit, place, api)).collect();
    // Those of an organisation are few enough to be seen at once.
    let filters = match place.org {
        None => vec![Filter::text(&asked, "query", frame.t("apis-search"))],
        Some(_) => Vec::new(),
    };
    let table = Table::new(&frame, "apis-caption", &COLUMNS, rows);
    let command = match place.org {
        None => "doorward api create --identifier https://api.example.com --name \"Reports\"",
        Some(_) => "doorward org create-api acme --identifier reports --name \"Reports\"",
    };
    let mut list = ListPage::new(&shell, (&place.path, &asked), filters, table, found.next.as_deref())
        .what(if place.org.is_some() { "apis-of-what" } else { "apis-what" })
        .empty("apis-none", command);
    if place.may_make() {
        list = list.makes(format!("{}/new", place.path), "apis-new");
    }
    if place.org.is_none() {
        list = list.export(asked.address(&format!("{PATH}.csv"), None), "console-export");
    }
    Ok(operator.show(&list))
}

/// The same list, whole.
pub(super) async fn export(administrator: Administrator) -> Result<Response, Failure> {
    let place = Place::server(&administrator)?;
    let asked = Asked::read(administrator.visit.query(), &["query"])?;
    let read = async |page| place.list(&administrator, page).await;
    let columns =
        ["id", "identifier", "name", "org_id", "token_format", "signing_alg", "scopes", "created_at"];
    let line = |api: &Api| {
        vec![
            api.id.to_string(),
            api.identifier.clone(),
            api.name.clone(),
            api.org.to_string(),
            api.token_format.name().to_owned(),
            api.signing_alg.to_string(),
            api.scopes.iter().map(|scope| scope.name.as_str()).collect::<Vec<_>>().join(" "),
            api.created_at.to_string(),
        ]
    };
    Ok(Sheet::new(&columns).fill(&asked, read, line).await?.answer("apis"))
}
