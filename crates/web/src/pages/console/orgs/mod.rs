//! Organisations in the console. Administrators see every one; who runs one sees that one by the same pages,
//! and to everybody else it does not exist.

use axum::{Router, routing::get};
use doorward_core::{
    call::{Actor, Call},
    orgs::{self, Membership, Org, OrgScope, permissions, roles},
    outcome::{Code, Result},
    sessions::Account,
    users,
};

use doorward_proto::id::{Id, Org as OrgKind};

use super::{
    Area, Operator, administers, holder,
    part::{Standing, form::Choice},
};
use crate::{
    app::App,
    pages::{frame::Frame, text::Text},
};
pub(super) use list::lead;
pub(super) use members::{COLUMNS as MEMBER_COLUMNS, row};

mod act;
mod edit;
mod end;
mod fields;
mod invite;
mod joins;
mod list;
mod members;
mod show;
mod workspaces;

const PATH: &str = Area::Organizations.path();
/// What whoever runs an organisation may see.
pub(super) const SEE: &str = "org:members:read";
const MEMBERS: &str = "org:members:write";
const SETTINGS: &str = "org:settings:write";
const END: &str = "org:settings:end";

/// Every page of the area. The address of a form also shows it: to whoever reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/organizations", get(list::look))
        .route("/console/organizations.csv", get(list::export))
        .route("/console/organizations/new", get(edit::look_new).post(edit::make))
        .route("/console/organizations/{org}", get(show::look))
        .route("/console/organizations/{org}/edit", get(edit::look).post(edit::save))
        .route("/console/organizations/{org}/suspend", get(act::ask).post(act::suspend))
        .route("/console/organizations/{org}/resume", get(act::look).post(act::resume))
        .route("/console/organizations/{org}/delete", get(end::look).post(end::end))
        .route("/console/organizations/{org}/members", get(members::look))
        .route("/console/organizations/{org}/members.csv", get(members::export))
        .route("/console/organizations/{org}/members/new", get(invite::look_add).post(invite::add))
        .route("/console/organizations/{org}/members/{user}", get(members::look_one).post(members::save))
        .route("/console/organizations/{org}/members/{user}/remove", get(end::look_member).post(end::remove))
        .route("/console/organizations/{org}/workspaces", get(workspaces::list))
        .route(
            "/console/organizations/{org}/workspaces/new",
            get(workspaces::look_new).post(workspaces::make),
        )
        .route("/console/organizations/{org}/workspaces/{workspace}", get(workspaces::look))
        .route(
            "/console/organizations/{org}/workspaces/{workspace}/edit",
            get(workspaces::look_edit).post(workspaces::save),
        )
        .route(
            "/console/organizations/{org}/workspaces/{workspace}/delete",
            get(end::look_workspace).post(end::remove_workspace),
        )
        .route(
            "/console/organizations/{org}/workspaces/{workspace}/members/new",
            get(workspaces::members::look_add).post(workspaces::members::add),
        )
        .route(
            "/console/organizations/{org}/workspaces/{workspace}/members/{user}",
            get(workspaces::members::look_member).post(workspaces::members::save_member),
        )
        .route(
            "/console/organizations/{org}/workspaces/{workspace}/members/{user}/remove",
            get(workspaces::members::look_out).post(workspaces::members::take_out),
        )
        .route("/console/organizations/{org}/join-clients/new", get(joins::look).post(joins::add))
        .route(
            "/console/organizations/{org}/join-clients/{client}/remove",
            get(act::look_at).post(joins::remove),
        )
        .route("/console/organizations/{org}/fields/new", get(fields::look_new).post(fields::make))
        .route("/console/organizations/{org}/fields/{field}", get(fields::look).post(fields::save))
        .route("/console/organizations/{org}/fields/{field}/up", get(act::look_at).post(fields::up))
        .route(
            "/console/organizations/{org}/fields/{field}/remove",
            get(fields::look_remove).post(fields::remove),
        )
        .route("/console/organizations/{org}/invitations/new", get(invite::look).post(invite::invite))
        .route("/console/organizations/{org}/invitations/{id}/revoke", get(act::look_at).post(act::revoke))
}

/// Enters the organisation of an address.
pub(super) async fn enter(operator: &Operator, org: &str, permission: &'static str) -> Result<OrgScope> {
    let entered = orgs::enter(&operator.visit.call, holder(&operator.account), org, permission).await;
    if entered.as_ref().is_err_and(|error| error.code() == Some(Code::OrgAddress))
        && let Some(found) = orgs::find(&operator.visit.call, org).await?
    {
        let session = &operator.account.session;
        let actor = Actor::User { id: session.user, session: session.id };
        orgs::note_refusal(&operator.visit.call.by(actor), found.id).await?;
    }
    entered
}

/// The organisations in which somebody holds a permission.
async fn own(operator: &Operator, permission: &'static str) -> Result<Vec<Membership>> {
    let facts = users::facts(&operator.visit.call, operator.account.session.user).await?;
    let orgs = facts.map(|facts| facts.orgs).unwrap_or_default();
    holding(&operator.visit.call, &operator.account, orgs, permission).await
}

/// Those of somebody's organisations that they run: the ones whose page is open to them.
pub async fn run_by(call: &Call, account: &Account, orgs: Vec<Membership>) -> Result<Vec<Membership>> {
    holding(call, account, orgs, SEE).await
}

/// Those of somebody's organisations in which they hold a permission.
async fn holding(
    call: &Call,
    account: &Account,
    orgs: Vec<Membership>,
    permission: &'static str,
) -> Result<Vec<Membership>> {
    let mut run: Vec<Membership> = orgs.into_iter().filter(|one| one.kind != orgs::Kind::Personal).collect();
    if !run.is_empty() && !administers(account) {
        let open = orgs::holding(call, account.session.user, permission).await?;
        run.retain(|one| open.contains(&one.org));
    }
    Ok(run)
}

/// The address of an organisation's page.
pub(super) fn page(org: &Org) -> String {
    page_of(org.id)
}

/// The same, of one that is known by its id.
pub(super) fn page_of(id: Id<OrgKind>) -> String {
    format!("{PATH}/{id}")
}

fn standing(text: Text, is_active: bool) -> Standing {
    if is_active {
        Standing::good(text.get("orgs-active"))
    } else {
        Standing::bad(text.get("orgs-suspended"))
    }
}

/// The area's own page, above every other one.
fn trail(operator: &Operator) -> (String, String) {
    (PATH.to_owned(), operator.visit.text.get(Area::Organizations.key()))
}

/// The pages above one that belongs to an organisation's page.
pub(super) fn trail_to(operator: &Operator, org: &Org) -> Vec<(String, String)> {
    vec![trail(operator), (page(org), org.name.clone())]
}

/// The field that decides what somebody is in an organisation.
async fn role_choice(
    operator: &Operator,
    (frame, scope): (&Frame, &OrgScope),
    chosen: &str,
) -> Result<Choice> {
    let mut names: Vec<String> = match scope.may(super::roles::SEE) {
        true => roles::list(&operator.visit.call, scope).await?.into_iter().map(|role| role.name).collect(),
        false => permissions::BUILT_IN.map(str::to_owned).to_vec(),
    };
    // What a member is already stays to be chosen by who sees no other role.
    if !scope.may(super::roles::SEE) && !names.iter().any(|name| name == chosen) {
        names.push(chosen.to_owned());
    }
    let options = names.into_iter().map(|name| (name.clone(), name)).collect();
    let hint = frame.t("orgs-role-what");
    Ok(Choice {
        id: "role",
        label: frame.t("orgs-role"),
        hint,
        value: chosen.to_owned(),
        options,
        error: None,
    })
}
