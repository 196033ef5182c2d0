//! The limits of the gateway, as they are configured.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use doorward_judge::limit;
use doorward_sdk::server::limits::{FailureLimits, Limiter, Limits, MemoryLimits, RedisLimits, Which};
use doorward_web::{Counters, WhichCounters};

use crate::config::{Config, exposure};

/// Failures that are allowed where other machines reach the server and nothing else is said.
const PER_ADDRESS: u32 = 20;
const PER_IDENTITY: u32 = 10;

/// Nobody waits longer for Redis, in seconds, whatever is said.
const LONGEST: f64 = 10.0;

/// Counters for as long as the server runs. Those in Redis are shared with every node that has this name.
///
/// # Errors
/// An address that is none.
pub(crate) async fn open(config: &Config, name: &str) -> Result<Arc<Limiter>> {
    let counters: Arc<dyn Limits> = match &config.redis.url {
        Some(url) => {
            let patience = Duration::from_secs_f64(config.redis.timeout.0.min(LONGEST));
            Arc::new(RedisLimits::open(url.expose(), name, patience).await.context("redis.url")?)
        }
        None => Arc::new(MemoryLimits::default()),
    };
    Ok(Arc::new(Limiter::new(counters, failures(config))))
}

/// The way for an administrator to clear them.
pub(super) fn counters(limiter: &Arc<Limiter>) -> Counters {
    let limiter = Arc::clone(limiter);
    Counters::new(move |WhichCounters { address, identity, route }| {
        let which = Which { address: address.map(limit::network), identity, route };
        let limiter = Arc::clone(&limiter);
        Box::pin(async move { limiter.clear(&which).await })
    })
}

/// What is not said depends on who reaches the server: on one's own machine nothing is counted.
pub(crate) fn failures(config: &Config) -> FailureLimits {
    let is_exposed = exposure(config).is_some();
    let default = |limit| if is_exposed { limit } else { 0 };
    FailureLimits {
        address: config
            .auth
            .rate_limit_ip
            .unwrap_or_else(|| if is_one_for_all(config) { 0 } else { default(PER_ADDRESS) }),
        identity: config.auth.rate_limit_identity.unwrap_or_else(|| default(PER_IDENTITY)),
        interval: Duration::try_from_secs_f64(config.auth.rate_limit_interval.0)
            .unwrap_or(Duration::from_secs(60)),
    }
}

/// Whether everybody comes by a proxy that is not believed, so that all have its address.
pub(crate) fn is_one_for_all(config: &Config) -> bool {
    let listens_here_only = config.listen.iter().all(|address| address.ip().to_canonical().is_loopback());
    listens_here_only && exposure(config).is_some() && config.trusted_proxies.is_empty()
}

#[cfg(test)]
mod tests;
