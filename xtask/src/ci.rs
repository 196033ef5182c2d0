//! Every check, soonest failure first. The same on a laptop as anywhere else.

use std::{
    ffi::OsStr,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use doorward_world::cluster;

/// How much to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Everything.
    Whole,
    /// What needs nothing installed: no PostgreSQL, no Redis, no browser.
    Fast,
}

/// Runs the checks, and says how long each took.
pub(crate) fn run(how: How) -> Result<()> {
    let mut times = Vec::new();
    let mut step = |name: &'static str, run: &mut dyn FnMut() -> Result<()>| -> Result<()> {
        eprintln!("\n==> {name}");
        let begun = now();
        run().with_context(|| format!("`{name}` failed"))?;
        times.push((name, now().duration_since(begun)));
        Ok(())
    };
    step("format", &mut || cargo(&["fmt", "--all", "--", "--check"], &[]))?;
    step("tidy", &mut super::tidy::run)?;
    step("lints", &mut lints)?;
    step("build", &mut || cargo(&["test", "--workspace", "--no-run", "--quiet"], &[]))?;
    step("tests on SQLite", &mut || test(&["--skip", "on_postgres", "--skip", "on_redis"], &[]))?;
    if how == How::Whole {
        let (postgres, keeper) = cluster::start()?;
        let shared = [(cluster::SHARED, postgres.as_str())];
        step("statements and schemas", &mut || super::sql::run(super::sql::Snapshots::Check))?;
        step("tests on PostgreSQL and Redis", &mut || test(&["on_postgres", "on_redis"], &shared))?;
        step("documentation", &mut documentation)?;
        step("end to end", &mut || end_to_end(&shared))?;
        drop(keeper);
    }
    eprintln!();
    for (name, took) in &times {
        eprintln!("{name:<24}{}", human(*took));
    }
    Ok(())
}

/// The tests of every crate but the end-to-end ones, which want more than a compiler.
fn test(which: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let mut args = vec![
        "test",
        "--workspace",
        "--exclude",
        "doorward-e2e",
        "--lib",
        "--bins",
        "--tests",
        "--quiet",
        "--",
    ];
    args.extend(which);
    cargo(&args, env)
}

/// The program, with the features that it ships with, against real clients. For the clients the whole workspace
/// is named: cargo unites the features of what it is asked to build, and a package alone would have all that
/// it stands on built once more.
fn end_to_end(env: &[(&str, &str)]) -> Result<()> {
    cargo(&["build", "--package", "doorward"], &[])?;
    let mut scenarios = Vec::new();
    for entry in super::tidy::root().join("tests/e2e/tests").read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            scenarios.extend(path.file_stem().and_then(OsStr::to_str).map(ToOwned::to_owned));
        }
    }
    scenarios.sort();
    let mut args = vec!["test", "--workspace"];
    args.extend(scenarios.iter().flat_map(|name| ["--test", name]));
    args.extend(["--", "--test-threads=2"]);
    cargo(&args, env)
}

fn documentation() -> Result<()> {
    cargo(&["test", "--workspace", "--doc", "--quiet"], &[])?;
    cargo(
        &["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"],
        // The private items are documented too, for the people who work here: links to them hold.
        &[("RUSTDOCFLAGS", "-D warnings -A rustdoc::private-intra-doc-links")],
    )
}

/// Runs cargo in the workspace.
pub(crate) fn cargo(args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    command("cargo", args, env)
}

fn command(program: impl AsRef<OsStr>, args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let program = program.as_ref();
    let status = Command::new(program)
        .args(args)
        .envs(env.iter().copied())
        .current_dir(super::tidy::root())
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !status.success() {
        bail!("{} {} ended with {status}", program.display(), args.join(" "));
    }
    Ok(())
}

/// What may panic in tests may not in the program, so the program is judged by itself first.
fn lints() -> Result<()> {
    cargo(&["clippy", "--locked", "--workspace", "--quiet", "--", "-D", "warnings"], &[])?;
    let tests = ["clippy", "--locked", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    let allowed = ["clippy::unwrap_used", "clippy::expect_used", "clippy::panic", "clippy::indexing_slicing"];
    let allowed = allowed.iter().flat_map(|lint| ["-A", *lint]);
    let tests: Vec<&str> = tests.into_iter().chain(allowed).collect();
    cargo(&tests, &[])
}

#[expect(clippy::disallowed_methods, reason = "a developer tool times its own steps")]
fn now() -> Instant {
    Instant::now()
}

fn human(took: Duration) -> String {
    let seconds = took.as_secs();
    format!("{}m {:02}s", seconds / 60, seconds % 60)
}
