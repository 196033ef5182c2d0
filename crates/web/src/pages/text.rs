//! The message catalogue (Fluent) and the choice of language: `ui_locales`, then the person's choice, then
//! `Accept-Language` (RFC 9110 12.5.4), then English.
//!
//! English is complete. A second language is one more file in `locales/` and one more line in
//! [`LANGUAGES`]; what it lacks falls back to English, message by message.

use std::sync::LazyLock;

use doorward_proto::zone::Zone;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// Every language: its tag and its file. The first is the fallback.
const LANGUAGES: &[(&str, &str)] = &[("en", include_str!("../../locales/en.ftl"))];

struct Locale {
    id: LanguageIdentifier,
    tag: &'static str,
    bundle: FluentBundle<FluentResource>,
}

static LOCALES: LazyLock<Vec<Locale>> = LazyLock::new(|| {
    let locale = |(tag, source): &(&'static str, &str)| {
        let id: LanguageIdentifier = tag.parse().unwrap_or_default();
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(resource, errors)| {
            tracing::error!(language = %id, ?errors, "a message file has errors");
            resource
        });
        let mut bundle = FluentBundle::new_concurrent(vec![id.clone()]);
        // Isolation marks would end up in titles, mail subjects and copied text.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Locale { id, tag, bundle }
    };
    LANGUAGES.iter().map(locale).collect()
});

/// One language of the catalogue, and the zone in which times are told.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    locale: usize,
    zone: Zone,
}

impl Text {
    /// English: the language that has every message.
    pub const fn fallback() -> Self {
        Self::of(0)
    }

    const fn of(locale: usize) -> Self {
        Self { locale, zone: Zone::UTC }
    }

    /// The same for somebody of this zone; what is no zone is UTC.
    #[must_use]
    pub fn in_zone(self, name: Option<&str>) -> Self {
        Self { zone: name.and_then(Zone::find).unwrap_or_default(), ..self }
    }

    /// In which zone times are told.
    pub const fn zone(self) -> Zone {
        self.zone
    }

    /// The best language we have for somebody who asked with `ui_locales` (space-separated tags), has
    /// chosen `own`, or whose browser sends `accept` (`Accept-Language`).
    pub fn negotiate(ui_locales: Option<&str>, own: Option<&str>, accept: Option<&str>) -> Self {
        let asked = ui_locales.unwrap_or_default().split_ascii_whitespace();
        asked
            .chain(own)
            .find_map(find)
            .or_else(|| accepted(accept.unwrap_or_default()).into_iter().find_map(find))
            .unwrap_or_else(Self::fallback)
    }

    /// The tag for `lang`.
    pub fn tag(self) -> &'static str {
        LOCALES.get(self.locale).map_or("en", |locale| locale.tag)
    }

    /// A message.
    pub fn get(self, key: &str) -> String {
        self.format(key, None)
    }

    /// A message with one value.
    pub fn with(self, key: &str, name: &'static str, value: &str) -> String {
        let mut args = FluentArgs::with_capacity(1);
        args.set(name, FluentValue::from(value));
        self.format(key, Some(&args))
    }

    /// A message with two values.
    pub fn with2(self, key: &str, one: (&'static str, &str), two: (&'static str, &str)) -> String {
        let mut args = FluentArgs::with_capacity(2);
        args.set(one.0, FluentValue::from(one.1));
        args.set(two.0, FluentValue::from(two.1));
        self.format(key, Some(&args))
    }

    /// A message with several values.
    pub fn with_each(self, key: &str, values: &[(&'static str, &str)]) -> String {
        let mut args = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            args.set(*name, FluentValue::from(*value));
        }
        self.format(key, Some(&args))
    }

    /// A number, its digits in groups of three.
    pub fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mark = self.get("number-mark");
        let mut grouped = String::with_capacity(digits.len() * 2);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                grouped.push_str(&mark);
            }
            grouped.push(digit);
        }
        grouped
    }

    /// A message about a number.
    pub fn count(self, key: &str, count: u64) -> String {
        let mut args = FluentArgs::with_capacity(1);
        args.set("count", FluentValue::from(count));
        self.format(key, Some(&args))
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let chosen = LOCALES.get(self.locale).into_iter().chain(LOCALES.first());
        for locale in chosen {
            let Some(pattern) = locale.bundle.get_message(key).and_then(|message| message.value()) else {
                continue;
            };
            let mut errors = Vec::new();
            let text = locale.bundle.format_pattern(pattern, args, &mut errors).into_owned();
            if !errors.is_empty() {
                tracing::error!(key, ?errors, "a message lacks a value");
            }
            return text;
        }
        tracing::error!(key, "no such message");
        key.to_owned()
    }
}

fn find(tag: &str) -> Option<Text> {
    let wanted: LanguageIdentifier = tag.parse().ok()?;
    let exact = LOCALES.iter().position(|locale| locale.id.matches(&wanted, true, false));
    exact.or_else(|| LOCALES.iter().position(|locale| locale.id.language == wanted.language)).map(Text::of)
}

/// The tags of `Accept-Language`, best first; `q=0` means never.
fn accepted(line: &str) -> Vec<&str> {
    let mut tags: Vec<(f32, &str)> = line
        .split(',')
        .take(32)
        .filter_map(|part| {
            let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
            let weight = weight.trim().strip_prefix("q=")?.parse().ok()?;
            (weight > 0.0).then_some((weight, tag.trim()))
        })
        .collect();
    tags.sort_by(|a, b| b.0.total_cmp(&a.0));
    tags.into_iter().map(|(_, tag)| tag).collect()
}

#[cfg(test)]
mod tests;
