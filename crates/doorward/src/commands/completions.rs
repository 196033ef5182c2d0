//! `doorward completions SHELL`: what a shell needs to finish commands and flags.

use std::io::Write as _;

use anyhow::Result;
use clap::Args;
use clap_complete::Shell;

use super::Exit;

/// What `completions` takes.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell that will read the script.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, mut program: clap::Command) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "doorward", &mut script);
        std::io::stdout().lock().write_all(&script)?;
        Ok(Exit::Done)
    }
}
