//! The report: Markdown, read on a terminal as it is.

use std::fmt::{self, Write as _};

use super::{
    Found,
    promises::{Promise, promises},
    rounds::{DOORWARD, DURABLE, IDEAL, NAMES, POSTGRES, Row, Spread},
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
        "| scenario | conn. | {DOORWARD} | beside | its rate | ratio | target | | {POSTGRES} |\n\
         | --- | --: | --: | --- | --: | --: | --: | --- | --: |"
    )?;
    for row in rows {
        let rate = |name| row.per_cpu_second(name).map_or_else(|| "–".to_owned(), |s| figure(s.median));
        let (ratio, target, word) = judge(row);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {ratio} | {target} | {word} | {} |",
            row.scenario.name(),
            row.connections,
            rate(row.subject()),
            row.ceiling(),
            rate(row.ceiling()),
            rate(POSTGRES)
        )?;
    }
    writeln!(
        out,
        "\nA ratio is to {DURABLE} where something must be stored, else to {IDEAL}; for password sign-in \
         to the bare Argon2id rate beside it; for the proxy to nginx, which asks nobody; for the layer to the \
         same axum route without it."
    )
}

/// The measured ratio of a row, what it should be, and the verdict.
fn judge(row: &Row) -> (String, String, &'static str) {
    let target = targets::share(row.scenario);
    let against_hash = matches!(target, Some((_, Against::Argon2)));
    let ratio =
        if against_hash { row.ratio_to_argon2(DOORWARD) } else { row.ratio(row.subject(), row.ceiling()) };
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
        for name in NAMES {
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
    writeln!(out, "\n## Start, memory, gateway\n\n| | measured | to reach | |\n| --- | --: | --: | --- |")?;
    for promise in promises(found) {
        let Promise { what, unit, .. } = &promise;
        let word = if promise.is_kept() { "ok" } else { "MISSED" };
        let (measured, mark) = promise.figures();
        writeln!(out, "| {what} | {measured}{unit} | {mark}{unit} | {word} |")?;
    }
    for (name, peak) in &found.peaks {
        writeln!(out, "| peak memory, {name} | {peak:.0} MiB | | |")?;
    }
    Ok(())
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
    missed.extend(promises(found).into_iter().filter(|promise| !promise.is_kept()).map(|promise| {
        let (measured, mark) = promise.figures();
        format!("{}: {measured}{unit}, to reach {mark}{unit}", promise.what, unit = promise.unit)
    }));
    for row in &found.rows {
        for name in NAMES {
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
