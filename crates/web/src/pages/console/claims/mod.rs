//! Custom claims in the console: what an organisation, its applications and its APIs say more in tokens, for whoever
//! keeps them there.

use axum::{Router, routing::get};
use doorward_core::{
    claims::{Mapping, Owner, Target, WRITE},
    orgs::OrgScope,
    outcome::{Code, Refusal, Result},
};

use super::{Area, Operator, Shell, orgs, site::At};
use crate::{
    app::App,
    pages::{form::Errors, frame::Frame, text::Text, visit::Visit},
};

mod edit;
mod end;
mod list;
mod sample;

pub(super) use doorward_core::claims::READ;

/// Every page of the area. The address of a form also shows it: to whoever reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/organizations/{org}/claims", get(list::look))
        .route("/console/organizations/{org}/claims/new", get(edit::look_new).post(edit::make))
        .route("/console/organizations/{org}/claims/test", get(sample::look).post(sample::run))
        .route("/console/organizations/{org}/claims/{id}", get(edit::look).post(edit::save))
        .route("/console/organizations/{org}/claims/{id}/delete", get(end::look).post(end::end))
}

/// The address of the list, in an organisation of this address.
fn list_at(org_page: &str) -> String {
    format!("{org_page}/claims")
}

/// The address of what one application says.
pub(super) fn of_client(org_page: &str, id: impl ToString) -> String {
    format!("{}?client_id={}", list_at(org_page), id.to_string())
}

/// The address of what one API says.
pub(super) fn of_api(org_page: &str, id: impl ToString) -> String {
    format!("{}?api={}", list_at(org_page), id.to_string())
}

/// Who is at a page of an organisation's claims.
struct Keeper<'a> {
    operator: &'a Operator,
    scope: OrgScope,
}

impl<'a> Keeper<'a> {
    async fn enter(operator: &'a Operator, at: &At, permission: &'static str) -> Result<Self> {
        let scope = orgs::enter(operator, at.org.as_deref().unwrap_or_default(), permission).await?;
        Ok(Self { operator, scope })
    }

    /// Whoever may change the claim of an address.
    async fn changing(operator: &'a Operator, at: &At) -> Result<(Self, Mapping)> {
        let keeper = Self::enter(operator, at, WRITE).await?;
        let id = at.id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
        let mapping = doorward_core::claims::get(&operator.visit.call, &keeper.scope, id).await?;
        Ok((keeper, mapping))
    }

    fn visit(&self) -> &'a Visit {
        &self.operator.visit
    }

    /// The address of the list.
    fn list(&self) -> String {
        list_at(&orgs::page(self.scope.org()))
    }

    /// The address of a claim's page.
    fn page(&self, mapping: &Mapping) -> String {
        format!("{}/{}", self.list(), mapping.id)
    }

    /// What is around the list.
    fn shell<'f>(&self, frame: &'f Frame, title: String, errors: &Errors) -> Shell<'f> {
        let mut shell = self.operator.shell(frame, Area::Organizations, title, errors);
        shell.trail = orgs::trail_to(self.operator, self.scope.org());
        shell
    }

    /// What is around a page below the list.
    fn below<'f>(&self, frame: &'f Frame, title: String, errors: &Errors) -> Shell<'f> {
        let mut shell = self.shell(frame, title, errors);
        shell.trail.push((self.list(), frame.t("console-claims")));
        shell
    }
}

/// The address at which a form is posted, before anybody has entered.
fn posted_at(at: &At, below: &str) -> String {
    format!("{}/{}/claims/{below}", Area::Organizations.path(), at.org.as_deref().unwrap_or_default())
}

/// Where a claim is told, in words.
fn target_word(text: Text, target: Target) -> String {
    text.get(match target {
        Target::AccessToken => "claims-into-access-token",
        Target::IdToken => "claims-into-id-token",
        Target::Userinfo => "claims-into-userinfo",
    })
}

/// The application or API of a claim, by id.
fn whose(mapping: &Mapping) -> (String, String) {
    match mapping.owner {
        Owner::Org => (String::new(), String::new()),
        Owner::Client(id) => (id.to_string(), String::new()),
        Owner::Api(id) => (String::new(), id.to_string()),
    }
}

/// What a refusal means for a form; `has_client` where an application was named.
fn wrong(text: Text, refusal: &Refusal, has_client: bool) -> Option<Errors> {
    let why = || text.with("words-wrong", "why", &refusal.hint);
    let field = match (refusal.code, refusal.field.as_deref()) {
        (Code::NotFound, _) if has_client => {
            return Some(Errors::one("client", text.get("claims-no-client")));
        }
        (Code::NotFound, _) => return Some(Errors::one("api", text.get("claims-no-api"))),
        (Code::VersionMismatch, _) => return Some(Errors::one("", text.get("console-changed-meanwhile"))),
        (Code::RequestInvalid, Some("user_id")) => {
            return Some(Errors::one("person", text.get("claims-person-wrong")));
        }
        (Code::RequestInvalid | Code::Conflict, Some("name")) => "name",
        (Code::RequestInvalid, Some("expression")) => "expression",
        (Code::RequestInvalid, Some("into")) => {
            return Some(Errors::one("into", text.get("claims-into-wrong")));
        }
        (Code::RequestInvalid, Some("api")) => "api",
        (Code::RequestInvalid, Some("scopes")) => {
            return Some(Errors::one("scopes", text.get("apps-scopes-wrong")));
        }
        (Code::Conflict, _) => "",
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, why()))
}
