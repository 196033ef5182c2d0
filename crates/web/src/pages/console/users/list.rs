//! Who there is: looked for, narrowed down, a page at a time, or all of them as a file.

use axum::response::Response;
use doorward_core::{
    outcome::Result as Outcome,
    page::PageAsk,
    principals::Status,
    users::{self, ListAsk, PlatformRole, User},
};

use super::{PATH, ROLES, name, page, role, standing};
use crate::{
    pages::{
        console::{
            Administrator, Area,
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

const STATES: [Status; 2] = [Status::Active, Status::Suspended];
const COLUMNS: [&str; 5] = ["users-email", "users-status", "users-role", "users-roles", "users-since"];

fn asked(visit: &Visit) -> Outcome<Asked> {
    Asked::read(visit.query(), &["query", "status", "role"])
}

fn ask(asked: &Asked, page: PageAsk) -> Outcome<ListAsk> {
    let status = asked.one_of("status", STATES, Status::name)?;
    let platform_role = asked.one_of("role", ROLES, PlatformRole::name)?;
    Ok(ListAsk { page, status, platform_role, email: None })
}

fn row(visit: &Visit, user: &User) -> Row {
    let (text, now) = (visit.text, visit.call.now);
    Row {
        page: Some(page(user)),
        name: name(user),
        detail: user.name.clone().unwrap_or_default(),
        cells: vec![
            Cell::Badge(standing(text, user.status)),
            Cell::Text(role(text, user.platform_role)),
            Cell::words(user.roles.clone(), text.get("console-none")),
            Cell::When(When::new(text, user.created_at, now)),
        ],
    }
}

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = asked(visit)?;
    let found = users::list(&visit.call, ask(&asked, asked.page())?).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = administrator.shell(&frame, Area::Users, frame.t(Area::Users.key()), &errors);
    let rows = found.items.iter().map(|user| row(visit, user)).collect();
    let states = STATES.map(|status| (status.name(), standing(frame.text, status).word));
    let roles = ROLES.map(|it| (it.name(), role(frame.text, it)));
    let any = |key: &str| (frame.t(key), frame.t("console-any"));
    let filters = vec![
        Filter::text(&asked, "query", frame.t("users-search")),
        Filter::choice(&asked, "status", any("users-status"), states),
        Filter::choice(&asked, "role", any("users-role"), roles),
    ];
    let table = Table::new(&frame, "users-caption", &COLUMNS, rows);
    let list = ListPage::new(&shell, (PATH, &asked), filters, table, found.next.as_deref())
        .what("users-what")
        .makes(format!("{PATH}/new"), "users-new")
        .empty("users-none", "doorward user create --email ada@example.com --name \"Ada Lovelace\"")
        .export(asked.address("/console/users.csv", None), "console-export");
    Ok(administrator.show(&list))
}

/// The same list, whole.
pub(super) async fn export(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = asked(visit)?;
    let read = async |page| users::list(&visit.call, ask(&asked, page)?).await;
    let columns =
        ["id", "email", "email_verified_at", "name", "username", "status", "role", "roles", "created_at"];
    Ok(Sheet::new(&columns).fill(&asked, read, line).await?.answer("users"))
}

fn line(user: &User) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        user.id.to_string(),
        text(&user.email),
        user.email_verified_at.map_or_else(String::new, |at| at.to_string()),
        text(&user.name),
        text(&user.username),
        user.status.name().to_owned(),
        user.platform_role.name().to_owned(),
        user.roles.join(" "),
        user.created_at.to_string(),
    ]
}
