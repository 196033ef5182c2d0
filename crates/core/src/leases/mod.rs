//! Leases: who does, for a while, what only one node may do. A lease is a row, so poolers are safe.

mod sql;

use std::time::Duration;

use doorward_proto::time::Time;

use crate::{db::Tx, outcome::Result};

/// Takes or renews the lease `name` for `holder`; answers whether it holds it now.
///
/// Until the operation ends nobody else can take the lease, whatever the clocks say: what is written
/// beside it is written by its holder alone.
pub async fn hold(tx: &mut Tx<'_>, name: &str, holder: &str, (now, term): (Time, Duration)) -> Result<bool> {
    sql::hold(tx, name, holder, (now, now + term)).await
}

/// Gives the lease back, so that others need not wait for its end.
pub async fn release(tx: &mut Tx<'_>, name: &str, holder: &str) -> Result<()> {
    sql::release(tx, name, holder).await
}
