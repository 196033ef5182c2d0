//! The file on disk: owned by one process, readable by its owner only, and never on a network.

use std::{
    fs::{File, Permissions},
    io::ErrorKind,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::outcome::{Error, Result};

const OWNER_ONLY: u32 = 0o600;

/// File systems on which locks or shared memory cannot be trusted. `fuse.` names count without it.
const NETWORK: &[&str] = &[
    "9p2000.L",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "curlftpfs",
    "davfs",
    "davfs2",
    "gcsfuse",
    "gfs2",
    "glusterfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "rclone",
    "s3fs",
    "smb3",
    "smbfs",
    "sshfs",
];

/// Makes the file when there is none, and takes it for this process.
///
/// # Errors
/// A fault when another process holds it or it lies on a network file system.
pub(super) fn claim(path: &Path) -> Result<File> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Err(Error::fault("the database needs a file name")),
    };
    let folder = folder.canonicalize().map_err(|error| {
        Error::fault(format!("the folder of the database, {}, cannot be used: {error}", folder.display()))
    })?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if let Some(kind) = network_kind(&mounts, &folder) {
        return Err(Error::fault(format!(
            "{} is on a network file system ({kind}), where SQLite loses data; use a local disk or PostgreSQL",
            folder.display()
        )));
    }
    let lock = open_private(&beside(path, ".lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            return Err(Error::fault(format!("{} is in use by another process", path.display())));
        }
        Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
    }
    // SQLite gives its journal files the mode of the database.
    drop(open_private(path)?);
    for journal in ["-wal", "-shm"] {
        match std::fs::set_permissions(beside(path, journal), Permissions::from_mode(OWNER_ONLY)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(lock)
}

/// Opens a file for its owner only, and makes it when there is none.
fn open_private(path: &Path) -> Result<File> {
    let file = File::options().create(true).truncate(false).write(true).mode(OWNER_ONLY).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    }
    Ok(file)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The network file system that `folder` is on, by the kernel's list of mounts; the innermost, and of
/// those the last one, counts.
fn network_kind<'m>(mounts: &'m str, folder: &Path) -> Option<&'m str> {
    let mut innermost = None;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (words.next(), words.next()) else { continue };
        let point = unescape(point);
        let depth = point.components().count();
        if folder.starts_with(&point) && innermost.is_none_or(|(deepest, _)| depth >= deepest) {
            innermost = Some((depth, kind));
        }
    }
    let (_, kind) = innermost?;
    NETWORK.contains(&kind.strip_prefix("fuse.").unwrap_or(kind)).then_some(kind)
}

/// The kernel writes white space and backslashes of a mount point as `\ooo`.
fn unescape(point: &str) -> PathBuf {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(point.to_owned(), |point, (code, letter)| point.replace(code, letter))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
/dev/vda / ext4 rw,relatime 0 0
server:/export /srv nfs4 rw 0 0
/dev/vdb /srv/disk ext4 rw 0 0
user@host:/ /mnt/my\\040files fuse.sshfs rw 0 0
portal /run/doc fuse.portal rw 0 0
server:/a /twice nfs rw 0 0
tmpfs /twice tmpfs rw 0 0
";

    #[test]
    fn the_innermost_mount_decides() {
        for (folder, kind) in [
            ("/var/lib/doorward", None),
            ("/srv", Some("nfs4")),
            ("/srv/data/deep", Some("nfs4")),
            ("/srvx", None),
            ("/srv/disk/data", None),
            ("/mnt/my files/data", Some("fuse.sshfs")),
            ("/run/doc/x", None),
            ("/twice", None),
        ] {
            assert_eq!(network_kind(MOUNTS, Path::new(folder)), kind, "{folder}");
        }
    }
}
