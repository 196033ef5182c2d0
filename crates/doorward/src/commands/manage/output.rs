//! Records and lists as people and programs read them.

mod lines;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value as Json;

pub(crate) use lines::Lines;

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// The API's own answer.
    Json,
    /// The same as YAML.
    Yaml,
    /// A table for documents.
    Markdown,
}

/// The columns of a list, where the first scalar members are not the best choice.
const COLUMNS: [(&str, &[&str]); 17] = [
    ("doctor", &["state", "about", "what"]),
    ("config", &["key", "value", "from"]),
    ("environment", &["key", "variable", "default", "about"]),
    ("explain", &["code", "status", "title"]),
    ("user", &["id", "email", "name", "status", "role", "created_at"]),
    ("client", &["client_id", "name", "type", "status", "created_at"]),
    ("key", &["id", "name", "kind", "status", "start", "scopes", "expires_at"]),
    ("route", &["name", "hosts", "paths", "methods", "mode", "scopes", "upstream", "source", "in_force"]),
    ("api", &["id", "identifier", "name", "signing_alg", "created_at"]),
    ("keys", &["id", "alg", "state", "active_at", "retired_at", "expires_at"]),
    ("session", &["id", "user_id", "address", "created_at", "seen_at", "expires_at"]),
    ("audit", &["at", "code", "outcome", "actor", "subject", "client_id", "id"]),
    (
        "token list",
        &[
            "id",
            "version",
            "scopes",
            "workspaces",
            "issued",
            "expires",
            "status",
            "last_used",
            "uses",
            "address",
        ],
    ),
    (
        "analytics",
        &["at", "sign_ins", "sign_ins_failed", "app_sign_ins", "tokens", "denials", "active_users"],
    ),
    ("price", &["id", "meter", "route", "price_micros", "valid_from", "valid_until"]),
    (
        "usage",
        &[
            "hour",
            "day",
            "org_id",
            "user",
            "client_id",
            "agent_id",
            "route",
            "status",
            "requests",
            "denied",
            "request_bytes",
            "response_bytes",
            "cost",
        ],
    ),
    ("mail", &["id", "status", "recipient", "template", "attempts", "created_at"]),
];
const MOST_COLUMNS: usize = 6;
/// Members of many lines: printed as they are below the others, where no column breaks a link.
const BELOW: [(&str, &str); 1] = [("mail", "text")];
/// Members that say the same again for programs.
const FOR_PROGRAMS: [(&str, &str); 1] = [("mail", "html")];

/// What a list or record looks like.
pub(crate) fn render(value: &Json, format: Format, area: &str) -> String {
    match (format, items(value)) {
        (Format::Json, _) => format!("{value:#}\n"),
        (Format::Yaml, _) => {
            let mut out = String::new();
            yaml(value, 0, &mut out);
            out.trim_start_matches('\n').to_owned() + "\n"
        }
        (Format::Table, Some(items)) => grid(&columns(area, items), items),
        (Format::Table, None) => {
            let facts = members(value, area).map(|(name, cell)| vec![name, cell]);
            table(None, facts) + &below(value, area, "")
        }
        (Format::Markdown, Some(items)) => {
            let columns = columns(area, items);
            markdown(&columns, items.iter().map(|item| row(&columns, item)))
        }
        (Format::Markdown, None) => {
            let header = ["member".to_owned(), "value".to_owned()];
            let facts = members(value, area).map(|(name, cell)| vec![name, cell]);
            markdown(&header, facts) + &below(value, area, "    ")
        }
    }
}

fn items(value: &Json) -> Option<&Vec<Json>> {
    value.get("items").unwrap_or(value).as_array()
}

fn columns(area: &str, items: &[Json]) -> Vec<String> {
    if let Some((_, columns)) = COLUMNS.iter().find(|(name, _)| *name == area) {
        let is_known =
            |column: &&&str| items.is_empty() || items.iter().any(|item| item.get(**column).is_some());
        return columns.iter().filter(is_known).map(ToString::to_string).collect();
    }
    let first = items.first().and_then(Json::as_object).into_iter().flatten();
    first.filter(|(_, value)| !value.is_object()).map(|(name, _)| name.clone()).take(MOST_COLUMNS).collect()
}

fn row(columns: &[String], item: &Json) -> Vec<String> {
    columns.iter().map(|column| item.get(column).map(cell).unwrap_or_default()).collect()
}

fn members<'v>(value: &'v Json, area: &'v str) -> impl Iterator<Item = (String, String)> + 'v {
    let is_elsewhere =
        move |name: &str| BELOW.contains(&(area, name)) || FOR_PROGRAMS.contains(&(area, name));
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter(move |(name, value)| !value.is_null() && !is_elsewhere(name))
        .map(|(name, value)| (name.clone(), cell(value)))
}

/// The members of many lines, each under an empty line.
fn below(value: &Json, area: &str, indent: &str) -> String {
    let names = BELOW.iter().filter(|(of, _)| *of == area).map(|(_, name)| name);
    let texts = names.filter_map(|name| value.get(name).and_then(Json::as_str));
    let lines = texts.flat_map(|text| std::iter::once("").chain(text.lines()));
    lines
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{}\n", shown(line)) })
        .collect()
}

/// A value in a cell. Control characters of strangers (names, user agents) must not reach a terminal.
fn cell(value: &Json) -> String {
    let text = match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(items) if items.iter().all(|item| !item.is_object()) => {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    shown(&text)
}

fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn grid(columns: &[String], items: &[Json]) -> String {
    if items.is_empty() {
        return "nothing\n".to_owned();
    }
    table(Some(columns), items.iter().map(|item| row(columns, item)))
}

fn table(header: Option<&[String]>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(header) = header {
        table.set_header(header.iter().map(|name| name.replace('_', " ").to_uppercase()).collect::<Vec<_>>());
    }
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt() + "\n"
}

fn markdown(header: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(header.to_vec());
    out += &line(vec!["---".to_owned(); header.len()]);
    for row in rows {
        out += &line(row.iter().map(|cell| cell.replace('\\', "\\\\").replace('|', "\\|")).collect());
    }
    out
}

/// Block style; every text that YAML could read as something else is quoted as JSON, which is YAML.
fn yaml(value: &Json, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    match value {
        Json::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                out.push_str(&format!("\n{pad}{}:", scalar(&Json::from(name.as_str()))));
                nested(value, depth, out);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                out.push_str(&format!("\n{pad}-"));
                nested(item, depth, out);
            }
        }
        other => out.push_str(&scalar(other)),
    }
}

fn nested(value: &Json, depth: usize, out: &mut String) {
    let is_block = match value {
        Json::Object(members) => !members.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        yaml(value, depth + 1, out);
    } else {
        out.push(' ');
        out.push_str(&scalar(value));
    }
}

fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@'));
    let word = text.to_ascii_lowercase();
    begins
        && plain
        && !matches!(word.as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_in_every_format() {
        let list = json!({ "items": [
            { "client_id": "cli_a", "name": "A|B", "type": "public", "status": "active", "extra": {} },
            { "client_id": "cli_b", "name": "\u{1b}[31mred", "type": "public", "status": "active" },
        ], "next_cursor": null });
        let table = render(&list, Format::Table, "client");
        assert!(table.starts_with(" CLIENT ID") || table.starts_with("CLIENT ID"), "{table}");
        assert!(!table.contains('\u{1b}') && !table.contains("CREATED"));
        let markdown = render(&list, Format::Markdown, "client");
        assert!(markdown.starts_with("| client_id | name | type | status |\n| --- |"), "{markdown}");
        assert!(markdown.contains("A\\|B"));
        assert_eq!(serde_json::from_str::<Json>(&render(&list, Format::Json, "client")).unwrap(), list);
        assert_eq!(render(&json!({ "items": [] }), Format::Table, "client"), "nothing\n");
    }

    #[test]
    fn a_mail_is_read_line_by_line() {
        let mail = json!({ "id": "eml_a", "subject": "Two\nlines", "text": "Hello,\r\n\n\u{1b}[31mhttps://x/?token=dw_ml_a\n",
            "html": "<p>Hello</p>" });
        let shown = render(&mail, Format::Table, "mail");
        assert!(shown.ends_with("\n\nHello,\n\n\u{fffd}[31mhttps://x/?token=dw_ml_a\n"), "{shown:?}");
        assert!(shown.contains("Two\u{fffd}lines") && !shown.contains("<p>"), "{shown:?}");
        let markdown = render(&mail, Format::Markdown, "mail");
        assert!(
            markdown.ends_with("\n\n    Hello,\n\n    \u{fffd}[31mhttps://x/?token=dw_ml_a\n"),
            "{markdown:?}"
        );
        assert!(render(&mail, Format::Json, "mail").contains("<p>"));
        assert!(render(&mail, Format::Table, "user").contains("<p>"), "another area has members of its own");
    }

    #[test]
    fn yaml_keeps_types_apart() {
        let value = json!({ "a": "true", "b": true, "c": [1, { "d": "x: y" }], "e": [], "f": null, "g": "2030-01-01" });
        let text = render(&value, Format::Yaml, "x");
        assert_eq!(
            text,
            "a: \"true\"\nb: true\nc:\n  - 1\n  -\n    d: \"x: y\"\ne: []\nf: null\ng: \"2030-01-01\"\n"
        );
    }
}
