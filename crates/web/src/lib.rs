//! How the rules of `doorward-core` look over HTTP: routes, surfaces, OAuth endpoints, the management
//! API and the pages. This crate never sees SQL or a database driver: a handler cannot reach round a rule.

pub mod api;
pub mod app;
mod body;
pub mod cookies;
pub mod csrf;
mod csv;
mod edge;
pub mod explain;
pub mod headers;
mod health;
pub mod in_force;
mod oauth;
pub mod pages;
mod presented;
mod routes;
pub mod routing;
mod security_txt;
pub mod surface;
mod unfit;

pub use app::{
    App, Bootstrap, ClientAddress, Counters, Hsts, REQUEST_ID, ThroughSocket, WebSettings, WhichCounters,
};
pub use edge::Edge;
pub use routes::{every_route, router, server};
pub use routing::Routing;
pub use unfit::{Unfit, unless_unfit};
