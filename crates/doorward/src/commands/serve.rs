//! `doorward serve`.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::{Common, Exit};
use crate::{
    config::exposure,
    serve::{self, Greeting},
};

/// What `serve` takes on the command line; each is a setting.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// An address to listen on; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<SocketAddr>,
    /// The address under which everybody reaches the server.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// `all`; `idp` guards no applications; `gateway` only guards them, without a database.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The folder for database, key and socket.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// `sqlite://…` or `postgres://…`.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// For a developer's machine, and refused where others could reach it: a log to be read, and URLs of
    /// applications may be local.
    #[arg(long)]
    dev: bool,
}

impl Serve {
    pub(super) fn run(self, common: &Common) -> Result<Exit> {
        let loaded = common.load(self.settings())?;
        if let Some(by) = exposure(&loaded.config).filter(|_| self.dev) {
            bail!(
                "--dev is for this machine alone, and others could reach it by {by}; leave one of them out"
            );
        }
        let _log = serve::logs::start(&loaded.config)?;
        serve::runtime()?.block_on(serve::run(loaded, Greeting::Links))?;
        Ok(Exit::Done)
    }

    fn settings(&self) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        let mut put = |key: &str, value: String| settings.push((key.to_owned(), value));
        if self.dev {
            put("log.format", "text".to_owned());
            put("allow.private_fetch", "true".to_owned());
        }
        if !self.listen.is_empty() {
            let listen: Vec<String> = self.listen.iter().map(ToString::to_string).collect();
            put("listen", listen.join(","));
        }
        if let Some(url) = &self.public_url {
            put("public_url", url.clone());
        }
        if let Some(role) = &self.role {
            put("role", role.clone());
        }
        if let Some(folder) = &self.data_dir {
            put("data_dir", folder.display().to_string());
        }
        if let Some(url) = &self.database_url {
            put("database.url", url.clone());
        }
        settings
    }
}
