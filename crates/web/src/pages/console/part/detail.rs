//! The page of one thing: its facts, what belongs to it, and what can be done with it.

use askama::Template;

use super::{Cell, Link, Send, Standing, Table};
use crate::pages::{console::Shell, frame::Frame};

/// One part of the page.
#[derive(Template, Debug, Clone)]
#[template(path = "console/part/panel.html")]
pub struct Panel {
    id: &'static str,
    title: String,
    what: String,
    block: String,
    facts: Vec<(String, Cell)>,
    table: Option<Table>,
    links: Vec<Link>,
    sends: Vec<Send>,
    danger: Option<Link>,
}

impl Panel {
    /// A part under a heading.
    pub const fn new(id: &'static str, title: String) -> Self {
        Self {
            id,
            title,
            what: String::new(),
            block: String::new(),
            facts: Vec::new(),
            table: None,
            links: Vec::new(),
            sends: Vec::new(),
            danger: None,
        }
    }

    /// What it is about.
    #[must_use]
    pub fn what(mut self, what: String) -> Self {
        self.what = what;
        self
    }

    /// Text of several lines, as it is.
    #[must_use]
    pub fn block(mut self, text: String) -> Self {
        self.block = text;
        self
    }

    /// What is known.
    #[must_use]
    pub fn facts(mut self, facts: Vec<(String, Cell)>) -> Self {
        self.facts = facts;
        self
    }

    /// What belongs to it; `none` is said where nothing does.
    #[must_use]
    pub fn table(mut self, table: Table, none: String) -> Self {
        if table.is_empty() {
            self.what = none;
        } else {
            self.table = Some(table);
        }
        self
    }

    /// A page where something is done.
    #[must_use]
    pub fn link(mut self, to: String, label: String) -> Self {
        self.links.push(Link { to, label });
        self
    }

    /// The page where the thing ends: apart from everything else, and looking like it.
    #[must_use]
    pub fn danger(mut self, to: String, label: String) -> Self {
        self.danger = Some(Link { to, label });
        self
    }

    /// What is done at once.
    #[must_use]
    pub fn send(mut self, send: Send) -> Self {
        self.sends.push(send);
        self
    }
}

/// The page.
#[derive(Template)]
#[template(path = "console/detail.html")]
pub struct DetailPage<'a> {
    /// What every page has.
    pub frame: &'a Frame,
    /// What is around it.
    pub shell: &'a Shell<'a>,
    /// How the thing stands.
    pub badge: Option<Standing>,
    /// Its parts.
    pub panels: Vec<Panel>,
}
