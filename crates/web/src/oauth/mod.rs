//! The protocol endpoints of OAuth 2.1 and OpenID Connect, under their own paths and the aliases kept
//! for compatibility (`/api/auth/…`).

mod authorize;
mod body;
mod client;
mod introspect;
mod logout;
pub(crate) mod metadata;
pub(crate) mod proof;
mod refusals;
mod token;
mod userinfo;
mod webfinger;

use axum::{
    Router,
    routing::{MethodRouter, get, post},
};

use crate::app::App;

/// The path of every protocol endpoint, and of its alias.
const PREFIXES: [&str; 2] = ["/oauth2", "/api/auth/oauth2"];

/// Endpoints for programs: RFC 6749 JSON.
pub(crate) fn routes() -> Router<App> {
    let endpoints: [(&str, MethodRouter<App>); 5] = [
        ("/token", post(token::token)),
        ("/par", post(token::push)),
        ("/introspect", post(introspect::introspect)),
        ("/revoke", post(introspect::revoke)),
        ("/userinfo", get(userinfo::get).post(userinfo::post)),
    ];
    with_aliases(endpoints)
}

/// Documents that anybody may read.
pub(crate) fn documents() -> Router<App> {
    metadata::routes().merge(webfinger::routes())
}

pub(crate) use authorize::answer;

/// Endpoints that a person's browser visits.
pub(crate) fn pages() -> Router<App> {
    let endpoints: [(&str, MethodRouter<App>); 2] = [
        ("/authorize", get(authorize::get).post(authorize::post)),
        ("/logout", get(logout::get).post(logout::post)),
    ];
    with_aliases(endpoints)
        .route("/oauth2/authorize/resume", get(authorize::resume))
        .route("/api/auth/oauth2/endsession", get(logout::get).post(logout::post))
}

fn with_aliases<const N: usize>(endpoints: [(&str, MethodRouter<App>); N]) -> Router<App> {
    let mut router = Router::new();
    for (path, handler) in endpoints {
        for prefix in PREFIXES {
            router = router.route(&format!("{prefix}{path}"), handler.clone());
        }
    }
    router
}
