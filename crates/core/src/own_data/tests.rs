//! The list against the schema and the page that documents it.

use std::collections::BTreeSet;

use super::{HELD, LEFT_OUT, READ};
use crate::db::schema::{self, Table};

const PAGE: &str = include_str!("../../../../docs/your-data.md");

/// Columns that hold somebody's id, address or session without a reference that says so.
const NAMES_SOMEBODY: [&str; 18] = [
    "accepted_by",
    "actor",
    "caller",
    "created_by",
    "email",
    "email_folded",
    "invited_by",
    "owner",
    "principal",
    "principal_id",
    "recipient",
    "revoked_by",
    "sent_by",
    "session_id",
    "subject",
    "updated_by",
    "user",
    "user_id",
];

fn names_somebody(table: &Table) -> bool {
    let refers = table.references.iter().any(|to| to.table == "users" || to.table == "principals");
    refers || table.columns.iter().any(|column| NAMES_SOMEBODY.contains(&column.name.as_str()))
}

#[test]
fn every_table_that_names_a_person_is_in_the_file_or_left_out_for_a_reason() {
    let held = HELD.iter().map(|held| held.table);
    let read = READ.iter().flat_map(|(_, tables, _)| tables.iter().copied());
    let known: BTreeSet<&str> = held.chain(read).chain(LEFT_OUT.iter().map(|(table, _)| *table)).collect();
    let all = schema::tables().unwrap();
    let unknown: Vec<&str> = all
        .iter()
        .filter(|table| names_somebody(table) && !known.contains(table.name.as_str()))
        .map(|table| table.name.as_str())
        .collect();
    assert!(unknown.is_empty(), "{unknown:?} go into `HELD` or, with a reason, into `LEFT_OUT`");
    for name in known {
        assert!(all.iter().any(|table| table.name == name), "there is no table {name}");
    }
}

#[test]
fn every_column_is_written_or_left_out_for_a_reason() {
    let all = schema::tables().unwrap();
    for held in HELD {
        let table = all.iter().find(|table| table.name == held.table).unwrap();
        let there: BTreeSet<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let written = held.members.iter().map(|member| member.column);
        let left_out = held.left_out.iter().map(|(column, _)| *column);
        let known: BTreeSet<&str> = written.chain(left_out).collect();
        assert_eq!(known, there, "{}", held.name);
        assert_eq!(known.len(), held.members.len() + held.left_out.len(), "{}: none is both", held.name);
    }
}

#[test]
fn the_page_names_every_part() {
    let parts = HELD.iter().map(|held| (held.name, held.about));
    for (name, about) in parts.chain(READ.iter().map(|(name, _, about)| (*name, *about))) {
        let row = format!("| `{name}` | {about} |");
        assert!(PAGE.lines().any(|line| line == row), "docs/your-data.md has no line {row}");
    }
}
