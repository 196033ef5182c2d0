//! The grants of the token endpoint, one file each.
//!
//! A grant takes an authenticated client and what it asks, and answers [`Tokens`]. Single use is one
//! guarded statement; a reuse ends the family and that end is remembered.

pub mod anonymous;
pub mod client;
pub mod code;
pub mod devices;
mod person;
pub mod refresh;
pub(crate) mod sql;

pub use crate::tokens::Tokens;
pub use anonymous::ANONYMOUS;

/// The grant types that work, as the metadata list them.
pub const ALL: &[&str] = &["authorization_code", "refresh_token", "client_credentials", ANONYMOUS];
