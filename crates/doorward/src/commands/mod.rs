//! The command line: one file per command, and what they share.

mod completions;
mod config;
mod demo;
mod doctor;
mod explain;
mod export;
mod import;
mod keys;
mod local;
mod login;
pub(crate) mod manage;
mod misc;
mod progress;
mod reference;
mod rekey;
mod serve;
mod token;

use std::{ffi::OsString, io::Write as _, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, error::ErrorKind};

use self::manage::Management;
use crate::config::{Environment, Loaded, Sources};

/// Identity provider and OAuth 2.1 / OpenID Connect server in one binary.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Common {
    /// The configuration file [default: `DOORWARD_CONFIG`, else ./doorward.toml if it exists].
    #[arg(long, global = true, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
    /// A setting, such as `tokens.access_ttl=5m`; may be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = setting, help_heading = "Configuration")]
    set: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Show, check and document the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Tell what a code means and what to do.
    Explain(explain::Explain),
    /// Run a throw-away server with an organisation, people and an application in it.
    Demo(demo::Demo),
    /// Make the first administrator, or a link that does.
    Setup(local::Setup),
    /// Say what is unsafe or missing on this machine, and what to do.
    Doctor(doctor::Doctor),
    /// Write everything that moves to another server into a file.
    Export(export::Export),
    /// Take over what another server has exported, or what other programs keep.
    Import(import::Import),
    /// Back up, restore, copy and verify the database.
    #[command(subcommand)]
    Db(local::Database),
    /// The audit trail.
    #[command(subcommand)]
    Audit(local::Audit),
    /// Sign in, in a browser; commands then act as you.
    Login(login::Login),
    /// End the sign-in of `login`, here and at the server.
    Logout(login::Logout),
    /// Tell who the credential in use belongs to.
    Whoami(misc::Whoami),
    /// Service tokens, and looking into a JWT.
    #[command(subcommand)]
    Token(Box<token::Token>),
    /// Signing keys, and master keys.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Print what a shell needs to finish commands and flags.
    Completions(completions::Completions),
    /// Write the reference pages of this program into a folder.
    #[command(hide = true)]
    Reference(reference::Reference),
}

/// How a command ends (INTERFACE 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Refused or failed.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The server cannot be reached.
    Unreachable = 3,
    /// There is no credential, or it is not good any more.
    NotSignedIn = 4,
}

/// Why a command ended otherwise than well: one line for people, the exit code for scripts.
#[derive(Debug, thiserror::Error)]
#[error("{line}")]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) line: String,
}

/// Runs the command line; prints what is wrong as one line on standard error.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    match dispatch(args) {
        Ok(exit) => exit,
        // Whoever read the lines has read enough.
        Err(error) if is_closed(&error) => Exit::Done,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "doorward: {error:#}");
            error.downcast_ref::<Failure>().map_or(Exit::Failed, |failure| failure.exit)
        }
    }
}

/// Whether the reader of what is printed went away, as `head` does.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn dispatch(args: impl IntoIterator<Item = OsString>) -> Result<Exit> {
    let management = Management::of_this_program()?;
    let matches = match management.augment(Cli::command()).try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            error.print()?;
            let is_asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return Ok(if is_asked { Exit::Done } else { Exit::Usage });
        }
    };
    let common = Common::from_arg_matches(&matches)?;
    if let Some(outcome) = management.run(&common, &matches) {
        return outcome;
    }
    match Cli::from_arg_matches(&matches)?.command {
        Command::Serve(serve) => serve.run(&common),
        Command::Config(command) => command.run(&common),
        Command::Explain(explain) => explain.run(),
        Command::Demo(demo) => demo.run(&common),
        Command::Setup(setup) => setup.run(&common),
        Command::Doctor(doctor) => doctor.run(&common),
        Command::Export(export) => export.run(&common),
        Command::Import(import) => import.run(&common),
        Command::Db(database) => database.run(&common),
        Command::Audit(audit) => audit.run(&common),
        Command::Login(login) => login.run(&common),
        Command::Logout(logout) => logout.run(&common),
        Command::Whoami(whoami) => whoami.run(&common),
        Command::Token(token) => token.run(&common),
        Command::Keys(keys) => keys.run(&common),
        Command::Completions(completions) => completions.run(management.augment(Cli::command())),
        Command::Reference(reference) => reference.run(),
    }
}

/// Runs a command's asynchronous part on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(work)
}

impl Common {
    pub(crate) fn load(&self, more: Vec<(String, String)>) -> Result<Loaded> {
        let mut flags = self.set.clone();
        flags.extend(more);
        Ok(Loaded::read(&Sources { file: self.config.clone(), flags }, &Environment::of_this_process())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_well_formed() {
        Management::of_this_program().unwrap().augment(Cli::command()).debug_assert();
    }
}
