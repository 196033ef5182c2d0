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

/// Takes the pictures of the documentation: a test of the browser does, where it is told a folder.
pub(crate) fn pictures() -> Result<()> {
    let folder = super::tidy::root().join("docs/images");
    let test = ["test", "--package", "doorward-e2e", "--test", "browser", "from_nothing"];
    super::ci::cargo(&["build", "--quiet", "--package", "doorward"], &[])?;
    super::ci::cargo(&test, &[("DOORWARD_PICTURES", &folder.display().to_string())])
}
