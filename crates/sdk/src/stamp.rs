//! Whether a file is still the one that was read.

use std::{fs::Metadata, time::SystemTime};

/// Another one as soon as the file is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    changed: Option<SystemTime>,
    pub(crate) length: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    pub(crate) fn of(found: &Metadata) -> Self {
        Self {
            changed: found.modified().ok(),
            length: found.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(found),
        }
    }
}
