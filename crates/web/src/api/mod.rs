//! The management API: `/api/v1/…`, described by itself (`INTERFACE` 5).
//!
//! Each area is a file with its endpoints: route, scope and description in one place (see [`Endpoint`]).
//! Handlers read, ask a use case of core, and show; they decide nothing.

pub(crate) mod access;
pub(crate) mod analytics;
mod announcements;
pub(crate) mod answer;
mod api_keys;
mod apis;
pub(crate) mod audit;
mod body;
mod branding;
mod caller;
mod clients;
mod confirmation;
mod docs;
mod endpoint;
mod guard;
mod idempotency;
mod keys;
mod leaks;
mod local;
mod mail;
mod mail_templates;
mod me;
mod moving;
mod openapi;
mod orcheo;
mod orgs;
pub(crate) mod own_data;
mod prices;
mod providers;
mod ratelimits;
mod registration;
pub(crate) mod routes;
mod service_tokens;
mod session;
mod sessions;
mod settings;
pub(crate) mod usage;
mod users;
mod whoami;

use axum::Router;

pub(crate) use access::metadata as access_metadata;
pub use caller::{Caller, Who};
pub use endpoint::{Access, Endpoint};
pub use openapi::document;

use crate::app::App;

/// Every endpoint, area by area.
pub fn endpoints() -> Vec<Endpoint> {
    let areas = [
        users::endpoints(),
        clients::endpoints(),
        apis::endpoints(),
        orgs::endpoints(),
        providers::endpoints(),
        keys::endpoints(),
        sessions::endpoints(),
        audit::endpoints(),
        mail::endpoints(),
        mail_templates::endpoints(),
        announcements::endpoints(),
        settings::endpoints(),
        branding::endpoints(),
        me::endpoints(),
        whoami::endpoints(),
        registration::endpoints(),
        service_tokens::endpoints(),
        leaks::endpoints(),
        api_keys::endpoints(),
        routes::endpoints(),
        orcheo::endpoints(),
        ratelimits::endpoints(),
        access::endpoints(),
        usage::endpoints(),
        analytics::endpoints(),
        prices::endpoints(),
    ];
    areas.into_iter().flatten().collect()
}

/// The routes of the API, its description and its page. Everything but the page is dressed as problem
/// details.
pub(crate) fn routes(app: &App) -> Router<App> {
    endpoints()
        .into_iter()
        .fold(Router::new(), |router, endpoint| endpoint.mount(router, app))
        .merge(docs::routes())
        .merge(local::routes())
        .merge(moving::routes())
}
