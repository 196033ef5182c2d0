//! Moving to another server: everything that people and applications rely on, in a file of a documented
//! form (`docs/moving.md`), one JSON object a line.
//!
//! What a file holds is said once, in [`mod@format`]: export, import and the check of a file go by it, and every
//! table is either in it or left out with a reason. A file is believed as a whole or not at all: it is read to
//! its end before anything is written, and an import is one operation.
//!
//! # Secrets
//! Passwords are there as their hashes, which need no key. The hashes of what we issued (client secrets,
//! service tokens, keys) are keyed: a server with the same lasting keys goes on knowing them
//! ([`crate::vault`]). To another one the keys travel in the file, sealed under a passphrase, and only into an
//! empty database, which has no hashes of its own to lose. What is sealed at rest travels under the same
//! passphrase, or is left out.

mod check;
mod conflicts;
mod export;
mod file;
pub(crate) mod format;
mod import;
mod kinds;
mod record;
mod secrets;
mod sql;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use doorward_proto::{
    id::{Id, Org},
    secret::SecretText,
};
use serde::Serialize;

pub use check::header;
pub use export::export;
pub use file::Header;
pub use format::Kind;
pub use import::import;
pub use kinds::{KINDS, LEFT_OUT};
pub(crate) use record::written;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is being done: `exported`, `checked` or `imported`.
    pub what: &'static str,
    /// Records that this was done to.
    pub done: u64,
    /// Records that there are.
    pub total: u64,
}

/// Told how far it is; answers whether somebody still wants it done.
pub type Tell = Arc<dyn Fn(Progress) -> bool + Send + Sync>;

/// What is to be exported, and where to.
pub struct ExportAsk {
    /// A file that does not exist yet.
    pub path: PathBuf,
    /// What the secrets are sealed under; without it they are left out.
    pub passphrase: Option<SecretText>,
}

/// What is to be imported, and how.
pub struct ImportAsk {
    /// The file.
    pub path: PathBuf,
    /// Adds to what is here.
    pub merge: bool,
    /// How the file's secrets are opened.
    pub passphrase: Option<SecretText>,
    /// Goes without the file's secrets.
    pub without_secrets: bool,
}

/// How many records of each kind.
pub type Counts = BTreeMap<String, u64>;

/// What an export did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// What was written.
    pub records: Counts,
    /// What could not be, and needs the passphrase or a new value.
    pub left_out: Counts,
    /// The size of the file.
    pub bytes: u64,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// What is here now and was not.
    pub records: Counts,
    /// What was here already, the same.
    pub known: Counts,
    /// What could not be taken over.
    pub left_out: Counts,
    /// Whose place the instance's organisation of this server took, where that is another one.
    pub instead_of: Option<Id<Org>>,
    /// Whether this server goes on with the file's keys, so that every secret in it works.
    pub keys_taken: bool,
}

/// Counts one more.
fn count(counts: &mut Counts, name: &str, more: u64) {
    if more > 0 {
        *counts.entry(name.to_owned()).or_default() += more;
    }
}

#[cfg(test)]
mod tests;
