//! Policies of routes in files of their own (`policy_file`), which an editor knows as Cedar and several routes can
//! share. They are read with the configuration, again each time, and only there: what comes by the API names no
//! file of this machine.

use std::{fs, path::Path};

use serde_json::{Map, Value};

/// The member that names a file, in place of `policy`.
const MEMBER: &str = "policy_file";

/// Finds the files that tables of a configuration name beside it, wherever the program was started.
pub(super) fn beside(configuration: &Path, value: &mut toml::Value) {
    let Some(folder) = configuration.parent() else { return };
    for table in value.as_array_mut().into_iter().flatten().filter_map(toml::Value::as_table_mut) {
        if let Some(toml::Value::String(file)) = table.get_mut(MEMBER) {
            *file = folder.join(&*file).display().to_string();
        }
    }
}

/// Puts the policy of a route in the place of its file.
///
/// # Errors
/// In words for the operator.
pub(super) fn take(route: &mut Map<String, Value>) -> Result<(), String> {
    let Some(file) = route.remove(MEMBER) else { return Ok(()) };
    let name = route.get("name").and_then(Value::as_str).unwrap_or_default();
    let wrong = |what: String| Err(format!("route {name}: {MEMBER}: {what}"));
    let Some(path) = file.as_str().filter(|path| !path.is_empty()) else {
        return wrong("write the name of a file".to_owned());
    };
    if route.contains_key("policy") {
        return wrong("there is policy, too; keep one of them".to_owned());
    }
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return wrong(format!("cannot read {path}: {error}")),
    };
    // An empty policy is none, and without one the route would let through whom the file was to keep out.
    if text.trim().is_empty() {
        return wrong(format!("{path} is empty"));
    }
    route.insert("policy".to_owned(), text.into());
    Ok(())
}

#[cfg(test)]
mod tests;
