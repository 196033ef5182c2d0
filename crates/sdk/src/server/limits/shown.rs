//! What is told of limits: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers), and
//! `X-Quota`, one number.

use std::{fmt::Write as _, time::Duration};

use doorward_judge::limit::{Measure, Standing};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Take;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// How a request stands with its limits, in words for headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    policy: String,
    state: String,
    /// What is left after this request: of its quotas, or else of its rates, where it is least.
    pub left: u32,
}

impl Shown {
    /// Nothing where there is no limit.
    pub(super) fn of(takes: &[Take], standings: &[Standing]) -> Option<Self> {
        let (mut policy, mut state) = (String::new(), String::new());
        let (mut rates, mut quotas) = (0_u32, 0_u32);
        for (take, standing) in takes.iter().zip(standings) {
            let (name, count) = match take.measure {
                Measure::Rate(_) => ("rate", &mut rates),
                Measure::Quota(_) => ("quota", &mut quotas),
            };
            *count += 1;
            let name = if *count == 1 { name.to_owned() } else { format!("{name}-{count}") };
            let comma = if policy.is_empty() { "" } else { ", " };
            let (most, time) = take.measure.policy();
            // Writing into a text cannot fail.
            let _ = write!(policy, "{comma}\"{name}\";q={most};w={}", whole_seconds(time));
            let (left, time) = (standing.left, whole_seconds(standing.whole_in));
            let _ = write!(state, "{comma}\"{name}\";r={left};t={time}");
        }
        let least = |of_quotas: bool| {
            let all = takes.iter().zip(standings);
            let those = all.filter(|(take, _)| matches!(take.measure, Measure::Quota(_)) == of_quotas);
            those.map(|(_, standing)| standing.left).min()
        };
        Some(Self { left: least(true).or_else(|| least(false))?, policy, state })
    }

    /// For whoever sent the request.
    pub fn set(&self, headers: &mut HeaderMap) {
        for (name, text) in [(POLICY, &self.policy), (STATE, &self.state)] {
            if let Ok(value) = HeaderValue::from_str(text) {
                // An application behind may have limits of its own: each is one more in the list.
                headers.append(name, value);
            }
        }
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
