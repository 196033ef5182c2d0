//! What a token may be made with. Pure.

use doorward_proto::{
    client_id::check_chosen,
    rate::{Period, Rate},
    scope::ScopeSet,
};

use super::Notes;
use crate::outcome::{Code, Refusal, Result};

/// The shortest life of a token, in seconds.
pub const SHORTEST: u64 = 60;
/// The longest: a hundred years.
const LONGEST: u64 = 36_525 * 24 * 60 * 60;
const LONGEST_OVERLAP: u64 = 30 * 24 * 60 * 60;
/// Words that stand where a name could, in the addresses of the API.
const RESERVED: [&str; 1] = ["revoke-all"];
const MAX_WORKSPACES: usize = 200;
const MAX_TEXT: usize = 500;

fn bad(field: &'static str, hint: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::RequestInvalid).field(field).hint(hint)
}

/// A name of one's choice; not a secret that was put in its place, which would stand in lists and logs.
pub(super) fn name(chosen: &str) -> Result<()> {
    if chosen.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("dw_")) {
        return Err(bad("name", "A name must not begin like a secret").into());
    }
    if RESERVED.contains(&chosen) {
        return Err(bad("name", "This word means something else in addresses").into());
    }
    check_chosen(chosen).map_err(|why| bad("name", format!("A name {why}")).into())
}

pub(super) fn scopes(names: &[String]) -> Result<ScopeSet> {
    let set = ScopeSet::from_names(names.iter().map(String::as_str));
    set.map_err(|_| bad("scopes", "Scopes are words without spaces, 200 at the most").into())
}

/// Workspaces in the form in which they are compared everywhere: trimmed, in small letters, each once.
///
/// # Errors
/// `RequestInvalid`.
pub fn workspaces(given: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::with_capacity(given.len());
    for workspace in given {
        let workspace = workspace.trim().to_ascii_lowercase();
        let fits = |b: u8| b.is_ascii_graphic() && !matches!(b, b',' | b'"' | b'\\');
        if !(1..=128).contains(&workspace.len()) || !workspace.bytes().all(fits) {
            return Err(bad("workspace_ids", "A workspace is a word of 1 to 128 letters").into());
        }
        if !all.contains(&workspace) {
            all.push(workspace);
        }
    }
    if all.len() > MAX_WORKSPACES {
        return Err(bad("workspace_ids", "There are too many workspaces").into());
    }
    Ok(all)
}

/// A rate of a token's own.
///
/// # Errors
/// `RequestInvalid`.
pub fn rate(given: &str) -> Result<Rate> {
    let rate = given.parse::<Rate>().ok().filter(|rate| rate.per != Period::Month);
    rate.ok_or_else(|| {
        bad("rate_limit_override", "A rate is like 600/minute: per second, minute, hour or day").into()
    })
}

pub(super) fn notes(notes: &Notes) -> Result<()> {
    let texts = [("description", &notes.description), ("owner", &notes.owner), ("purpose", &notes.purpose)];
    for (field, text) in texts {
        if let Some(text) = text {
            check_text(field, text)?;
        }
    }
    Ok(())
}

pub(super) fn reason(reason: &str) -> Result<()> {
    check_text("reason", reason)
}

/// A text that people write for people.
pub(crate) fn check_text(field: &'static str, text: &str) -> Result<()> {
    let is_plain = !text.chars().any(|c| c.is_control() && c != '\n');
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT || !is_plain {
        return Err(bad(field, "A text of 1 to 500 letters").into());
    }
    Ok(())
}

/// How long a token lives, in seconds.
pub(super) fn lifetime(seconds: Option<u64>) -> Result<Option<std::time::Duration>> {
    match seconds {
        Some(seconds) if !(SHORTEST..=LONGEST).contains(&seconds) => {
            let hint = "A token lives for 60 seconds at least, and a hundred years at the most";
            Err(Refusal::new(Code::TokenLifetime).field("expires_in_seconds").hint(hint).into())
        }
        seconds => Ok(seconds.map(std::time::Duration::from_secs)),
    }
}

/// How long a token and its successor work side by side, in seconds.
pub(super) fn overlap(seconds: u64) -> Result<std::time::Duration> {
    if seconds > LONGEST_OVERLAP {
        return Err(bad("overlap_seconds", "The overlap is 30 days at most").into());
    }
    Ok(std::time::Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_have_one_form() {
        let given = [" WS-A ".to_owned(), "ws-a".to_owned(), "*".to_owned()];
        assert_eq!(workspaces(&given).unwrap(), ["ws-a", "*"]);
        for wrong in ["", " ", "a b", "a,b", "\u{e4}", "a\n b", &"x".repeat(129)] {
            assert!(workspaces(&[wrong.to_owned()]).is_err(), "{wrong:?}");
        }
    }
}
