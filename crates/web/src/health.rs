//! Alive, ready, and the health page that monitors know.

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use http::StatusCode;
use serde_json::json;

use crate::app::App;

/// `/healthz`, `/readyz`, `/api/health`.
pub(crate) fn routes(app: &App) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/api/health", get(health))
        .with_state(app.clone())
}

/// Whether requests can be served: database and keys.
async fn ready(State(app): State<App>) -> impl IntoResponse {
    match app.realm.check().await {
        Ok(()) => (StatusCode::OK, "ready"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    }
}

async fn health(State(app): State<App>) -> impl IntoResponse {
    let (status, word, database) = match app.realm.check().await {
        Ok(()) => (StatusCode::OK, "healthy", "connected"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy", "disconnected"),
    };
    let body = json!({
        "status": word, "database": database, "issuer": app.realm.issuer, "version": env!("CARGO_PKG_VERSION"),
    });
    (status, Json(body))
}
