//! The master key: where it is, its first creation, and how another one takes its place.
//!
//! A key in the data folder is ours to replace: the next one lies beside it as `master.key.next` before the
//! database is given to it, and takes its place after; the one before is kept as `master.key.old-ID`, since
//! backups of its time need it. A start that finds the work cut short between the two goes by the id that
//! the database names. A key that comes from elsewhere is the operator's to replace.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Write as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use doorward_core::{env::Env, vault::Vault};
use doorward_proto::secret::SecretText;
use zeroize::Zeroizing;

use super::fault;
use crate::config::Config;

/// A master key.
pub type Key = Zeroizing<[u8; 32]>;

/// Where the master key's file is.
pub fn path(config: &Config) -> PathBuf {
    config.master_key_file.clone().unwrap_or_else(|| config.data_dir.join("master.key"))
}

/// The vault under the master key; makes the key at the first start, and ends a replacement that was cut
/// short. `owner` is the id of the master key that the database belongs to, if it was used before.
///
/// # Errors
/// When the key can be read by others, is not 32 bytes, or is missing beside a database that is in use.
pub fn vault(config: &Config, env: &Env, owner: Option<&str>) -> Result<Vault> {
    let path = path(config);
    let found = match &config.master_key {
        Some(text) => Some(parse(text.expose().as_bytes()).context("master_key")?),
        None if path.exists() => Some(read(&path)?),
        None => None,
    };
    let Some(owner) = owner else {
        return vault_of(&found.map_or_else(|| make(config, &path, env), Ok)?);
    };
    let found = found.as_ref().map(vault_of).transpose()?;
    match found {
        Some(found) if found.id() == owner => Ok(found),
        found => match Succession::of(config).resume(owner)? {
            Some(next) => Ok(next),
            None => found.with_context(|| {
                format!(
                    "the database is in use under master key {owner}, and there is none at {}. Without it \
                     nothing in the database can be opened: put the key back from your backup; a further node \
                     needs a copy of the first one's",
                    path.display()
                )
            }),
        },
    }
}

fn vault_of(key: &Key) -> Result<Vault> {
    Vault::new(key).map_err(fault)
}

/// Reads a key that nobody else can read.
///
/// # Errors
/// When others can, or it is not 32 bytes.
pub fn read(path: &Path) -> Result<Key> {
    let shown = path.display();
    let mode = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("the master key {shown} can be read by others (mode {mode:03o}); run: chmod 600 {shown}");
    }
    let text = Zeroizing::new(std::fs::read(path).with_context(|| format!("cannot read {shown}"))?);
    parse(&text).with_context(|| format!("the master key {shown}"))
}

fn make(config: &Config, path: &Path, env: &Env) -> Result<Key> {
    let shown = path.display();
    if config.master_key_file.is_some() {
        bail!(
            "master_key_file: there is no master key at {shown}; make one with: doorward keys generate > {shown}"
        );
    }
    let key = random(env)?;
    write(path, &key)?;
    Ok(key)
}

fn random(env: &Env) -> Result<Key> {
    Ok(Zeroizing::new(env.bytes::<32>().map_err(fault)?))
}

/// Writes a key to a new file, for good.
fn write(path: &Path, key: &Key) -> Result<()> {
    let text = Zeroizing::new(format!("{}\n", data_encoding::BASE64URL_NOPAD.encode(&**key)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot make the master key {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_folder(path)
}

fn sync_folder(of: &Path) -> Result<()> {
    Ok(folder_of(of)?.sync_all()?)
}

fn folder_of(path: &Path) -> Result<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(File::open(folder.unwrap_or(Path::new(".")))?)
}

/// Whether this text is a master key.
///
/// # Errors
/// When it is not 32 bytes.
pub fn check(text: &SecretText) -> Result<()> {
    parse(text.expose().as_bytes()).map(drop)
}

/// 32 bytes: raw, or in hexadecimal or either base64 alphabet.
fn parse(bytes: &[u8]) -> Result<Key> {
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

/// How one master key follows another.
pub struct Succession {
    /// The key's file, when it is ours to replace.
    ours: Option<PathBuf>,
    /// The file that the present key is read from, whoever it belongs to.
    present: Option<PathBuf>,
    next: PathBuf,
}

impl Succession {
    /// The files of this configuration.
    pub fn of(config: &Config) -> Self {
        let path = path(config);
        let present = config.master_key.is_none().then(|| path.clone());
        // A link leads to somebody else's file, which would be there again after the next deployment.
        let ours = present.clone().filter(|path| lies_in(path, &config.data_dir) && !path.is_symlink());
        let next = with_end(&ours.clone().unwrap_or_else(|| config.data_dir.join("master.key")), ".next");
        Self { ours, present, next }
    }

    /// Keeps others from the files until the answer is dropped.
    ///
    /// # Errors
    /// When somebody else replaces the key already.
    pub fn lock(&self) -> Result<File> {
        let folder = folder_of(&self.next)?;
        match folder.try_lock() {
            Ok(()) => Ok(folder),
            Err(TryLockError::WouldBlock) => bail!("`keys rekey` is at work in this data folder already"),
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the data folder"),
        }
    }

    /// Makes the next key, or takes it from a file, and keeps it for good beside the present one. Where the
    /// key comes from elsewhere, a given file is its place already.
    ///
    /// # Errors
    /// When the files cannot be read or written.
    pub fn prepare(&self, env: &Env, owner: &str, given: Option<&Path>) -> Result<Key> {
        let key = match given {
            Some(path) => read(path)?,
            None => random(env)?,
        };
        if self.next.exists() {
            if read(&self.next).ok().as_ref().map(vault_of).transpose()?.is_some_and(|it| it.id() == owner) {
                bail!(
                    "{} holds the master key in use: delete it once it is kept where the server reads it",
                    self.next.display()
                );
            }
            // The database belongs to the present key, so this one never came to be.
            self.withdraw()?;
        }
        if self.ours.is_some() || given.is_none() {
            write(&self.next, &key)?;
        }
        Ok(key)
    }

    /// Takes the prepared key away, when nothing came of it.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn withdraw(&self) -> Result<()> {
        if self.next.exists() {
            std::fs::remove_file(&self.next)
                .with_context(|| format!("cannot delete {}", self.next.display()))?;
            sync_folder(&self.next)?;
        }
        Ok(())
    }

    /// Puts the next key in the place of the present one, once the database belongs to it; answers where
    /// the present one is kept, unless it is to be forgotten.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn settle(&self, forgets: bool) -> Result<Option<PathBuf>> {
        let Some(path) = &self.ours else { return Ok(None) };
        let mut kept = None;
        if !forgets && path.exists() {
            let old = read(path)?;
            let place = with_end(path, &format!(".old-{}", vault_of(&old)?.id()));
            // Cut short here once before, it is there already, or half of it.
            if read(&place).ok().as_ref() != Some(&old) {
                if place.exists() {
                    std::fs::remove_file(&place)?;
                }
                write(&place, &old)?;
            }
            kept = Some(place);
        }
        std::fs::rename(&self.next, path).with_context(|| {
            let (next, path) = (self.next.display(), path.display());
            format!(
                "the database belongs to the master key in {next} now, which cannot take the place of {path}"
            )
        })?;
        sync_folder(path)?;
        Ok(kept)
    }

    /// The key that the database was given to before the work was cut short, in its place now.
    fn resume(&self, owner: &str) -> Result<Option<Vault>> {
        if self.next.exists() {
            let _guard = self.lock()?;
            let next = vault_of(&read(&self.next)?)?;
            if next.id() == owner {
                if self.ours.is_none() {
                    bail!("the master key was replaced. {}", self.advice(None));
                }
                self.settle(false)?;
                tracing::warn!(
                    key = owner,
                    "the master key was replaced before; its file is in its place now"
                );
                return Ok(Some(next));
            }
        }
        if let Some(former) = self.ours.as_ref().map(|path| with_end(path, &format!(".old-{owner}")))
            && former.exists()
        {
            bail!(
                "the database belongs to the former master key {owner}, as one that was restored from a backup \
                 does; put {} in its place",
                former.display()
            );
        }
        Ok(None)
    }

    /// Where the next key has to be put by hand; `given` is where it was taken from.
    pub fn advice(&self, given: Option<&Path>) -> String {
        let new = given.unwrap_or(&self.next).display();
        let then = if given.is_none() { "; then delete that file" } else { "" };
        match (&self.ours, &self.present) {
            (Some(path), _) => format!("Every node needs a copy of {} before its next start", path.display()),
            (None, Some(path)) => {
                format!(
                    "Before the next start put what is in {new} to {} (master_key_file){then}",
                    path.display()
                )
            }
            (None, None) => {
                format!(
                    "Before the next start set master_key (DOORWARD_MASTER_KEY) to what is in {new}{then}"
                )
            }
        }
    }

    /// Whether the key is in the data folder.
    pub const fn is_ours(&self) -> bool {
        self.ours.is_some()
    }

    /// Where the next key lies until it takes its place.
    pub fn next(&self) -> &Path {
        &self.next
    }

    /// Other master keys than the present one that lie beside it.
    pub fn others(&self) -> Vec<PathBuf> {
        let path = self.ours.clone().unwrap_or_else(|| self.next.clone());
        let Some(name) = path.file_name().map(|name| format!("{}.", name.to_string_lossy())) else {
            return Vec::new();
        };
        let listed = path.parent().map(std::fs::read_dir).into_iter().flatten().flatten().flatten();
        let is_other = |path: &PathBuf| {
            path == &self.next
                || path.file_name().is_some_and(|other| other.to_string_lossy().starts_with(&name))
        };
        let mut others: Vec<PathBuf> = listed.map(|entry| entry.path()).filter(is_other).collect();
        others.sort();
        others
    }
}

fn lies_in(path: &Path, folder: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    path.parent().and_then(real).is_some_and(|parent| Some(parent) == real(folder))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
