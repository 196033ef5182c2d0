//! What is typed and chosen of a brand, and what is wrong with it.

use bytes::Bytes;
use data_encoding::BASE64;
use doorward_core::{
    branding::{Brand, Change, Color, Look, Picture},
    outcome::{Code, Refusal, Result},
};
use serde::Deserialize;

use crate::pages::{
    console::words::some,
    form::{Errors, Field},
    frame::Frame,
    text::Text,
};

/// The fields, by the names that the API has for them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    name: String,
    primary_color: String,
    accent_color: String,
    background_color: String,
    support_uri: String,
    terms_uri: String,
    privacy_uri: String,
    /// A logo that was chosen before, and is not saved yet: in base64.
    pub(super) picture: String,
    /// Whether the logo goes.
    pub(super) bare: String,
    pub(super) version: String,
    #[serde(rename = "do")]
    wish: String,
}

fn text(color: Option<Color>) -> String {
    color.map(|color| color.to_string()).unwrap_or_default()
}

impl Form {
    /// What was chosen before.
    pub(super) fn of(look: &Look) -> Self {
        let link = |link: &Option<String>| link.clone().unwrap_or_default();
        Self {
            name: link(&look.name),
            primary_color: text(look.primary),
            accent_color: text(look.accent),
            background_color: text(look.background),
            support_uri: link(&look.support),
            terms_uri: link(&look.terms),
            privacy_uri: link(&look.privacy),
            version: look.version.to_string(),
            ..Self::default()
        }
    }

    /// Whether it shall be looked at before it is saved.
    pub(super) fn is_preview(&self) -> bool {
        self.wish == "preview"
    }

    /// The version that was seen.
    pub(super) fn seen(&self) -> Result<i64> {
        self.version.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("version").into())
    }

    /// The logo that was chosen now, or before; it goes along until everything is saved.
    pub(super) fn take(&mut self, file: Option<Bytes>) -> Result<Option<Picture>> {
        let bytes = match file {
            Some(bytes) => Some(bytes),
            None if self.picture.is_empty() => None,
            None => Some(BASE64.decode(self.picture.as_bytes()).unwrap_or_default().into()),
        };
        self.picture.clear();
        let Some(bytes) = bytes else { return Ok(None) };
        let picture = Picture::read(&bytes)?;
        self.picture = BASE64.encode(&picture.bytes);
        Ok(Some(picture))
    }

    /// What it changes.
    pub(super) fn change(&self, picture: Option<Picture>) -> Result<Change> {
        let colored = |member: &'static str, text: &str| -> Result<_> {
            let wrong = |_| Refusal::new(Code::RequestInvalid).field(member);
            Ok(Some(some(text).map(|text| text.parse().map_err(wrong)).transpose()?))
        };
        let change = Change {
            name: Some(some(&self.name)),
            logo: match picture {
                Some(picture) => Some(Some(picture)),
                None if self.bare.is_empty() => None,
                None => Some(None),
            },
            primary: colored("primary_color", &self.primary_color)?,
            accent: colored("accent_color", &self.accent_color)?,
            background: colored("background_color", &self.background_color)?,
            support: Some(some(&self.support_uri)),
            terms: Some(some(&self.terms_uri)),
            privacy: Some(some(&self.privacy_uri)),
        };
        change.check()?;
        Ok(change)
    }

    /// The fields; what stays empty is as further out.
    pub(super) fn fields(&self, frame: &Frame, outer: &Brand, errors: &Errors) -> [Vec<Field>; 2] {
        let field = |id, kind, label: &str, value: &str, inherited: Option<String>| {
            let hint = match inherited.filter(|it| !it.is_empty()) {
                Some(it) => frame.tv("brand-otherwise", "value", &it),
                None => frame.t("brand-otherwise-none"),
            };
            let field = Field::new(id, kind, "off", frame.t(label)).hint(hint).value(value).optional();
            field.checked(errors)
        };
        let color = |id, label: &str, value: &str, inherited: Option<Color>| {
            let inherited = inherited.map_or_else(|| frame.t("brand-ours"), |color| color.to_string());
            field(id, "text", label, value, Some(inherited)).longest(7)
        };
        let link = |id, label: &str, value: &str, inherited: Option<&str>| {
            field(id, "url", label, value, inherited.map(str::to_owned)).longest(2048)
        };
        let looks = vec![
            field("name", "text", "brand-name", &self.name, Some(outer.name().to_owned())).longest(60),
            color("primary_color", "brand-primary", &self.primary_color, outer.primary()),
            color("accent_color", "brand-accent", &self.accent_color, outer.accent()),
            color("background_color", "brand-background", &self.background_color, outer.background()),
        ];
        let links = vec![
            link("support_uri", "brand-support", &self.support_uri, outer.support()),
            link("terms_uri", "brand-terms", &self.terms_uri, outer.terms()),
            link("privacy_uri", "brand-privacy", &self.privacy_uri, outer.privacy()),
        ];
        [looks, links]
    }
}

/// What a refusal means for the form. Where people could not read, it says how little, and what would do.
pub(super) fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let fact = |name| refusal.facts.iter().find_map(|(known, value)| (*known == name).then_some(value));
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::VersionMismatch, _) => ("", "console-changed-meanwhile"),
        (Code::RequestInvalid, Some("name")) => ("name", "brand-name-wrong"),
        (Code::RequestInvalid, Some("logo")) => ("logo", "brand-logo-wrong"),
        (Code::RequestInvalid, Some("primary_color")) => ("primary_color", "brand-primary-pale"),
        (Code::RequestInvalid, Some("accent_color")) => ("accent_color", "brand-accent-pale"),
        (Code::RequestInvalid, Some("background_color")) => ("background_color", "brand-background-dark"),
        (Code::RequestInvalid, Some("support_uri")) => ("support_uri", "brand-support-wrong"),
        (Code::RequestInvalid, Some("terms_uri")) => ("terms_uri", "brand-link-wrong"),
        (Code::RequestInvalid, Some("privacy_uri")) => ("privacy_uri", "brand-link-wrong"),
        _ => return Errors::of(text, refusal),
    };
    if !field.ends_with("_color") {
        return Some(Errors::one(field, text.get(key)));
    }
    let sentence = match (fact("contrast"), fact("nearest").and_then(|it| it.as_str())) {
        (Some(ratio), Some(nearest)) => {
            text.with2(key, ("contrast", &ratio.to_string()), ("nearest", nearest))
        }
        _ => text.get("brand-color-wrong"),
    };
    Some(Errors::one(field, sentence))
}
