//! Identity providers in the console: those of the instance, for administrators, and those of an organisation,
//! for who owns it. The pages are the same; whose they are is in the address.

use std::collections::HashMap;

use axum::{
    Router,
    extract::{FromRequestParts, Path},
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::{
    call::Call,
    orgs::OrgScope,
    outcome::{Code, Result},
    page::{Page, PageAsk},
    providers::{self, NewProvider, Provider, Settings, Tested, Usage, of_org},
};
use doorward_proto::secret::SecretText;
use http::request::Parts;

use super::{Area, Operator, Shell, orgs, part::Standing};
use crate::{
    app::App,
    pages::{form::Errors, frame::Frame, text::Text, visit::Posted},
    surface::Failure,
};

mod edit;
mod end;
mod list;
mod new;
mod show;

/// Every page of the area, once for the instance and once for an organisation. The address of a form also shows
/// it: to whoever reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    let mut routes = Router::new();
    for base in ["/console/providers", "/console/organizations/{org}/providers"] {
        let at = |path: &str| format!("{base}{path}");
        routes = routes
            .route(&at(""), get(list::look))
            .route(&at("/new"), get(new::look).post(new::make))
            .route(&at("/{provider}"), get(show::look))
            .route(&at("/{provider}/edit"), get(edit::look).post(edit::save))
            .route(&at("/{provider}/suspend"), get(show::ask).post(show::suspend))
            .route(&at("/{provider}/resume"), get(show::back).post(show::resume))
            .route(&at("/{provider}/test"), get(show::back).post(show::test))
            .route(&at("/{provider}/delete"), get(end::look).post(end::end));
    }
    routes
}

/// Whose providers they are.
enum Owner {
    Instance,
    Organization(Box<OrgScope>),
}

/// Somebody at a page of the area who may see what is there.
struct Keeper {
    operator: Operator,
    owner: Owner,
    /// The provider that the address names.
    named: String,
}

impl FromRequestParts<App> for Keeper {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, Response> {
        let names = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let names = names.map_err(IntoResponse::into_response)?;
        let operator = Operator::from_request_parts(parts, app).await?;
        Self::of(operator, &names).await.map_err(|error| Failure::from(error).into_response())
    }
}

/// The names in an address.
type Names = HashMap<String, String>;

impl Keeper {
    async fn of(operator: Operator, names: &Names) -> Result<Self> {
        let named = names.get("provider").cloned().unwrap_or_default();
        let owner = match names.get("org") {
            Some(org) => Owner::Organization(Box::new(orgs::enter(&operator, org, of_org::READ).await?)),
            None if operator.is_administrator() => Owner::Instance,
            None => return doorward_core::outcome::refuse(Code::Forbidden),
        };
        Ok(Self { operator, owner, named })
    }

    /// Whoever posted the form that is shown at `below` the area's own page.
    ///
    /// # Errors
    /// The way to sign in, also for who did so too long ago; the refusal of whoever may not.
    async fn posted<T>(
        names: &Names,
        posted: Posted<T>,
        below: &str,
    ) -> std::result::Result<(Self, T), Response> {
        let page = format!("{}{below}", base(names.get("org").map(String::as_str)));
        let (operator, form) = Operator::of(posted, &page)?;
        operator.must_be_fresh(&page)?;
        let keeper = Self::of(operator, names).await;
        Ok((keeper.map_err(|error| Failure::from(error).into_response())?, form))
    }

    fn call(&self) -> &Call {
        &self.operator.visit.call
    }

    /// Whether they may change what they see.
    fn may_write(&self) -> bool {
        match &self.owner {
            Owner::Instance => true,
            Owner::Organization(scope) => scope.may(of_org::WRITE),
        }
    }

    /// The address of the list.
    fn path(&self) -> String {
        match &self.owner {
            Owner::Instance => base(None),
            Owner::Organization(scope) => base(Some(&scope.id().to_string())),
        }
    }

    /// The address of a provider's page.
    fn page(&self, provider: &Provider) -> String {
        format!("{}/{}", self.path(), provider.id)
    }

    fn area(&self) -> Area {
        match &self.owner {
            Owner::Instance => Area::Providers,
            Owner::Organization(_) => Area::Organizations,
        }
    }

    /// The pages above the list, and the list.
    fn trail(&self) -> Vec<(String, String)> {
        let mut trail = match &self.owner {
            Owner::Instance => Vec::new(),
            Owner::Organization(scope) => orgs::trail_to(&self.operator, scope.org()),
        };
        trail.push((self.path(), self.operator.visit.text.get(Area::Providers.key())));
        trail
    }

    /// What is around a page of a provider, or about making one.
    fn shell<'a>(&self, frame: &'a Frame, title: String, errors: &Errors) -> Shell<'a> {
        let mut shell = self.operator.shell(frame, self.area(), title, errors);
        shell.trail = self.trail();
        shell
    }

    async fn all(&self, ask: PageAsk) -> Result<Page<Provider>> {
        match &self.owner {
            Owner::Instance => providers::list(self.call(), ask).await,
            Owner::Organization(scope) => of_org::list(self.call(), scope, ask).await,
        }
    }

    /// The provider of the address.
    async fn provider(&self) -> Result<Provider> {
        match &self.owner {
            Owner::Instance => providers::get(self.call(), &self.named).await,
            Owner::Organization(scope) => of_org::find(self.call(), scope, &self.named).await,
        }
    }

    async fn usage(&self, provider: &Provider) -> Result<Usage> {
        match &self.owner {
            Owner::Instance => providers::usage(self.call(), provider.id).await,
            Owner::Organization(scope) => of_org::usage(self.call(), scope, &self.named).await,
        }
    }

    async fn create(&self, new: NewProvider) -> Result<Provider> {
        match &self.owner {
            Owner::Instance => providers::create(self.call(), new).await,
            Owner::Organization(scope) => of_org::create(self.call(), scope, new).await,
        }
    }

    async fn update(
        &self,
        (provider, seen): (&Provider, i64),
        settings: Settings,
        secret: Option<SecretText>,
    ) -> Result<Provider> {
        match &self.owner {
            Owner::Instance => providers::update(self.call(), (provider.id, seen), settings, secret).await,
            Owner::Organization(scope) => {
                of_org::update(self.call(), scope, (&self.named, seen), settings, secret).await
            }
        }
    }

    async fn end(&self, provider: &Provider) -> Result<()> {
        match &self.owner {
            Owner::Instance => providers::end(self.call(), provider.id).await,
            Owner::Organization(scope) => of_org::end(self.call(), scope, &self.named).await,
        }
    }

    async fn test(&self) -> Result<Tested> {
        match &self.owner {
            Owner::Instance => providers::test(self.call(), &self.named).await,
            Owner::Organization(scope) => of_org::test(self.call(), scope, &self.named).await,
        }
    }

    /// Where a provider of this short name sends people back to.
    fn redirect_uri(&self, slug: &str) -> String {
        let issuer = &self.call().realm.issuer;
        match &self.owner {
            Owner::Instance => format!("{issuer}/connect/{slug}/callback"),
            Owner::Organization(scope) => format!("{issuer}/connect/{}.{slug}/callback", scope.id()),
        }
    }
}

fn base(org: Option<&str>) -> String {
    match org {
        Some(org) => format!("{}/{org}/providers", Area::Organizations.path()),
        None => Area::Providers.path().to_owned(),
    }
}

fn standing(text: Text, provider: &Provider) -> Standing {
    if provider.settings.is_enabled {
        Standing::good(text.get("providers-offered"))
    } else {
        Standing::bad(text.get("providers-suspended"))
    }
}

fn kind(text: Text, provider: &Provider) -> String {
    let is_openid = provider.settings.kind == providers::Kind::Oidc;
    text.get(if is_openid { "providers-openid" } else { "providers-oauth" })
}
