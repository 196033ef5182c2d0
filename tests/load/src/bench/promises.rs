//! What is promised besides throughput, and what came of it.

use super::{
    Found,
    rounds::{DOORWARD, IDEAL, Row, Spread},
    targets,
};
use crate::drive::Scenario;

/// A figure and its mark.
pub(super) struct Promise {
    pub(super) what: &'static str,
    measured: f64,
    mark: Mark,
    pub(super) unit: &'static str,
}

enum Mark {
    Below(f64),
    AtLeast(f64),
}

impl Promise {
    pub(super) fn is_kept(&self) -> bool {
        match self.mark {
            Mark::Below(mark) => self.measured < mark,
            Mark::AtLeast(mark) => self.measured >= mark,
        }
    }

    /// What was measured and what was promised, to read.
    pub(super) fn figures(&self) -> (String, String) {
        match self.mark {
            Mark::Below(mark) => (format!("{:.1}", self.measured), format!("below {mark:.0}")),
            Mark::AtLeast(mark) => (format!("{:.2}", self.measured), format!("{mark:.2}")),
        }
    }
}

/// Those for which something was measured.
pub(super) fn promises(found: &Found) -> Vec<Promise> {
    let below = |what, unit, mark, measured: Option<f64>| {
        measured.map(|measured| Promise { what, measured, mark: Mark::Below(mark), unit })
    };
    let share = |what, mark, measured: Option<f64>| {
        measured.map(|measured| Promise { what, measured, mark: Mark::AtLeast(mark), unit: "" })
    };
    let (house, rows) = (found.house.as_ref(), found.rows.as_slice());
    let restarts = house.and_then(|house| Spread::of(house.restarts.clone()));
    let beside = |of, to| worst(ratios(rows, of, to), f64::min);
    [
        below("first start to first answer", " ms", targets::FIRST_START, house.map(|it| it.first_start)),
        below(
            "start to first answer, existing data folder",
            " ms",
            targets::START,
            restarts.map(|it| it.median),
        ),
        below("/healthz p99 while passwords are hashed", " ms", targets::HEALTH_P99, health(rows)),
        below(
            "memory a minute after the last sign-in",
            " MiB",
            targets::MEMORY,
            house.and_then(|it| it.settled_mib),
        ),
        below("added by the proxy at one connection, p50", " µs", targets::ADDED, added(rows)),
        below("/validate, p99 beside p50", "", targets::TAIL, worst(tails(rows), f64::max)),
        share(
            "/validate, 10,000 JWTs beside one",
            targets::MANY,
            beside(Scenario::ValidateMany, Scenario::ValidateJwt),
        ),
        share(
            "/validate, a service token beside a JWT",
            targets::TOKEN,
            beside(Scenario::ValidateToken, Scenario::ValidateJwt),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn worst(figures: impl Iterator<Item = f64>, worse: fn(f64, f64) -> f64) -> Option<f64> {
    figures.reduce(worse)
}

fn health(rows: &[Row]) -> Option<f64> {
    let probes = rows.iter().filter(|row| row.scenario.hashes());
    worst(probes.filter_map(|row| row.median(DOORWARD, |m| m.health_p99.unwrap_or_default())), f64::max)
}

/// How much longer an answer takes through the proxy than from the application itself.
fn added(rows: &[Row]) -> Option<f64> {
    let alone = rows.iter().find(|row| row.scenario == Scenario::Proxy && row.connections == 1)?;
    let p50 = |name| alone.median(name, |measure| measure.p50);
    Some((p50(DOORWARD)? - p50(IDEAL)?) * 1000.0)
}

fn tails(rows: &[Row]) -> impl Iterator<Item = f64> {
    let warm = [Scenario::ValidateToken, Scenario::ValidateJwt, Scenario::ValidateMany];
    let rows = rows.iter().filter(move |row| warm.contains(&row.scenario));
    rows.filter_map(|row| row.median(DOORWARD, |measure| measure.p99 / measure.p50.max(0.001)))
}

/// Operations per CPU second of one scenario beside another, at each number of connections.
fn ratios(rows: &[Row], of: Scenario, to: Scenario) -> impl Iterator<Item = f64> {
    let rate = move |row: &Row| row.per_cpu_second(DOORWARD).map(|spread| spread.median);
    let others = move |row: &Row| {
        rows.iter().find(|other| other.scenario == to && other.connections == row.connections)
    };
    let rows = rows.iter().filter(move |row| row.scenario == of);
    rows.filter_map(move |row| Some(rate(row)? / rate(others(row)?)?.max(0.001)))
}
