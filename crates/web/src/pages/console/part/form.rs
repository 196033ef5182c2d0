//! Forms of the console, also those that ask for a name to be typed before something ends.

use askama::Template;
use doorward_core::outcome::{Code, Refusal};

use super::{Link, detail::Panel};
use crate::pages::{
    console::Shell,
    form::{Errors, Field, Tick},
    frame::Frame,
};

/// The version that a form which was refused sends the next time: the one that was seen, and the present one only
/// from who was told just now that it is another.
pub fn version_after(refusal: &Refusal, seen: String, present: i64) -> String {
    if refusal.code == Code::VersionMismatch { present.to_string() } else { seen }
}

/// One of several.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Also its name in the form.
    pub id: &'static str,
    /// Its label.
    pub label: String,
    /// A line of help; may be empty.
    pub hint: String,
    /// Which one is chosen.
    pub value: String,
    /// All of them, with their words.
    pub options: Vec<(String, String)>,
    /// What is wrong with the choice.
    pub error: Option<String>,
}

impl Choice {
    /// What a screen reader says after the label.
    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// What is typed, ticked or chosen.
#[derive(Template, Clone)]
#[template(path = "console/part/control.html")]
pub enum Control {
    /// A text.
    Field(Field),
    /// A box.
    Tick(Tick),
    /// One of several.
    Choice(Choice),
    /// Boxes that belong together.
    Ticks(Ticks),
    /// What the controls below it are about.
    Heading(String),
}

/// Boxes that belong together, under a legend.
#[derive(Debug, Clone)]
pub struct Ticks {
    /// What errors name.
    pub id: &'static str,
    /// What they are about.
    pub legend: String,
    /// A line of help.
    pub hint: String,
    /// The boxes.
    pub ticks: Vec<Tick>,
    /// What is wrong with them.
    pub error: Option<String>,
}

/// The page of a form.
#[derive(Template)]
#[template(path = "console/form.html")]
pub struct FormPage<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    above: Option<Panel>,
    what: Vec<String>,
    action: String,
    back: String,
    hidden: Vec<(&'static str, String)>,
    asks_password: bool,
    controls: Vec<Control>,
    button: String,
    is_danger: bool,
    aside: Option<Link>,
    looks: Option<Link>,
    below: Vec<Panel>,
    errors: Errors,
}

impl<'a> FormPage<'a> {
    /// The form at `action`; who does not want to send it goes `back`.
    pub fn new(shell: &'a Shell<'a>, action: String, back: String, errors: Errors) -> Self {
        Self {
            frame: shell.frame,
            shell,
            above: None,
            what: Vec::new(),
            action,
            back,
            hidden: Vec::new(),
            asks_password: false,
            controls: Vec::new(),
            button: String::new(),
            is_danger: false,
            aside: None,
            looks: None,
            below: Vec::new(),
            errors,
        }
    }

    /// What was answered to what was sent.
    #[must_use]
    pub fn above(mut self, panel: Panel) -> Self {
        self.above = Some(panel);
        self
    }

    /// What sending it means.
    #[must_use]
    pub fn what(mut self, what: String) -> Self {
        self.what.push(what);
        self
    }

    /// What goes along with it.
    #[must_use]
    pub fn hidden(mut self, name: &'static str, value: String) -> Self {
        self.hidden.push((name, value));
        self
    }

    /// A text.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.controls.push(Control::Field(field.checked(&self.errors)));
        self
    }

    /// What the controls that follow are about.
    #[must_use]
    pub fn heading(mut self, words: String) -> Self {
        self.controls.push(Control::Heading(words));
        self
    }

    /// A box.
    #[must_use]
    pub fn tick(mut self, id: &'static str, label: String, is_ticked: bool) -> Self {
        self.controls.push(Control::Tick(Tick { id, label, is_ticked }));
        self
    }

    /// Boxes that belong together.
    #[must_use]
    pub fn ticks(mut self, ticks: Ticks) -> Self {
        let error = self.errors.about(ticks.id).map(str::to_owned);
        self.controls.push(Control::Ticks(Ticks { error, ..ticks }));
        self
    }

    /// One of several.
    #[must_use]
    pub fn choice(mut self, choice: Choice) -> Self {
        let error = self.errors.about(choice.id).map(str::to_owned);
        let choice = Choice { error, ..choice };
        self.controls.push(Control::Choice(choice));
        self
    }

    /// The present password, once more: what is handed out outlives the session.
    #[must_use]
    pub fn password(mut self) -> Self {
        let label = self.frame.t("security-current");
        let field = Field::password(self.frame, "current_password", "current-password", label);
        let field = field.hint(self.frame.t("tokens-password-what"));
        self.asks_password = true;
        self.field(field)
    }

    /// Its button.
    #[must_use]
    pub fn button(mut self, label: String) -> Self {
        self.button = label;
        self
    }

    /// Its button, where it cannot be undone.
    #[must_use]
    pub fn danger(mut self, label: String) -> Self {
        self.is_danger = true;
        self.button(label)
    }

    /// Another page, for something else.
    #[must_use]
    pub fn aside(mut self, to: String, label: String) -> Self {
        self.aside = Some(Link { to, label });
        self
    }

    /// A button that sends the same elsewhere, and shows the answer in a window of its own.
    #[must_use]
    pub fn looks(mut self, to: String, label: String) -> Self {
        self.looks = Some(Link { to, label });
        self
    }

    /// What came of it, below.
    #[must_use]
    pub fn below(mut self, panel: Panel) -> Self {
        self.below.push(panel);
        self
    }

    /// Has `name` typed before anything ends.
    #[must_use]
    pub fn confirm(self, name: &str) -> Self {
        let label = self.frame.tv("console-confirm", "name", name);
        self.field(Field::new("confirm", "text", "off", label))
    }
}
