//! What a start prints on standard output: where to go.

use std::io::Write as _;

use anyhow::Result;
use doorward_core::realm::Realm;

/// Says where everything is.
///
/// # Errors
/// When standard output is closed.
pub(super) fn greet(realm: &Realm) -> Result<()> {
    let issuer = &realm.issuer;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Doorward {} is ready.\n", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  Sign in   {issuer}/sign-in")?;
    out.flush()?;
    Ok(())
}
