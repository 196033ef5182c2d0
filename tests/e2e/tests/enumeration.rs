//! Whether an account exists is nobody's business.

use std::sync::{Mutex, PoisonError};

use doorward_e2e::{Options, Server, scripts};

/// Times are compared: one after the other.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn accounts_cannot_be_told_from_nobody() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Every attempt says which address it comes from, as behind a proxy: no limit is met.
    let env = vec![("DOORWARD_TRUSTED_PROXIES", "127.0.0.0/8,::1/128".to_owned())];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python(&server, "enumeration.py");
}

#[test]
fn guesses_cannot_be_told_apart() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::start(Options::default());
    scripts::python(&server, "guesses.py");
}
