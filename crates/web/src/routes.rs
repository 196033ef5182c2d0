//! Every route, by group; each group declares its surface.

use axum::{Router, extract::DefaultBodyLimit, middleware};

use crate::{
    api,
    app::App,
    edge::edge,
    health, pages,
    surface::{Surface, dress},
};

/// No body of ours is larger; a longer one is refused before it is read.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;

/// The whole server as one router.
pub fn router(app: App) -> Router {
    let dressed = |routes: Router<App>, surface| {
        routes.layer(middleware::from_fn_with_state((app.clone(), surface), dress))
    };
    Router::new()
        .merge(dressed(Router::new().fallback(not_found), Surface::Api))
        .merge(dressed(api::routes(&app), Surface::Api))
        .merge(dressed(pages::routes(), Surface::Page))
        .merge(health::routes())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(app.clone(), edge))
        .with_state(app)
}

async fn not_found() -> crate::surface::Failure {
    doorward_core::outcome::Code::NotFound.into()
}
