//! Reaching the server: TLS as the address asks for, time limits on everything.

use std::{str::FromStr as _, time::Duration};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, config::Host, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Settings, tls::Wish};
use crate::outcome::{Error, Result};

/// How long anybody waits for a connection, new or from the pool.
const PATIENCE: Duration = Duration::from_secs(5);
/// Compiling a statement takes a tenth of a second, and none of ours runs for so long that it is worth that. It
/// is no state that anything relies on: behind a pooler some other connection has it.
const WITHOUT_COMPILER: &str = "SET jit = off";
/// Where an address names no port.
const DEFAULT_PORT: u16 = 5432;
/// After this long without an acknowledgement a connection counts as lost.
const SILENCE: Duration = Duration::from_secs(15);

impl Settings {
    /// Reads the addresses without going there.
    ///
    /// # Errors
    /// The setting that cannot be read (`database.url`, `database.direct_url`), and why.
    pub fn check(&self) -> std::result::Result<(), (&'static str, Error)> {
        Route::read(&self.url).map_err(|error| ("database.url", error))?;
        if let Some(url) = &self.direct_url {
            Route::read(url).map_err(|error| ("database.direct_url", error))?;
        }
        Ok(())
    }
}

/// Where the server is, and how to speak to it.
#[derive(Clone)]
pub(super) struct Route {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Route {
    /// Reads an address.
    ///
    /// # Errors
    /// When it cannot be read, or the authorities that it names cannot.
    pub(super) fn read(url: &str) -> Result<Self> {
        let (wish, url) = Wish::take(url);
        let mut config = Config::from_str(&url)?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("doorward");
        }
        config.tcp_user_timeout(SILENCE);
        config.keepalives_idle(SILENCE);
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(Error::fault("the address names no host"));
        }
        let (mode, tls) = wish.connector()?;
        config.ssl_mode(mode);
        Ok(Self { config, tls })
    }

    /// Host and port, as many as the address names, without who comes.
    pub(super) fn shown(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let ports = self.config.get_ports().iter().copied().chain(std::iter::repeat(DEFAULT_PORT));
        let places: Vec<String> = hosts.zip(ports).map(|(host, port)| format!("{host}:{port}")).collect();
        places.join(", ")
    }
}

/// The first connection: that there is none is told with where it was tried.
pub(super) async fn first(pool: &Pool, place: &str) -> Result<()> {
    match pool.get().await {
        Ok(_) => Ok(()),
        Err(error @ PoolError::Timeout(_)) => {
            let seconds = PATIENCE.as_secs();
            Err(Error::from(error)
                .during(format!("no answer from PostgreSQL at {place} within {seconds} seconds")))
        }
        Err(error) => Err(Error::from(error).during(format!("PostgreSQL at {place}"))),
    }
}

pub(super) fn pool(route: Route, size: usize) -> Result<Pool> {
    let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match route.tls {
        Some(tls) => Manager::from_config(route.config, tls, how),
        None => Manager::from_config(route.config, NoTls, how),
    };
    Ok(Pool::builder(manager)
        .max_size(size)
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(WITHOUT_COMPILER).await.map_err(HookError::Backend) })
        }))
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(PATIENCE))
        .recycle_timeout(Some(PATIENCE))
        .runtime(Runtime::Tokio1)
        .build()?)
}

/// A connection of its own; what the server says unasked goes to `hear`.
pub(super) async fn direct<F>(route: &Route, hear: F) -> Result<(Client, JoinHandle<()>)>
where
    F: FnMut(AsyncMessage) + Send + 'static,
{
    match route.tls.clone() {
        Some(tls) => join(&route.config, tls, hear).await,
        None => join(&route.config, NoTls, hear).await,
    }
}

async fn join<T, F>(config: &Config, tls: T, mut hear: F) -> Result<(Client, JoinHandle<()>)>
where
    T: MakeTlsConnect<tokio_postgres::Socket>,
    T::Stream: Send + 'static,
    F: FnMut(AsyncMessage) + Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    let mut connection: Connection<_, _> = connection;
    let task = tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            hear(message);
        }
    });
    Ok((client, task))
}
