//! A token in a file that somebody else keeps new.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use futures_util::future::BoxFuture;

use super::{CredentialSource, Outgoing, SourceError};
use crate::stamp::Stamp;

/// Where Kubernetes projects a service account's token, unless the pod says otherwise.
pub const KUBERNETES: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// No longer file is read.
const LONGEST: u64 = 64 * 1024;

/// A bearer token in a file, read again when the file has changed.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    read: Mutex<Option<Read>>,
}

#[derive(Debug, Clone)]
struct Read {
    outgoing: Outgoing,
    state: Stamp,
}

impl File {
    /// The token in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), read: Mutex::default() }
    }

    /// The token of the service account of this pod. Its kubelet writes the next one in time.
    pub fn kubernetes() -> Self {
        Self::new(KUBERNETES)
    }

    fn current(&self) -> Result<Outgoing, SourceError> {
        let unusable = |error: &dyn std::fmt::Display| {
            SourceError::Unusable(format!("{}: {error}", self.path.display()))
        };
        let found = fs::metadata(&self.path).map_err(|error| unusable(&error))?;
        let state = Stamp::of(&found);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = read.as_ref().filter(|read| read.state == state) {
            return Ok(read.outgoing.clone());
        }
        if state.length > LONGEST {
            return Err(unusable(&"it is too long"));
        }
        let text = fs::read_to_string(&self.path).map_err(|error| unusable(&error))?;
        let token = text.trim();
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err(unusable(&"it is not one token"));
        }
        let outgoing = Outgoing::authorization("Bearer", token)?;
        *read = Some(Read { outgoing: outgoing.clone(), state });
        Ok(outgoing)
    }
}

impl CredentialSource for File {
    fn credential(&self) -> BoxFuture<'_, Result<Outgoing, SourceError>> {
        Box::pin(async move { self.current() })
    }

    fn refused(&self, credential: &Outgoing) -> bool {
        // A file may be written twice within what its clock can tell apart.
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.current().is_ok_and(|current| current != *credential)
    }
}
