//! Addresses as they may be shown: their user information, query and fragment may be credentials.

const HIDDEN: char = '…';

/// What may be shown of an address, or of what stands where one should. Where it cannot be told what of it
/// is the host, more is hidden.
pub(super) fn address(text: &str) -> String {
    let (scheme, rest) = text.find("://").map_or(("", text), |at| text.split_at(at + 3));
    let (place, extra) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let is_mailbox = scheme.is_empty() && place.starts_with("mailto:");
    if extra.contains('@') && !is_mailbox {
        return format!("{scheme}{HIDDEN}");
    }
    let shown = match place.rsplit_once('@') {
        Some((user, host)) if !is_mailbox && (!scheme.is_empty() || user.contains(':')) => {
            format!("{scheme}{HIDDEN}@{host}")
        }
        _ => format!("{scheme}{place}"),
    };
    let mark = extra.get(..1).unwrap_or_default();
    if mark.is_empty() { shown } else { format!("{shown}{mark}{HIDDEN}") }
}

/// What may be shown of a text that should be no address, and may be one in the wrong place.
pub(super) fn text(text: &str) -> String {
    if text.contains("://") { address(text) } else { text.to_owned() }
}

/// A message about `value` without what may not be shown of it.
pub(super) fn message(message: String, value: &toml::Value) -> String {
    match value {
        toml::Value::String(raw) => {
            let raw = raw.trim();
            let shown = text(raw);
            if shown == raw { message } else { message.replace(raw, &shown) }
        }
        toml::Value::Array(items) => items.iter().fold(message, self::message),
        _ => message,
    }
}
