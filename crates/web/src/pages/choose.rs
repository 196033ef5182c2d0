//! Choosing among the accounts of one browser.

use askama::Template;

use super::frame::{Frame, initials};

/// An account that this browser was signed in to.
#[derive(Debug, Clone)]
pub struct Account {
    /// What the form sends.
    pub session: String,
    /// The person's name; may be empty.
    pub name: String,
    /// The primary mail address.
    pub email: String,
    /// Whether its session still lives; else its password is asked for.
    pub is_signed_in: bool,
}

impl Account {
    fn initials(&self) -> String {
        initials(self.title(), 2)
    }
    fn title(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }
}

/// The page: one button for each account.
#[derive(Template)]
#[template(path = "choose.html")]
pub struct Page<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Where the form goes.
    pub action: String,
    /// The accounts, last used first.
    pub accounts: Vec<Account>,
    /// To another account.
    pub other: String,
}
