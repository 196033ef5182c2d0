//! A file of service tokens as Orcheo 0.29 writes it.

use std::path::Path;

use rusqlite::{Connection, params};

const SCHEMA: &str = "CREATE TABLE service_tokens (identifier TEXT PRIMARY KEY, secret_hash TEXT NOT NULL,
    scopes TEXT, workspace_ids TEXT, created_at TEXT NOT NULL, created_by TEXT, issued_at TEXT,
    expires_at TEXT, last_used_at TEXT, use_count INTEGER DEFAULT 0, rotation_expires_at TEXT,
    rotated_to TEXT, rotated_from TEXT, revoked_at TEXT, revoked_by TEXT, revocation_reason TEXT,
    allowed_ip_ranges TEXT, rate_limit_override INTEGER)";

/// A row: identifier, hash, and what other columns hold.
pub type Row<'r> = (&'r str, String, &'r [(&'r str, &'r str)]);

/// What Orcheo stores of a secret.
pub fn hash(secret: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    data_encoding::HEXLOWER.encode(hash.as_ref())
}

/// Writes a file with these rows.
pub fn write(path: &Path, rows: &[Row<'_>]) {
    let file = Connection::open(path).expect("the file is made");
    file.execute_batch(SCHEMA).expect("the table is made");
    for (identifier, hash, cells) in rows {
        let created = "2029-06-01T00:00:00.123456+00:00";
        let insert = "INSERT INTO service_tokens (identifier, secret_hash, created_at) VALUES (?1, ?2, ?3)";
        file.execute(insert, params![identifier, hash, created]).expect("a row is written");
        for (column, value) in *cells {
            let update = format!("UPDATE service_tokens SET {column} = ?1 WHERE identifier = ?2");
            file.execute(&update, params![value, identifier]).expect("a cell is written");
        }
    }
}

/// Writes a database that is another program's.
pub fn write_other(path: &Path) {
    let file = Connection::open(path).expect("the file is made");
    file.execute_batch("CREATE TABLE other (a TEXT)").expect("the table is made");
}

/// Keeps everybody from reading the file for as long as what is answered lives.
pub fn lock(path: &Path) -> Connection {
    let file = Connection::open(path).expect("the file is there");
    file.execute_batch("BEGIN EXCLUSIVE").expect("nobody else is at it");
    file
}
