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

/// Asks until there were this many answers; tells the memory at twenty points on the way.
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
        }
    }
    doorward.server.stop()?;
    Ok(out)
}
