//! The one table of the durable ceiling: one row per issuance, one index.

pub(super) const OPEN: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    CREATE TABLE IF NOT EXISTS issued \
    (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL) STRICT; \
    CREATE INDEX IF NOT EXISTS issued_at ON issued (at);";

pub(super) const INSERT: &str = "INSERT INTO issued (at, subject, body) VALUES ($1, $2, $3)";
