//! One axum route, behind the library's layer or bare: what mounting the layer costs a service.

use std::net::TcpListener;

use anyhow::{Result, anyhow};
use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse as _, routing::get};
use doorward_sdk::{Guard, server::fixed::FixedTokens, tower::GuardLayer};

use crate::ceiling::TOKEN;

const ANSWER: &str = r#"{"keys":[]}"#;

/// Serves until the process ends.
pub(crate) fn serve(listener: TcpListener, is_guarded: bool) -> Result<()> {
    let answer = || async { ([(CONTENT_TYPE, "application/json")], ANSWER).into_response() };
    let mut app = Router::new().route("/.well-known/jwks.json", get(answer));
    if is_guarded {
        let tokens = FixedTokens::read(TOKEN).map_err(|error| anyhow!("{error}"))?;
        app = app.layer(GuardLayer::new(Guard::builder().provider(tokens).build()?));
    }
    let app = app.route("/healthz", get(|| async { "ok" }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        Ok(axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?)
    })
}
