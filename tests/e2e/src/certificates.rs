//! Certificates for one test: an authority of its own, and what it and a stranger have signed.

use tempfile::TempDir;

use crate::scripts::python_command;

/// A folder with `authority.pem`, and with `cert.pem` and `key.pem` for `localhost` and the loopback
/// addresses; `python/certificates.py` says what else.
pub fn make() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = python_command("certificates.py").arg(folder.path()).status().expect("python runs");
    assert!(made.success(), "the certificates were not made");
    folder
}
