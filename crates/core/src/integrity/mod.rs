//! `db verify`: whether everything that is stored belongs together, opens and is unbroken.

mod sql;

use crate::{audit, outcome::Result, realm::Realm};

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
pub async fn verify(realm: &Realm) -> Result<Report> {
    let mut wrong = realm.db.check().await?;
    let mut opened = 0;
    if wrong.is_empty() {
        let (orphans, sealed) = realm
            .db
            .scan("integrity", (), |tx, ()| {
                Box::pin(async move { Ok((sql::orphans(tx).await?, sql::sealed(tx).await?)) })
            })
            .await?;
        wrong.extend(orphans);
        for value in sealed {
            match realm.vault.open(&value.place, &value.sealed) {
                Ok(_) => opened += 1,
                Err(error) => wrong.push(format!("{}: {error:?}", value.place)),
            }
        }
    }
    Ok(Report { wrong, opened, audit: audit::verify(realm).await? })
}
