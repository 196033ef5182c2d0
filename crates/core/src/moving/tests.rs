//! The format against the schema and the page that documents it.

use std::collections::BTreeSet;

use super::{
    KINDS, LEFT_OUT,
    format::{Form, Member},
    record::shapes,
};
use crate::db::schema::{self, ValueKind};

const PAGE: &str = include_str!("../../../../docs/moving.md");

#[test]
fn every_table_is_in_a_file_or_left_out_for_a_reason() {
    let known: BTreeSet<&str> =
        KINDS.iter().map(|kind| kind.table).chain(LEFT_OUT.iter().map(|(table, _)| *table)).collect();
    let there = schema::tables().unwrap();
    let there: BTreeSet<&str> = there.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(known, there, "a new table goes into `KINDS` or, with a reason, into `LEFT_OUT`");
    assert_eq!(known.len(), KINDS.len() + LEFT_OUT.len(), "none is both");
}

#[test]
fn every_column_has_a_member_of_its_kind() {
    for shape in shapes().unwrap() {
        assert_eq!(shape.kind.members.len(), shape.table.columns.len(), "{}", shape.kind.name);
        for column in &shape.table.columns {
            let member = shape.kind.members.iter().find(|member| member.column == column.name).unwrap();
            let kind = match member.form {
                Form::Int | Form::Time | Form::Flag | Form::Word(_) => ValueKind::Int,
                Form::Bytes | Form::Sealed => ValueKind::Bytes,
                _ => ValueKind::Text,
            };
            assert_eq!(kind, column.kind, "{}.{}", shape.kind.name, member.name);
        }
    }
}

#[test]
fn what_a_record_refers_to_comes_before_it() {
    let shapes = shapes().unwrap();
    for (at, shape) in shapes.iter().enumerate() {
        for reference in &shape.table.references {
            let of = shapes.iter().position(|other| other.table.name == reference.table);
            assert!(of.is_some_and(|of| of < at), "{} refers to {}", shape.kind.name, reference.table);
        }
    }
}

#[test]
fn the_page_names_every_record_and_every_member() {
    let is_written =
        |member: &&Member| !matches!(member.form, Form::Folded(_) | Form::FoldedEmail(_) | Form::Scheme(_));
    for kind in KINDS {
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{}` |", kind.name)));
        let row = row.unwrap_or_else(|| panic!("docs/moving.md has no row for {}", kind.name));
        let named: BTreeSet<&str> = row.split('`').skip(3).step_by(2).collect();
        let there: BTreeSet<&str> =
            kind.members.iter().filter(is_written).map(|member| member.name).collect();
        let missing: Vec<_> = there.difference(&named).collect();
        assert!(missing.is_empty(), "docs/moving.md does not name {missing:?} of {}", kind.name);
        assert!(row.contains(kind.about), "docs/moving.md says of {}: {}", kind.name, kind.about);
    }
}
