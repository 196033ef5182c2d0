//! Roles: what whoever holds one may do, on this server and in an organisation, and who holds it. An
//! organisation's own are made, changed and removed here by whoever may.

use axum::{Router, extract::Path, response::Response, routing::get};
use doorward_core::{
    apis::catalog,
    orgs::{
        OrgScope,
        permissions::{self, BUILT_IN},
        roles::{self, Role},
    },
    outcome::Result as Outcome,
    users::PlatformRole,
};

use super::{
    Area, Operator, orgs,
    part::{
        Cell, Row, Table,
        detail::{DetailPage, Panel},
    },
};
use crate::{
    app::App,
    pages::{form::Errors, frame::Frame},
    surface::Failure,
};

mod edit;
mod end;
mod show;

/// What shows an organisation's roles, and what changes them.
pub(super) const SEE: &str = "org:roles:read";
const WRITE: &str = "org:roles:write";

/// Every page of the area.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/roles", get(look))
        .route("/console/organizations/{org}/roles", get(show::all))
        .route("/console/organizations/{org}/roles/new", get(edit::look_new).post(edit::make))
        .route("/console/organizations/{org}/roles/{role}", get(show::look))
        .route("/console/organizations/{org}/roles/{role}/edit", get(edit::look).post(edit::save))
        .route("/console/organizations/{org}/roles/{role}/delete", get(end::look).post(end::end))
}

/// The address of an organisation's roles.
fn place(scope: &OrgScope) -> String {
    format!("{}/roles", orgs::page(scope.org()))
}

/// The address of a role.
fn page(scope: &OrgScope, role: &str) -> String {
    format!("{}/{role}", place(scope))
}

/// The pages above that of an organisation's roles, and above that of one of them.
fn trail(operator: &Operator, scope: &OrgScope) -> Vec<(String, String)> {
    orgs::trail_to(operator, scope.org())
}

fn trail_to(operator: &Operator, scope: &OrgScope) -> Vec<(String, String)> {
    let mut trail = trail(operator, scope);
    trail.push((place(scope), operator.visit.text.get(Area::Roles.key())));
    trail
}

/// The role of an address.
async fn role(operator: &Operator, scope: &OrgScope, name: &str) -> Outcome<Role> {
    roles::get(&operator.visit.call, scope, name).await
}

/// What a permission allows, where that is known, and its name.
fn in_words(name: &str) -> String {
    catalog::describe(name).map_or_else(|| name.to_owned(), |what| format!("{what} ({name})"))
}

/// What a role may, what every organisation's has from the start included.
fn may(role: &Role) -> Vec<String> {
    permissions::of_role(&role.name, Some(&role.permissions.join(" ")))
}

/// What is a role everywhere. Whoever runs one organisation is led to its roles.
async fn look(operator: Operator) -> Result<Response, Failure> {
    if !operator.is_administrator() {
        return orgs::lead(&operator, Area::Roles, "roles", SEE).await;
    }
    let (frame, errors) = (operator.visit.frame(), Errors::none());
    let shell = operator.shell(&frame, Area::Roles, frame.t(Area::Roles.key()), &errors);
    let panels = vec![of_server(&frame), of_organizations(&frame)];
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels }))
}

fn of_server(frame: &Frame) -> Panel {
    let row = |(role, word, what): (PlatformRole, &str, &str)| Row {
        page: Some(format!("{}?role={}", Area::Users.path(), role.name())),
        name: frame.t(word),
        detail: role.name().to_owned(),
        cells: vec![Cell::Text(frame.t(what))],
    };
    let rows = [
        (PlatformRole::Administrator, "roles-administrator", "roles-administrator-what"),
        (PlatformRole::User, "roles-user", "roles-user-what"),
    ];
    let columns = ["orgs-role", "roles-may"];
    let table = Table::new(frame, "roles-server", &columns, rows.map(row).to_vec());
    Panel::new("server", frame.t("roles-server"))
        .table(table, String::new())
        .link(Area::Users.path().to_owned(), frame.t("console-users"))
}

fn of_organizations(frame: &Frame) -> Panel {
    let row = |name: &str| Row {
        page: None,
        name: name.to_owned(),
        detail: String::new(),
        cells: vec![Cell::Words(permissions::of_role(name, None).iter().map(|one| in_words(one)).collect())],
    };
    let columns = ["orgs-role", "roles-may"];
    let table = Table::new(frame, "roles-organizations", &columns, BUILT_IN.map(row).to_vec());
    Panel::new("organizations", frame.t("roles-organizations"))
        .table(table, String::new())
        .link(Area::Organizations.path().to_owned(), frame.t("roles-choose"))
}

/// The name that stands in an address is checked where it is looked for.
type Named = Path<(String, String)>;
