//! The pages that people see: signing in and out, their account, consent, errors.
//!
//! Server-rendered from compiled templates, with one stylesheet, and complete without script. A page is a
//! struct with its template beside it in `templates/`; every word comes from the catalogue in `locales/`.
//! Nothing here decides: rules live in `doorward_core`.

pub mod account;
pub mod assets;
pub mod choose;
pub mod consent;
pub mod error;
pub mod form;
pub mod form_post;
pub mod frame;
pub mod recover;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod text;
pub mod when;

use axum::{Router, middleware};

use crate::app::App;

/// Every page, with the headers of pages.
pub fn routes() -> Router<App> {
    Router::new().merge(assets::routes()).layer(middleware::from_fn(crate::headers::layer))
}
