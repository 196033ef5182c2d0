//! The rules of Doorward and the SQL that holds them, area by area.
//!
//! An area is a folder: `mod.rs` with its types and small use cases, a file for each large use case,
//! `sql.rs` with every statement as a constant, `tests.rs`. This crate never sees an HTTP server, a
//! template or a status code: a rule does not know how it is shown.

pub mod addresses;
pub mod analytics;
pub mod announcements;
pub mod api_keys;
pub mod apis;
pub mod audit;
pub mod authorize;
pub mod bootstrap;
pub mod branding;
mod cache;
pub mod call;
pub mod claims;
pub mod clients;
pub mod credentials;
pub mod db;
pub mod env;
pub mod figures;
pub mod grants;
pub mod idempotency;
pub mod integrity;
pub mod jobs;
pub mod keys;
pub mod leases;
mod links;
pub mod logout;
pub mod mail;
pub mod moving;
pub mod orgs;
pub mod outcome;
pub mod own_data;
pub mod page;
pub mod principals;
pub mod providers;
pub mod realm;
pub mod rights;
mod room;
pub mod routes;
pub mod service_tokens;
pub mod sessions;
pub mod settings;
mod throttle;
pub mod tokens;
mod unfinished;
pub mod usage;
pub mod users;
mod uses;
pub mod vault;
