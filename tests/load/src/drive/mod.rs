//! The load generator: one process, one thread, a closed loop on keep-alive connections.
//!
//! Every connection repeats one scenario. After the warm-up, operations that end inside the window are
//! counted, and the CPU seconds of the server are read at both of its ends. An answer that is not what
//! the scenario expects is an error, never an operation.

mod browser;
mod gateway;
mod html;
mod http;
mod latency;
mod scenario;
#[cfg(test)]
mod tests;

pub(crate) use browser::{Jar, Until, journey};
pub(crate) use http::{Connection, Template};
pub(crate) use latency::Latencies;
pub(crate) use scenario::Scenario;

use std::{cell::RefCell, path::PathBuf, rc::Rc, time::Duration};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use tokio::{
    task::{JoinHandle, LocalSet, spawn_local},
    time::{Instant, sleep},
};

use crate::{plan::Plan, proc};
use scenario::{Ground, Worker};

/// How often the liveness of the server is asked for while passwords are hashed.
const PROBE_EVERY: Duration = Duration::from_millis(4);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The plan that set-up wrote.
    #[arg(long)]
    plan: PathBuf,
    #[arg(long)]
    scenario: Scenario,
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Seconds before the window.
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Seconds of the window.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

/// What came of one load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measure {
    pub(crate) operations: u32,
    pub(crate) errors: u32,
    /// What went wrong first.
    pub(crate) first_error: Option<String>,
    pub(crate) seconds: f64,
    pub(crate) server_cpu_seconds: f64,
    /// Milliseconds of one operation.
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    /// `GET /healthz` meanwhile, where passwords are hashed.
    pub(crate) health_p99: Option<f64>,
}

impl Measure {
    /// The figure that holds up on a shared machine.
    pub(crate) fn per_cpu_second(&self) -> f64 {
        f64::from(self.operations) / self.server_cpu_seconds.max(0.01)
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let plan: Plan = serde_json::from_slice(&std::fs::read(&options.plan)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measure = LocalSet::new().block_on(&runtime, drive(plan, options))?;
    println!("{}", serde_json::to_string(&measure)?);
    Ok(())
}

/// What all connections write into.
#[derive(Default)]
struct Tally {
    counts: bool,
    latencies: Latencies,
    probes: Latencies,
    errors: u32,
    first_error: Option<String>,
}

impl Tally {
    fn note(&mut self, outcome: Result<()>, began: Instant) {
        match outcome {
            Ok(()) if self.counts => self.latencies.add(began.elapsed()),
            Ok(()) => {}
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
}

async fn drive(plan: Plan, options: &Options) -> Result<Measure> {
    let ground = Rc::new(Ground::new(plan));
    let plan = &ground.plan;
    let mut workers = Vec::with_capacity(options.connections);
    for index in 0..options.connections {
        let worker = Worker::prepare(options.scenario, ground.clone(), index).await;
        workers.push(worker.with_context(|| format!("preparing {}", options.scenario.name()))?);
    }
    let tally = Rc::new(RefCell::new(Tally::default()));
    let mut tasks: Vec<JoinHandle<()>> =
        workers.into_iter().map(|worker| spawn_local(repeat(worker, tally.clone()))).collect();
    if options.scenario.hashes() {
        let connection = Connection::open(plan).await?;
        tasks.push(spawn_local(probe(connection, tally.clone())));
    }

    sleep(Duration::from_secs_f64(options.warm_up)).await;
    let (start, cpu) = (Instant::now(), proc::cpu_seconds(plan.pid)?);
    tally.borrow_mut().counts = true;
    sleep(Duration::from_secs_f64(options.seconds)).await;
    tally.borrow_mut().counts = false;
    let (seconds, spent) = (start.elapsed().as_secs_f64(), proc::cpu_seconds(plan.pid)? - cpu);
    for task in tasks {
        task.abort();
    }

    let mut tally = tally.borrow_mut();
    let health_p99 = options.scenario.hashes().then(|| tally.probes.percentile(0.99));
    Ok(Measure {
        operations: tally.latencies.len(),
        errors: tally.errors,
        first_error: tally.first_error.clone(),
        seconds,
        server_cpu_seconds: spent,
        p50: tally.latencies.percentile(0.50),
        p95: tally.latencies.percentile(0.95),
        p99: tally.latencies.percentile(0.99),
        health_p99,
    })
}

async fn repeat(mut worker: Worker, tally: Rc<RefCell<Tally>>) {
    loop {
        let began = Instant::now();
        let outcome = worker.operation().await;
        let failed = outcome.is_err();
        tally.borrow_mut().note(outcome, began);
        if failed && let Err(error) = worker.recover().await {
            tally.borrow_mut().note(Err(error.context("after an error")), began);
            return;
        }
    }
}

async fn probe(mut connection: Connection, tally: Rc<RefCell<Tally>>) {
    loop {
        sleep(PROBE_EVERY).await;
        let began = Instant::now();
        let outcome = connection.get("/healthz").await.and_then(|answer| answer.expect_ok());
        let mut tally = tally.borrow_mut();
        match outcome {
            Ok(()) if tally.counts => tally.probes.add(began.elapsed()),
            Ok(()) => {}
            Err(error) => return tally.note(Err(error.context("GET /healthz meanwhile")), began),
        }
    }
}
