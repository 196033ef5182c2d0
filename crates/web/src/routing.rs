//! What the API needs of the gateway: what a route means, and whether it makes sense, is known there.

use std::{fmt, net::IpAddr, time::Duration};

use doorward_core::{
    call::Call,
    outcome::{Refusal, Result},
};
use doorward_proto::{secret::SecretText, time::Time};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};

/// A route as it is written.
pub type Spec = Map<String, Json>;

/// The gateway of this server, as whoever manages its routes sees it.
pub trait Routing: fmt::Debug + Send + Sync {
    /// The routes of the configuration, which nobody changes here.
    fn fixed(&self) -> Vec<Spec>;

    /// The names of the routes as they are held against a request: of two that match it the first counts, and the last is
    /// for what no other is for.
    fn order(&self) -> Vec<String>;

    /// What is asked of a request that no route is for, as long as no route is called `default`.
    fn otherwise(&self) -> Spec;

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

    /// What this process has decided after the decision of this number, or from the first that is remembered. Decisions
    /// are remembered only while somebody looks.
    fn watch(&self, after: Option<u64>, now: Time) -> Watched;

    /// Whether a request would be let through.
    ///
    /// # Errors
    /// What no request can be.
    fn decide<'a>(&'a self, call: &'a Call, question: &'a Question) -> BoxFuture<'a, Result<Decision>>;
}

/// Who is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectType {
    /// A person, by id or mail address.
    User,
    /// An application, by its `client_id`.
    Client,
    /// A service token, by its id.
    Service,
}

/// What a credential would say of its holder.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// Its kind, as in a route's `accept`.
    pub credential: Option<String>,
    /// What it allows.
    pub scopes: Option<Vec<String>>,
    /// The workspaces it opens.
    pub workspaces: Option<Vec<String>>,
    /// For whom it was issued.
    pub audience: Option<Vec<String>>,
    /// The application that it came through.
    pub client: Option<String>,
}

/// Who would send a request.
#[derive(Debug, Clone)]
pub enum Sender {
    /// Nobody: no credential is presented.
    Nobody,
    /// Somebody who is known here.
    Somebody {
        /// What they are.
        kind: SubjectType,
        /// Who.
        id: String,
        /// What their credential would say.
        claimed: Claimed,
    },
    /// Whoever holds this credential, as it would stand in `Authorization`; without a scheme, as a bearer token.
    Token(SecretText),
}

/// What a request would be for.
#[derive(Debug, Clone)]
pub enum Target {
    /// `https://app.example.com/reports/1`, under whatever route is for it.
    Address(String),
    /// Under this route.
    Route {
        /// Its name.
        name: String,
        /// The host, where it is known.
        host: Option<String>,
        /// The path, where it is known.
        path: Option<String>,
    },
}

/// A request that nobody has sent.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who would send it.
    pub sender: Sender,
    /// The method.
    pub method: String,
    /// What for.
    pub target: Target,
    /// Where it would come from.
    pub address: Option<IpAddr>,
    /// When; now unless it is said.
    pub time: Option<Time>,
}

/// Whether a request would be let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The name of the rule that says so; empty where none could be found.
    pub route: String,
    /// Whose credential it is, where that is known.
    pub who: Option<String>,
    /// Why it would be refused, if it would.
    pub refusal: Option<Denial>,
}

/// Why a request would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Its code.
    pub code: &'static str,
    /// The sentence of the code.
    pub reason: &'static str,
    /// The sentence with what is missing, for who may know what a route demands.
    pub whole: String,
}

/// A request that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its number in this process.
    pub number: u64,
    /// When.
    pub at: Time,
    /// The route whose rule decided; none where no rule was found.
    pub route: Option<String>,
    /// Whose credential it was.
    pub who: Option<String>,
    /// Of what kind it was.
    pub credential: Option<&'static str>,
    /// Whether it was let through, whatever became of it behind.
    pub is_let_in: bool,
    /// The code of what was said to whoever sent it, where that was not what was asked for.
    pub code: Option<&'static str>,
    /// What it was answered; none where who asked has gone before.
    pub status: Option<u16>,
    /// How long that took.
    pub took: Duration,
}

/// Decisions, and up to where they go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// The newest last.
    pub seen: Vec<Seen>,
    /// The number of the newest that there is.
    pub newest: u64,
}
