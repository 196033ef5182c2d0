//! Makes `crates/core/data/known-passwords.bin` from a list of passwords, the most used first.
//!
//! The list comes from a package of a registry (`docs/passwords.md` names it) and is not kept here;
//! what is kept is four bytes of a hash of each, from which no password can be read.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, Result, ensure};
use doorward_core::credentials;

/// Fills 256 KiB.
const MARKS: usize = 65_536;
/// Shorter ones are refused by length unless an operator allows them; the very common are kept for then.
const SHORT: usize = 1_000;
const SHORTEST: usize = 8;

/// Reads the list at `source`, one password a line, and writes the file.
pub(crate) fn run(source: &str) -> Result<()> {
    let list = std::fs::read(source).with_context(|| format!("cannot read {source}"))?;
    let list = String::from_utf8_lossy(&list);
    let mut marks = BTreeSet::new();
    let mut short = 0;
    for password in list.lines().map(str::trim).filter(|password| !password.is_empty()) {
        if password.chars().count() < SHORTEST {
            short += 1;
            if short > SHORT {
                continue;
            }
        }
        marks.insert(credentials::mark(password));
        if marks.len() == MARKS {
            break;
        }
    }
    ensure!(marks.len() == MARKS, "the list has only {} different passwords", marks.len());
    let file = Path::new("crates/core/data/known-passwords.bin");
    let bytes: Vec<u8> = marks.into_iter().flatten().collect();
    std::fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("{} marks in {}", MARKS, file.display());
    Ok(())
}
