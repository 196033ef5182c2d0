//! The HTML that somebody may write for a mail: a few elements, no attributes but where a link leads, and text.
//! Anything else is refused rather than repaired, and what is sent is written anew from what was read: no
//! style, no script and nothing that is loaded can be in it.

use std::{collections::BTreeMap, fmt::Write as _};

use super::words::{Words, mark, wrong};
use crate::{
    mail::render::{BUTTON, HEADING, TEXT, escape},
    outcome::Result,
};

const MEMBER: &str = "html";
/// Elements that hold others or text.
const WHOLE: [&str; 9] = ["p", "h1", "h2", "ul", "ol", "li", "strong", "em", "a"];
/// Those of them that stand within a line.
const INLINE: [&str; 3] = ["strong", "em", "a"];
/// Elements that hold nothing.
const EMPTY: [&str; 2] = ["br", "hr"];

#[derive(Debug, Clone)]
enum Token {
    Open(&'static str, Option<Words>),
    Close(&'static str),
    Empty(&'static str),
    Text(Words),
}

/// HTML that was read.
#[derive(Debug, Clone)]
pub(crate) struct Html(Vec<Token>);

impl Html {
    /// Reads it.
    ///
    /// # Errors
    /// `RequestInvalid` for every element, attribute and character reference that is not on the list, and for
    /// elements that do not end in the order in which they begin.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut tokens = Vec::new();
        let mut open: Vec<&'static str> = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            tokens.push(Token::Text(words(before)?));
            let Some((tag, after)) = after.split_once('>') else {
                return Err(wrong(MEMBER, "A tag does not end; write &lt; for the sign"));
            };
            rest = after;
            if let Some(name) = tag.strip_prefix('/') {
                let closed = open.pop().filter(|last| *last == name.trim());
                let closed = closed.ok_or_else(|| wrong(MEMBER, format!("</{name}> ends nothing")))?;
                tokens.push(Token::Close(closed));
                continue;
            }
            let tag = tag.trim_end().trim_end_matches('/').trim_end();
            let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
            if let Some(empty) = EMPTY.iter().find(|known| **known == name && attributes.is_empty()) {
                tokens.push(Token::Empty(empty));
                continue;
            }
            let Some(known) = WHOLE.iter().find(|known| **known == name) else {
                let all = [WHOLE.as_slice(), &EMPTY].concat().join(", ");
                return Err(wrong(MEMBER, format!("<{name}> cannot be used. These can: {all}")));
            };
            tokens.push(Token::Open(known, href(known, attributes.trim())?));
            open.push(known);
        }
        tokens.push(Token::Text(words(rest)?));
        match open.last() {
            None => Ok(Self(tokens)),
            Some(name) => Err(wrong(MEMBER, format!("<{name}> does not end"))),
        }
    }

    /// Every text in it.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Words> {
        self.0.iter().filter_map(|token| match token {
            Token::Text(words) => Some(words),
            _ => None,
        })
    }

    /// What is read in it, line by line: emphasis parts no words, a block does.
    pub(crate) fn lines(&self) -> Vec<Words> {
        let parts = |token: &Token| match token {
            Token::Open(name, _) | Token::Close(name) => !INLINE.contains(name),
            Token::Empty(_) => true,
            Token::Text(_) => false,
        };
        let texts = |tokens: &[Token]| {
            Words::joined(tokens.iter().filter_map(|token| match token {
                Token::Text(words) => Some(words),
                _ => None,
            }))
        };
        self.0.split(parts).map(texts).collect()
    }

    /// Where its links lead.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Words> {
        self.0.iter().filter_map(|token| match token {
            Token::Open(_, link) => link.as_ref(),
            _ => None,
        })
    }

    /// Written, with values in place of variables; `None` where one has no value.
    pub(crate) fn filled(&self, values: &BTreeMap<String, String>, button: &str) -> Option<String> {
        let mut html = String::new();
        for token in &self.0 {
            // Writing to a text cannot fail.
            let _ = match token {
                Token::Text(words) => write!(html, "{}", escape(&words.filled(values)?)),
                Token::Empty(name) => write!(html, "<{name}>"),
                Token::Close(name) => write!(html, "</{name}>"),
                Token::Open(name, None) => match *name {
                    "h1" | "h2" => write!(html, "<{name} style=\"{HEADING}\">"),
                    "p" | "ul" | "ol" => write!(html, "<{name} style=\"{TEXT}\">"),
                    _ => write!(html, "<{name}>"),
                },
                Token::Open(name, Some(link)) => {
                    let style =
                        if link.is_only("link") { format!("{BUTTON};{button}") } else { String::new() };
                    let link = escape(&link.filled(values)?);
                    write!(html, "<{name} style=\"{style}\" href=\"{link}\">")
                }
            };
        }
        Some(html)
    }
}

/// Where a link leads: `{{link}}`, or to a page over https.
fn href(name: &str, attributes: &str) -> Result<Option<Words>> {
    let hint = || wrong(MEMBER, format!("A link is written <a href=\"{}\">", mark("link")));
    match (name, attributes) {
        ("a", attributes) => {
            let value = attributes.strip_prefix("href=\"").and_then(|rest| rest.strip_suffix('"'));
            let value = value
                .filter(|value| !value.contains(['"', '<', '\'']) && !value.contains(char::is_whitespace));
            let link = words(value.ok_or_else(hint)?)?;
            let is_page = || {
                link.variables().next().is_none() && link.literals().all(|text| text.starts_with("https://"))
            };
            if link.is_only("link") || is_page() { Ok(Some(link)) } else { Err(hint()) }
        }
        (_, "") => Ok(None),
        (name, _) => Err(wrong(MEMBER, format!("<{name}> has no attributes"))),
    }
}

/// A text, of which the few references that are needed are known.
fn words(text: &str) -> Result<Words> {
    const KNOWN: [(&str, &str); 6] =
        [("lt;", "<"), ("gt;", ">"), ("quot;", "\""), ("#39;", "'"), ("nbsp;", "\u{a0}"), ("amp;", "&")];
    let mut plain = String::new();
    let mut parts = text.split('&');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let Some((name, sign)) = KNOWN.iter().find(|(name, _)| part.starts_with(name)) else {
            return Err(wrong(MEMBER, "Write &amp; for the sign &"));
        };
        plain.push_str(sign);
        plain.push_str(part.get(name.len()..).unwrap_or_default());
    }
    Words::read(MEMBER, &plain)
}
