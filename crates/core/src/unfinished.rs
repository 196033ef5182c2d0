//! Files that are complete before they have their name: backups, exports.

use std::{
    fs::File,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::outcome::{Error, Result};

/// A file or a folder in the making, beside the place it is for. It goes when this is dropped, and what
/// an interrupted one has left goes before the next begins.
pub(crate) struct Unfinished {
    file: PathBuf,
    to: PathBuf,
    lock: PathBuf,
    /// Held by whoever is at work.
    _held: File,
}

impl Unfinished {
    /// Refuses with a sentence when the file is there, cannot be made, or is being written.
    pub(crate) fn begin(to: &Path) -> std::result::Result<Self, String> {
        let cannot = |error: std::io::Error| format!("{} cannot be written: {error}", to.display());
        let (file, lock) = (beside(to, ".unfinished"), beside(to, ".unfinished.busy"));
        let options = File::options().write(true).create(true).truncate(false).mode(0o600).to_owned();
        let held = options.open(&lock).map_err(cannot)?;
        // Whoever was at work has removed the file of the lock that it let go of.
        let is_ours =
            || -> std::io::Result<bool> { Ok(held.metadata()?.ino() == std::fs::metadata(&lock)?.ino()) };
        if held.try_lock().is_err() || !is_ours().unwrap_or(false) {
            return Err(format!("{} is being written by another process", to.display()));
        }
        let unfinished = Self { file, to: to.to_owned(), lock, _held: held };
        if std::fs::metadata(to).is_ok_and(|there| there.len() > 0) {
            return Err(format!("{} is there already", to.display()));
        }
        unfinished.clear();
        Ok(unfinished)
    }

    /// Where it is until it has its name.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Makes it durable and gives it its name; answers its size.
    pub(crate) fn end(self) -> Result<u64> {
        let file = File::open(&self.file)?;
        file.sync_all()?;
        std::fs::rename(&self.file, &self.to)?;
        let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(file.metadata()?.len())
    }

    fn clear(&self) {
        let _ = std::fs::remove_dir_all(&self.file);
        for ending in ["", "-journal", "-wal", "-shm", ".lock"] {
            let _ = std::fs::remove_file(beside(&self.file, ending));
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.clear();
        let _ = std::fs::remove_file(&self.lock);
    }
}

/// The same path with another ending.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A new file that belongs to its owner alone.
pub(crate) fn create(path: &Path) -> Result<File> {
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Error::fault(format!("{} cannot be written: {error}", path.display())))
}
