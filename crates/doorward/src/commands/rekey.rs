//! `doorward keys rekey`: another master key, on the server's own machine.
//!
//! The order is what makes it safe to cut short: the new key is on disk for good, then the database is given
//! to it in one operation, then its file takes the place of the former one. A start in between finishes it
//! ([`crate::data::master`]).

use std::{io::Write as _, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use doorward_core::{
    audit::Sealer,
    call::{Actor, Call},
    db::EngineName,
    outcome::Error,
    realm,
};

use super::{Common, Exit, manage::target};
use crate::{
    data::{self, fault, master::Succession},
    serve,
};

/// What `keys rekey` takes.
#[derive(Debug, Args)]
pub(super) struct Rekey {
    /// Take the new key from this file (`doorward keys generate`) instead of making one.
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
    /// Do not keep the former key beside the new one. Backups made before need it.
    #[arg(long)]
    forget_old: bool,
}

impl Rekey {
    pub(super) async fn run(&self, common: &Common) -> Result<Exit> {
        let loaded = common.load(Vec::new())?;
        let config = &loaded.config;
        if target::is_alive(&loaded.data_dir().join(data::SOCKET)) {
            bail!("a server runs on this data folder; stop it first");
        }
        if !target::has_database(&loaded)? {
            bail!("there is no database in {}; start `doorward serve` first", loaded.data_dir().display());
        }
        data::folder(loaded.data_dir())?;
        let realm = serve::open_realm(config, target::issuer(&loaded)).await?;
        // What happened under the former key is sealed under it.
        Sealer::new(&realm).map_err(fault)?.finish().await.map_err(fault)?;
        let given = self.new_key_file.as_deref();
        let succession = Succession::of(config);
        let _guard = succession.lock()?;
        let key = succession.prepare(&realm.env, realm.vault.id(), given)?;
        let call = Call::system(&realm).by(Actor::LocalAdministrator);
        let done = match realm::rekey(&call, &key).await {
            Ok(done) => done,
            Err(refused @ Error::Refused(_)) => {
                succession.withdraw()?;
                return Err(fault(refused)).context("the master key stays as it is");
            }
            Err(error) => {
                let what =
                    "the master key was not replaced, unless the answer was lost: the next start finds out";
                return Err(fault(error)).context(what);
            }
        };
        let kept = succession.settle(self.forget_old)?;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "The master key {} was replaced by {}; {} values were sealed again.",
            done.from, done.to, done.sealed
        )?;
        if let Some(kept) = kept {
            writeln!(
                out,
                "The former one is in {}: backups made before need it. Keep it with them, not here.",
                kept.display()
            )?;
        }
        if !succession.is_ours() || realm.db.engine() == EngineName::Postgres {
            writeln!(out, "{}.", succession.advice(given))?;
        }
        Ok(Exit::Done)
    }
}
