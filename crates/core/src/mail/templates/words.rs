//! What somebody has written for a mail: text with `{{variables}}` in it, and what it may not hold.

use std::{borrow::Cow, collections::BTreeMap};

use super::leads::{goes_on, is_dot, leads};
use crate::{
    clients::is_unseen,
    outcome::{Code, Refusal, Result},
};

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

/// A text with variables in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words(Vec<Piece>);

/// What stands between the marks of a variable.
pub(crate) fn mark(name: &str) -> String {
    format!("{{{{{name}}}}}")
}

pub(super) fn wrong(member: &'static str, hint: impl Into<Cow<'static, str>>) -> crate::outcome::Error {
    Refusal::new(Code::RequestInvalid).field(member).hint(hint).into()
}

impl Words {
    /// Reads a text.
    ///
    /// # Errors
    /// `RequestInvalid` for a variable that does not end, or whose name is none.
    pub(crate) fn read(member: &'static str, text: &str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                return Err(wrong(member, "A variable begins with {{ and ends with }}"));
            };
            let name = name.trim();
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if !is_name {
                return Err(wrong(member, format!("There is no variable {}", mark(name))));
            }
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Variable(name.to_owned()));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// A text in which nothing stands for anything else.
    pub(crate) fn plain(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    /// The names of its variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// What is written in it, without its variables.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Variable(_) => None,
        })
    }

    /// Whether it is one variable, and nothing else.
    pub(crate) fn is_only(&self, wanted: &str) -> bool {
        let mut variables = self.variables();
        variables.next() == Some(wanted)
            && variables.next().is_none()
            && self.literals().all(|text| text.trim().is_empty())
    }

    /// Texts that stand beside each other, as one.
    pub(crate) fn joined<'w>(all: impl Iterator<Item = &'w Self>) -> Self {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in all.flat_map(|words| &words.0) {
            match (joined.last_mut(), piece) {
                (_, Piece::Text(text)) if text.is_empty() => {}
                (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(text),
                _ => joined.push(piece.clone()),
            }
        }
        Self(joined)
    }

    /// Its blocks, which empty lines part.
    pub(crate) fn blocks(&self) -> Vec<Self> {
        let mut blocks = vec![Self(Vec::new())];
        for piece in &self.0 {
            let Piece::Text(text) = piece else {
                blocks.last_mut().into_iter().for_each(|block| block.0.push(piece.clone()));
                continue;
            };
            for (place, part) in text.split("\n\n").enumerate() {
                if place > 0 {
                    blocks.push(Self(Vec::new()));
                }
                blocks.last_mut().into_iter().for_each(|block| block.0.push(Piece::Text(part.to_owned())));
            }
        }
        blocks
    }

    /// Whether it is written as a heading.
    pub(crate) fn is_heading(&self) -> bool {
        matches!(self.0.first(), Some(Piece::Text(text)) if text.trim_start().starts_with("# "))
    }

    /// The text with values in place of its variables; `None` where one has no value.
    pub(crate) fn filled(&self, values: &BTreeMap<String, String>) -> Option<String> {
        let mut filled = String::new();
        for piece in &self.0 {
            filled.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Variable(name) => values.get(name)?,
            });
        }
        Some(filled)
    }
}

/// Refuses what a text may not hold: characters that cannot be seen or that turn others round.
pub(super) fn check_letters(member: &'static str, text: &str, most: usize) -> Result<()> {
    if text.trim().is_empty() || text.chars().count() > most {
        return Err(wrong(member, format!("It has 1 to {most} characters")));
    }
    let is_unseen = |c: char| (is_unseen(c) && c != '\n') || matches!(c, '\u{200c}' | '\u{200d}');
    if text.contains(is_unseen) {
        return Err(wrong(member, "It has characters that cannot be seen"));
    }
    Ok(())
}

/// Refuses what mail programs make a link of by themselves: an organisation's mails lead where the server's do,
/// and nowhere else.
pub(super) fn check_addresses(member: &'static str, words: &Words) -> Result<()> {
    const HINT: &str = "An organisation's mails hold no addresses but that of their link: no //, no @, and a space \
                        after every full stop and between variables";
    let words = Words::joined(std::iter::once(words));
    if words.literals().any(leads) {
        return Err(wrong(member, HINT));
    }
    // What a variable stands for ends where the text around it begins: {{org}}.example would be an address.
    let glued = |pair: &[Piece]| match pair {
        [Piece::Variable(_), Piece::Text(text)] => {
            text.starts_with('/') || (text.starts_with(is_dot) && text.chars().nth(1).is_some_and(goes_on))
        }
        [Piece::Text(text), Piece::Variable(_)] => text.ends_with('/') || text.ends_with(is_dot),
        [Piece::Variable(_), Piece::Variable(_)] => true,
        _ => false,
    };
    if words.0.windows(2).any(glued) { Err(wrong(member, HINT)) } else { Ok(()) }
}
