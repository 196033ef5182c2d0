//! `cargo xtask bench`, `seed` and `scale`: builds the server and the load generator for release and runs one of
//! the generator's commands.
//!
//! What is measured, and how, is in `tests/load`.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Builds, then hands the arguments on.
pub(crate) fn run(command: &str, arguments: &[&str]) -> Result<()> {
    // One after the other: built together, the server would get the features of the generator's libraries.
    for package in ["doorward", "doorward-load"] {
        finish(Command::new(env!("CARGO")).args(["build", "--release", "-p", package]))?;
    }
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).context("xtask runs outside a target folder")?;
    finish(Command::new(target.join("release/doorward-load")).arg(command).args(arguments))
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
