//! `doorward config`: what is in force, what is unsafe, what there is.

use std::io::Write as _;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::{
    Common, Exit,
    manage::output::{Format, render},
};
use crate::config::{KEYS, concerns, schema};

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print every value in force and where it came from; secrets are masked.
    Show(Shown),
    /// Explain what is unsafe or contradicts itself.
    Check,
    /// Print every setting with its environment variable and default.
    Env(Shown),
    /// Print a JSON schema of the file.
    Schema,
}

/// How a list is printed.
#[derive(Debug, Args)]
pub(super) struct Shown {
    /// How to print it.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: Format,
}

impl ConfigCommand {
    pub(super) fn run(self, common: &Common) -> Result<Exit> {
        let mut out = std::io::stdout().lock();
        match self {
            Self::Schema => writeln!(out, "{}", serde_json::to_string_pretty(&schema())?)?,
            Self::Env(Shown { output }) => {
                let keys = KEYS.iter().map(|key| {
                    let (variable, about) = (key.variable(), key.about.trim());
                    json!({ "key": key.name, "variable": variable, "default": key.default, "about": about })
                });
                let items: Vec<Json> = keys.collect();
                write!(out, "{}", render(&json!({ "items": items }), output, "environment"))?;
            }
            Self::Show(Shown { output }) => {
                let loaded = common.load(Vec::new())?;
                let keys = KEYS.iter().map(|key| {
                    let from = loaded.origin(key.name).to_string();
                    json!({ "key": key.name, "value": loaded.shown(key), "from": from })
                });
                let items: Vec<Json> = keys.collect();
                write!(out, "{}", render(&json!({ "items": items }), output, "config"))?;
            }
            Self::Check => return check(common, &mut out),
        }
        Ok(Exit::Done)
    }
}

fn check(common: &Common, out: &mut impl std::io::Write) -> Result<Exit> {
    let loaded = common.load(Vec::new())?;
    for warning in &loaded.warnings {
        writeln!(out, "warning  {warning}")?;
    }
    let found = concerns(&loaded.config);
    for concern in &found {
        let word = if concern.refuses { "unsafe " } else { "note   " };
        writeln!(out, "{word}  {}: {}", concern.key, concern.what)?;
    }
    if found.iter().any(|concern| concern.refuses) {
        return Ok(Exit::Failed);
    }
    if found.is_empty() && loaded.warnings.is_empty() {
        writeln!(out, "Nothing to object to.")?;
    }
    Ok(Exit::Done)
}
