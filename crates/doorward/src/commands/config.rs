//! `doorward config`: what is in force, what is unsafe, what there is.

use std::io::Write as _;

use anyhow::Result;
use clap::Subcommand;
use comfy_table::{ContentArrangement, Table, presets};

use super::{Common, Exit};
use crate::config::{KEYS, concerns, schema};

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print every value in force and where it came from; secrets are masked.
    Show,
    /// Explain what is unsafe or contradicts itself.
    Check,
    /// Print every setting with its environment variable and default.
    Env,
    /// Print a JSON schema of the file.
    Schema,
}

impl ConfigCommand {
    pub(super) fn run(self, common: &Common) -> Result<Exit> {
        let mut out = std::io::stdout().lock();
        match self {
            Self::Schema => writeln!(out, "{}", serde_json::to_string_pretty(&schema())?)?,
            Self::Env => {
                let mut table = table(&["key", "variable", "default", ""]);
                for key in KEYS {
                    table.add_row([key.name, &key.variable(), key.default, key.about.trim()]);
                }
                writeln!(out, "{table}")?;
            }
            Self::Show => {
                let loaded = common.load(Vec::new())?;
                let mut table = table(&["key", "value", "from"]);
                for key in KEYS {
                    table.add_row([key.name, &loaded.shown(key), &loaded.origin(key.name).to_string()]);
                }
                writeln!(out, "{table}")?;
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

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    table
}
