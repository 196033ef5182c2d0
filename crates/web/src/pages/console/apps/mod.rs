//! Applications in the console: what there is, registering and changing one, its secrets, and stopping it.
//! Administrators keep every one; whoever runs an organisation keeps its own by the same pages.

use axum::{Router, routing::get};
use doorward_core::{
    clients::{
        Client,
        of_org::{READ, WRITE},
    },
    outcome::Result,
    principals::Status,
};

use super::{
    Area, Operator, Shell,
    part::Standing,
    site::{At, Site, address},
};
use crate::{
    app::App,
    pages::{form::Errors, frame::Frame, text::Text, visit::Visit},
};

mod create;
mod edit;
mod end;
mod form;
mod keep;
mod kind;
mod list;
mod proxy;
mod secret;
mod show;
mod snippets;
mod wrong;

const AREA: Area = Area::Applications;
const STATES: [Status; 2] = [Status::Active, Status::Suspended];

/// Every page of the area, and the same of one organisation. The address of a form also shows it: to whoever
/// reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    ["/console/applications", "/console/organizations/{org}/applications"]
        .into_iter()
        .fold(Router::new(), |router, list| router.merge(pages(list)))
        .route("/console/applications/new/proxy", get(proxy::look))
}

fn pages(list: &str) -> Router<App> {
    Router::new()
        .route(list, get(list::look))
        .route(&format!("{list}.csv"), get(list::export))
        .route(&format!("{list}/new"), get(create::choose))
        .route(&format!("{list}/new/{{kind}}"), get(create::look).post(create::make))
        .route(&format!("{list}/secret"), get(secret::look_made))
        .route(&format!("{list}/{{id}}"), get(show::look))
        .route(&format!("{list}/{{id}}/edit"), get(edit::look).post(edit::save))
        .route(&format!("{list}/{{id}}/rotate"), get(secret::look).post(secret::rotate))
        .route(&format!("{list}/{{id}}/retire"), get(show::back).post(secret::retire))
        .route(&format!("{list}/{{id}}/suspend"), get(show::ask).post(show::suspend))
        .route(&format!("{list}/{{id}}/resume"), get(show::back).post(show::resume))
        .route(&format!("{list}/{{id}}/delete"), get(end::look).post(end::end))
}

/// Who is at the page of an application.
struct Keeper<'a> {
    operator: &'a Operator,
    site: Site,
    client: Client,
}

impl<'a> Keeper<'a> {
    /// Whoever may see the application of an address.
    async fn seeing(operator: &'a Operator, at: &At) -> Result<Self> {
        Self::of(operator, at, READ).await
    }

    /// Whoever may change it.
    async fn changing(operator: &'a Operator, at: &At) -> Result<Self> {
        Self::of(operator, at, WRITE).await
    }

    async fn of(operator: &'a Operator, at: &At, permission: &'static str) -> Result<Self> {
        let site = Site::enter(operator, AREA, (at.org.as_deref(), permission)).await?;
        let client = keep::find(&operator.visit.call, &site, &at.id).await?;
        Ok(Self { operator, site, client })
    }

    fn visit(&self) -> &'a Visit {
        &self.operator.visit
    }

    /// The address of the application's page.
    fn page(&self) -> String {
        page(&self.site, &self.client)
    }

    /// What is around a page below the application's own.
    fn shell<'f>(&self, frame: &'f Frame, title: String, errors: &Errors) -> Shell<'f> {
        let mut shell = self.site.below(self.operator, frame, (title, errors));
        shell.trail.push((self.page(), self.client.name.clone()));
        shell
    }
}

/// The address of an application's page.
fn page(site: &Site, client: &Client) -> String {
    format!("{}/{}", site.list(), client.id)
}

fn standing(text: Text, status: Status) -> Standing {
    match status {
        Status::Active => Standing::good(text.get("apps-active")),
        Status::Suspended => Standing::bad(text.get("apps-suspended")),
        Status::Ended => Standing::plain(text.get("apps-ended")),
    }
}
