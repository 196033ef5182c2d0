//! Keys in a file that somebody else keeps new, such as the bundle that a SPIFFE agent writes.
//!
//! The file is looked at when a token comes that is not remembered. While it cannot be read, what it held before
//! is used on, and said once in the log.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use doorward_proto::jose::{Jwks, KeySet};

use super::keys::Format;
use crate::{fetch::LONGEST, stamp::Stamp};

/// The keys in a file.
pub(crate) struct Filed {
    path: PathBuf,
    format: Format,
    known: Mutex<Known>,
    generation: AtomicI64,
}

struct Known {
    stamp: Option<Stamp>,
    jwks: Jwks,
    keys: Arc<KeySet>,
}

impl Filed {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// In words for the operator.
    pub(super) fn open(path: &Path, format: Format) -> Result<Self, String> {
        let stamp = stamp(path)?;
        let jwks = read(path, format, stamp)?;
        let keys = Arc::new(KeySet::from_jwks(&jwks));
        if keys.is_empty() {
            return Err(format!("{} holds no key that can be used", path.display()));
        }
        let known = Mutex::new(Known { stamp: Some(stamp), jwks, keys });
        Ok(Self { path: path.to_owned(), format, known, generation: AtomicI64::new(0) })
    }

    /// The keys as the file has them now.
    pub(super) fn current(&self) -> Arc<KeySet> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = stamp(&self.path);
        if found.as_ref().ok() == known.stamp.as_ref() {
            return Arc::clone(&known.keys);
        }
        known.stamp = found.as_ref().ok().copied();
        match found.and_then(|stamp| read(&self.path, self.format, stamp)) {
            Ok(jwks) if jwks != known.jwks => {
                known.keys = Arc::new(KeySet::from_jwks(&jwks));
                known.jwks = jwks;
                self.generation.fetch_add(1, Ordering::AcqRel);
            }
            Ok(_) => {}
            Err(why) => tracing::warn!(why, "the keys of an issuer cannot be read again"),
        }
        Arc::clone(&known.keys)
    }

    /// Another number as soon as other keys were read.
    pub(super) fn generation(&self) -> i64 {
        self.generation.load(Ordering::Acquire)
    }
}

fn stamp(path: &Path) -> Result<Stamp, String> {
    let found = fs::metadata(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(Stamp::of(&found))
}

fn read(path: &Path, format: Format, stamp: Stamp) -> Result<Jwks, String> {
    let shown = path.display();
    if usize::try_from(stamp.length).is_ok_and(|length| length > LONGEST) {
        return Err(format!("{shown} is longer than {LONGEST} bytes"));
    }
    let bytes = fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    format.read(&bytes).map(|read| read.jwks).map_err(|error| format!("{shown}: {error}"))
}
