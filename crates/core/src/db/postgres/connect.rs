//! Reaching the server: TLS as the address asks for, time limits on everything.

use std::{str::FromStr, sync::Arc, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, config::SslMode, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::outcome::Result;

/// How long anybody waits for a connection, new or from the pool.
const PATIENCE: Duration = Duration::from_secs(5);
/// After this long without an acknowledgement a connection counts as lost.
const SILENCE: Duration = Duration::from_secs(15);

pub(super) fn config(url: &str) -> Result<Config> {
    let mut config = Config::from_str(url)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    if config.get_application_name().is_none() {
        config.application_name("doorward");
    }
    config.tcp_user_timeout(SILENCE);
    config.keepalives_idle(SILENCE);
    Ok(config)
}

pub(super) fn pool(config: Config, size: usize) -> Result<Pool> {
    let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match encryption(&config)? {
        Some(tls) => Manager::from_config(config, tls, how),
        None => Manager::from_config(config, NoTls, how),
    };
    Ok(Pool::builder(manager)
        .max_size(size)
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(PATIENCE))
        .recycle_timeout(Some(PATIENCE))
        .runtime(Runtime::Tokio1)
        .build()?)
}

/// None where the address says `sslmode=disable`, or leaves it open and this host trusts no authority.
fn encryption(config: &Config) -> Result<Option<MakeRustlsConnect>> {
    match (config.get_ssl_mode(), tls()) {
        (SslMode::Disable, _) | (SslMode::Prefer, Err(_)) => Ok(None),
        (_, tls) => Ok(Some(MakeRustlsConnect::new(tls?))),
    }
}

fn tls() -> Result<rustls::ClientConfig> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_platform_verifier()?.with_no_client_auth())
}

/// A connection of its own; what the server says unasked goes to `hear`.
pub(super) async fn direct<F>(config: &Config, hear: F) -> Result<(Client, JoinHandle<()>)>
where
    F: FnMut(AsyncMessage) + Send + 'static,
{
    match encryption(config)? {
        Some(tls) => join(config, tls, hear).await,
        None => join(config, NoTls, hear).await,
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
