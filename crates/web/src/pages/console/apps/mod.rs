//! Applications in the console: what there is, registering and changing one, its secrets, and stopping it.

use axum::{Router, routing::get};
use doorward_core::{
    clients::{Client, manage},
    outcome::Result,
    principals::Status,
};

use super::{Administrator, Area, part::Standing};
use crate::{
    app::App,
    pages::{text::Text, visit::Visit},
};

mod create;
mod edit;
mod end;
mod form;
mod kind;
mod list;
mod proxy;
mod secret;
mod show;
mod snippets;
mod wrong;

const PATH: &str = Area::Applications.path();
const STATES: [Status; 2] = [Status::Active, Status::Suspended];

/// Every page of the area. The address of a form also shows it: to whoever reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/applications", get(list::look))
        .route("/console/applications.csv", get(list::export))
        .route("/console/applications/new", get(create::choose))
        .route("/console/applications/new/proxy", get(proxy::look))
        .route("/console/applications/new/{kind}", get(create::look).post(create::make))
        .route("/console/applications/secret", get(secret::look_made))
        .route("/console/applications/{id}", get(show::look))
        .route("/console/applications/{id}/edit", get(edit::look).post(edit::save))
        .route("/console/applications/{id}/rotate", get(secret::look).post(secret::rotate))
        .route("/console/applications/{id}/retire", get(show::back).post(secret::retire))
        .route("/console/applications/{id}/suspend", get(show::ask).post(show::suspend))
        .route("/console/applications/{id}/resume", get(show::back).post(show::resume))
        .route("/console/applications/{id}/delete", get(end::look).post(end::end))
}

/// The application of an address.
async fn application(visit: &Visit, id: &str) -> Result<Client> {
    manage::get(&visit.call, id).await
}

/// The address of an application's page.
fn page(client: &Client) -> String {
    format!("{PATH}/{}", client.id)
}

fn standing(text: Text, status: Status) -> Standing {
    match status {
        Status::Active => Standing::good(text.get("apps-active")),
        Status::Suspended => Standing::bad(text.get("apps-suspended")),
        Status::Ended => Standing::plain(text.get("apps-ended")),
    }
}

/// The area's own page, above every other one.
fn trail(administrator: &Administrator) -> (String, String) {
    (PATH.to_owned(), administrator.visit.text.get(Area::Applications.key()))
}
