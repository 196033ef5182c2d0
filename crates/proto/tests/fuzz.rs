//! Every parser of outside bytes, run over its committed corpus and over inputs made from it.
//!
//! This is fuzzing without a nightly compiler: no coverage guidance, but seeded, so that a failure
//! comes back on the next run, and its input is printed. Two seconds in all by default; a longer run is
//! `DOORWARD_FUZZ_MILLIS=60000 cargo test -p doorward-proto --test fuzz` (per target). An input that
//! once broke something belongs into `fuzz/corpus/<target>/`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test: clippy only excuses functions that are marked as one"
)]

#[path = "fuzz/targets.rs"]
mod targets;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use doorward_fuzz::{budget, for_time};
use targets::TARGETS;

/// For all targets together.
const DEFAULT: Duration = Duration::from_secs(2);

fn corpus_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = corpus_root().join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|_| panic!("no corpus folder {}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn no_input_breaks_a_parser() {
    let usual = DEFAULT / u32::try_from(TARGETS.len()).unwrap();
    for target in TARGETS {
        for_time(target.name, &corpus(target.name), budget(usual), target.run);
    }
}

#[test]
fn every_corpus_folder_has_its_target() {
    let folders: BTreeSet<String> = fs::read_dir(corpus_root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders, names);
    assert_eq!(names.len(), TARGETS.len());
}
