//! `docs/reference/cli.md`: every command with its flags, from the parser itself.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use clap::{Arg, Command, CommandFactory as _};

use crate::commands::{Cli, manage::Management};

/// Flags that are told once, at the top: the heading that help prints them under, and who takes them.
const SHARED: [(&str, &str); 2] = [
    ("Configuration", "Every command takes these."),
    (
        "Server",
        "Commands that ask a server take these. Without them, and without `DOORWARD_URL` and \
         `DOORWARD_SERVICE_TOKEN`, a command on the server's own machine goes through the socket in the data \
         folder.",
    ),
];

const INTRODUCTION: &str = "# Commands

This page is generated from the program (`cargo xtask gen`). `doorward COMMAND --help` prints the same.

Lists and records print as a table; `--output json`, `yaml` and `markdown` are for programs and documents. \
A secret is never written on the command line: `-` asks for it, `@FILE` reads a file.

| exit code | |
| --- | --- |
| 0 | done |
| 1 | refused or failed; standard error says why in one line, with the code |
| 2 | the command line makes no sense |
| 3 | the server cannot be reached |
| 4 | not signed in |
";

/// The page.
pub(super) fn markdown() -> Result<String> {
    let mut root = Management::of_this_program()?.augment(Cli::command());
    root.build();
    let mut page = INTRODUCTION.to_owned();
    for (heading, about) in SHARED {
        let command = carrier(&root, heading).context("no command has these flags")?;
        write!(page, "\n## {heading}\n\n{about}\n")?;
        table(&mut page, command.get_arguments().filter(|arg| arg.get_help_heading() == Some(heading)))?;
    }
    for command in shown(&root) {
        describe(&mut page, command, 2)?;
    }
    Ok(page)
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

/// The first command that has flags under this heading.
fn carrier<'a>(command: &'a Command, heading: &str) -> Option<&'a Command> {
    if command.get_arguments().any(|arg| arg.get_help_heading() == Some(heading)) {
        return Some(command);
    }
    shown(command).find_map(|command| carrier(command, heading))
}

fn describe(page: &mut String, command: &Command, depth: usize) -> Result<()> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    write!(page, "\n{} {name}\n\n{}.\n", "#".repeat(depth), about.trim_end_matches('.'))?;
    if shown(command).next().is_none() {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim().trim_start_matches("Usage:").trim_start();
        write!(page, "\n```text\n{usage}\n```\n")?;
        table(page, command.get_arguments().filter(|arg| is_its_own(arg)))?;
    }
    for command in shown(command) {
        describe(page, command, depth + 1)?;
    }
    Ok(())
}

fn is_its_own(arg: &Arg) -> bool {
    let heading = arg.get_help_heading();
    let is_shared = SHARED.iter().any(|(shared, _)| heading == Some(*shared));
    !is_shared && !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

fn table<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) -> Result<()> {
    let rows: Vec<String> =
        args.map(|arg| format!("| `{}` | {} |\n", cell(&arg.to_string()), about(arg))).collect();
    if !rows.is_empty() {
        write!(page, "\n| | |\n| --- | --- |\n{}", rows.concat())?;
    }
    Ok(())
}

fn about(arg: &Arg) -> String {
    let mut text = arg.get_help().map(|help| cell(&help.to_string())).unwrap_or_default();
    for alias in arg.get_visible_aliases().into_iter().flatten() {
        text.push_str(&format!(" (also `--{alias}`)"));
    }
    let words: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !["true", "false"].contains(&value.get_name()))
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !words.is_empty() {
        text.push_str(&format!(": {}", words.join(", ")));
    }
    let default: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !default.is_empty() && arg.get_action().takes_values() {
        text.push_str(&format!(" [default: {}]", cell(&default.join(", "))));
    }
    text
}

/// Text that may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
