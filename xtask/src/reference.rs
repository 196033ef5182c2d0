//! `xtask gen`: the pages in `docs/reference`, written by the program that they describe. A test of the
//! program fails while they differ.

use anyhow::Result;

/// Where the pages are, from the top of the checkout.
const FOLDER: &str = "docs/reference";

/// Writes the pages, and the one of attacks.
pub(crate) fn run() -> Result<()> {
    super::attacks::run()?;
    super::ci::cargo(&["run", "--quiet", "--package", "doorward", "--", "reference", FOLDER], &[])
}
