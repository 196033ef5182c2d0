//! Every route, by group; each group declares its surface.

use std::time::Duration;

use axum::{Router, middleware};
use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    api,
    app::App,
    edge::Edge,
    health, oauth, pages, security_txt,
    surface::{Surface, dress},
};

/// The whole server.
pub fn server(app: App) -> Edge {
    let own = tree(&app, None).merge(health::routes(&app));
    let crossing = tree(&app, Some(cors(&app))).merge(health::routes(&app));
    // Without the pages for monitors, which wear no dress: there too an unfit request gets a problem.
    let unfit = tree(&app, None);
    Edge { own, crossing, unfit, app }
}

/// The whole server as one router, for whoever wants to call it without a connection.
pub fn router(app: App) -> Router {
    Router::new().fallback_service(server(app))
}

/// The routes alone, for whoever wants to walk them all: a router shows its paths by `Debug`.
pub fn every_route(app: &App) -> Router {
    tree(app, None).merge(health::routes(app))
}

fn tree(app: &App, cors: Option<CorsLayer>) -> Router {
    let dressed = |routes: Router<App>, surface| {
        routes.layer(middleware::from_fn_with_state((app.clone(), surface), dress))
    };
    let protocol = dressed(oauth::routes(), Surface::OAuth);
    // Outside of what renders refusals, which browsers must be let read too.
    let protocol = match cors {
        Some(cors) => protocol.layer(cors),
        None => protocol,
    };
    Router::new()
        .merge(protocol)
        .merge(dressed(oauth::documents(), Surface::OAuth))
        .merge(dressed(oauth::pages(), Surface::Page))
        .merge(dressed(Router::new().fallback(not_found), Surface::Api))
        .merge(dressed(api::routes(app), Surface::Api))
        .merge(dressed(pages::routes(), Surface::Page))
        .merge(dressed(security_txt::routes(), Surface::Api))
        .with_state(app.clone())
}

/// Applications in a browser may call the OAuth endpoints from the origins that the operator names; no
/// cookie is read there, so credentials are never allowed.
fn cors(app: &App) -> CorsLayer {
    let allowed = &app.settings.allowed_origins;
    let origins = allowed.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let origins = if allowed.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins)
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("dpop")])
        .expose_headers([header::WWW_AUTHENTICATE, HeaderName::from_static("dpop-nonce")])
        .max_age(Duration::from_secs(600))
}

async fn not_found() -> crate::surface::Failure {
    doorward_core::outcome::Code::NotFound.into()
}
