//! Who sends a request.

#[cfg(feature = "files")]
pub mod basic;
#[cfg(feature = "files")]
pub mod bootstrap;
pub mod certificate;
mod chain;
mod credential;
#[cfg(feature = "files")]
pub mod fixed;
pub mod identity_headers;
#[cfg(feature = "files")]
pub mod introspection;
pub mod jwt;
pub mod limits;
pub mod proof;
#[cfg(feature = "files")]
pub mod settings;
pub mod spiffe;

use std::{collections::BTreeSet, net::IpAddr};

use doorward_judge::{Principal, Refusal};
use doorward_proto::time::Time;
use futures_util::future::BoxFuture;
use http::HeaderName;

pub use chain::{Chain, Known};
pub use credential::{Credential, Scheme};

/// When a credential is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The instant of the request.
    pub now: Time,
}

/// What a provider says of a credential: `None` when it is not one of its own, and somebody else is to be
/// asked; a refusal when it is, and is not good.
pub type Recognition = Result<Option<Principal>, Refusal>;

/// Knows one kind of credentials.
pub trait Provider: Send + Sync + 'static {
    /// What it is called in logs.
    fn name(&self) -> &'static str;

    /// Whose credential it is. Proof of possession, addresses and what the holder may do are not for a
    /// provider to judge: its answer is remembered.
    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition>;

    /// Whether it knows whose client certificates are. Without anybody who does, they are proof of tokens that are
    /// bound to them, and no credentials.
    fn takes_certificates(&self) -> bool {
        false
    }

    /// The headers in which proxies in front tell it who somebody is.
    fn fronts(&self) -> Vec<HeaderName> {
        Vec::new()
    }

    /// A request of somebody whom it has recognised was let through.
    fn used(&self, principal: &Principal, from: IpAddr, now: Time) {
        let _ = (principal, from, now);
    }

    /// For whom tokens count where this is asked, told before the first request by every place that asks it; empty
    /// where they count whoever they are for. Whoever asks others about tokens asks about no other ones.
    fn expect(&self, audiences: &BTreeSet<String>) {
        let _ = audiences;
    }

    /// A number that is another one as soon as an answer that was given may not be true any more. What was
    /// remembered under the number before is asked again.
    fn state(&self) -> i64 {
        0
    }
}
