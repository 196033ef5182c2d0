//! Many questions, and what they leave in memory.

use std::{fmt::Write as _, path::Path};

use anyhow::{Result, bail};

use super::rounds::{Contender, DOORWARD};
use crate::{drive::Scenario, proc, setup};

/// Loads of ten seconds over this many connections.
const CONNECTIONS: usize = 64;
const SECONDS: f64 = 10.0;
/// Lines of the table.
const LINES: u64 = 20;
/// The second half may have so much more than the first: caches fill up, and pages come and go.
const MORE: f64 = 1.05;
const SOME_MIB: f64 = 2.0;

/// Asks until there were this many answers; tells the memory at twenty points on the way.
///
/// # Errors
/// An answer that is none, and memory that grows.
pub(super) async fn run(program: &Path, questions: u64) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let upstream = setup::upstream().await?;
    let doorward = setup::Doorward::new(program.to_owned(), folder.path().join("doorward"), None)?;
    let server = doorward.start().await?;
    let plan = setup::doorward(&doorward, &server, upstream.address).await?;
    let doorward = Contender::new(DOORWARD, server, &plan, folder.path())?;
    let mut out = format!("# Memory over {questions} questions at /validate, 10,000 JWTs each load\n\n");
    writeln!(out, "| answers | resident MiB |\n| --: | --: |")?;
    let (mut answered, mut line) = (0_u64, 0_u64);
    let mut seen = Vec::new();
    while answered < questions {
        let measure = doorward.drive(Scenario::ValidateMany, CONNECTIONS, (1.0, SECONDS))?;
        if let Some(error) = measure.first_error {
            bail!("{} errors, first: {error}", measure.errors);
        }
        answered += u64::from(measure.operations);
        if answered * LINES >= line * questions {
            line = answered * LINES / questions + 1;
            let resident = proc::memory_mib(doorward.server.pid(), "VmRSS")?;
            eprintln!("{answered} answers, {resident:.1} MiB …");
            writeln!(out, "| {answered} | {resident:.1} |")?;
            seen.push(resident);
        }
    }
    doorward.server.stop()?;
    let (first, second) = seen.split_at(seen.len() / 2);
    if grew(first, second) {
        bail!("memory grew:\n\n{out}");
    }
    Ok(out)
}

/// Whether there was more in the second half than there ever was in the first.
fn grew(first: &[f64], second: &[f64]) -> bool {
    let most = |half: &[f64]| half.iter().copied().fold(0.0, f64::max);
    !first.is_empty() && most(second) > most(first) * MORE + SOME_MIB
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_grows_is_told_from_memory_that_wavers() {
        for (first, second, expect) in [
            (vec![40.0, 52.0, 51.0], vec![52.5, 51.0], false),
            (vec![40.0, 52.0, 51.0], vec![53.0, 56.0], false),
            (vec![40.0, 50.0, 60.0], vec![70.0, 80.0], true),
            (vec![], vec![80.0], false),
        ] {
            assert_eq!(grew(&first, &second), expect, "{first:?} {second:?}");
        }
    }
}
