//! What the API needs of the gateway: what a route means, and whether it makes sense, is known there.

use std::fmt;

use doorward_core::outcome::{Refusal, Result};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};

/// A route as it is written.
pub type Spec = Map<String, Json>;

/// The gateway of this server, as whoever manages its routes sees it.
pub trait Routing: fmt::Debug + Send + Sync {
    /// The routes of the configuration, which nobody changes here.
    fn fixed(&self) -> Vec<Spec>;

    /// Refuses a route that makes no sense, or would not be safe to start with.
    ///
    /// # Errors
    /// What is wrong, in the words of the configuration.
    fn check(&self, spec: &Spec) -> std::result::Result<(), Refusal>;

    /// Whether a stored route is in force as it is written.
    fn is_in_force(&self, name: &str) -> bool;

    /// Reads the stored routes again: they are in force when this returns.
    fn refresh(&self) -> BoxFuture<'_, Result<()>>;

    /// The name of the route for a request; none where it is nobody's.
    ///
    /// # Errors
    /// What no request can be.
    fn find(&self, method: &str, target: &str) -> std::result::Result<Option<String>, Refusal>;
}
