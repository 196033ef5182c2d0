//! A route's members in words.

use serde_json::Value as Json;

use crate::{pages::text::Text, routing::Spec};

/// Whether a credential is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Required,
    Optional,
    Disabled,
}

impl Mode {
    pub(super) const ALL: [Self; 3] = [Self::Required, Self::Optional, Self::Disabled];

    /// As it is written.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Disabled => "disabled",
        }
    }

    /// In a word.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Required => "gateway-signed-in",
            Self::Optional => "gateway-optional",
            Self::Disabled => "gateway-public",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Required => "gateway-says-required",
            Self::Optional => "gateway-says-optional",
            Self::Disabled => "gateway-says-disabled",
        }
    }

    pub(super) fn of(spec: &Spec) -> Self {
        let name = text(spec, "mode");
        Self::ALL.into_iter().find(|mode| mode.name() == name).unwrap_or(Self::Required)
    }
}

/// A member that is a text; empty where it is not set.
pub(super) fn text<'s>(spec: &'s Spec, member: &str) -> &'s str {
    spec.get(member).and_then(Json::as_str).unwrap_or_default()
}

/// A member that is a list of texts.
pub(super) fn texts(spec: &Spec, member: &str) -> Vec<String> {
    let all = spec.get(member).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// The application behind, wherever it runs.
pub(super) fn upstreams(spec: &Spec) -> Vec<String> {
    let first = Some(text(spec, "upstream").to_owned()).filter(|text| !text.is_empty());
    first.into_iter().chain(texts(spec, "upstreams")).collect()
}

/// A member as it is written: a text as it is, anything else as JSON.
pub(super) fn written(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What is demanded, each with its word.
const DEMANDS: [(&str, &str); 7] = [
    ("scopes", "gateway-scopes"),
    ("permissions", "gateway-permissions"),
    ("roles", "gateway-roles"),
    ("workspaces", "gateway-workspaces"),
    ("accept", "gateway-accept"),
    ("audiences", "gateway-audiences"),
    ("issuers", "gateway-issuers"),
];

/// What it asks for, in a few words.
pub(super) fn asks(words: Text, spec: &Spec) -> Vec<String> {
    let mut all = vec![words.get(Mode::of(spec).key())];
    for (member, key) in DEMANDS {
        let names = texts(spec, member);
        if !names.is_empty() {
            all.push(words.with(key, "names", &names.join(", ")));
        }
    }
    if !text(spec, "policy").is_empty() {
        all.push(words.get("gateway-policy"));
    }
    all
}

/// How fast, and how much of it.
pub(super) fn limits(words: Text, spec: &Spec) -> Vec<String> {
    let each = |(member, key): (&str, &str)| {
        let value = spec.get(member).cloned().unwrap_or_default();
        let all = match value {
            Json::Null => Vec::new(),
            Json::Array(all) => all,
            one => vec![one],
        };
        all.iter().map(|limit| words.with(key, "limit", &limit_of(words, limit))).collect::<Vec<_>>()
    };
    [("rate_limit", "gateway-rate"), ("quota", "gateway-quota")].into_iter().flat_map(each).collect()
}

/// `100/minute`, and of whom it is counted where that is said.
fn limit_of(words: Text, limit: &Json) -> String {
    let Some(table) = limit.as_object() else { return written(limit) };
    let member = |name: &str| table.get(name).map(written).unwrap_or_default();
    let rate = format!("{}/{}", member("limit"), member("per"));
    match member("by").as_str() {
        "" => rate,
        by => words.with2("gateway-limit-by", ("limit", &rate), ("by", by)),
    }
}

/// Which requests it is for, and what becomes of them.
pub(super) fn sentences(words: Text, spec: &Spec) -> String {
    let mode = Mode::of(spec);
    let mut all = vec![matches(words, spec), words.get(mode.sentence())];
    all.extend(
        asks(words, spec).into_iter().skip(1).map(|demand| words.with("gateway-says", "what", &demand)),
    );
    all.extend(limits(words, spec).into_iter().map(|limit| words.with("gateway-says", "what", &limit)));
    all.push(match upstreams(spec) {
        none if none.is_empty() => words.get("gateway-says-asked"),
        places => words.with("gateway-says-upstream", "places", &places.join(", ")),
    });
    all.join(" ")
}

fn matches(words: Text, spec: &Spec) -> String {
    if text(spec, "name") == super::DEFAULT {
        return words.get("gateway-says-default");
    }
    let names = |member: &str, none: &str| {
        let names = texts(spec, member);
        if names.is_empty() { words.get(none) } else { names.join(", ") }
    };
    words.with_each(
        "gateway-says-for",
        &[
            ("methods", names("methods", "gateway-every-method").as_str()),
            ("hosts", names("hosts", "gateway-every-host").as_str()),
            ("paths", names("paths", "gateway-every-path").as_str()),
        ],
    )
}
