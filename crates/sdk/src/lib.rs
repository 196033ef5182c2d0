//! Doorward's judging for any Rust service.
//!
//! [`server`] finds out who sends a request: it takes the credential out of the headers, asks a chain of
//! [`server::Provider`]s whose it is, and remembers the answer for a while. What that somebody may do is
//! decided by `doorward-judge`, whose words are repeated here as [`judge`]. [`guard`] puts both before a
//! service: by itself, as a layer (feature `tower`), and with extractors for handlers (feature `axum`). An
//! application behind a gateway believes its signed word ([`assertion`]). What a service sends itself gets its
//! credential from the sources of the feature `client`.
//!
//! A provider is a small trait; one for a list of fixed tokens takes a dozen lines:
//!
//! ```
//! use std::collections::HashMap;
//!
//! use doorward_sdk::{
//!     judge::{CredentialKind, Identity, Principal},
//!     server::{Credential, Provider, Recognition, Seen},
//! };
//! use futures_util::future::BoxFuture;
//!
//! struct Known(HashMap<String, Identity>);
//!
//! impl Provider for Known {
//!     fn name(&self) -> &'static str {
//!         "known"
//!     }
//!     fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
//!         Box::pin(async move {
//!             let Some(token) = credential.token() else { return Ok(None) };
//!             let known = self.0.get(token.expose()).cloned();
//!             Ok(known.map(|identity| Principal::new(identity, CredentialKind::StaticToken)))
//!         })
//!     }
//! }
//! ```

pub mod assertion;
#[cfg(feature = "axum")]
pub mod axum;
pub mod caller;
#[cfg(feature = "client")]
pub mod client;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod dress;
pub mod exchange;
pub mod fetch;
pub mod guard;
pub mod server;
mod stamp;
pub mod tenant;
#[cfg(feature = "tower")]
pub mod tower;

#[cfg(test)]
mod testing;

pub use assertion::{AssertedCaller, Assertions};
pub use caller::{Caller, Refused};
pub use doorward_judge as judge;
pub use guard::Guard;
pub use tenant::Tenant;

/// The chapters of the book whose examples are compiled with those of this crate.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../../docs/sdk.md")]
    mod library {}
    #[doc = include_str!("../../../docs/tenants.md")]
    mod tenants {}
}
