//! Custom claims: CEL expressions by which an organisation, one of its applications or one of its APIs says more
//! in tokens than every token does.
//!
//! A mapping adds and never replaces: what a specification defines, and what this server or the gateway goes by,
//! cannot be written, neither when a mapping is saved nor when a token is made. An organisation's mappings are in
//! tokens of that organisation for its own applications and APIs; those of an application or API in what is made
//! for it. What an expression sees of a person is what the person's scopes let the
//! application see, and an API of somebody else's, what its own token lets it see.
//!
//! An expression costs little, which is known before it runs (see [`bounds`]); one that fails leaves its claim
//! out, and is in the audit trail once.

mod bounds;
mod context;
mod engine;
mod issue;
mod manage;
mod sample;
mod sql;
#[cfg(test)]
mod tests;

use doorward_proto::{
    access_token::is_free_claim_name,
    id::{self, Id},
    time::Time,
};

pub(crate) use engine::Engine;
pub(crate) use issue::{Unsaid, of_client, of_person, of_userinfo};
pub use manage::{Change, ListAsk, NewMapping, READ, WRITE, Whose, create, get, list, remove, update};
pub use sample::{Sample, SampleAsk, sample};

use crate::{
    db::Tx,
    outcome::{Error, Result},
};

/// How many mappings an application, an API, or an organisation itself has at most.
pub const MOST: usize = 100;

/// How much mappings add to one token at most, in bytes of JSON.
pub const MOST_BYTES: usize = 8 * 1024;

/// What the mappings of one token may cost together.
const BUDGET: u64 = 3_000_000;

/// Why a claim is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The expression does not fit what it was given.
    Evaluation,
    /// The claim, or all of them together, would be too long.
    TooLarge,
    /// The mappings of the token cost too much together.
    TooCostly,
}

impl Reason {
    /// `evaluation`, `too_large` or `too_costly`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evaluation => "evaluation",
            Self::TooLarge => "too_large",
            Self::TooCostly => "too_costly",
        }
    }
}

/// Names that the platform's own clients read from other issuers: the operator may map them.
const OPERATORS: [&str; 2] = ["doorward", "orcheo"];

/// Where a claim is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Access tokens and their introspection.
    AccessToken,
    /// ID tokens.
    IdToken,
    /// The answer of userinfo.
    Userinfo,
}

impl Target {
    /// Every place.
    pub const ALL: [Self; 3] = [Self::AccessToken, Self::IdToken, Self::Userinfo];

    /// `access_token`, `id_token` or `userinfo`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::IdToken => "id_token",
            Self::Userinfo => "userinfo",
        }
    }

    /// The place of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }
}

/// What a mapping is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The organisation itself.
    Org,
    /// One of its applications.
    Client(Id<id::Client>),
    /// One of its APIs.
    Api(Id<id::Api>),
}

impl Owner {
    /// As it is stored: nothing, or the id.
    fn text(self) -> String {
        match self {
            Self::Org => String::new(),
            Self::Client(id) => id.to_string(),
            Self::Api(id) => id.to_string(),
        }
    }

    fn stored(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::Org);
        }
        let client = text.parse().map(Self::Client);
        let found = client.or_else(|_| text.parse().map(Self::Api));
        found.map_err(|_| Error::fault(format!("a claim of {text}")))
    }
}

/// A claim, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Our own key for it.
    pub id: Id<id::ClaimMapping>,
    /// Whose.
    pub org: Id<id::Org>,
    /// What of it says it.
    pub owner: Owner,
    /// The claim's name.
    pub name: String,
    /// The CEL expression.
    pub expression: String,
    /// Where it is told.
    pub into: Vec<Target>,
    /// Moves with every change; the entity tag.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// Whether a mapping may have this name; some are for who administers the instance.
fn may_be_called(name: &str, is_platform: bool) -> bool {
    let is_word = name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    let is_operators = OPERATORS.iter().any(|one| name.eq_ignore_ascii_case(one));
    is_word && is_free_claim_name(name) && (is_platform || !is_operators)
}

/// Forgets the mappings of what has ended.
pub(crate) async fn remove_of(tx: &mut Tx<'_>, org: Id<id::Org>, owner: Owner) -> Result<()> {
    sql::remove_of(tx, org, &owner.text()).await
}

/// Forgets every mapping of an organisation that has ended.
pub(crate) async fn remove_all_of(tx: &mut Tx<'_>, org: Id<id::Org>) -> Result<()> {
    sql::remove_all_of(tx, org).await
}
