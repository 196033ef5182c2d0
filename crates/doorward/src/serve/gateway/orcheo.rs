//! Service tokens of an Orcheo beside which the gateway runs alone: its file is read, and never written to.
//!
//! The file is read again when it has changed, looked at once a second: a token that is revoked there opens nothing
//! here within that time. While it is gone or cannot be read, what it held before is used on for five minutes; then
//! its tokens open nothing, until it can be read again. Both are told in the log.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use doorward_core::service_tokens::import::{self, Terms};
use doorward_judge::{CredentialKind, Identity, IdentityType, Principal, Refusal, Why, Workspaces};
use doorward_proto::time::Time;
use doorward_sdk::{
    clock::Clock,
    server::{Credential, Provider, Recognition, Seen},
};
use futures_util::future::BoxFuture;

/// How often the file is looked at.
const PAUSE: Duration = Duration::from_secs(1);
/// For how long tokens are believed whose file cannot be read.
const BELIEVED: Duration = Duration::from_mins(5);

/// What tells one state of a file from another: of the database and of its write-ahead log.
type Look = [Option<(SystemTime, u64)>; 2];

/// The tokens of one file.
pub(crate) struct OrcheoTokens {
    path: PathBuf,
    clock: Clock,
    known: Mutex<Known>,
    /// Held by the one who reads.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Known {
    tokens: Arc<HashMap<String, Terms>>,
    state: State,
    /// Whether it is to be read again.
    is_old: bool,
    look: Look,
    looked_at: Time,
    generation: i64,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// They are those of the file.
    Read,
    /// It could not be read since then.
    Unread(Time),
    /// It could not be read for too long.
    Over,
}

impl OrcheoTokens {
    /// Reads the file.
    ///
    /// # Errors
    /// It is none, or others could write themselves a token.
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self> {
        let now = clock();
        let look = look(path);
        let tokens = Arc::new(read(path, now)?);
        let known = Known { tokens, state: State::Read, is_old: false, look, looked_at: now, generation: 0 };
        let (known, reading) = (Mutex::new(known), tokio::sync::Mutex::default());
        Ok(Self { path: path.to_owned(), clock, known, reading })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the file if it is time to; answers another number as soon as it has changed.
    fn look_again(&self) -> i64 {
        let now = (self.clock)();
        let mut known = self.known();
        if now.since(known.looked_at) >= PAUSE {
            known.looked_at = now;
            let look = look(&self.path);
            // Whether it can be read may change without the file.
            known.is_old |= look != known.look || known.state != State::Read;
            if look != known.look {
                known.look = look;
                known.generation += 1;
            }
        }
        known.generation
    }

    /// What the file holds, read again if it has changed. Reading waits for the disk, and for who writes it.
    async fn current(&self) -> Known {
        self.look_again();
        let known = self.known().clone();
        if !known.is_old {
            return known;
        }
        let _reading = self.reading.lock().await;
        let generation = {
            let known = self.known();
            if !known.is_old {
                return known.clone();
            }
            known.generation
        };
        let (path, now) = (self.path.clone(), (self.clock)());
        let read = tokio::task::spawn_blocking(move || read(&path, now)).await;
        let read = read.unwrap_or_else(|error| Err(error.into()));
        let mut known = self.known();
        // What changes while it is read is read after that.
        known.is_old = known.generation != generation;
        known.took(read, now);
        known.clone()
    }
}

impl Known {
    /// Notes what came of reading.
    fn took(&mut self, read: Result<HashMap<String, Terms>>, now: Time) {
        match (read, self.state) {
            (Ok(tokens), _) => {
                self.tokens = Arc::new(tokens);
                self.state = State::Read;
            }
            (Err(error), State::Read) => {
                tracing::error!("auth.service_token_db_path, which is believed for five minutes: {error:#}");
                self.state = State::Unread(now);
            }
            (Err(error), State::Unread(since)) if now >= since + BELIEVED => {
                tracing::error!("auth.service_token_db_path, of which no token is believed: {error:#}");
                self.state = State::Over;
            }
            (Err(_), _) => {}
        }
    }
}

fn look(path: &Path) -> Look {
    [path.to_owned(), log(path)].map(|path| {
        let seen = fs::metadata(path).ok()?;
        Some((seen.modified().ok()?, seen.len()))
    })
}

/// Where a database's write-ahead log is.
fn log(path: &Path) -> PathBuf {
    let mut log = OsString::from(path);
    log.push("-wal");
    log.into()
}

fn read(path: &Path, now: Time) -> Result<HashMap<String, Terms>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let log = log(path);
    // Who may write in the folder may put another file, or another log, in the place of these.
    for (path, is_needed) in [(path, true), (folder, true), (log.as_path(), false)] {
        let mode = match fs::metadata(path) {
            Ok(found) => found.permissions().mode(),
            Err(error) if error.kind() == ErrorKind::NotFound && !is_needed => continue,
            Err(error) => bail!("{}: {error}", path.display()),
        };
        if mode & 0o022 != 0 {
            let shown = path.display();
            bail!("{shown} can be written by others, who could make themselves a token: chmod go-w it");
        }
    }
    let rows = import::read(path).map_err(crate::data::fault)?;
    let mut tokens = HashMap::new();
    for row in rows {
        match row.terms(now) {
            Ok(terms) => {
                tokens.insert(terms.sha256.clone(), terms);
            }
            Err(why) => tracing::warn!(why, "a token of Orcheo's file is left out"),
        }
    }
    Ok(tokens)
}

impl Provider for OrcheoTokens {
    fn name(&self) -> &'static str {
        "orcheo-service-token"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(token) = credential.token() else { return Ok(None) };
            let known = self.current().await;
            let hash = HEXLOWER.encode(digest(&SHA256, token.expose().as_bytes()).as_ref());
            match known.tokens.get(&hash) {
                Some(_) if known.state == State::Over => Err(Why::Unavailable.into()),
                Some(terms) => holder(terms, seen.now).map(Some),
                None => Ok(None),
            }
        })
    }

    fn state(&self) -> i64 {
        self.look_again()
    }
}

fn holder(terms: &Terms, now: Time) -> Result<Principal, Refusal> {
    if terms.revoked_at.is_some() {
        return Err(Why::TokenRevoked.into());
    }
    let end = terms.expires_at.into_iter().chain(terms.ends_at).min();
    if end.is_some_and(|end| now >= end) {
        return Err(Why::TokenExpired.into());
    }
    let identity = Identity {
        subject: terms.identifier.clone(),
        kind: IdentityType::Service,
        scopes: terms.scopes.iter().map(str::to_owned).collect(),
        workspaces: Workspaces::from_names(terms.workspace_ids.iter().map(String::as_str)),
        role: Some("service".to_owned()),
        token_id: Some(terms.identifier.clone()),
        ..Identity::default()
    };
    Ok(Principal {
        expires_at: end,
        addresses: terms.allowed_addresses.clone(),
        rate: terms.rate,
        ..Principal::new(identity, CredentialKind::ServiceToken)
    })
}

#[cfg(test)]
mod tests;
