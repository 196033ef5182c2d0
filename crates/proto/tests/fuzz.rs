//! Every parser of outside bytes, run over its committed corpus and over inputs made from it.
//!
//! This is fuzzing without a nightly compiler: no coverage guidance, but seeded, so that a failure
//! comes back on the next run, and its input is printed. Two seconds in all by default; a longer run is
//! `DOORWARD_FUZZ_MILLIS=60000 cargo test -p doorward-proto --test fuzz` (per target). An input that
//! once broke something belongs into `fuzz/corpus/<target>/`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: clippy only excuses functions that are marked as one"
)]

#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/targets.rs"]
mod targets;

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mutate::Mutator;
use targets::{TARGETS, Target};

/// For all targets together.
const DEFAULT: Duration = Duration::from_secs(2);
/// No input grows beyond this: the limits of every parser lie below or not far above.
const MAX_INPUT: usize = 40 * 1024;

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

fn budget() -> Duration {
    match option_env!("DOORWARD_FUZZ_MILLIS").map(str::parse) {
        Some(millis) => Duration::from_millis(millis.expect("DOORWARD_FUZZ_MILLIS is a number")),
        None => DEFAULT / u32::try_from(TARGETS.len()).unwrap(),
    }
}

fn run(target: &Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
        eprintln!("target {} broke on b\"{}\"", target.name, input.escape_ascii());
        resume_unwind(panic);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a budget of time, not a time that anything depends on")]
fn no_input_breaks_a_parser() {
    for target in TARGETS {
        let corpus = corpus(target.name);
        assert!(!corpus.is_empty(), "{} has an empty corpus", target.name);
        for input in &corpus {
            run(target, input);
        }
        let mut mutator = Mutator::new(target.name);
        let start = Instant::now();
        while start.elapsed() < budget() {
            for _ in 0..16 {
                run(target, &mutator.next(&corpus, MAX_INPUT));
            }
        }
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

#[test]
fn each_corpus_has_something_well_formed() {
    // Else a target could spend its life in the first length check.
    for target in TARGETS {
        let accepted = corpus(target.name).iter().any(|input| (target.run)(input));
        assert!(accepted, "nothing in the corpus of {} is well formed", target.name);
    }
}
