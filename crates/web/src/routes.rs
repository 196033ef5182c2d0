//! Every route, by group; each group declares its surface.

use std::time::Duration;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    api,
    app::App,
    edge::edge,
    health, oauth, pages,
    surface::{Surface, dress},
};

/// No body of ours is larger; a longer one is refused before it is read.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;

/// The whole server as one router.
pub fn router(app: App) -> Router {
    let dressed = |routes: Router<App>, surface| {
        routes.layer(middleware::from_fn_with_state((app.clone(), surface), dress))
    };
    let cors = cors(&app);
    Router::new()
        .merge(dressed(oauth::routes(), Surface::OAuth).layer(cors))
        .merge(dressed(oauth::documents(), Surface::OAuth))
        .merge(dressed(oauth::pages(), Surface::Page))
        .merge(dressed(Router::new().fallback(not_found), Surface::Api))
        .merge(dressed(api::routes(&app), Surface::Api))
        .merge(dressed(pages::routes(), Surface::Page))
        .merge(health::routes())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(app.clone(), edge))
        .with_state(app)
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
