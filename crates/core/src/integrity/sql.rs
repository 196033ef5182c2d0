//! Statements that look for what does not belong together.

use crate::{db::ReadTx, outcome::Result};

/// What is looked for, and how; each counts rows.
const ORPHANS: &[(&str, &str)] = &[
    (
        "access tokens of a family that there is not",
        // scan: a verification reads everything
        "SELECT CAST(COUNT(*) AS BIGINT) FROM access_tokens LEFT JOIN grants ON grants.id = access_tokens.family
         WHERE access_tokens.family IS NOT NULL AND grants.id IS NULL",
    ),
    (
        "live refresh tokens of a family that was ended",
        // scan: a verification reads everything
        "SELECT CAST(COUNT(*) AS BIGINT) FROM refresh_tokens JOIN grants ON grants.id = refresh_tokens.family
         WHERE grants.ended_at IS NOT NULL AND refresh_tokens.revoked_at IS NULL
             AND refresh_tokens.consumed_at IS NULL AND refresh_tokens.created_at > grants.ended_at",
    ),
    (
        "principals that are nobody",
        // scan: a verification reads everything
        "SELECT CAST(COUNT(*) AS BIGINT) FROM principals LEFT JOIN users ON users.id = principals.id
             LEFT JOIN clients ON clients.id = principals.id
         WHERE principals.kind < 2 AND principals.status < 2 AND users.id IS NULL AND clients.id IS NULL",
    ),
];
pub(super) async fn orphans(tx: &mut ReadTx<'_>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (what, sql) in ORPHANS {
        let found = tx.opt(sql, &[], |row| row.int(0)).await?.unwrap_or_default();
        if found != 0 {
            wrong.push(format!("{what}: {found}"));
        }
    }
    Ok(wrong)
}
