//! The data folder: its place, its mode, what lies in it. The master key is in [`master`].

use std::{
    fs::{DirBuilder, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use doorward_core::{
    db::{Place, PostgresSettings},
    env::Env,
};

use crate::config::Config;

pub mod master;

/// The administration socket's name in the data folder.
pub const SOCKET: &str = "admin.sock";

/// Makes the data folder with mode 0700 when it is missing.
///
/// # Errors
/// When it cannot be made, is no folder, or is one that others can use.
pub fn folder(path: &Path) -> Result<()> {
    let shown = path.display();
    if path.exists() && !path.is_dir() {
        bail!("data_dir: {shown} is a file, and must be a folder; name another");
    }
    if !path.exists() {
        return DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| {
            format!(
                "data_dir: cannot make the folder {shown}; make it with mode 700 for the account that the server \
                 runs under, or name another"
            )
        });
    }
    let mode =
        std::fs::metadata(path).with_context(|| format!("data_dir: cannot read {shown}"))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "data_dir: the folder {shown} can be used by others (mode {mode:03o}); run: chmod 700 {shown}, or name a \
             folder in it, which is then made"
        );
    }
    Ok(())
}

/// Makes an empty file with mode 0600 when it is missing; the database's other files take its mode over.
///
/// # Errors
/// When it cannot be made.
pub fn private_file(path: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            let shown = path.display();
            Err(error).with_context(|| {
                format!("cannot make the database {shown} (data_dir, database.url); the server's account must be able to write there")
            })
        }
        _ => Ok(()),
    }
}

/// Where the database is.
///
/// # Errors
/// When `database.url` names an engine that there is not.
pub fn place(config: &Config) -> Result<Place> {
    read_place(config).context("database.url")
}

fn read_place(config: &Config) -> Result<Place> {
    let Some(url) = &config.database.url else {
        return Ok(Place::Sqlite(config.data_dir.join("doorward.db")));
    };
    let url = url.expose();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            bail!("after sqlite:// comes the path of a file, as in sqlite:///srv/doorward/doorward.db");
        }
        let path = path.replace("{data_dir}", &config.data_dir.to_string_lossy());
        return Ok(Place::Sqlite(PathBuf::from(path)));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Place::Postgres(PostgresSettings {
            url: url.to_owned(),
            pool: config.database.pool,
            direct_url: config.database.direct_url.as_ref().map(|url| url.expose().to_owned()),
            statement_cache: config.database.statement_cache > 0,
        }));
    }
    bail!("it must begin with sqlite:// or postgres://")
}

/// A folder of our own for a while, gone when this is dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty folder that only we can read.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(env: &Env) -> Result<Self> {
        let mark = data_encoding::HEXLOWER.encode(&env.bytes::<8>().map_err(fault)?);
        let path = std::env::temp_dir().join(format!("doorward-{mark}"));
        DirBuilder::new().mode(0o700).create(&path).context("cannot make a temporary folder")?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A core error as one of ours, with all that is known about it.
pub fn fault(error: doorward_core::outcome::Error) -> anyhow::Error {
    use doorward_core::outcome::Error;
    match error {
        Error::Fault(fault) => anyhow::anyhow!("{fault}"),
        Error::Refused(refusal) if refusal.hint.is_empty() => anyhow::anyhow!("{}", refusal.code.name()),
        Error::Refused(refusal) => anyhow::anyhow!("{}: {}", refusal.code.name(), refusal.hint),
    }
}

#[cfg(test)]
mod tests;
