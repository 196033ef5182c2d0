//! Service tokens as people read them.

use std::path::Path;

use doorward_proto::time::Time;
use serde_json::{Value as Json, json};

use crate::commands::manage::output::{Format, render};

/// What tokens are called where the columns of lists are chosen.
pub(super) const AREA: &str = "token";

/// Control characters of strangers (names, reasons) must not reach a terminal.
fn text<'t>(token: &'t Json, member: &str) -> Option<String> {
    let text: &'t str = token.get(member)?.as_str().filter(|text| !text.is_empty())?;
    Some(text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
}

fn texts(token: &Json, member: &str) -> Option<String> {
    let all = token.get(member)?.as_array()?;
    let all: Vec<&str> = all.iter().filter_map(Json::as_str).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// `2025-12-03 15:30:00 UTC`.
fn time(token: &Json, member: &str) -> Option<String> {
    let text = token.get(member)?.as_str()?;
    Some(text.parse::<Time>().map_or_else(|_| text.to_owned(), Time::to_human))
}

fn lines(lines: &[(&str, Option<String>)]) -> String {
    let known = lines.iter().filter_map(|(name, value)| Some(format!("{name}: {}\n", value.as_ref()?)));
    known.collect()
}

/// The secret, or where it is, and what it is good for.
fn secret(token: &Json, place: Option<&Path>) -> String {
    let secret = match place {
        Some(place) => format!("Secret: written to {}\n", place.display()),
        None => format!(
            "{}\n⚠ Store this secret securely. It will not be shown again.\n",
            lines(&[("Secret", text(token, "secret"))])
        ),
    };
    let terms = lines(&[
        ("Scopes", texts(token, "scopes")),
        ("Workspaces", texts(token, "workspace_ids")),
        ("Allowed from", texts(token, "allowed_addresses")),
        ("Rate limit", text(token, "rate_limit_override")),
        ("Expires", time(token, "expires_at")),
    ]);
    if terms.is_empty() { secret } else { format!("{secret}\n{terms}") }
}

/// A token that was made.
pub(super) fn created(token: &Json, place: Option<&Path>) -> String {
    let id = lines(&[("ID", text(token, "name"))]);
    format!("Service token created successfully!\n\n{id}{}", secret(token, place))
}

/// A token that was rotated.
pub(super) fn rotated(token: &Json, place: Option<&Path>, overlap: u64) -> String {
    let version = token.get("version").map(ToString::to_string);
    let id = lines(&[("ID", text(token, "name")), ("Version", version)]);
    let old = match overlap {
        0 => "The old secret works no more.".to_owned(),
        seconds => format!("The old secret works for {seconds} s more."),
    };
    format!("Service token rotated successfully!\n\n{id}{}\n{old}\n", secret(token, place))
}

/// A token that was revoked.
pub(super) fn revoked(token: &Json, asked: &str) -> String {
    let reason = lines(&[("Reason", text(token, "revocation_reason"))]);
    format!("Service token {asked} revoked.\n{reason}")
}

/// Everything about a version.
pub(super) fn shown(token: &Json) -> String {
    lines(&[
        ("ID", text(token, "name")),
        ("Version", token.get("version").map(ToString::to_string)),
        ("Version ID", text(token, "id")),
        ("Status", Some(status(token))),
        ("Scopes", texts(token, "scopes").or_else(|| Some("-".to_owned()))),
        ("Workspaces", texts(token, "workspace_ids").or_else(|| Some("-".to_owned()))),
        ("Allowed from", texts(token, "allowed_addresses")),
        ("Rate limit", text(token, "rate_limit_override")),
        ("Description", text(token, "description")),
        ("Owner", text(token, "owner")),
        ("Purpose", text(token, "purpose")),
        ("Organisation", text(token, "org_id")),
        ("Issued", time(token, "issued_at")),
        ("Issued by", text(token, "created_by")),
        ("Expires", time(token, "expires_at").or_else(|| Some("Never".to_owned()))),
        ("Overlap ends", time(token, "ends_at")),
        ("Last used", time(token, "last_used_at").or_else(|| Some("Never".to_owned()))),
        ("Last used from", text(token, "last_used_address")),
        ("Uses", token.get("use_count").map(ToString::to_string)),
        ("Rotated from", text(token, "rotated_from")),
        ("Rotated to", text(token, "rotated_to")),
        ("Revoked", time(token, "revoked_at")),
        ("Revoked by", text(token, "revoked_by")),
        ("Reason", text(token, "revocation_reason")),
    ])
}

/// `Active`, `Rotated`, `Expired` or `Revoked`.
fn status(token: &Json) -> String {
    let word = text(token, "status").unwrap_or_default();
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// Many that were revoked at once, by name.
pub(super) fn revoked_all(answer: &Json) -> String {
    let names: Vec<&str> =
        answer.get("names").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let mut text = match names.len() {
        0 => "There was nothing to revoke.\n".to_owned(),
        1 => "1 service token revoked:\n".to_owned(),
        many => format!("{many} service tokens revoked:\n"),
    };
    for name in names {
        text.push_str(name);
        text.push('\n');
    }
    text
}

/// A page of versions as a table.
pub(super) fn list(answer: &Json, format: Format) -> String {
    let items = answer.get("items").and_then(Json::as_array);
    let rows: Vec<Json> = items.into_iter().flatten().map(row).collect();
    render(&json!({ "items": rows }), format, "token list")
}

fn row(token: &Json) -> Json {
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    json!({
        "id": text(token, "name"),
        "version": token.get("version"),
        "scopes": dash(texts(token, "scopes")),
        "workspaces": dash(texts(token, "workspace_ids")),
        "issued": time(token, "issued_at"),
        "expires": time(token, "expires_at").unwrap_or_else(|| "Never".to_owned()),
        "status": status(token),
        "last_used": dash(time(token, "last_used_at")),
        "uses": token.get("use_count"),
        "address": dash(text(token, "last_used_address")),
    })
}

#[cfg(test)]
mod tests;
