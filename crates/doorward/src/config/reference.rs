//! The reference page and the JSON schema, both from the table of keys.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::{KEYS, Key, Kind, SECTIONS};

fn keys_of(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section() == section)
}

/// What a value looks like, in a word.
fn looks(kind: Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Integer => "number".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Secret => "secret".to_owned(),
        Kind::Duration => "duration".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Url => "URL".to_owned(),
        Kind::Instant => "time".to_owned(),
        Kind::List => "list".to_owned(),
        Kind::Tables => "tables".to_owned(),
        Kind::OneOf(words) => words.join(", "),
    }
}

/// `docs/reference/configuration.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Configuration\n\nThis page is generated from the program (`cargo xtask gen`).\n\n\
         A setting comes from, in this order: a flag (`--set section.key=value`), the environment \
         (`DOORWARD_SECTION_KEY`), the file (`--config`, else `./doorward.toml` if it exists), the default. A \
         secret may also be read from a file: `DOORWARD_SECTION_KEY_FILE`, or `key_file` in `doorward.toml`. \
         Durations are numbers with a unit: `60s`, `10m`, `12h`, `7d`. Lists are separated by commas in the \
         environment, or written in JSON. An unknown key in the file is an error, an unknown `DOORWARD_…` variable a warning.\n\n\
         `doorward config show` prints what is in force and where it came from, `config check` what is unsafe, \
         `config env` this table, `config schema` a JSON schema for editors. `PORT` changes the port of the \
         default listeners.\n",
    );
    for (section, about) in SECTIONS {
        let title = if section.is_empty() { "Top level".to_owned() } else { format!("[{section}]") };
        let _ = write!(
            page,
            "\n## {title}\n\n{}\n\n| key | variable | value | default | |\n| --- | --- | --- | --- | --- |\n",
            about.trim()
        );
        for key in keys_of(section) {
            let default =
                if key.default.is_empty() { "–".to_owned() } else { format!("`{}`", key.default) };
            let _ = writeln!(
                page,
                "| `{}` | `{}` | {} | {default} | {} |",
                key.name,
                key.variable(),
                looks(key.kind),
                key.about.trim()
            );
        }
    }
    page
}

/// A JSON schema (2020-12) of `doorward.toml`.
pub fn schema() -> Json {
    let mut root = properties("");
    for (section, about) in SECTIONS.iter().filter(|(section, _)| !section.is_empty()) {
        root.insert(
            (*section).to_owned(),
            json!({
                "type": "object",
                "description": about.trim(),
                "properties": properties(section),
                "additionalProperties": false,
            }),
        );
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "doorward.toml",
        "type": "object",
        "properties": root,
        "additionalProperties": false,
    })
}

fn properties(section: &str) -> Map<String, Json> {
    let mut all = Map::new();
    for key in keys_of(section) {
        let mut schema = shape(key.kind);
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".to_owned(), key.about.trim().into());
            if let (false, Ok(value)) = (key.default.is_empty(), key.parse(key.default)) {
                object.insert("default".to_owned(), serde_json::to_value(value).unwrap_or_default());
            }
        }
        all.insert(key.leaf().to_owned(), schema);
        let in_file = format!("{}_file", key.leaf());
        if key.is_secret() && !keys_of(section).any(|other| other.leaf() == in_file) {
            let about = format!("A file that holds `{}`.", key.leaf());
            all.insert(in_file, json!({ "type": "string", "description": about }));
        }
    }
    all
}

fn shape(kind: Kind) -> Json {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer => json!({ "type": "integer", "minimum": 0 }),
        Kind::Text | Kind::Path => json!({ "type": "string" }),
        Kind::Secret => json!({ "type": "string", "writeOnly": true }),
        Kind::Duration => json!({ "type": "string", "pattern": "^([0-9]+(ms|s|m|h|d) ?)+$" }),
        Kind::Url => json!({ "type": "string", "format": "uri" }),
        Kind::Instant => json!({ "type": ["string", "integer"] }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Tables => json!({ "type": "array", "items": { "type": "object" } }),
        Kind::OneOf(words) => json!({ "enum": words }),
    }
}
