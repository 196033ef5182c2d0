//! Where the person is signed in: list, end one, end all others.

use askama::Template;

use super::{House, Room};
use crate::pages::{frame::Frame, when::When};

/// A signed-in session.
#[derive(Debug, Clone)]
pub struct Session {
    /// What forms send.
    pub id: String,
    /// Browser and system, as far as they say.
    pub device: Device,
    /// The address it was last seen from.
    pub address: String,
    /// When it was last used.
    pub seen: When,
    /// When it began.
    pub since: When,
    /// Whether it is the one that shows this page.
    pub is_this: bool,
}

/// A browser and its system, by the names people know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The browser; empty when unknown.
    pub browser: &'static str,
    /// The system; empty when unknown.
    pub system: &'static str,
}

/// The first mark that occurs decides: later ones are also claimed by the browsers above them.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

impl Device {
    /// Reads a `User-Agent`.
    pub fn of(user_agent: &str) -> Self {
        let known = |marks: &[(&str, &'static str)]| {
            marks.iter().find_map(|(mark, name)| user_agent.contains(mark).then_some(*name))
        };
        Self { browser: known(BROWSERS).unwrap_or_default(), system: known(SYSTEMS).unwrap_or_default() }
    }

    fn title(self, frame: &Frame) -> String {
        match (self.browser, self.system) {
            ("", "") => frame.t("sessions-unknown"),
            (name, "") | ("", name) => name.to_owned(),
            (browser, system) => frame.text.with2("sessions-on", ("browser", browser), ("system", system)),
        }
    }
}

/// The page.
#[derive(Template)]
#[template(path = "account/sessions.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    sessions: Vec<Session>,
}

impl<'a> Page<'a> {
    /// The page; this session first, then last used first.
    pub fn new(house: &'a House<'a>, sessions: Vec<Session>) -> Self {
        Self { frame: house.frame, house, sessions }
    }
}

#[cfg(test)]
mod tests;
