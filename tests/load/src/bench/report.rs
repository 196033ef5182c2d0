//! The report: Markdown, read on a terminal as it is.

use std::fmt::{self, Write as _};

use super::{
    Found,
    house::House,
    rounds::{DOORWARD, DURABLE, IDEAL, POSTGRES, Row, Spread},
    targets::{self, Against},
};

/// Below this ratio between two runs there is no difference on a shared machine.
const NOISE: f64 = 1.15;

/// The whole report.
pub(crate) fn render(found: &Found) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let pace = found.pace;
    writeln!(out, "# Doorward beside the ceiling\n\n{}.", found.machine)?;
    writeln!(
        out,
        "\nServer on core 0, generator on core 1, HTTP/1.1 keep-alive, closed loop; {} interleaved \
         repetitions of {} s after {} s of warm-up. `op/cpu-s` is operations per CPU second of the server \
         (median); a ratio is the median of the ratios of measurements made right after each other (lowest \
         to highest). The cores are shared with whatever else runs here: rates by the clock and latencies \
         are only a hint, and a difference below {NOISE} is none.",
        pace.repetitions, pace.seconds, pace.warm_up
    )?;
    limits(&mut out, found)?;
    ratios(&mut out, &found.rows)?;
    latencies(&mut out, &found.rows)?;
    house(&mut out, found)?;
    verdict(&mut out, found)?;
    Ok(out)
}

fn limits(out: &mut String, found: &Found) -> fmt::Result {
    writeln!(out, "\n## The machine\n\nPer CPU second; appends and rows per second by the clock.\n")?;
    writeln!(out, "| limit | per s | µs |\n| --- | --: | --: |")?;
    for (name, rate) in &found.limits {
        writeln!(out, "| {name} | {} | {:.1} |", figure(*rate), 1_000_000.0 / rate.max(0.001))?;
    }
    Ok(())
}

fn ratios(out: &mut String, rows: &[Row]) -> fmt::Result {
    writeln!(out, "\n## Operations per server CPU second\n")?;
    writeln!(
        out,
        "| scenario | conn. | {DOORWARD} | {DURABLE} | {IDEAL} | ratio | target | | {POSTGRES} |\n\
         | --- | --: | --: | --: | --: | --: | --: | --- | --: |"
    )?;
    for row in rows {
        let rate = |name| row.per_cpu_second(name).map_or_else(|| "–".to_owned(), |s| figure(s.median));
        let (ratio, target, word) = judge(row);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {ratio} | {target} | {word} | {} |",
            row.scenario.name(),
            row.connections,
            rate(DOORWARD),
            rate(DURABLE),
            rate(IDEAL),
            rate(POSTGRES)
        )?;
    }
    writeln!(
        out,
        "\nA ratio is to {DURABLE} where something must be stored, else to {IDEAL}; for password sign-in \
         to the bare Argon2id rate beside it."
    )
}

/// The measured ratio of a row, what it should be, and the verdict.
fn judge(row: &Row) -> (String, String, &'static str) {
    let target = targets::share(row.scenario);
    let against_hash = matches!(target, Some((_, Against::Argon2)));
    let ratio = if against_hash { row.ratio_to_argon2(DOORWARD) } else { row.ratio(DOORWARD, row.ceiling()) };
    let word = match (ratio, target) {
        (Some(ratio), Some((share, _))) if ratio.median < share => "MISSED",
        (Some(_), Some(_)) => "ok",
        _ => "",
    };
    (
        ratio.map_or_else(|| "–".to_owned(), spread),
        target.map_or_else(String::new, |(share, _)| format!("{share:.2}")),
        word,
    )
}

fn latencies(out: &mut String, rows: &[Row]) -> fmt::Result {
    writeln!(out, "\n## By the clock\n")?;
    writeln!(
        out,
        "| scenario | conn. | server | op/s | p50 ms | p95 ms | p99 ms | errors | /healthz p99 ms |\n\
         | --- | --: | --- | --: | --: | --: | --: | --: | --: |"
    )?;
    for row in rows {
        for name in [DOORWARD, POSTGRES, DURABLE, IDEAL] {
            let Some(rate) = row.median(name, |m| f64::from(m.operations) / m.seconds) else { continue };
            let at = |figure: fn(&crate::drive::Measure) -> f64| {
                row.median(name, figure).map_or_else(String::new, |ms| format!("{ms:.2}"))
            };
            let health =
                if row.scenario.hashes() { at(|m| m.health_p99.unwrap_or_default()) } else { String::new() };
            let (p50, p95, p99) = (at(|m| m.p50), at(|m| m.p95), at(|m| m.p99));
            writeln!(
                out,
                "| {} | {} | {name} | {} | {p50} | {p95} | {p99} | {} | {health} |",
                row.scenario.name(),
                row.connections,
                figure(rate),
                row.errors(name).0,
            )?;
        }
    }
    Ok(())
}

fn house(out: &mut String, found: &Found) -> fmt::Result {
    writeln!(out, "\n## Start and memory\n\n| | measured | target | |\n| --- | --: | --: | --- |")?;
    if let Some(house) = &found.house {
        for (what, measured, target, unit) in promises(house, &found.rows) {
            let word = if measured < target { "ok" } else { "MISSED" };
            writeln!(out, "| {what} | {measured:.1} {unit} | {target:.0} {unit} | {word} |")?;
        }
    }
    for (name, peak) in &found.peaks {
        writeln!(out, "| peak memory, {name} | {peak:.0} MiB | | |")?;
    }
    Ok(())
}

/// What is promised besides throughput: what, measured, target, unit.
fn promises(house: &House, rows: &[Row]) -> Vec<(&'static str, f64, f64, &'static str)> {
    let mut found = vec![("first start to first answer", house.first_start, targets::FIRST_START, "ms")];
    if let Some(spread) = Spread::of(house.restarts.clone()) {
        found.push(("start to first answer, existing data folder", spread.median, targets::START, "ms"));
    }
    let probes = rows.iter().filter(|row| row.scenario.hashes());
    let health = probes.filter_map(|row| row.median(DOORWARD, |m| m.health_p99.unwrap_or_default()));
    if let Some(worst) = health.max_by(f64::total_cmp) {
        found.push(("/healthz p99 while passwords are hashed", worst, targets::HEALTH_P99, "ms"));
    }
    if let Some(settled) = house.settled_mib {
        found.push(("memory a minute after the last sign-in", settled, targets::MEMORY, "MiB"));
    }
    found
}

fn verdict(out: &mut String, found: &Found) -> fmt::Result {
    let mut missed: Vec<String> = found
        .rows
        .iter()
        .filter_map(|row| {
            let (ratio, target, word) = judge(row);
            let (name, connections) = (row.scenario.name(), row.connections);
            (word == "MISSED").then(|| format!("{name}, {connections} connections: {ratio} of {target}"))
        })
        .collect();
    if let Some(house) = &found.house {
        let promises = promises(house, &found.rows).into_iter();
        missed.extend(promises.filter(|(_, measured, target, _)| measured >= target).map(
            |(what, measured, target, unit)| {
                format!("{what}: {measured:.1} {unit}, not below {target:.0} {unit}")
            },
        ));
    }
    for row in &found.rows {
        for name in [DOORWARD, POSTGRES, DURABLE, IDEAL] {
            if let (errors @ 1.., first) = row.errors(name) {
                let (scenario, first) = (row.scenario.name(), first.unwrap_or_default());
                missed.push(format!(
                    "{scenario}, {} connections, {name}: {errors} errors, first: {first}",
                    row.connections
                ));
            }
        }
    }
    writeln!(out, "\n## Missed\n")?;
    if missed.is_empty() {
        return writeln!(out, "Nothing.");
    }
    missed.iter().try_for_each(|line| writeln!(out, "- {line}"))
}

fn spread(spread: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", spread.median, spread.low, spread.high)
}

/// A rate with as many digits as mean something.
fn figure(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}
