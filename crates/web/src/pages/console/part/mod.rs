//! What pages of the console are put together from: lists, facts, forms, tables for spreadsheets. An area
//! says what is in them; how they look is said here once.

use askama::Template;

use crate::pages::{frame::Frame, when::When};

pub mod chart;
pub mod detail;
pub mod follow;
pub mod form;
pub mod guard;
pub mod list;
pub mod once;
pub mod secret;
pub mod sheet;

/// How something stands, in one word.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The word.
    pub word: String,
    /// The class of its colour, with a space before it.
    pub colour: &'static str,
}

impl Standing {
    /// As it should be.
    pub const fn good(word: String) -> Self {
        Self { word, colour: " good" }
    }

    /// Stopped, or wrong.
    pub const fn bad(word: String) -> Self {
        Self { word, colour: " bad" }
    }

    /// Neither.
    pub const fn plain(word: String) -> Self {
        Self { word, colour: "" }
    }
}

/// A way to another page.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its address.
    pub to: String,
    /// What it says.
    pub label: String,
}

impl Link {
    /// A link.
    pub fn new(to: impl Into<String>, label: impl Into<String>) -> Self {
        Self { to: to.into(), label: label.into() }
    }
}

/// A form of one button.
#[derive(Template, Debug, Clone)]
#[template(path = "console/part/send.html")]
pub struct Send {
    action: String,
    form_token: String,
    label: String,
    about: Option<String>,
    hidden: Vec<(&'static str, String)>,
}

impl Send {
    /// A button that posts to `action`.
    pub fn new(frame: &Frame, action: String, label: String) -> Self {
        Self { action, form_token: frame.form_token.clone(), label, about: None, hidden: Vec::new() }
    }

    /// A small one in a row; `about` says which row it is for.
    #[must_use]
    pub fn about(mut self, about: String) -> Self {
        self.about = Some(about);
        self
    }

    /// What it says besides.
    #[must_use]
    pub fn along(mut self, name: &'static str, value: String) -> Self {
        self.hidden.push((name, value));
        self
    }
}

/// One value, in a table or among facts.
#[derive(Template, Debug, Clone)]
#[template(path = "console/part/cell.html")]
pub enum Cell {
    /// Words.
    Text(String),
    /// Words that say that there is nothing.
    Soft(String),
    /// What programs read.
    Code(String),
    /// The same, with a button that copies it.
    Id {
        /// What is copied.
        id: String,
        /// The button's word.
        copy: String,
        /// The word after it was used.
        copied: String,
    },
    /// How something stands.
    Badge(Standing),
    /// An instant.
    When(When),
    /// Another page.
    Link(Link),
    /// A picture of ours, of which the words beside it say what it is.
    Picture(String),
    /// Several words.
    Words(Vec<String>),
    /// Something that can be done.
    Send(Send),
}

impl Cell {
    /// A text, or a word for none.
    pub fn text(text: Option<&str>, none: String) -> Self {
        match text.filter(|text| !text.is_empty()) {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Soft(none),
        }
    }

    /// An identifier, with a button that copies it.
    pub fn id(frame: &Frame, id: impl ToString) -> Self {
        Self::Id { id: id.to_string(), copy: frame.t("copy"), copied: frame.t("copied") }
    }

    /// Words, or a word for none.
    pub fn words(words: Vec<String>, none: String) -> Self {
        if words.is_empty() { Self::Soft(none) } else { Self::Words(words) }
    }

    /// An instant, or a word for none.
    pub fn when(when: Option<When>, none: String) -> Self {
        when.map_or(Self::Soft(none), Self::When)
    }
}

/// A row of a table.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its page.
    pub page: Option<String>,
    /// What it is called.
    pub name: String,
    /// What else is said of it, below.
    pub detail: String,
    /// Its other columns.
    pub cells: Vec<Cell>,
}

/// A table, which is a list where there is no room for it.
#[derive(Template, Debug, Clone)]
#[template(path = "console/part/table.html")]
pub struct Table {
    caption: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

impl Table {
    /// Of these columns, the first of which holds the names.
    pub fn new(frame: &Frame, caption: &str, columns: &[&str], rows: Vec<Row>) -> Self {
        let columns = columns.iter().map(|key| frame.t(key)).collect();
        Self { caption: frame.t(caption), columns, rows }
    }

    /// Whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn label(&self, place: usize) -> &str {
        self.columns.get(place).map_or("", String::as_str)
    }
}
