//! The bench: Doorward and the ceiling in turns, one table beside the targets.
//!
//! Servers share core 0 and take turns, the generator has core 1. On a shared machine only operations per
//! server CPU second, compared within one repetition, hold up; so a ratio is the median over repetitions
//! of (Doorward / ceiling) measured right after each other, and its spread is printed with it.

mod house;
mod promises;
mod report;
mod rounds;
mod soak;
mod targets;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{
    drive::Scenario,
    limits::Limits,
    proc,
    setup::{self, Durability},
};
use rounds::{Contender, Pace, Row};

/// How long Doorward is left alone before its memory is read, in seconds.
const QUIET: u64 = 60;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// A look, not a verdict: 16 connections, short windows, two repetitions, no wait for memory.
    #[arg(long)]
    quick: bool,
    /// Only these scenarios.
    #[arg(long, value_enum)]
    scenario: Vec<Scenario>,
    /// Connections, several allowed [default: 16 and 128].
    #[arg(long)]
    connections: Vec<usize>,
    /// Interleaved repetitions [default: 5, 2 when quick].
    #[arg(long)]
    repetitions: Option<usize>,
    /// Seconds of one window [default: 3, 1 when quick].
    #[arg(long)]
    seconds: Option<f64>,
    /// Also write the report to this file.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Also measure Doorward on this empty PostgreSQL database, without targets.
    #[arg(long)]
    postgres: Option<String>,
    /// The Doorward to measure [default: the one built beside this program].
    #[arg(long)]
    server: Option<PathBuf>,
    /// Only this many questions at /validate, one load after the other, and what they leave in memory.
    #[arg(long, conflicts_with_all = ["scenario", "connections", "ceiling_only", "quick"])]
    soak: Option<u64>,
    /// Only the ceiling and the machine.
    #[arg(long)]
    ceiling_only: bool,
}

/// All that the report tells.
pub(crate) struct Found {
    machine: String,
    limits: Limits,
    rows: Vec<Row>,
    house: Option<house::House>,
    /// Peak resident memory in MiB over everything, by contender.
    peaks: Vec<(&'static str, f64)>,
    pace: Pace,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    let report = match options.soak {
        Some(questions) => local.block_on(&runtime, soak::run(&options.program()?, questions))?,
        None => report::render(&local.block_on(&runtime, measure(options))?)?,
    };
    println!("{report}");
    if let Some(out) = &options.out {
        std::fs::write(out, &report).with_context(|| format!("cannot write {}", out.display()))?;
    }
    Ok(())
}

impl Options {
    fn program(&self) -> Result<PathBuf> {
        match &self.server {
            Some(program) => Ok(program.clone()),
            None => Ok(std::env::current_exe()?.with_file_name("doorward")),
        }
    }

    fn pace(&self) -> Pace {
        Pace {
            repetitions: self.repetitions.unwrap_or(if self.quick { 2 } else { 5 }).max(1),
            seconds: self.seconds.unwrap_or(if self.quick { 1.0 } else { 3.0 }),
            warm_up: if self.quick { 0.4 } else { 1.0 },
        }
    }

    fn connections(&self) -> Vec<usize> {
        match (self.connections.as_slice(), self.quick) {
            ([], true) => vec![16],
            ([], false) => vec![16, 128],
            (chosen, _) => chosen.to_vec(),
        }
    }

    /// What a proxy adds to the way is seen where nobody waits for anybody else.
    fn connections_of(&self, scenario: Scenario) -> Vec<usize> {
        let alone = (self.connections.is_empty() && scenario == Scenario::Proxy).then_some(1);
        alone.into_iter().chain(self.connections()).collect()
    }

    fn scenarios(&self) -> Vec<Scenario> {
        use clap::ValueEnum as _;
        if self.scenario.is_empty() { Scenario::value_variants().to_vec() } else { self.scenario.clone() }
    }
}

/// Those that the gateway and the library are held against.
async fn beside(upstream: SocketAddr, folder: &Path) -> Result<Vec<Contender>> {
    let mut found = Vec::new();
    match setup::nginx_program() {
        Some(program) => {
            let (server, plan) = setup::nginx(&program, upstream, folder).await?;
            found.push(Contender::new(rounds::NGINX, server, &plan, folder)?);
        }
        None => eprintln!("nginx is not installed: the proxy is held against nothing"),
    }
    for (name, is_guarded) in [(rounds::LAYER, true), (rounds::AXUM, false)] {
        let (server, plan) = setup::route(is_guarded).await?;
        found.push(Contender::new(name, server, &plan, folder)?);
    }
    Ok(found)
}

async fn measure(options: &Options) -> Result<Found> {
    let machine = proc::machine();
    let folder = tempfile::tempdir()?;
    let pace = options.pace();
    eprintln!("limits of the machine …");
    let seconds = (pace.seconds / 3.0).to_string();
    let limits = setup::run_on(setup::SERVER_CORE, ["limits", "--seconds", &seconds])?;

    let upstream = setup::upstream().await?;
    let mut contenders = Vec::new();
    let mut house = None;
    if !options.ceiling_only {
        let program = options.program()?;
        eprintln!("starting Doorward …");
        let doorward = setup::Doorward::new(program.clone(), folder.path().join("doorward"), None)?;
        let (server, plan, started) = house::start(&doorward, upstream.address).await?;
        house = Some(started);
        contenders.push(Contender::new(rounds::DOORWARD, server, &plan, folder.path())?);
        if let Some(url) = &options.postgres {
            let data_dir = folder.path().join("doorward-postgres");
            let doorward = setup::Doorward::new(program, data_dir, Some(url.clone()))?;
            let server = doorward.start().await?;
            let plan = setup::doorward(&doorward, &server, upstream.address).await?;
            contenders.push(Contender::new(rounds::POSTGRES, server, &plan, folder.path())?);
        }
    }
    for (name, durability) in [(rounds::DURABLE, Durability::Durable), (rounds::IDEAL, Durability::Ideal)] {
        let (server, plan) = setup::ceiling(durability, folder.path()).await?;
        contenders.push(Contender::new(name, server, &plan, folder.path())?);
    }

    contenders.extend(beside(upstream.address, folder.path()).await?);
    let mut rows = Vec::new();
    for scenario in options.scenarios() {
        for connections in options.connections_of(scenario) {
            // Hashing is the bottleneck at any number of connections, and the queue before it has an end.
            if scenario.hashes() && connections > 16 {
                continue;
            }
            eprintln!("{}, {connections} connections …", scenario.name());
            rows.push(rounds::row(&contenders, scenario, connections, pace)?);
        }
    }
    let peaks = contenders
        .iter()
        .map(|c| Ok((c.name, proc::memory_mib(c.server.pid(), "VmHWM")?)))
        .collect::<Result<_>>()?;
    if let (Some(house), Some(doorward)) = (&mut house, contenders.first())
        && !options.quick
    {
        eprintln!("waiting {QUIET} s for memory to settle …");
        std::thread::sleep(std::time::Duration::from_secs(QUIET));
        house.settled_mib = Some(proc::memory_mib(doorward.server.pid(), "VmRSS")?);
    }
    for contender in contenders {
        contender.server.stop()?;
    }
    Ok(Found { machine, limits, rows, house, peaks, pace })
}
