//! Fields, and the errors that belong to them. An error is shown beside its field, tied to it by
//! `aria-describedby`, and listed in a summary that takes the focus.

use std::borrow::Cow;

use askama::Template;
use doorward_core::outcome::{Code, Refusal};

use super::{frame::Frame, text::Text};

/// A field with its label, hint and error.
#[derive(Template, Clone, Default)]
#[template(path = "part/field.html")]
pub struct Field {
    id: Cow<'static, str>,
    kind: &'static str,
    label: String,
    autocomplete: &'static str,
    keyboard: Option<&'static str>,
    value: String,
    hint: Option<String>,
    error: Option<String>,
    aside: Option<(String, String)>,
    reveal: Option<(String, String)>,
    least: Option<usize>,
    most: usize,
    rows: Option<u8>,
    options: Vec<(String, String)>,
    is_focused: bool,
    is_optional: bool,
}

impl Field {
    /// A required field; `id` is also its name in the form.
    pub fn new(
        id: impl Into<Cow<'static, str>>,
        kind: &'static str,
        autocomplete: &'static str,
        label: String,
    ) -> Self {
        Self { id: id.into(), kind, label, autocomplete, most: 254, ..Self::default() }
    }

    /// A password, with a button that shows it.
    pub fn password(frame: &Frame, id: &'static str, autocomplete: &'static str, label: String) -> Self {
        let reveal = Some((frame.t("field-show"), frame.t("field-hide")));
        Self { reveal, most: 1024, ..Self::new(id, "password", autocomplete, label) }
    }

    /// Which keyboard a telephone shows, where the kind does not say.
    #[must_use]
    pub const fn keyboard(mut self, inputmode: &'static str) -> Self {
        self.keyboard = Some(inputmode);
        self
    }

    /// What it holds already.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// A line of help.
    #[must_use]
    pub fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The fewest letters it takes.
    #[must_use]
    pub const fn at_least(mut self, letters: usize) -> Self {
        self.least = Some(letters);
        self
    }

    /// The most letters it takes.
    #[must_use]
    pub const fn longest(mut self, letters: usize) -> Self {
        self.most = letters;
        self
    }

    /// A link at the end of the label's line: its text and where it leads.
    #[must_use]
    pub fn aside(mut self, text: String, to: String) -> Self {
        self.aside = Some((text, to));
        self
    }

    /// Takes several lines, so many of them seen at once.
    #[must_use]
    pub const fn rows(mut self, rows: u8) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Takes one of these, each with its words.
    #[must_use]
    pub fn options(mut self, options: Vec<(String, String)>) -> Self {
        self.options = options;
        self
    }

    /// May stay empty.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// Has the focus when the page opens, unless there are errors.
    #[must_use]
    pub const fn focused(mut self) -> Self {
        self.is_focused = true;
        self
    }

    /// Takes its error, if it has one; errors take the focus away from fields.
    #[must_use]
    pub fn checked(mut self, errors: &Errors) -> Self {
        self.error = errors.about(&self.id).map(str::to_owned);
        self.is_focused &= errors.is_empty();
        self
    }

    /// The same for the only field of a form, which keeps the focus when the error is its own.
    #[must_use]
    pub fn checked_alone(self, errors: &Errors) -> Self {
        let is_focused = self.is_focused && errors.are_about(&self.id);
        let checked = self.checked(errors);
        Self { is_focused: checked.is_focused || is_focused, ..checked }
    }

    /// What a screen reader says after the label.
    fn described_by(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// A box to tick, with its label.
#[derive(Template, Debug, Clone)]
#[template(path = "part/tick.html")]
pub struct Tick {
    /// Also its name in the form.
    pub id: &'static str,
    /// What ticking it means.
    pub label: String,
    /// Whether it is ticked.
    pub is_ticked: bool,
}

/// What is wrong with a form: for each field one sentence, and sentences about the whole.
#[derive(Clone, Debug, Default)]
pub struct Errors(Vec<(Cow<'static, str>, String)>);

impl Errors {
    /// Nothing is wrong.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// One sentence about one field, or about the whole form where `field` is empty.
    pub fn one(field: impl Into<Cow<'static, str>>, sentence: String) -> Self {
        Self(vec![(field.into(), sentence)])
    }

    /// What a refusal means for the form that was sent; `None` when it is not about what was typed, and
    /// an error page says it better.
    pub fn of(text: Text, refusal: &Refusal) -> Option<Self> {
        let (field, key) = match refusal.code {
            Code::SignInFailed => ("password", "sign-in-failed"),
            Code::SignUpDomain => ("email", "sign-up-domain"),
            Code::EmailInvalid => ("email", "email-invalid"),
            Code::EmailTaken => ("email", "email-taken"),
            Code::PasswordShort => ("new_password", "password-short"),
            Code::PasswordLong => ("new_password", "password-long"),
            Code::PasswordWeak => ("new_password", "password-weak"),
            Code::PasswordBreached => ("new_password", "password-breached"),
            Code::PasswordWrong => ("current_password", "password-wrong"),
            Code::LastAdministrator => ("", "last-administrator"),
            Code::LastSignIn => ("", "connections-last"),
            Code::LastOwner => ("", "last-owner"),
            Code::RateLimited | Code::RateLimitedAddress => {
                let minutes = refusal.retry_after.unwrap_or(60).div_ceil(60).max(1);
                return Some(Self::one("", text.count("form-wait", u64::from(minutes))));
            }
            _ => return None,
        };
        Some(Self::one(field, text.get(key)))
    }

    /// Adds a sentence about a field.
    pub fn add(&mut self, field: impl Into<Cow<'static, str>>, sentence: String) {
        self.0.push((field.into(), sentence));
    }

    /// Whether nothing is wrong.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sentence about a field.
    pub fn about(&self, field: &str) -> Option<&str> {
        self.0.iter().find_map(|(name, sentence)| (*name == field).then_some(sentence.as_str()))
    }

    /// The summary at the top of a form of one field: what is wrong with the field is said there, where the
    /// focus is, and not twice.
    pub fn summary_above(&self, id: &str, frame: &Frame) -> Summary<'_> {
        Summary { title: frame.t("form-wrong"), errors: if self.are_about(id) { &[] } else { &self.0 } }
    }

    /// Whether one thing is wrong, with this field.
    fn are_about(&self, id: &str) -> bool {
        matches!(self.0.as_slice(), [(field, _)] if *field == id)
    }

    /// The summary at the top of the form; nothing when nothing is wrong.
    pub fn summary(&self, frame: &Frame) -> Summary<'_> {
        Summary { title: frame.t("form-wrong"), errors: &self.0 }
    }
}

/// The list of errors at the top of a form, with the focus on it.
#[derive(Template)]
#[template(path = "part/summary.html")]
pub struct Summary<'a> {
    title: String,
    errors: &'a [(Cow<'static, str>, String)],
}
