//! The audit trail: append-only, written in the same operation as the change it describes.
//!
//! A use case makes an [`Event`] from its [`Call`] and records it in its own transaction with
//! [`record`]. The event lands in `event_intake`; the [`Sealer`] moves it on and links it into the chain,
//! which [`verify()`] checks. What is personal lies apart, under a salted hash, and can be erased
//! ([`erase`]). Events are never changed, and leave only behind a signed checkpoint ([`retain`]).

mod chain;
mod keep;
pub mod of_org;
mod query;
mod refusals;
mod seal;
mod sql;
mod succession;
mod verify;

use doorward_proto::{
    id::{self, Id},
    time::Time,
};
use serde_json::{Map, Value as Json};

pub use chain::{Body, Chain, Checkpoint, Hash};
pub use keep::{erase, retain};
pub use query::{Entry, Filter, MAX_PAGE, find, follow, list, tip};
pub use refusals::{Refusals, Refused, count_refusals, refused};
pub use seal::Sealer;
pub(crate) use succession::Predecessors;
pub use verify::{Broken, Report, last_checkpoint_at, verify};

use crate::{
    call::{Actor, Call},
    db::Tx,
    outcome::{Code, Result},
};

/// How what happened ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Granted,
    /// It was refused.
    Refused,
}

/// One thing that happened, ready to be recorded.
#[derive(Debug, Clone)]
pub struct Event {
    id: Id<id::Event>,
    at: Time,
    code: &'static str,
    outcome: Outcome,
    org: String,
    actor: String,
    subject: String,
    client: String,
    request_id: String,
    facts: Map<String, Json>,
    detail: Map<String, Json>,
}

impl Event {
    /// Something that was done: `user.signed_in`, `token.issued`, `client.created`.
    pub fn new(call: &Call, code: &'static str) -> Result<Self> {
        let mut detail = Map::new();
        detail.insert("address".to_owned(), call.origin.address.to_string().into());
        if let Some(agent) = &call.origin.user_agent {
            detail.insert("user_agent".to_owned(), agent.clone().into());
        }
        let mut facts = Map::new();
        if let Some(trace) = &call.origin.trace {
            facts.insert("trace_id".to_owned(), trace.trace_id().into());
        }
        if let Actor::PersonalKey { key, .. } = &call.actor {
            facts.insert("by_key".to_owned(), key.to_string().into());
        }
        Ok(Self {
            id: call.id()?,
            at: call.now,
            code,
            outcome: Outcome::Granted,
            org: String::new(),
            actor: call.actor.name(),
            subject: String::new(),
            client: String::new(),
            request_id: call.origin.request_id.clone(),
            facts,
            detail,
        })
    }

    /// Something that was refused, with the refusal's code as a fact.
    pub fn refused(call: &Call, code: &'static str, why: Code) -> Result<Self> {
        let mut event = Self::new(call, code)?;
        event.outcome = Outcome::Refused;
        Ok(event.fact("refusal", why.name()))
    }

    /// The same again under an id of its own, where one operation does a thing several times.
    pub fn again(&self, env: &crate::env::Env) -> Result<Self> {
        Ok(Self { id: env.id(self.at)?, ..self.clone() })
    }

    /// What is recorded in its place when it was refused after all: of the same request, client and
    /// subject, without what was to be granted.
    pub fn refusal(&self, env: &crate::env::Env, code: &'static str, why: Code) -> Result<Self> {
        let mut refused = Self { code, outcome: Outcome::Refused, ..self.again(env)? };
        refused.facts.retain(|name, _| name == "trace_id");
        Ok(refused.fact("refusal", why.name()))
    }

    /// Not of one request: leaves its address and its actor out.
    fn without_origin(mut self) -> Self {
        self.detail.clear();
        "system".clone_into(&mut self.actor);
        self.request_id.clear();
        self.facts.remove("trace_id");
        self
    }

    /// Whom or what it happened to: an id.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "an id is passed as it is")]
    pub fn subject(mut self, subject: impl ToString) -> Self {
        self.subject = subject.to_string();
        self
    }

    /// The application it happened through.
    #[must_use]
    pub fn client(mut self, client: Id<id::Client>) -> Self {
        self.client = client.to_string();
        self
    }

    /// The organisation it belongs to.
    #[must_use]
    pub fn org(mut self, org: Id<id::Org>) -> Self {
        self.org = org.to_string();
        self
    }

    /// Something that is not personal and stays for ever: ids, counts, names of states.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Something personal, which can be erased: an address, a name. Never a secret.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// Writes the event with the change it describes.
pub async fn record(tx: &mut Tx<'_>, event: &Event) -> Result<()> {
    sql::insert(tx, event).await
}

/// Writes the event only while the principal is active under this epoch, and says whether it did: the
/// gate of an issuance that stores nothing else. One statement, so it suits [`crate::db::Db::write_one`].
pub async fn record_under(tx: &mut Tx<'_>, event: &Event, principal: &str, epoch: i64) -> Result<bool> {
    sql::insert_under(tx, event, principal, epoch).await
}

/// Writes an event that stands alone: a refusal, a read that must be known.
pub async fn note(call: &Call, event: Event) -> Result<()> {
    call.realm
        .db
        .write_one("audit.note", event, |tx, event| Box::pin(async move { record(tx, event).await }))
        .await
}
