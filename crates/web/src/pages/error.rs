//! The error page.

use axum::response::{IntoResponse, Response};
use doorward_core::outcome::Refusal;

use crate::{
    app::App,
    surface::{PageFacts, wire_of},
};

/// Renders a refusal as a page with its reference number.
pub fn render(_app: &App, facts: &PageFacts, refusal: &Refusal) -> Response {
    let wire = wire_of(refusal.code);
    (wire.status, format!("{} ({})", wire.title, facts.request_id)).into_response()
}
