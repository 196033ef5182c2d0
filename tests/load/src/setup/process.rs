//! Processes pinned to a core.

use std::{
    ffi::OsStr,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::drive::Connection;

/// How long a server may take to its first answer before we give up.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_micros(500);

/// A server of ours, ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From spawning the process to its first answer of `GET /healthz`.
    pub(crate) first_answer: Duration,
}

impl Server {
    /// Starts `command` and waits until it answers.
    pub(crate) async fn start(command: &mut Command, address: SocketAddr) -> Result<Self> {
        let began = Instant::now();
        let child =
            command.stdin(Stdio::null()).spawn().with_context(|| format!("cannot run {command:?}"))?;
        let mut server = Self { child, address, first_answer: Duration::ZERO };
        while !alive(address).await {
            if let Some(status) = server.child.try_wait()? {
                bail!("{command:?} ended with {status}");
            }
            if began.elapsed() > PATIENCE {
                bail!("{command:?} does not answer");
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        server.first_answer = began.elapsed();
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to finish and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().context("cannot run kill")?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn alive(address: SocketAddr) -> bool {
    // A plain look first: it is cheap, and most looks find nothing.
    if TcpStream::connect(address).is_err() {
        return false;
    }
    let Ok(mut connection) = Connection::to(address, &format!("http://{address}")).await else {
        return false;
    };
    connection.get("/healthz").await.is_ok_and(|answer| answer.expect_ok().is_ok())
}

/// A loopback port that nobody uses now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A command bound to one core, or to none where the machine has too few.
pub(crate) fn pinned(core: usize, program: &Path) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if cores < 2 {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

/// Runs this program again on one core and reads the JSON it prints.
pub(crate) fn run_on<T: serde::de::DeserializeOwned>(
    core: usize,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<T> {
    let mut command = pinned(core, &std::env::current_exe()?);
    let output = command.args(arguments).stderr(Stdio::inherit()).output().context("cannot run taskset")?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
