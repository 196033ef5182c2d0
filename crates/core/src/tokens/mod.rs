//! Tokens: made from grants, verified, introspected, revoked.
//!
//! An access token is a short signed JWT (RFC 9068), or an opaque one where its API wants that. It dies
//! with its grant, its principal's epoch, its client, or by its own revocation, whichever comes first;
//! [`verify()`] asks all of them. Nothing is issued without a write that only succeeds while the principal
//! is active under the epoch it was read with.

mod dpop;
mod introspect;
pub(crate) mod issue;
mod revoke;
pub(crate) mod scope;
pub(crate) mod sql;
mod tickets;
mod userinfo;
mod verify;

pub(crate) use dpop::MEMORY as PROOF_MEMORY;
pub use dpop::{Bound, fresh_nonce, prove};
pub use introspect::{Introspection, introspect, introspect_for};
pub(crate) use issue::{Claims, sign, target_in, without};
pub use issue::{Target, Tokens, target_of};
pub use revoke::revoke;
pub use tickets::{TICKET_LIFETIME, TICKET_PREFIX, redeem_ticket, ticket};
pub use userinfo::{Told, standard_claims, supported_claims, userinfo};
pub use verify::{Live, verify};

use doorward_proto::{
    claims::ClaimsRequest,
    id::{self, Id, Org},
    scope::ScopeSet,
    time::Time,
};
use serde::{Deserialize, Serialize};

/// What a person allowed an application: the family of every token made from it.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The family.
    pub id: Id<id::Grant>,
    /// The active organisation.
    pub org: Id<Org>,
    /// The person.
    pub user: Id<id::User>,
    /// The application.
    pub client: Id<id::Client>,
    /// The session it was made in.
    pub session: Option<Id<id::Session>>,
    /// What was allowed.
    pub scope: ScopeSet,
    /// For which APIs.
    pub resources: Vec<String>,
    /// How the person signed in, and what else was asked for.
    pub facts: Facts,
    /// Whether it outlives the session.
    pub is_offline: bool,
    /// When it was ended.
    pub ended_at: Option<Time>,
}

impl Grant {
    /// The session that has to be live for tokens to be made anew, unless the grant outlives it.
    pub(crate) fn needs_session(&self) -> Option<Id<id::Session>> {
        self.session.filter(|_| !self.is_offline)
    }
}

/// The part of a grant that no query asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// When the person signed in, in seconds since 1970.
    pub auth_time: i64,
    /// How strongly.
    pub acr: String,
    /// By which means.
    pub amr: Vec<String>,
    /// The `claims` parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<ClaimsRequest>,
}
