//! Interleaved repetitions: every contender once, then every contender again.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{
    drive::{Measure, Scenario},
    limits::{ARGON2, Limits},
    plan::Plan,
    setup::{CLIENT_CORE, SERVER_CORE, Server, run_on},
};

pub(crate) const DOORWARD: &str = "Doorward";
pub(crate) const POSTGRES: &str = "Doorward on PostgreSQL";
pub(crate) const DURABLE: &str = "ideal-durable";
pub(crate) const IDEAL: &str = "ideal";
/// A proxy that asks nobody.
pub(crate) const NGINX: &str = "nginx";
/// An axum route behind the library's layer, and the same without it.
pub(crate) const LAYER: &str = "layer";
pub(crate) const AXUM: &str = "axum";
/// All of them.
pub(crate) const NAMES: [&str; 7] = [DOORWARD, POSTGRES, DURABLE, IDEAL, NGINX, LAYER, AXUM];

/// A server in the comparison.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) server: Server,
    plan: PathBuf,
}

impl Contender {
    pub(crate) fn new(name: &'static str, server: Server, plan: &Plan, folder: &Path) -> Result<Self> {
        let path = folder.join(format!("{name}.json"));
        std::fs::write(&path, serde_json::to_vec(plan)?)?;
        Ok(Self { name, server, plan: path })
    }

    /// The ceiling that stores is in the way where nothing is stored, and some are there for one scenario alone.
    fn runs(&self, scenario: Scenario) -> bool {
        match self.name {
            DURABLE => scenario.stores(),
            NGINX => scenario == Scenario::Proxy,
            LAYER | AXUM => scenario == Scenario::Layer,
            _ => scenario != Scenario::Layer,
        }
    }
}

impl Contender {
    /// Puts a load on it; `times` are the seconds before the window and of it.
    pub(crate) fn drive(&self, scenario: Scenario, connections: usize, times: (f64, f64)) -> Result<Measure> {
        let plan = self.plan.to_string_lossy();
        let (word, connections) = (scenario.word(), connections.to_string());
        let (warm_up, seconds) = (times.0.to_string(), times.1.to_string());
        let load = ["drive", "--plan", &plan, "--scenario", &word, "--connections", &connections];
        run_on(CLIENT_CORE, load.into_iter().chain(["--warm-up", &warm_up, "--seconds", &seconds]))
    }
}

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) repetitions: usize,
    pub(crate) seconds: f64,
    pub(crate) warm_up: f64,
}

/// What came of one scenario with one number of connections.
pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) connections: usize,
    /// One list of repetitions for each contender.
    measures: Vec<(&'static str, Vec<Measure>)>,
    /// Argon2id per CPU second beside each repetition, where passwords are hashed.
    argon2: Vec<f64>,
}

/// The median and the ends of some figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    pub(crate) fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        let (low, high) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let upper = *figures.get(middle)?;
        let lower = if figures.len().is_multiple_of(2) { *figures.get(middle - 1)? } else { upper };
        Some(Self { median: f64::midpoint(lower, upper), low, high })
    }
}

impl Row {
    pub(crate) fn measures(&self, name: &str) -> &[Measure] {
        self.measures.iter().find(|(of, _)| *of == name).map_or(&[], |(_, measures)| measures)
    }

    /// Who is measured in this scenario.
    pub(crate) fn subject(&self) -> &'static str {
        if self.scenario == Scenario::Layer { LAYER } else { DOORWARD }
    }

    /// Whom it is held against: the ceiling, or whoever does the same with less.
    pub(crate) fn ceiling(&self) -> &'static str {
        match self.scenario {
            Scenario::Proxy => NGINX,
            Scenario::Layer => AXUM,
            scenario if scenario.stores() => DURABLE,
            _ => IDEAL,
        }
    }

    pub(crate) fn per_cpu_second(&self, name: &str) -> Option<Spread> {
        Spread::of(self.measures(name).iter().map(Measure::per_cpu_second).collect())
    }

    /// A figure of the repetitions, its median.
    pub(crate) fn median(&self, name: &str, figure: impl Fn(&Measure) -> f64) -> Option<f64> {
        Some(Spread::of(self.measures(name).iter().map(figure).collect())?.median)
    }

    /// Paired ratios of two contenders.
    pub(crate) fn ratio(&self, of: &str, to: &str) -> Option<Spread> {
        let pairs = self.measures(of).iter().zip(self.measures(to));
        Spread::of(pairs.map(|(of, to)| of.per_cpu_second() / to.per_cpu_second().max(0.001)).collect())
    }

    /// Paired ratios of a contender and the bare hash.
    pub(crate) fn ratio_to_argon2(&self, of: &str) -> Option<Spread> {
        let pairs = self.measures(of).iter().zip(&self.argon2);
        Spread::of(pairs.map(|(of, hash)| of.per_cpu_second() / hash.max(0.001)).collect())
    }

    /// How often something went wrong, and what first.
    pub(crate) fn errors(&self, name: &str) -> (u32, Option<&str>) {
        let measures = self.measures(name);
        let first = measures.iter().find_map(|m| m.first_error.as_deref());
        (measures.iter().map(|m| m.errors).sum(), first)
    }
}

/// Measures one row.
pub(crate) fn row(
    contenders: &[Contender],
    scenario: Scenario,
    connections: usize,
    pace: Pace,
) -> Result<Row> {
    let seconds = pace.seconds * scenario.stretch();
    let warm_up = pace.warm_up * scenario.stretch().min(1.0);
    let mut row = Row { scenario, connections, measures: Vec::new(), argon2: Vec::new() };
    row.measures.extend(contenders.iter().filter(|c| c.runs(scenario)).map(|c| (c.name, Vec::new())));
    for _ in 0..pace.repetitions {
        for contender in contenders.iter().filter(|c| c.runs(scenario)) {
            let measure = contender.drive(scenario, connections, (warm_up, seconds))?;
            if let Some((_, list)) = row.measures.iter_mut().find(|(name, _)| *name == contender.name) {
                list.push(measure);
            }
        }
        if scenario.hashes() {
            let seconds = seconds.to_string();
            let limits: Limits = run_on(SERVER_CORE, ["limits", "--only", ARGON2, "--seconds", &seconds])?;
            row.argon2.extend(limits.get(ARGON2));
        }
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        let spread = |median, low, high| Some(Spread { median, low, high });
        assert_eq!(Spread::of(vec![]), None);
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]), spread(2.0, 1.0, 3.0));
        assert_eq!(Spread::of(vec![4.0, 1.0, 2.0, 3.0]), spread(2.5, 1.0, 4.0));
    }
}
