//! How many failures are allowed, and whose address they are counted under.

use doorward_sdk::server::limits::{FailureLimits, RedisLimits};

use super::{Concern, note, refuse};
use crate::{config::Config, serve::gateway::limits};

pub(super) fn failures(config: &Config, found: &mut Vec<Concern>) {
    let longest = FailureLimits::LONGEST;
    let interval = config.auth.rate_limit_interval.0;
    if !(1.0..=longest).contains(&interval) {
        let what = format!("{interval} seconds are no window for failures; it is 1 to {longest}");
        found.push(refuse("auth.rate_limit_interval", what));
    }
    for (key, limit) in [
        ("auth.rate_limit_ip", config.auth.rate_limit_ip),
        ("auth.rate_limit_identity", config.auth.rate_limit_identity),
    ] {
        if limit.is_some_and(|limit| limit > FailureLimits::MOST) {
            found.push(refuse(key, "more than 10000 failures are no limit; 0 allows any number"));
        }
    }
    if let Some(Err(wrong)) = config.redis.url.as_ref().map(|url| RedisLimits::check(url.expose())) {
        found.push(refuse("redis.url", wrong.to_string()));
    }
    if limits::is_one_for_all(config) {
        let what = "the proxy before this server is not in trusted_proxies, so everybody has its address: \
                    failed tries are not counted by address unless auth.rate_limit_ip is set";
        found.push(note("auth.rate_limit_ip", what));
    }
}
