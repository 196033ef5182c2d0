//! A list that goes on: a module of the page asks for what is newer every few seconds; without it, a link does.

use askama::Template;

use super::{Table, list::Filter};
use crate::pages::{console::Shell, form::Errors, frame::Frame};

/// The words of such a page, by their keys.
#[derive(Debug)]
pub struct Words {
    /// What goes on.
    pub what: &'static str,
    /// The link to what is newer.
    pub newer: &'static str,
    /// What is said while nothing has come.
    pub quiet: &'static str,
    /// The link to what does not go on.
    pub all: &'static str,
}

/// The page.
#[derive(Template)]
#[template(path = "console/follow.html")]
pub struct FollowPage<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    words: &'static Words,
    errors: Errors,
    path: String,
    filters: Vec<Filter>,
    table: Table,
    newer: String,
    list: String,
}

impl<'a> FollowPage<'a> {
    /// The page at `path`; `newer` is where what is newer begins, and `list` the page that does not go on.
    pub fn new(
        shell: &'a Shell<'a>,
        words: &'static Words,
        (path, filters): (String, Vec<Filter>),
        table: Table,
        (newer, list): (String, String),
    ) -> Self {
        Self { frame: shell.frame, shell, words, errors: Errors::none(), path, filters, table, newer, list }
    }

    /// What is wrong with the filters; then nothing is looked for.
    #[must_use]
    pub fn wrong(mut self, errors: Errors) -> Self {
        self.filters = self.filters.into_iter().map(|filter| filter.checked(&errors)).collect();
        self.errors = errors;
        self
    }
}
