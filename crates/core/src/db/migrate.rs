//! Migrations: numbered SQL texts, forward only, one text for both engines.
//!
//! Five words stand for what the engines call differently: `@int`, `@bytes`, `@folded` (a text that is
//! searched by its beginning, so compared byte by byte on both), `@strict`, and `@keyed` for a table that
//! SQLite keeps in the order of its key. A block
//! between `-- @postgres` or `-- @sqlite` and `-- @end` belongs to that engine only (partitions). What
//! was applied is remembered with a checksum; a changed text is refused.

use std::fmt::Write as _;

use super::{Db, EngineName, ReadTx};
use crate::{
    args,
    outcome::{Error, Result},
};

/// One numbered step.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1, 2, 3, …
    pub number: i64,
    /// The file's name without its number.
    pub name: &'static str,
    /// The text with `@` words.
    pub text: &'static str,
}

/// Every migration, in order.
pub const ALL: &[Migration] =
    &[Migration { number: 1, name: "init", text: include_str!("../../migrations/0001_init.sql") }];

const CREATE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    number @int PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at @int NOT NULL) @strict";

const APPLIED: &str = "SELECT number, checksum FROM migrations ORDER BY number";

/// The text as one engine really gets it.
pub fn text_for(engine: EngineName, text: &str) -> String {
    let words = match engine {
        EngineName::Sqlite => [
            ("@int", "INTEGER"),
            ("@bytes", "BLOB"),
            ("@folded", "TEXT"),
            ("@strict", "STRICT"),
            ("@keyed", "STRICT, WITHOUT ROWID"),
        ],
        EngineName::Postgres => [
            ("@int", "BIGINT"),
            ("@bytes", "BYTEA"),
            ("@folded", "TEXT COLLATE \"C\""),
            ("@strict", ""),
            ("@keyed", ""),
        ],
    };
    let mut kept = String::with_capacity(text.len());
    let mut only = None;
    for line in text.lines() {
        match line.trim() {
            "-- @postgres" => only = Some(EngineName::Postgres),
            "-- @sqlite" => only = Some(EngineName::Sqlite),
            "-- @end" => only = None,
            _ if only.is_none_or(|only| only == engine) => {
                kept.push_str(line);
                kept.push('\n');
            }
            _ => {}
        }
    }
    words.iter().fold(kept, |text, (word, real)| text.replace(word, real))
}

/// The table that remembers what was applied.
pub(super) fn bookkeeping(engine: EngineName) -> String {
    text_for(engine, CREATE)
}

/// The number and the checksum of every migration that this program knows.
pub fn known() -> Vec<(i64, String)> {
    ALL.iter().map(|step| (step.number, checksum(step.text))).collect()
}

/// What was applied to the database: numbers and checksums, in order.
pub async fn applied(tx: &mut ReadTx<'_>) -> Result<Vec<(i64, String)>> {
    tx.all(APPLIED, &[], |row| Ok((row.int(0)?, row.text(1)?))).await
}

/// Brings the database up to the newest migration; answers how many were applied.
///
/// # Errors
/// A fault when a text that was applied has changed since, or the database is newer than this program.
pub async fn up(db: &Db, now: doorward_proto::time::Time) -> Result<usize> {
    let engine = db.engine();
    db.write("migrate", now, move |tx, now| {
        Box::pin(async move {
            tx.lock_exclusive(&["doorward.migrate"]).await?;
            tx.run_script(&bookkeeping(engine)).await?;
            let done = applied(tx).await?;
            if done.iter().any(|(number, _)| !ALL.iter().any(|known| known.number == *number)) {
                return Err(Error::fault("the database was migrated by a newer Doorward; use that one"));
            }
            let mut applied = 0;
            for step in ALL {
                let checksum = checksum(step.text);
                match done.iter().find(|(number, _)| *number == step.number) {
                    Some((_, before)) if *before == checksum => continue,
                    Some(_) => {
                        let what =
                            format!("migration {:04} differs from the one that was applied", step.number);
                        return Err(Error::fault(what));
                    }
                    None => {}
                }
                tx.run_script(&text_for(engine, step.text)).await?;
                tx.exec(
                    "INSERT INTO migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
                    args![step.number, step.name, checksum, *now],
                )
                .await?;
                applied += 1;
            }
            Ok(applied)
        })
    })
    .await
}

fn checksum(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
