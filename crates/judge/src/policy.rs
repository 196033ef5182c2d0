//! Rules of an operator's own, beyond lists of names: policies in Cedar, read and checked once, and asked after
//! everything that is cheaper has said yes.
//!
//! Without a policy that permits nobody is let through, and one that forbids wins. Cedar leaves out a policy that
//! cannot be evaluated; here such a request is refused, as what was left out could have forbidden it. Attributes
//! are values, never text of a policy, so nobody's name can become a part of one.

#[cfg(feature = "cedar")]
mod engine;
#[cfg(feature = "cedar")]
mod schema;

#[cfg(feature = "cedar")]
pub(crate) use engine::Policy;

use crate::{Ask, Principal, ask::Asked};

/// The longest text, in bytes.
pub const LONGEST: usize = 32 * 1024;
/// The longest single policy: what is built of it is walked recursively.
pub const LONGEST_OF_ONE: usize = 8 * 1024;
/// Policies of one rule.
pub const MOST: usize = 64;
/// Brackets within brackets.
pub const DEEPEST: usize = 24;

/// What a policy decides about.
#[cfg_attr(not(feature = "cedar"), expect(dead_code, reason = "only policies read it"))]
pub(crate) struct Question<'q> {
    /// The rule's name.
    pub(crate) rule: &'q str,
    /// The request.
    pub(crate) asked: Asked<'q>,
    /// What the rule's pattern has called parts of its path.
    pub(crate) params: Vec<(&'q str, String)>,
    /// Who, if somebody is.
    pub(crate) principal: Option<&'q Principal>,
    /// What else is known.
    pub(crate) ask: &'q Ask<'q, 'q>,
}

/// Names of parts of the path, and whether each of the rule's patterns has one.
pub(crate) type Params = std::collections::BTreeMap<String, bool>;

/// Stands where policies were left out of the program.
#[cfg(not(feature = "cedar"))]
#[derive(Debug)]
pub(crate) enum Policy {}

#[cfg(not(feature = "cedar"))]
impl Policy {
    pub(crate) fn compile(_: &str, _: &[String], _: &Params) -> Result<Self, String> {
        Err("this program was built without policies (feature `cedar`)".to_owned())
    }

    pub(crate) fn permits(&self, _: &Question<'_>) -> Result<bool, String> {
        match *self {}
    }
}

/// Looks at how much there is before anything is built of it.
#[cfg(feature = "cedar")]
fn check_size(text: &str) -> Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!("it has {} bytes, {LONGEST} are the most", text.len()));
    }
    let (mut depth, mut count, mut begin) = (0_usize, 0_usize, 0_usize);
    let mut rest = text.bytes().enumerate().peekable();
    while let Some((place, byte)) = rest.next() {
        match byte {
            b'"' => {
                while let Some((_, inner)) = rest.next() {
                    match inner {
                        b'\\' => drop(rest.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'/' if rest.peek().is_some_and(|(_, next)| *next == b'/') => {
                while rest.next().is_some_and(|(_, inner)| inner != b'\n') {}
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b';' => {
                count += 1;
                begin = place;
            }
            _ => {}
        }
        let wrong = if depth > DEEPEST {
            format!("more than {DEEPEST} brackets within brackets")
        } else if place - begin > LONGEST_OF_ONE {
            format!("a policy has more than {LONGEST_OF_ONE} bytes; write several")
        } else if count > MOST {
            format!("more than {MOST} policies")
        } else {
            continue;
        };
        return Err(format!("{}: {wrong}", position(text, place)));
    }
    Ok(())
}

/// A place in a text, as editors tell it.
#[cfg(feature = "cedar")]
fn position(text: &str, offset: usize) -> String {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}")
}

#[cfg(test)]
mod tests;
