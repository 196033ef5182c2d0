//! The pages that people see: signing in and out, their account, consent, errors,
//! the console of administrators.
//!
//! Server-rendered from compiled templates, with one stylesheet, and complete without script. A page is a
//! struct with its template beside it in `templates/`; every word comes from the catalogue in `locales/`.
//! Nothing here decides: rules live in `doorward_core`.

pub mod account;
pub mod assets;
pub mod brand;
pub mod carry;
pub mod choose;
pub mod choose_org;
pub mod complete;
pub mod connect;
pub mod consent;
pub mod console;
pub mod done;
pub mod draft;
pub mod error;
pub mod form;
pub mod form_post;
pub mod frame;
pub mod invitation;
pub mod kept;
pub mod news;
pub mod problems;
pub mod prove;
pub mod questions;
pub mod recover;
pub mod setup;
pub mod several;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod text;
pub mod unsubscribe;
pub mod upload;
pub mod verify;
pub mod visit;
pub mod when;

use axum::{Router, middleware, routing::get};

use crate::app::App;

/// Every page, with the headers of pages.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(sign_in::routes())
        .merge(sign_up::routes())
        .merge(verify::routes())
        .merge(recover::routes())
        .merge(prove::routes())
        .merge(choose::routes())
        .merge(choose_org::routes())
        .merge(complete::routes())
        .merge(invitation::routes())
        .merge(connect::routes())
        .merge(consent::routes())
        .merge(sign_out::routes())
        .merge(setup::routes())
        .merge(account::routes())
        .merge(console::routes())
        .merge(assets::routes())
        .merge(brand::routes())
        .merge(unsubscribe::routes())
        .merge(problems::routes())
        .route("/", get(async || visit::to("/account")))
        .layer(middleware::from_fn(crate::headers::layer))
}
