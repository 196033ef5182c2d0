//! A new secret, shown to the browser that asked for it, with what is pasted next.

use askama::Template;
use axum::response::Response;
use doorward_core::outcome::{Code, Result as Outcome, refuse};
use doorward_proto::secret::SecretText;

use super::once::{self, Known, Told};
use crate::pages::{
    console::{Operator, Shell},
    frame::Frame,
    visit::Visit,
};

/// What is pasted somewhere.
#[derive(Template, Clone)]
#[template(path = "console/part/snippet.html")]
pub struct Snippet {
    id: &'static str,
    title: String,
    what: String,
    text: SecretText,
    copy: String,
    copied: String,
}

impl Snippet {
    /// A text that may hold a secret. `id` is its id on the page; the keys are of where it is pasted, and of what it
    /// does there.
    pub fn new(frame: &Frame, id: &'static str, (title, what): (&str, &str), text: &str) -> Self {
        Self {
            id,
            title: frame.t(title),
            what: frame.t(what),
            text: SecretText::from(text),
            copy: frame.t("copy"),
            copied: frame.t("copied"),
        }
    }

    fn text(&self) -> &str {
        self.text.expose()
    }
}

/// The page.
#[derive(Template)]
#[template(path = "console/secret.html")]
pub struct SecretPage<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    what: String,
    secret: Option<SecretText>,
    snippets: Vec<Snippet>,
    onward: String,
}

impl<'a> SecretPage<'a> {
    /// The page of a thing whose own page is `onward`; `what` says what has been done.
    pub fn new(
        shell: &'a Shell<'a>,
        what: String,
        told: Told,
        snippets: Vec<Snippet>,
        onward: String,
    ) -> Self {
        Self { frame: shell.frame, shell, what, secret: told.secret, snippets, onward }
    }

    fn secret(&self) -> Option<&str> {
        self.secret.as_ref().map(SecretText::expose)
    }
}

/// The page while the first of two clicks is under way.
#[derive(Template)]
#[template(path = "console/wait.html")]
struct Wait<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    again: String,
}

/// What came of the form whose word the address holds.
///
/// # Errors
/// `NotFound` where this browser is told nothing.
pub async fn told(visit: &Visit) -> Outcome<Option<Told>> {
    match once::recall(visit).await? {
        None | Some(Known::Nothing) => refuse(Code::NotFound),
        Some(Known::UnderWay) => Ok(None),
        Some(Known::Told(told)) => Ok(Some(told)),
    }
}

/// The page at `path` while the first of two clicks is under way: it looks again by itself.
pub fn wait(operator: &Operator, shell: &mut Shell<'_>, path: &str) -> Response {
    let again = format!("{path}?{}", operator.visit.query());
    shell.title = shell.frame.t("tokens-wait");
    once::looks_again(operator.show(&Wait { frame: shell.frame, shell, again }))
}
