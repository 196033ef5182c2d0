//! Small commands: who am I, and secrets made on the spot.

use std::io::Write as _;

use anyhow::Result;
use clap::{Args, Subcommand};
use doorward_core::env::{Env, no_fetch};
use doorward_proto::secret::Kind;

use super::{
    Common, Exit,
    manage::{
        connect::Ask,
        output::{Format, render},
        profile::Connection,
        target::{self, Locality},
    },
};
use crate::data::fault;

/// What `whoami` takes.
#[derive(Debug, Args)]
pub(super) struct Whoami {
    #[command(flatten)]
    connection: Connection,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

impl Whoami {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        super::block_on(async {
            let api = target::open(common, &self.connection, Locality::Remote).await?;
            let answer = api.send(Ask::get("/api/whoami")).await?;
            write!(std::io::stdout().lock(), "{}", render(&answer, self.output, "whoami"))?;
            let is_somebody = answer.get("authenticated").and_then(serde_json::Value::as_bool) == Some(true);
            Ok(if is_somebody { Exit::Done } else { Exit::NotSignedIn })
        })
    }
}

/// Secrets that no server has to know.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a random token, good as a bootstrap token; nothing is stored.
    Generate,
}

impl Token {
    pub(super) fn run(&self) -> Result<Exit> {
        let Self::Generate = self;
        let token = Env::system(no_fetch()).secret(Kind::ServiceToken).map_err(fault)?;
        writeln!(std::io::stdout().lock(), "{}", token.expose())?;
        Ok(Exit::Done)
    }
}
