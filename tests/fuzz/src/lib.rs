//! Inputs that a parser has not met, made from ones that it has.
//!
//! This is fuzzing without a nightly compiler: no coverage guidance, but seeded, so that a failure comes
//! back on the next run, and its input is printed. `DOORWARD_FUZZ_MILLIS=60000` at build time makes a long
//! run of it (per target).

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test kit: clippy only excuses functions that are marked as a test"
)]

mod mutate;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

pub use mutate::Mutator;

/// For a target that says nothing else.
const DEFAULT: Duration = Duration::from_millis(60);
/// No input grows beyond this: the limits of every parser lie below or not far above.
pub const MAX_INPUT: usize = 40 * 1024;

/// How long a target runs: what the build names, else `usual`.
pub fn budget(usual: Duration) -> Duration {
    let named = option_env!("DOORWARD_FUZZ_MILLIS").map(str::parse);
    named.map_or(usual, |millis| Duration::from_millis(millis.expect("DOORWARD_FUZZ_MILLIS is a number")))
}

/// Runs a target over its corpus and over inputs made from it. It answers whether an input was well
/// formed, which one of the corpus must be: else it could spend its life in the first length check.
pub fn fuzz(name: &str, corpus: &[&[u8]], run: impl FnMut(&[u8]) -> bool) {
    for_time(name, &corpus.iter().map(|input| input.to_vec()).collect::<Vec<_>>(), budget(DEFAULT), run);
}

/// The same for so long.
#[expect(clippy::disallowed_methods, reason = "a budget of time, not a time that anything depends on")]
pub fn for_time(name: &str, corpus: &[Vec<u8>], budget: Duration, mut run: impl FnMut(&[u8]) -> bool) {
    let mut run = |input: &[u8]| {
        catch_unwind(AssertUnwindSafe(|| run(input))).unwrap_or_else(|panic| {
            eprintln!("target {name} broke on b\"{}\"", input.escape_ascii());
            resume_unwind(panic)
        })
    };
    let mut well_formed = 0;
    for input in corpus {
        well_formed += usize::from(run(input));
    }
    assert!(well_formed > 0, "nothing in the corpus of {name} is well formed");
    let mut mutator = Mutator::new(name);
    let start = Instant::now();
    while start.elapsed() < budget {
        for _ in 0..16 {
            run(&mutator.next(corpus, MAX_INPUT));
        }
    }
}
