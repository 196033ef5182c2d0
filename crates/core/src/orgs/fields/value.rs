//! What is an answer to a field, and what is not. An answer counts as long as it fits: one that a later change
//! of the field leaves behind counts as none, is asked for again, and stands in no token.

use std::borrow::Cow;

use serde_json::Value as Json;
use url::Url;

use super::{Field, Kind};
use crate::outcome::{Code, Refusal, Result};

/// The longest text or address, in bytes: ten of them travel in an ID token.
const LONGEST: usize = 256;
/// Whole numbers up to here are the same number in every language that reads JSON (RFC 8259 6).
const LARGEST: f64 = 9_007_199_254_740_991.0;

impl Field {
    /// Whether a value is an answer.
    pub fn accepts(&self, value: &Json) -> bool {
        match (self.kind, value) {
            (Kind::Text, Json::String(text)) => is_line(text),
            (Kind::Number, Json::Number(number)) => number.as_f64().is_some_and(|it| it.abs() <= LARGEST),
            (Kind::Boolean, Json::Bool(_)) => true,
            (Kind::Choice, Json::String(text)) => self.options.contains(text),
            (Kind::Date, Json::String(text)) => is_date(text),
            (Kind::Url, Json::String(text)) => is_web_address(text),
            _ => false,
        }
    }

    /// Reads what somebody has typed; nothing typed is no answer.
    ///
    /// # Errors
    /// As [`Field::checked`].
    pub fn read(&self, typed: &str) -> Result<Option<Json>> {
        let typed = typed.trim();
        if typed.is_empty() {
            return self.checked(None);
        }
        let value = match self.kind {
            Kind::Number => number(typed).unwrap_or(Json::Null),
            Kind::Boolean => typed.parse().map_or(Json::Null, Json::Bool),
            _ => Json::String(typed.to_owned()),
        };
        self.checked(Some(value))
    }

    /// An answer that may be kept.
    ///
    /// # Errors
    /// `RequestInvalid`, with the field's key: for what does not fit, and for none where one is required.
    pub fn checked(&self, value: Option<Json>) -> Result<Option<Json>> {
        let refused = |hint: Cow<'static, str>| {
            Err(Refusal::new(Code::RequestInvalid).field(self.key.clone()).hint(hint).into())
        };
        match value {
            None if self.is_required => refused("An answer is required".into()),
            Some(value) if !self.accepts(&value) => refused(self.wanted()),
            value => Ok(value),
        }
    }

    /// What an answer is, in a sentence.
    fn wanted(&self) -> Cow<'static, str> {
        match self.kind {
            Kind::Text => "A text of one line with at most 256 bytes".into(),
            Kind::Number => "A number, such as 42 or 1.5".into(),
            Kind::Boolean => "true or false".into(),
            Kind::Choice => format!("One of: {}", self.options.join(", ")).into(),
            Kind::Date => "A date as YYYY-MM-DD".into(),
            Kind::Url => "A web address that begins with https:// or http://, with at most 256 bytes".into(),
        }
    }
}

/// An answer as somebody would type it.
pub fn typed(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether it is one line that says something.
pub(super) fn is_line(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}

fn number(typed: &str) -> Option<Json> {
    let whole = typed.parse::<i64>().ok().map(Json::from);
    let is_plain = typed.chars().all(|c| c.is_ascii_digit() || "+-.".contains(c));
    whole.or_else(|| typed.parse::<f64>().ok().filter(|_| is_plain).map(Json::from))
}

/// Whether it is a day of the calendar: `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let mut parts = text.split('-').map(|part| part.parse().unwrap_or_default());
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    shape == "0000-00-00" && year > 0 && (1..=days_of(year, month)).contains(&day)
}

const fn days_of(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Whether it is an address that a page may link to. One with a name and password in it is no address to show.
fn is_web_address(text: &str) -> bool {
    let is_web = |url: Url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    };
    is_line(text) && Url::parse(text).is_ok_and(is_web)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(kind: Kind) -> Field {
        Field {
            key: "it".to_owned(),
            kind,
            label: "It".to_owned(),
            options: vec!["Sales".to_owned(), "Research & more".to_owned()],
            is_required: false,
            in_claims: true,
            position: 0,
            version: 1,
        }
    }

    #[test]
    fn what_is_typed_becomes_a_value_of_the_kind() {
        for (kind, typed, value) in [
            (Kind::Text, "  Ada  ", json!("Ada")),
            (Kind::Text, "Grüße, \"quoted\"", json!("Grüße, \"quoted\"")),
            (Kind::Number, "42", json!(42)),
            (Kind::Number, "-1.5", json!(-1.5)),
            (Kind::Number, "9007199254740991", json!(9_007_199_254_740_991_i64)),
            (Kind::Boolean, "true", json!(true)),
            (Kind::Boolean, "false", json!(false)),
            (Kind::Choice, "Research & more", json!("Research & more")),
            (Kind::Date, "2024-02-29", json!("2024-02-29")),
            (Kind::Date, "2000-02-29", json!("2000-02-29")),
            (Kind::Url, "https://example.org/ada?x=1", json!("https://example.org/ada?x=1")),
        ] {
            assert_eq!(field(kind).read(typed).unwrap(), Some(value.clone()), "{typed}");
            assert_eq!(field(kind).read(&super::typed(&value)).unwrap(), Some(value), "{typed} again");
        }
        for kind in Kind::ALL {
            assert_eq!(field(kind).read("  ").unwrap(), None, "{kind:?}");
            let required = Field { is_required: true, ..field(kind) };
            assert!(required.read("").is_err(), "{kind:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_key() {
        let long = "x".repeat(257);
        let address = format!("https://example.org/{}", "x".repeat(256));
        for (kind, wrong) in [
            (Kind::Text, "two\nlines"),
            (Kind::Text, &long),
            (Kind::Number, "1,5"),
            (Kind::Number, "inf"),
            (Kind::Number, "NaN"),
            (Kind::Number, "1e400"),
            (Kind::Number, "9007199254740993"),
            (Kind::Boolean, "yes"),
            (Kind::Choice, "sales"),
            (Kind::Date, "2023-02-29"),
            (Kind::Date, "1900-02-29"),
            (Kind::Date, "2024-13-01"),
            (Kind::Date, "2024-00-10"),
            (Kind::Date, "0000-01-01"),
            (Kind::Date, "24-1-1"),
            (Kind::Date, "2024-01-01T00:00"),
            (Kind::Url, "javascript:alert(1)"),
            (Kind::Url, "https://ada:secret@example.org"),
            (Kind::Url, "example.org"),
            (Kind::Url, &address),
        ] {
            let error = field(kind).read(wrong).unwrap_err();
            assert_eq!(error.code(), Some(Code::RequestInvalid), "{kind:?} {wrong}");
        }
        for (kind, wrong) in [
            (Kind::Text, json!("")),
            (Kind::Text, json!(1)),
            (Kind::Number, json!("1")),
            (Kind::Boolean, json!(0)),
            (Kind::Choice, json!(["Sales"])),
            (Kind::Date, json!(20_240_101)),
            (Kind::Url, json!({})),
        ] {
            assert!(!field(kind).accepts(&wrong), "{kind:?} {wrong}");
        }
    }
}
