//! The words of mails, by language (Fluent). English is complete; what another language lacks is said
//! in English.

use std::{borrow::Cow, collections::BTreeMap};

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use crate::outcome::{Error, Result};

const ENGLISH: &str = "en";

/// The languages there are, English first.
pub const LANGUAGES: &[(&str, &str)] = &[
    (ENGLISH, include_str!("../../locales/en/mail.ftl")),
    ("de", include_str!("../../locales/de/mail.ftl")),
];

/// The best language we have for a person's (BCP 47), else English.
pub fn language_for(locale: Option<&str>) -> &'static str {
    let wanted: Option<LanguageIdentifier> = locale.and_then(|locale| locale.parse().ok());
    let known = wanted.and_then(|wanted| {
        LANGUAGES.iter().map(|(name, _)| *name).find(|name| *name == wanted.language.as_str())
    });
    known.unwrap_or(ENGLISH)
}

/// The words of one language, with English behind them.
pub(super) struct Words {
    bundles: Vec<FluentBundle<FluentResource>>,
}

impl Words {
    /// The words of a language that is in [`LANGUAGES`].
    pub(super) fn of(language: &str) -> Result<Self> {
        let mut bundles = Vec::new();
        for name in [language, ENGLISH] {
            let Some((name, text)) = LANGUAGES.iter().find(|(known, _)| *known == name) else { continue };
            let broken = |what: String| Error::fault(format!("the {name} catalogue of mails: {what}"));
            let resource = FluentResource::try_new((*text).to_owned())
                .map_err(|(_, errors)| broken(format!("{errors:?}")))?;
            let mut bundle = FluentBundle::new(vec![name.parse()?]);
            // Isolation marks would end up inside links and subjects.
            bundle.set_use_isolating(false);
            bundle.add_resource(resource).map_err(|errors| broken(format!("{errors:?}")))?;
            bundles.push(bundle);
        }
        Ok(Self { bundles })
    }

    /// A message with its parameters; `None` where there is no such message.
    pub(super) fn find(&self, name: &str, parameters: &BTreeMap<String, String>) -> Option<String> {
        let mut args = FluentArgs::new();
        for (key, value) in parameters {
            args.set(key.as_str(), value_of(value));
        }
        self.bundles.iter().find_map(|bundle| {
            let pattern = bundle.get_message(name)?.value()?;
            let mut errors = Vec::new();
            let text = bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
            errors.is_empty().then_some(text)
        })
    }

    /// A message that must be there.
    pub(super) fn get(&self, name: &str, parameters: &BTreeMap<String, String>) -> Result<String> {
        self.find(name, parameters).ok_or_else(|| Error::fault(format!("no message {name} in the catalogue")))
    }
}

/// Whole numbers choose plural forms, everything else is text.
fn value_of(text: &str) -> FluentValue<'_> {
    match text.parse::<u32>() {
        Ok(number) if number.to_string() == text => FluentValue::from(number),
        _ => FluentValue::String(Cow::Borrowed(text)),
    }
}
