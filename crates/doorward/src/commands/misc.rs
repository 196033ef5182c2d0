//! Small commands: who am I.

use std::io::Write as _;

use anyhow::Result;
use clap::Args;

use super::{
    Common, Exit,
    manage::{
        connect::Ask,
        output::{Format, render},
        profile::Connection,
        target::{self, Locality},
    },
};

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
