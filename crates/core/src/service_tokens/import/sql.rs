//! Statements on tokens that were made elsewhere.

use doorward_proto::{
    id::{Id, ServiceToken},
    time::Time,
};

use crate::{
    args,
    db::{ReadTx, Tx},
    outcome::Result,
};

const IS_IMPORTED: &str = "SELECT 1 FROM service_tokens WHERE imported_from = $1";
const HAS_SHA256: &str = "SELECT 1 FROM service_tokens WHERE sha256 = $1";
const SET_FATE: &str = "UPDATE service_tokens SET imported_from = $2, sha256 = $3, ends_at = $4,
    revoked_at = $5, revoked_by = $6, revocation_reason = $7, last_used_at = $8, use_count = $9,
    rotated_to = COALESCE((SELECT n.id FROM service_tokens n WHERE n.imported_from = $10), $10),
    rotated_from = COALESCE((SELECT n.id FROM service_tokens n WHERE n.imported_from = $11), $11)
    WHERE id = $1";
const LINK_ROTATED_TO: &str = "UPDATE service_tokens SET rotated_to = $2 WHERE rotated_to = $1";
const LINK_ROTATED_FROM: &str = "UPDATE service_tokens SET rotated_from = $2 WHERE rotated_from = $1";
/// Of somebody else's file.
// part: read from another database, which has other columns in other versions
pub(super) const ORCHEO_ROWS: &str = "SELECT * FROM service_tokens ORDER BY identifier";

/// What a version that was made elsewhere has been through.
#[derive(Clone)]
pub(super) struct Fate {
    pub(super) imported_from: String,
    pub(super) sha256: String,
    pub(super) ends_at: Option<Time>,
    pub(super) revoked_at: Option<Time>,
    pub(super) revoked_by: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) rotated_to: Option<String>,
    pub(super) rotated_from: Option<String>,
    pub(super) last_used_at: Option<Time>,
    pub(super) use_count: i64,
}

pub(super) async fn is_imported(tx: &mut ReadTx<'_>, from: &str) -> Result<bool> {
    Ok(tx.opt(IS_IMPORTED, args![from], |_| Ok(())).await?.is_some())
}

pub(super) async fn has_sha256(tx: &mut ReadTx<'_>, sha256: &str) -> Result<bool> {
    Ok(tx.opt(HAS_SHA256, args![sha256], |_| Ok(())).await?.is_some())
}

pub(super) async fn set_fate(tx: &mut Tx<'_>, id: Id<ServiceToken>, fate: &Fate) -> Result<()> {
    let values = args![
        id,
        &fate.imported_from,
        &fate.sha256,
        fate.ends_at,
        fate.revoked_at,
        &fate.revoked_by,
        &fate.reason,
        fate.last_used_at,
        fate.use_count,
        &fate.rotated_to,
        &fate.rotated_from,
    ];
    tx.exec(SET_FATE, values).await?;
    Ok(())
}

/// Tells rows that came before which version is meant.
pub(super) async fn link_rotated(tx: &mut Tx<'_>, from: &str, id: Id<ServiceToken>) -> Result<()> {
    tx.exec(LINK_ROTATED_TO, args![from, id]).await?;
    tx.exec(LINK_ROTATED_FROM, args![from, id]).await?;
    Ok(())
}
