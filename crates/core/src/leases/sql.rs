//! Statements on leases.

use doorward_proto::time::Time;

use crate::{args, db::Tx, outcome::Result};

const HOLD: &str = "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE leases.holder = excluded.holder OR leases.until < $4";
const RELEASE: &str = "DELETE FROM leases WHERE name = $1 AND holder = $2";

pub(super) async fn hold(
    tx: &mut Tx<'_>,
    name: &str,
    holder: &str,
    (now, until): (Time, Time),
) -> Result<bool> {
    Ok(tx.exec(HOLD, args![name, holder, until, now]).await? == 1)
}

pub(super) async fn release(tx: &mut Tx<'_>, name: &str, holder: &str) -> Result<()> {
    tx.exec(RELEASE, args![name, holder]).await.map(|_| ())
}
