//! A secret in a file of its own that only its owner may read, replaced as a whole.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use doorward_proto::secret::SecretText;

/// No longer file is read.
const LONGEST: u64 = 64 * 1024;

/// The file.
#[derive(Debug, Clone)]
pub(super) struct Store(pub(super) PathBuf);

impl Store {
    /// What is in it.
    pub(super) fn read(&self) -> io::Result<SecretText> {
        let found = fs::metadata(&self.0)?;
        if found.len() > LONGEST {
            return Err(io::Error::other("it is too long"));
        }
        check_owner_only(&found)?;
        Ok(SecretText::from(fs::read_to_string(&self.0)?.trim()))
    }

    /// Puts another secret into it; whoever reads meanwhile finds the one or the other.
    pub(super) fn write(&self, secret: &SecretText) -> io::Result<()> {
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        let beside = folder.join(format!(".{name}.{}", std::process::id()));
        let written = write_new(&beside, secret).and_then(|()| fs::rename(&beside, &self.0));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written?;
        // The new name is durable with its folder.
        fs::File::open(folder)?.sync_all()
    }
}

fn write_new(path: &Path, secret: &SecretText) -> io::Result<()> {
    // Left by a process of this number that ended before it was done.
    let _ = fs::remove_file(path);
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()
}

#[cfg(unix)]
fn check_owner_only(found: &fs::Metadata) -> io::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions());
    if mode & 0o777 & !0o700 == 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may read it; make it 0600"))
}

#[cfg(not(unix))]
fn check_owner_only(_: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
