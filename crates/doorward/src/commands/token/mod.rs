//! `doorward token`: service tokens, and looking into a JWT. Changing what is noted of a token is made from
//! the API's description.

mod inspect;
mod life;
mod print;

use std::io::Write as _;

use anyhow::Result;
use clap::Subcommand;
use doorward_core::env::{Env, no_fetch};
use doorward_proto::secret::Kind;

use super::{Common, Exit};
use crate::data::fault;

/// Service tokens: long-lived secrets for programs.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a service token; the secret is shown this once.
    Create(life::Create),
    /// List service tokens, every version in every state.
    List(life::List),
    /// Show a service token: by name its newest version, by id that version.
    Show(life::Show),
    /// Make the next version with a new secret; the present one ends after the overlap.
    Rotate(life::Rotate),
    /// Revoke a service token at once: by name every version, by id that version.
    Revoke(life::Revoke),
    /// Look into a JWT, here on this machine: nothing of it is sent anywhere.
    Inspect(inspect::Inspect),
    /// Make a random token, good as a bootstrap token; nothing is stored.
    Generate,
}

impl Token {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        match self {
            Self::Create(create) => super::block_on(create.run(common)),
            Self::List(list) => super::block_on(list.run(common)),
            Self::Show(show) => super::block_on(show.run(common)),
            Self::Rotate(rotate) => super::block_on(rotate.run(common)),
            Self::Revoke(revoke) => super::block_on(revoke.run(common)),
            Self::Inspect(inspect) => super::block_on(inspect.run(common)),
            Self::Generate => {
                let token = Env::system(no_fetch()).secret(Kind::ServiceToken).map_err(fault)?;
                writeln!(std::io::stdout().lock(), "{}", token.expose())?;
                Ok(Exit::Done)
            }
        }
    }
}
