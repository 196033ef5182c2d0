//! What somebody has written for a kind of mail, and what of it may be sent.

use super::{
    Place, Template,
    html::Html,
    words::{Words, check_addresses, check_letters, mark, wrong},
};
use crate::outcome::Result;

const LONGEST_SUBJECT: usize = 150;
const LONGEST_TEXT: usize = 8000;
const LONGEST_HTML: usize = 16_000;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edited {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The HTML, where it is more than the text.
    pub html: Option<String>,
    /// Moves with every change; 0 where nothing was written.
    pub version: i64,
}

/// The same, read.
#[derive(Debug)]
pub(in crate::mail) struct Written {
    pub(in crate::mail) subject: Words,
    pub(in crate::mail) text: Words,
    pub(in crate::mail) html: Option<Html>,
}

impl Edited {
    pub(super) fn read(&self) -> Result<Written> {
        Ok(Written {
            subject: Words::read("subject", &self.subject)?,
            text: Words::read("text", &self.text)?,
            html: self.html.as_deref().map(Html::read).transpose()?,
        })
    }

    /// Reads it, and refuses what may not be sent from this place.
    pub(super) fn check(&self, place: &Place, template: Template) -> Result<Written> {
        check_letters("subject", &self.subject, LONGEST_SUBJECT)?;
        if self.subject.contains('\n') {
            return Err(wrong("subject", "A subject is one line"));
        }
        check_letters("text", &self.text, LONGEST_TEXT)?;
        self.html.as_deref().map_or(Ok(()), |html| check_letters("html", html, LONGEST_HTML))?;
        let written = self.read()?;
        let all = template.variables();
        let known = |member, words: &Words| {
            let unknown = words.variables().find(|name| all.iter().all(|one| one.name != *name));
            let names = || all.iter().map(|one| mark(one.name)).collect::<Vec<_>>().join(" ");
            unknown.map_or(Ok(()), |name| {
                Err(wrong(member, format!("There is no variable {}. There are {}", mark(name), names())))
            })
        };
        known("subject", &written.subject)?;
        known("text", &written.text)?;
        if written.subject.variables().any(|name| name == "link") {
            return Err(wrong("subject", "A link stands in the text, not in the subject"));
        }
        let must = |member, has: &dyn Fn(&str) -> bool| {
            let missing = all.iter().find(|one| one.is_required && !has(one.name));
            missing.map_or(Ok(()), |one| {
                Err(wrong(member, format!("It is of no use without {}", mark(one.name))))
            })
        };
        must("text", &|name| written.text.variables().any(|one| one == name))?;
        if let Some(html) = &written.html {
            html.texts().try_for_each(|words| known("html", words))?;
            let leads = || html.links().any(|link| link.is_only("link"));
            let says = |name: &str| html.texts().flat_map(Words::variables).any(|one| one == name);
            must("html", &|name| if name == "link" { leads() } else { says(name) })?;
        }
        if place.name.is_some() {
            check_addresses("subject", &written.subject)?;
            check_addresses("text", &written.text)?;
            if let Some(html) = &written.html {
                html.lines().iter().try_for_each(|words| check_addresses("html", words))?;
                if html.links().any(|link| !link.is_only("link")) {
                    return Err(wrong("html", format!("An organisation's links lead to {}", mark("link"))));
                }
            }
        }
        Ok(written)
    }
}

/// Refuses what may not be said to many; an organisation's words lead nowhere.
///
/// # Errors
/// `RequestInvalid`.
pub(crate) fn check_message(subject: &str, text: &str, is_team: bool) -> Result<()> {
    check_letters("subject", subject, LONGEST_SUBJECT)?;
    if subject.contains('\n') {
        return Err(wrong("subject", "A subject is one line"));
    }
    check_letters("text", text, LONGEST_TEXT)?;
    if is_team {
        check_addresses("subject", &Words::plain(subject))?;
        check_addresses("text", &Words::plain(text))?;
    }
    Ok(())
}
