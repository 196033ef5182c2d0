//! One decision core for everything that guards: the gateway, the server's own API of decisions, and any
//! service that mounts the SDK.
//!
//! An [`Ask`] goes in, with what is known of its sender; a [`Verdict`] comes out. Between them stand
//! [`rule`]s, compiled once, and the [`claims`] of a credential, told in one way whoever issued it. Nothing
//! here performs I/O, reads a clock or knows of HTTP: verifying a credential is the work of whoever asks.

pub mod ask;
pub mod claims;
pub mod host;
pub mod limit;
pub mod path;
pub mod policy;
pub mod principal;
pub mod rule;
pub mod verdict;

pub use ask::{Ask, Asked, Presented, judge};
pub use claims::{Identity, IdentityType, Workspaces};
pub use principal::{Confirmation, CredentialKind, Principal, Proof, allowed_addresses};
pub use rule::{Mode, Rule, Rules};
pub use verdict::{Refusal, Verdict, Why};
