//! Keys in a file that somebody else keeps new, such as the bundle that a SPIFFE agent writes.
//!
//! The file is looked at when a token comes that is not remembered. While it is gone or cannot be read, what it held
//! before is used on for five minutes, so that one that is just being replaced costs nobody anything; then it holds
//! nothing, until it can be read again. Both are said once in the log.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use doorward_judge::Why;
use doorward_proto::{
    jose::{Jwks, KeySet},
    time::Time,
};

use super::keys::Format;
use crate::{fetch::LONGEST, stamp::Stamp};

/// For how long keys are believed whose file cannot be read.
const BELIEVED: Duration = Duration::from_mins(5);

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
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    /// They are those of the file.
    Read,
    /// It could not be read since then.
    Unread(Time),
    /// It could not be read for too long.
    Over,
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
        let known = Mutex::new(Known { stamp: Some(stamp), jwks, keys, state: State::Read });
        Ok(Self { path: path.to_owned(), format, known, generation: AtomicI64::new(0) })
    }

    /// The keys as the file has them now.
    ///
    /// # Errors
    /// `KeyUnavailable` when it could not be read for too long.
    pub(super) fn current(&self, now: Time) -> Result<Arc<KeySet>, Why> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = stamp(&self.path);
        let is_same = found.as_ref().ok() == known.stamp.as_ref();
        if !is_same || found.is_err() {
            known.stamp = found.as_ref().ok().copied();
            self.read_again(&mut known, found, now);
        }
        if let State::Unread(since) = known.state
            && now >= since + BELIEVED
        {
            let path = self.path.display();
            tracing::error!(%path, "the keys of an issuer could not be read for five minutes: none is believed");
            known.state = State::Over;
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        match known.state {
            State::Over => Err(Why::KeyUnavailable),
            State::Read | State::Unread(_) => Ok(Arc::clone(&known.keys)),
        }
    }

    fn read_again(&self, known: &mut Known, found: Result<Stamp, String>, now: Time) {
        match found.and_then(|stamp| read(&self.path, self.format, stamp)) {
            Ok(jwks) => {
                if jwks != known.jwks || matches!(known.state, State::Over) {
                    known.keys = Arc::new(KeySet::from_jwks(&jwks));
                    known.jwks = jwks;
                    self.generation.fetch_add(1, Ordering::AcqRel);
                }
                known.state = State::Read;
            }
            Err(why) if matches!(known.state, State::Read) => {
                tracing::warn!(
                    why,
                    "the keys of an issuer cannot be read; what was read is used for five minutes"
                );
                known.state = State::Unread(now);
            }
            Err(_) => {}
        }
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
