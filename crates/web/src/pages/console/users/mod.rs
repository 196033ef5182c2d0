//! People in the console: who there is, what is known of them, and what administrators do about it.

use axum::{Router, routing::get};
use doorward_core::{
    outcome::{Code, Refusal, Result},
    principals::Status,
    users::{self, PlatformRole, User},
};

use super::{
    Administrator, Area,
    part::{Standing, form::Choice},
};
use crate::{
    app::App,
    pages::{frame::Frame, text::Text, visit::Visit},
};

mod act;
mod create;
mod edit;
mod end;
mod list;
mod show;

const PATH: &str = Area::Users.path();

/// Every page of the area. The address of a form also shows it: to whoever reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/users", get(list::look))
        .route("/console/users.csv", get(list::export))
        .route("/console/users/new", get(create::look).post(create::make))
        .route("/console/users/{id}", get(show::look))
        .route("/console/users/{id}/edit", get(edit::look).post(edit::save))
        .route("/console/users/{id}/suspend", get(act::ask).post(act::suspend))
        .route("/console/users/{id}/resume", get(act::look).post(act::resume))
        .route("/console/users/{id}/end-sessions", get(act::look).post(act::end_sessions))
        .route("/console/users/{id}/send-link", get(act::look).post(act::send_link))
        .route("/console/users/{id}/delete", get(end::look).post(end::end))
}

/// The person of an address; one whose account was deleted is not found.
async fn person(visit: &Visit, id: &str) -> Result<User> {
    let missing = || Refusal::new(Code::NotFound);
    let found = users::find(&visit.call, id.parse().map_err(|_| missing())?).await?;
    found.filter(|user| user.status != Status::Ended).ok_or_else(|| missing().into())
}

/// The address of a person's page.
fn page(user: &User) -> String {
    format!("{PATH}/{}", user.id)
}

/// What a person is called where there is room for one word.
fn name(user: &User) -> String {
    let names = [&user.email, &user.username, &user.name];
    names.into_iter().flatten().next().cloned().unwrap_or_else(|| user.id.to_string())
}

fn standing(text: Text, status: Status) -> Standing {
    match status {
        Status::Active => Standing::good(text.get("users-active")),
        Status::Suspended => Standing::bad(text.get("users-suspended")),
        Status::Ended => Standing::plain(text.get("users-ended")),
    }
}

fn role(text: Text, role: PlatformRole) -> String {
    text.get(match role {
        PlatformRole::User => "users-role-user",
        PlatformRole::Administrator => "users-role-admin",
    })
}

const ROLES: [PlatformRole; 2] = [PlatformRole::User, PlatformRole::Administrator];

/// The field that decides what somebody may do to the platform.
fn role_choice(frame: &Frame, chosen: &str) -> Choice {
    let option = |it: PlatformRole| (it.name().to_owned(), role(frame.text, it));
    Choice {
        id: "role",
        label: frame.t("users-role"),
        hint: frame.t("users-role-what"),
        value: chosen.to_owned(),
        options: ROLES.map(option).to_vec(),
        error: None,
    }
}

fn role_of(word: &str) -> Result<PlatformRole> {
    let wrong = || Refusal::new(Code::RequestInvalid).field("role");
    ROLES.into_iter().find(|role| role.name() == word).ok_or_else(|| wrong().into())
}

/// The area's own page, above every other one.
fn trail(administrator: &Administrator) -> (String, String) {
    (PATH.to_owned(), administrator.visit.text.get(Area::Users.key()))
}
