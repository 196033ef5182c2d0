//! What an organisation asks of its people, as a form: on the way to an application, and in the account.

use std::collections::BTreeMap;

use doorward_core::{
    orgs::fields::{self, Answer, Kind, Said},
    outcome::{Code, Error, Refusal, Result},
};

use super::{
    form::{Errors, Field},
    frame::Frame,
    text::Text,
    visit::Visit,
};

/// What the names of these fields begin with, in a form that has others.
pub const START: &str = "field-";

/// What was sent, by the names of the form.
pub type Typed = BTreeMap<String, String>;

fn name_of(key: &str) -> String {
    format!("{START}{key}")
}

/// What was typed for each answer: in the form just sent, else before, else as it stands.
pub fn typed(visit: &Visit, answers: &[Answer], sent: Option<&Typed>) -> Typed {
    let of = |answer: &Answer| {
        let name = name_of(&answer.field.key);
        let stands = || answer.value.as_ref().map(fields::typed).unwrap_or_default();
        let value = match sent {
            Some(sent) => sent.get(&name).cloned().unwrap_or_default(),
            None => visit.typed(&name).map_or_else(stands, str::to_owned),
        };
        (name, value)
    };
    answers.iter().map(of).collect()
}

/// The fields of the form.
pub fn shown(frame: &Frame, answers: &[Answer], typed: &Typed, errors: &Errors) -> Vec<Field> {
    answers.iter().map(|answer| field(frame, answer, typed).checked(errors)).collect()
}

fn field(frame: &Frame, answer: &Answer, typed: &Typed) -> Field {
    let asked = &answer.field;
    let name = name_of(&asked.key);
    let value = typed.get(&name).cloned().unwrap_or_default();
    let label = if asked.is_required {
        asked.label.clone()
    } else {
        frame.tv("questions-optional", "label", &asked.label)
    };
    let input = match asked.kind {
        Kind::Date => "date",
        Kind::Url => "url",
        _ => "text",
    };
    let field = Field::new(name, input, "off", label).value(value).longest(256);
    let field = match asked.kind {
        Kind::Number => field.keyboard("decimal"),
        Kind::Boolean => {
            let words = [("true", "questions-yes"), ("false", "questions-no")];
            field.options(choose(frame, words.map(|(value, key)| (value.to_owned(), frame.t(key)))))
        }
        Kind::Choice => {
            let options = asked.options.iter().map(|option| (option.clone(), option.clone()));
            field.options(choose(frame, options))
        }
        Kind::Text | Kind::Date | Kind::Url => field,
    };
    let field = if asked.in_claims { field.hint(frame.t("questions-told")) } else { field };
    if asked.is_required { field } else { field.optional() }
}

/// Nothing chosen comes first, so that nobody answers without having decided.
fn choose(frame: &Frame, options: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let none = (String::new(), frame.t("questions-choose"));
    std::iter::once(none).chain(options).collect()
}

/// Reads what was sent, or says of each field what is wrong with it.
///
/// # Errors
/// Every fault.
pub fn read(text: Text, answers: &[Answer], typed: &Typed) -> Result<std::result::Result<Said, Errors>> {
    let (mut said, mut errors) = (Said::new(), Errors::none());
    for asked in answers.iter().map(|answer| &answer.field) {
        let name = name_of(&asked.key);
        let typed = typed.get(&name).map(String::as_str).unwrap_or_default();
        match asked.read(typed) {
            Ok(value) => {
                said.insert(asked.key.clone(), value);
            }
            Err(Error::Refused(_)) => {
                let key = if typed.trim().is_empty() { "questions-missing" } else { wrong(asked.kind) };
                errors.add(name, text.with(key, "label", &asked.label));
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(if errors.is_empty() { Ok(said) } else { Err(errors) })
}

const fn wrong(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "questions-text-wrong",
        Kind::Number => "questions-number-wrong",
        Kind::Boolean | Kind::Choice => "questions-missing",
        Kind::Date => "questions-date-wrong",
        Kind::Url => "questions-url-wrong",
    }
}

/// What answers a form that could not be taken: the refusal that its page is shown with.
pub const fn refusal() -> Refusal {
    Refusal::new(Code::RequestInvalid)
}
