//! The reference pages in `docs/reference`: whatever they say is read from the program, so that they
//! cannot say anything else. `cargo xtask gen` writes them, a test notices when they were not written.

mod cli;

use std::{fs, io::Write as _, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use super::{Exit, explain};
use crate::{config, data::fault};

/// What `reference` takes.
#[derive(Debug, Args)]
pub(super) struct Reference {
    /// The folder, which is made if it is not there.
    folder: PathBuf,
}

impl Reference {
    pub(super) fn run(self) -> Result<Exit> {
        fs::create_dir_all(&self.folder).with_context(|| format!("cannot make {}", self.folder.display()))?;
        for (name, text) in pages()? {
            let path = self.folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            writeln!(std::io::stdout().lock(), "{}", path.display())?;
        }
        Ok(Exit::Done)
    }
}

/// Every page: its file and its text.
fn pages() -> Result<[(&'static str, String); 4]> {
    let api = doorward_web::api::document().map_err(fault)?;
    Ok([
        ("cli.md", cli::markdown()?),
        ("configuration.md", config::markdown()),
        ("errors.md", explain::markdown()),
        ("openapi.json", format!("{api:#}\n")),
    ])
}

#[cfg(test)]
mod tests;
