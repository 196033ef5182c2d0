//! An organisation's roles, and one of them: what it may, and who holds it.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{
        OrgScope,
        members::{self, ListAsk, Member},
        permissions,
        roles::{self, Role},
    },
    page::{Page, PageAsk},
};

use super::{Named, SEE, WRITE, in_words, may, page, place, role, trail, trail_to};
use crate::{
    pages::{
        console::{
            Area, Operator, orgs,
            part::{
                Cell, Row, Standing, Table,
                detail::{DetailPage, Panel},
                list::{Asked, ListPage},
            },
        },
        form::Errors,
        frame::Frame,
        text::Text,
        visit::Visit,
        when::When,
    },
    surface::Failure,
};

/// Members on a role's page at the most.
const MOST: u32 = 10;

fn standing(text: Text, role: &Role) -> Standing {
    Standing::plain(text.get(if role.is_built_in { "roles-built-in" } else { "roles-own" }))
}

pub(super) async fn all(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = orgs::enter(&operator, &org, SEE).await?;
    let found = roles::list(&visit.call, &scope).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let title = frame.tv("roles-of", "name", &scope.org().name);
    let mut shell = operator.shell(&frame, Area::Roles, title, &errors);
    shell.trail = trail(&operator, &scope);
    let row = |role: &Role| Row {
        page: Some(page(&scope, &role.name)),
        name: role.name.clone(),
        detail: role.description.clone(),
        cells: vec![Cell::Badge(standing(frame.text, role)), Cell::Words(may(role))],
    };
    let columns = ["orgs-role", "roles-kind", "roles-may"];
    let table = Table::new(&frame, "orgs-roles", &columns, found.iter().map(row).collect());
    let (path, asked) = (place(&scope), Asked::read("", &[])?);
    let mut list = ListPage::new(&shell, (&path, &asked), Vec::new(), table, None).what("roles-what");
    if scope.may(WRITE) && scope.org().kind != doorward_core::orgs::Kind::Personal {
        list = list.makes(format!("{path}/new"), "roles-new");
    }
    Ok(operator.show(&list))
}

pub(super) async fn look(Path((org, name)): Named, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = orgs::enter(&operator, &org, SEE).await?;
    let role = role(&operator, &scope, &name).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = operator.shell(&frame, Area::Roles, role.name.clone(), &errors);
    shell.trail = trail_to(&operator, &scope);
    let mut panels = vec![about(visit, &frame, &scope, &role), permissions_of(&frame, &role)];
    if scope.may(orgs::SEE) {
        let first = PageAsk { limit: MOST, ..PageAsk::default() };
        let ask = ListAsk { page: first, role: Some(role.name.clone()) };
        panels.push(holders(visit, &scope, &role, &members::list(&visit.call, &scope, ask).await?));
    }
    let badge = Some(standing(frame.text, &role));
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

fn about(visit: &Visit, frame: &Frame, scope: &OrgScope, role: &Role) -> Panel {
    let changed = role.updated_at.map(|at| When::new(frame.text, at, visit.call.now));
    let facts = vec![
        (frame.t("roles-name"), Cell::id(frame, &role.name)),
        (frame.t("roles-description"), Cell::text(Some(&role.description), frame.t("console-none"))),
        (frame.t("orgs-changed"), Cell::when(changed, frame.t("roles-never"))),
    ];
    let page = page(scope, &role.name);
    let panel = Panel::new("facts", frame.t("console-facts")).facts(facts);
    if !scope.may(WRITE) {
        return panel;
    }
    let panel = panel.link(format!("{page}/edit"), frame.t("console-edit"));
    match (role.is_built_in, role.version) {
        (true, 0) => panel,
        (true, _) => panel.danger(format!("{page}/delete"), frame.t("roles-reset")),
        (false, _) => panel.danger(format!("{page}/delete"), frame.t("roles-delete")),
    }
}

fn permissions_of(frame: &Frame, role: &Role) -> Panel {
    let own = permissions::of_role(&role.name, None);
    let row = |name: &String| Row {
        page: None,
        name: in_words(name),
        detail: String::new(),
        cells: vec![Cell::Text(frame.t(match () {
            () if role.is_built_in && own.contains(name) => "roles-from-start",
            () if name.starts_with("org:") => "roles-administration",
            () => "roles-for-applications",
        }))],
    };
    let rows = may(role).iter().map(row).collect();
    let table = Table::new(frame, "orgs-permissions", &["orgs-permissions", "roles-about"], rows);
    Panel::new("permissions", frame.t("orgs-permissions")).table(table, frame.t("roles-nothing"))
}

fn holders(visit: &Visit, scope: &OrgScope, role: &Role, found: &Page<Member>) -> Panel {
    let frame = visit.frame();
    let rows = found.items.iter().map(|member| orgs::row(visit, scope, member)).collect();
    let table = Table::new(&frame, "roles-holders", &orgs::MEMBER_COLUMNS, rows);
    let all = format!("{}/members?role={}", orgs::page(scope.org()), role.name);
    Panel::new("holders", frame.t("roles-holders"))
        .table(table, frame.t("roles-holders-none"))
        .link(all, frame.t("orgs-members-all"))
}
