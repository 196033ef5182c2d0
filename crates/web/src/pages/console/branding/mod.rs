//! What pages look like, chosen in the console: for the instance, for an organisation (by who runs it, too), and
//! for an application of either. A choice is looked at before it is saved.

use axum::{Router, extract::Path, routing::get};
use doorward_core::{
    branding::Place,
    clients::{
        Client,
        manage::{self, ListAsk},
    },
    orgs::{Kind, OrgScope},
    outcome::{Code, Result, refuse},
    page::{Page, PageAsk},
};
use doorward_proto::id::{Id, Org};

use super::{Area, Operator, orgs};
use crate::{app::App, pages::upload::Upload};

mod edit;
mod form;

/// Whoever may change what an organisation's pages look like.
const WRITE: &str = "org:branding:write";

/// Every page of the area. The address of a form also shows it: to whoever reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    type Two = Path<(String, String)>;
    let of_app = async |Path(client): Path<String>, operator: Operator| {
        edit::look(operator, Where::Application { org: None, client }).await
    };
    let save_app = async |Path(client): Path<String>, sent: Upload<form::Form>| {
        edit::save(sent, Where::Application { org: None, client }).await
    };
    let of_org_app = async |Path((org, client)): Two, operator: Operator| {
        edit::look(operator, Where::Application { org: Some(org), client }).await
    };
    let save_org_app = async |Path((org, client)): Two, sent: Upload<form::Form>| {
        edit::save(sent, Where::Application { org: Some(org), client }).await
    };
    Router::new()
        .route(
            Area::Branding.path(),
            get(async |operator: Operator| edit::look(operator, Where::Instance).await)
                .post(async |sent: Upload<form::Form>| edit::save(sent, Where::Instance).await),
        )
        .route(
            "/console/organizations/{org}/branding",
            get(async |Path(org): Path<String>, operator: Operator| {
                edit::look(operator, Where::Organization(org)).await
            })
            .post(async |Path(org): Path<String>, sent: Upload<form::Form>| {
                edit::save(sent, Where::Organization(org)).await
            }),
        )
        .route("/console/applications/{id}/branding", get(of_app).post(save_app))
        .route("/console/organizations/{org}/applications/{id}/branding", get(of_org_app).post(save_org_app))
}

/// Whose brand an address is about.
#[derive(Debug, Clone)]
enum Where {
    Instance,
    Organization(String),
    Application { org: Option<String>, client: String },
}

impl Where {
    /// Its address.
    fn path(&self) -> String {
        match self {
            Self::Instance => Area::Branding.path().to_owned(),
            Self::Organization(org) => format!("{}/{org}/branding", Area::Organizations.path()),
            Self::Application { org: Some(org), client } => {
                format!("{}/{org}/applications/{client}/branding", Area::Organizations.path())
            }
            Self::Application { org: None, client } => {
                format!("{}/{client}/branding", Area::Applications.path())
            }
        }
    }
}

/// What the page of such an address is about, for who may change it.
struct Site {
    place: Place,
    area: Area,
    /// Whose it is; nothing for the instance's.
    name: Option<String>,
    /// The pages above it.
    trail: Vec<(String, String)>,
    /// The organisation whose applications can have a brand of their own.
    org: Option<Id<Org>>,
    path: String,
}

impl Site {
    async fn of(operator: &Operator, at: &Where) -> Result<Self> {
        let path = at.path();
        match at {
            Where::Instance | Where::Application { org: None, .. } if !operator.is_administrator() => {
                refuse(Code::Forbidden)
            }
            Where::Instance => {
                let (area, place) = (Area::Branding, Place::instance(&operator.visit.call));
                Ok(Self { place, area, name: None, trail: Vec::new(), org: None, path })
            }
            Where::Organization(org) => {
                let scope = orgs::enter(operator, org, WRITE).await?;
                let place = Place::org(&scope, WRITE)?;
                let name = scope.org().name.clone();
                let (trail, org) = (orgs::trail_to(operator, scope.org()), Some(scope.id()));
                Ok(Self { place, area: Area::Organizations, name: Some(name), trail, org, path })
            }
            Where::Application { org: Some(org), client } => {
                let scope = orgs::enter(operator, org, WRITE).await?;
                Self::of_application(operator, &scope, client, path).await
            }
            Where::Application { org: None, client } => {
                let client = manage::get(&operator.visit.call, client).await?;
                let apps = Area::Applications;
                let text = operator.visit.text;
                let trail = vec![
                    (apps.path().to_owned(), text.get(apps.key())),
                    (format!("{}/{}", apps.path(), client.id), client.name.clone()),
                ];
                let (place, name) = (Place::client(&client), Some(client.name));
                Ok(Self { place, area: apps, name, trail, org: None, path })
            }
        }
    }

    async fn of_application(
        operator: &Operator,
        scope: &OrgScope,
        client: &str,
        path: String,
    ) -> Result<Self> {
        let call = &operator.visit.call;
        let place = Place::client_of(call, scope, WRITE, client).await?;
        let client = manage::get(call, client).await?;
        let mut trail = orgs::trail_to(operator, scope.org());
        let above = Where::Organization(scope.id().to_string());
        trail.push((above.path(), operator.visit.text.get(Area::Branding.key())));
        Ok(Self { place, area: Area::Organizations, name: Some(client.name), trail, org: None, path })
    }

    /// The page above it.
    fn back(&self) -> String {
        self.trail.last().map_or_else(|| self.path.clone(), |(to, _)| to.clone())
    }
}

/// The applications of an organisation, a page of them at a time.
async fn applications(operator: &Operator, org: Id<Org>, after: Option<String>) -> Result<Page<Client>> {
    let page = PageAsk { after, limit: 25, query: None };
    manage::list(&operator.visit.call, ListAsk { page, org: Some(org), ..ListAsk::default() }).await
}

/// Whether an organisation can have a brand that this person may change.
pub(super) fn may_change(scope: &OrgScope) -> bool {
    scope.org().kind != Kind::Personal && scope.may(WRITE)
}
