//! Whether a file is still the one that was read.

#[cfg(unix)]
use std::os::unix::fs::MetadataExt as _;
use std::{fs::Metadata, time::SystemTime};

/// Another one as soon as the file is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    changed: Option<SystemTime>,
    pub(crate) length: u64,
    #[cfg(unix)]
    inode: u64,
    /// When anything about it changed: who may read it, too.
    #[cfg(unix)]
    status: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(found: &Metadata) -> Self {
        Self {
            changed: found.modified().ok(),
            length: found.len(),
            #[cfg(unix)]
            inode: found.ino(),
            #[cfg(unix)]
            status: (found.ctime(), found.ctime_nsec()),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::Stamp;

    #[test]
    fn a_file_that_others_may_read_is_another_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stamp = || Stamp::of(&fs::metadata(file.path()).unwrap());
        let before = stamp();
        assert_eq!(stamp(), before);
        // The clock of a file system has ticks: the mode moves until one has passed.
        let is_seen = (0..1_000_000).any(|turn| {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600 + turn % 2 * 0o040)).unwrap();
            stamp() != before
        });
        assert!(is_seen);
    }
}
