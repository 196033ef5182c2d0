//! How Doorward starts, and how much memory it keeps.

use std::net::SocketAddr;

use anyhow::Result;

use crate::{
    plan::Plan,
    setup::{self, Doorward, Server},
};

/// Restarts on the same data folder.
const RESTARTS: usize = 5;

/// What is asked of a server beyond its throughput.
pub(crate) struct House {
    /// Milliseconds from the first start, which makes keys, to the first answer.
    pub(crate) first_start: f64,
    /// The same on an existing data folder, every restart.
    pub(crate) restarts: Vec<f64>,
    /// Resident MiB a minute after the last sign-in.
    pub(crate) settled_mib: Option<f64>,
}

/// Starts Doorward for the first time, sets it up, and restarts it a few times.
pub(crate) async fn start(doorward: &Doorward, upstream: SocketAddr) -> Result<(Server, Plan, House)> {
    let mut server = doorward.start().await?;
    let mut house = House { first_start: milliseconds(&server), restarts: Vec::new(), settled_mib: None };
    let mut plan = setup::doorward(doorward, &server, upstream).await?;
    for _ in 0..RESTARTS {
        server.stop()?;
        server = doorward.start().await?;
        house.restarts.push(milliseconds(&server));
    }
    plan.pid = server.pid();
    Ok((server, plan, house))
}

fn milliseconds(server: &Server) -> f64 {
    server.first_answer.as_secs_f64() * 1000.0
}
