//! What somebody has written for a mail: text with `{{variables}}` in it, and what it may not hold.

use std::{borrow::Cow, collections::BTreeMap};

use crate::outcome::{Code, Refusal, Result};

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
    let is_unseen = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if text.contains(is_unseen) {
        return Err(wrong(member, "It has characters that cannot be seen"));
    }
    Ok(())
}

/// Refuses what mail programs make a link of by themselves: an organisation's mails lead where the server's do,
/// and nowhere else.
pub(super) fn check_addresses(member: &'static str, words: &Words) -> Result<()> {
    const HINT: &str = "An organisation's mails hold no addresses but that of their link: no ://, no @, and a space \
                        after every full stop";
    let is_dot = |c: char| matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{2024}');
    for text in words.literals() {
        let joined = |pair: &[char]| matches!(pair, [dot, next] if is_dot(*dot) && next.is_alphanumeric());
        let letters: Vec<char> = text.chars().collect();
        if text.contains("//") || text.contains(['@', '\u{ff20}']) || letters.windows(2).any(joined) {
            return Err(wrong(member, HINT));
        }
    }
    // What a variable stands for ends where the text around it begins: {{org}}.example would be an address.
    let glued = |pair: &[Piece]| match pair {
        [Piece::Variable(_), Piece::Text(text)] => {
            text.starts_with(is_dot) && text.chars().nth(1).is_some_and(char::is_alphanumeric)
        }
        [Piece::Text(text), Piece::Variable(_)] => text.ends_with(is_dot),
        _ => false,
    };
    if words.0.windows(2).any(glued) { Err(wrong(member, HINT)) } else { Ok(()) }
}
