//! The command line: one file per command, and what they share.

mod config;
mod explain;
mod serve;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::config::{Environment, Loaded, Sources};

/// Identity provider and OAuth 2.1 / OpenID Connect server in one binary.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// The configuration file [default: ./doorward.toml, if it exists].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A setting, such as `tokens.access_ttl=5m`; may be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = setting)]
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
}

/// How a command ends (INTERFACE 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Refused or failed.
    Failed = 1,
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// What is printed as one line before the exit code says the same.
    pub fn run(self) -> Result<Exit> {
        match self.command {
            Command::Serve(serve) => serve.run(&self.common),
            Command::Config(command) => command.run(&self.common),
            Command::Explain(explain) => explain.run(),
        }
    }
}

impl Common {
    fn load(&self, more: Vec<(String, String)>) -> Result<Loaded> {
        let mut flags = self.set.clone();
        flags.extend(more);
        Ok(Loaded::read(&Sources { file: self.config.clone(), flags }, &Environment::of_this_process())?)
    }
}
