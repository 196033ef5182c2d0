//! `db verify`: whether everything that is stored belongs together, opens and is unbroken.

mod sql;

use std::sync::Arc;

use crate::{
    audit,
    db::ReadTx,
    outcome::Result,
    realm::{Realm, sql as sealed},
};

/// Sealed values held at once.
const PAGE: i64 = 500;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// What is wrong with the database, a line each; nothing when it is whole.
    pub wrong: Vec<String>,
    /// Sealed values that were opened.
    pub opened: u64,
    /// The audit trail.
    pub audit: audit::Report,
}

impl Report {
    /// Whether nothing is wrong.
    pub const fn is_whole(&self) -> bool {
        self.wrong.is_empty() && self.audit.broken.is_none()
    }
}

/// Verifies the realm's database: pages and references, families, sealed values, the audit trail.
///
/// # Errors
/// A fault when the database cannot be read at all.
pub async fn verify(realm: &Arc<Realm>) -> Result<Report> {
    let mut wrong = realm.db.check().await?;
    let mut opened = 0;
    if wrong.is_empty() {
        let (found, count) =
            realm.db.scan("integrity", Arc::clone(realm), |tx, realm| Box::pin(inside(tx, realm))).await?;
        wrong.extend(found);
        opened = count;
    }
    Ok(Report { wrong, opened, audit: audit::verify(realm).await? })
}

/// What does not belong together or does not open, and how many values do.
async fn inside(tx: &mut ReadTx<'_>, realm: &Realm) -> Result<(Vec<String>, u64)> {
    let (mut wrong, mut opened) = (sql::orphans(tx).await?, 0);
    for column in sealed::columns() {
        let mut after = String::new();
        loop {
            let page = sealed::page(tx, column, &mut after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for value in page {
                match realm.vault.open(&value.place, &value.sealed) {
                    Ok(_) => opened += 1,
                    Err(error) => wrong.push(format!("{}: {error:?}", value.place)),
                }
            }
        }
    }
    Ok((wrong, opened))
}
