//! `cargo xtask`: what a developer of Doorward runs. Never shipped.

mod attacks;
mod bench;
mod ci;
mod passwords;
mod reference;
mod rows;
mod sql;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "Usage: cargo xtask COMMAND

  bench [--help]        the release build beside the ceiling server, and its targets
  ci [--fast]           every check, in the order in which they fail soonest
  gen                   docs/reference, from the program; docs/attacks.md, from the tables of the tests
  pictures              docs/images, by a browser on the way through the whole console
  known-passwords FILE  the known passwords that ship, from a list with the most used first
  scale [--help]        every list on a database of a million people, and how long its answers take
  seed [--help]         such a database, for a look by hand
  sql [--bless]         every statement on both engines; --bless writes the DDL snapshots
  tidy                  sizes, places of SQL and drivers, links, docs/rows.md
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args.as_slice() {
        ["ci"] => ci::run(ci::How::Whole),
        ["ci", "--fast"] => ci::run(ci::How::Fast),
        [command @ ("bench" | "seed" | "scale"), args @ ..] => bench::run(command, args),
        ["gen"] => reference::run(),
        ["pictures"] => reference::pictures(),
        ["known-passwords", source] => passwords::run(source),
        ["sql"] => sql::run(sql::Snapshots::Check),
        ["sql", "--bless"] => sql::run(sql::Snapshots::Bless),
        ["tidy"] => tidy::run(),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
