//! The data folder and the master key: their places, their modes, their first creation.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use doorward_core::{
    db::{Place, PostgresSettings},
    env::Env,
    vault::Vault,
};
use doorward_proto::secret::SecretText;
use zeroize::Zeroizing;

use crate::config::Config;

/// The administration socket's name in the data folder.
pub const SOCKET: &str = "admin.sock";

/// Makes the data folder with mode 0700 when it is missing.
///
/// # Errors
/// When it cannot be made, is no folder, or is one that others can use.
pub fn folder(path: &Path) -> Result<()> {
    let shown = path.display();
    if !path.is_dir() {
        return DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make the data folder {shown}"));
    }
    let mode = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "the data folder {shown} can be used by others (mode {mode:03o}); run: chmod 700 {shown}, or name a \
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
            Err(error).with_context(|| format!("cannot make {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Where the database is.
///
/// # Errors
/// When `database.url` names an engine that there is not.
pub fn place(config: &Config) -> Result<Place> {
    let Some(url) = &config.database.url else {
        return Ok(Place::Sqlite(config.data_dir.join("doorward.db")));
    };
    let url = url.expose();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            bail!("database.url: sqlite:// needs the path of a file");
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
    bail!("database.url must begin with sqlite:// or postgres://")
}

/// Where the master key's file is.
pub fn key_path(config: &Config) -> PathBuf {
    config.master_key_file.clone().unwrap_or_else(|| config.data_dir.join("master.key"))
}

/// The vault under the master key; makes the key at the first start. `owner` is the id of the master key
/// that the database belongs to, if it was used before.
///
/// # Errors
/// When the key can be read by others, is not 32 bytes, or is missing beside a database that is in use.
pub fn vault(config: &Config, env: &Env, owner: Option<&str>) -> Result<Vault> {
    let key = if let Some(text) = &config.master_key {
        parse_key(text.expose().as_bytes()).context("master_key")?
    } else {
        let path = key_path(config);
        match (path.exists(), owner) {
            (true, _) => read_key(&path)?,
            (false, None) => make_key(config, &path, env)?,
            (false, Some(owner)) => bail!(
                "the database is in use under master key {owner}, and there is none at {}. Without it nothing in \
                 the database can be opened: put the key back from your backup; a further node needs a copy of \
                 the first one's",
                path.display()
            ),
        }
    };
    Vault::new(&key).map_err(fault)
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let shown = path.display();
    let mode = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("the master key {shown} can be read by others (mode {mode:03o}); run: chmod 600 {shown}");
    }
    let text = Zeroizing::new(std::fs::read(path).with_context(|| format!("cannot read {shown}"))?);
    parse_key(&text).with_context(|| format!("the master key {shown}"))
}

fn make_key(config: &Config, path: &Path, env: &Env) -> Result<Zeroizing<[u8; 32]>> {
    let shown = path.display();
    if config.master_key_file.is_some() {
        bail!("there is no master key at {shown}; make one with: doorward keys generate > {shown}");
    }
    let key = Zeroizing::new(env.bytes::<32>().map_err(fault)?);
    let text = Zeroizing::new(format!("{}\n", data_encoding::BASE64URL_NOPAD.encode(&*key)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot make the master key {shown}"))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(key)
}

/// Whether this text is a master key.
///
/// # Errors
/// When it is not 32 bytes.
pub fn check_key(text: &SecretText) -> Result<()> {
    parse_key(text.expose().as_bytes()).map(drop)
}

/// 32 bytes: raw, or in hexadecimal or either base64 alphabet.
fn parse_key(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let decoded = Zeroizing::new(if bytes.len() == 32 {
        bytes.to_vec()
    } else {
        let text = bytes.trim_ascii();
        let bare: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'=').collect();
        data_encoding::HEXLOWER_PERMISSIVE
            .decode(text)
            .or_else(|_| data_encoding::BASE64URL_NOPAD.decode(&bare))
            .or_else(|_| data_encoding::BASE64_NOPAD.decode(&bare))
            .unwrap_or_default()
    });
    let mut key = Zeroizing::new([0_u8; 32]);
    if decoded.len() != key.len() {
        bail!("must be 32 bytes in base64 or hexadecimal");
    }
    key.copy_from_slice(&decoded);
    Ok(key)
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
