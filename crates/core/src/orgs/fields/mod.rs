//! What an organisation asks of its people beyond what everybody says of themselves: a department, a number
//! of staff, a cost centre.
//!
//! The organisation says what it asks; each person answers for themselves, before acting for the organisation
//! where an answer is required. Answers are personal: they are seen by their person, by who sees members, and,
//! where the organisation says so, by applications that people act for it in. They go when the person leaves
//! or when the field does, and stand in no log and no event.

mod answers;
mod define;
mod value;

pub use answers::{Answer, Said, answer, asking, of_member, own};
pub(crate) use answers::{claims, for_claims, is_incomplete};
pub use define::{Change, NewField, create, get, list, remove, update};
pub use value::typed;

use super::sql::fields as sql;
use crate::outcome::{Code, Error, Refusal, Result};

/// How many fields an organisation may have.
pub const MOST: usize = 30;
/// How many of them may stand in tokens.
pub const MOST_IN_CLAIMS: usize = 10;

/// What kind of answer a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of the field's options.
    Choice,
    /// A day.
    Date,
    /// A web address.
    Url,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Text, Self::Number, Self::Boolean, Self::Choice, Self::Date, Self::Url];

    /// `text`, `number`, `boolean`, `choice`, `date` or `url`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Choice => "choice",
            Self::Date => "date",
            Self::Url => "url",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The stored number.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Text => 0,
            Self::Number => 1,
            Self::Boolean => 2,
            Self::Choice => 3,
            Self::Date => 4,
            Self::Url => 5,
        }
    }

    pub(super) fn from_number(number: i64) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.number() == number);
        found.ok_or_else(|| Error::fault(format!("field kind {number}")))
    }
}

/// What an organisation asks of each of its people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in tokens and in the API.
    pub key: String,
    /// What kind of answer it takes.
    pub kind: Kind,
    /// What people are asked.
    pub label: String,
    /// Of a choice, what there is to choose from.
    pub options: Vec<String>,
    /// Whether nobody acts for the organisation without an answer.
    pub is_required: bool,
    /// Whether applications are told the answer.
    pub in_claims: bool,
    /// Where it stands among the others, from 0.
    pub position: usize,
    /// Moves with every change; the entity tag.
    pub version: i64,
}

/// A refusal of a field that there is not.
fn no_field(key: String) -> Refusal {
    Refusal::new(Code::RequestInvalid).field(key).hint("The organisation has no such field")
}
