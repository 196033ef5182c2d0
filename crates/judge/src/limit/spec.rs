//! How limits are written at a rule: `"100/minute"`, a table, or a list of these.

use std::time::Duration;

use doorward_proto::rate::{MOST, Period, Rate};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{By, Gcra, Limit, Measure, Quota};

/// A list of limits as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitsSpec(Vec<Spec>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Spec {
    rate: Rate,
    burst: Option<u32>,
    by: By,
}

/// One in the form of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    limit: u32,
    per: String,
    burst: Option<u32>,
    #[serde(default)]
    by: By,
}

impl<'de> Deserialize<'de> for LimitsSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = match Value::deserialize(from)? {
            Value::Null => Vec::new(),
            Value::Array(items) => items,
            one => vec![one],
        };
        let specs = written.into_iter().map(Spec::read).collect::<Result<_, _>>();
        specs.map(Self).map_err(D::Error::custom)
    }
}

impl Spec {
    fn read(written: Value) -> Result<Self, String> {
        match written {
            Value::String(text) => {
                let rate = text.parse().map_err(|wrong| format!("`{text}` is no limit: {wrong}"))?;
                Ok(Self { rate, burst: None, by: By::default() })
            }
            table @ Value::Object(_) => {
                let Table { limit, per, burst, by } =
                    serde_json::from_value(table).map_err(|wrong| format!("a limit: {wrong}"))?;
                let per: Period = per.parse().map_err(|_| {
                    format!("`{per}` is no time of a limit; write second, minute, hour, day or month")
                })?;
                let rate =
                    Rate::new(limit, per).map_err(|_| format!("a limit is 1 to {MOST}, not {limit}"))?;
                Ok(Self { rate, burst, by })
            }
            other => Err(format!(
                "`{other}` is no limit; write \"100/minute\" or {{ limit = 100, per = \"minute\" }}"
            )),
        }
    }
}

/// Compiles both lists of a rule.
///
/// # Errors
/// The member, and what makes no sense.
pub(crate) fn compile(rates: &LimitsSpec, quotas: &LimitsSpec) -> Result<Vec<Limit>, (&'static str, String)> {
    let wrong = |field, what: String| Err((field, what));
    for (field, written) in [("rate_limit", rates), ("quota", quotas)] {
        if written.0.len() > MANY {
            return wrong(field, format!("no more than {MANY} limits of a kind"));
        }
    }
    let mut limits = Vec::with_capacity(rates.0.len() + quotas.0.len());
    for (place, spec) in (0_u8..).zip(&rates.0) {
        let gcra = Gcra::new(spec.rate, spec.burst.unwrap_or(spec.rate.limit));
        if spec.rate.per == Period::Month {
            return wrong("rate_limit", "a rate is per second, minute, hour or day; use quota".to_owned());
        }
        // Whoever waits for a whole burst longer than that has a quota in mind.
        if gcra.burst == 0 || gcra.burst > MOST || gcra.tolerance() > micros(Period::Month.longest()) {
            let what = format!("a burst is 1 to {MOST}, and no more than the rate gives in a month");
            return wrong("rate_limit", what);
        }
        limits.push(Limit { measure: Measure::Rate(gcra), by: spec.by, place });
    }
    for (place, spec) in (0_u8..).zip(&quotas.0) {
        let Rate { limit, per } = spec.rate;
        if per == Period::Second {
            return wrong("quota", "a quota is per minute, hour, day or month; use rate_limit".to_owned());
        }
        if spec.burst.is_some() {
            return wrong("quota", "a quota has no burst: all of it may be taken at once".to_owned());
        }
        limits.push(Limit { measure: Measure::Quota(Quota { limit, per }), by: spec.by, place });
    }
    Ok(limits)
}

/// Limits of one kind at one rule at the most: each costs a counter at every request.
const MANY: usize = 8;

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
