use doorward_core::db::schema;
use tokio_postgres::types::Type;

use super::{engines, plans, source};

#[test]
fn statements_are_found_with_what_is_said_of_them() {
    let text = r#"
//! "SELECT in a comment"
const FIND: &str = "SELECT a FROM t
    WHERE b = \"x\" AND \
        c = $1";
const NAME: &str = "not SQL";
// scan: there are few
const ALL: &[&str] = &["DELETE FROM t", "DELETE FROM u"];
// part: conditions follow
const PART: &str = "SELECT a FROM t";
const QUOTE: char = '"';
const LAST: &str = "UPDATE t SET a = 1";
"#;
    let found: Vec<(String, bool)> =
        source::in_text("f", text).into_iter().map(|it| (it.text, it.may_scan)).collect();
    assert_eq!(
        found,
        [
            ("SELECT a FROM t\n    WHERE b = \"x\" AND c = $1".to_owned(), false),
            ("DELETE FROM t".to_owned(), true),
            ("DELETE FROM u".to_owned(), true),
            ("UPDATE t SET a = 1".to_owned(), false),
        ]
    );
}

#[test]
fn a_plan_that_reads_a_whole_growing_table_is_found() {
    let sqlite = schema::scratch().unwrap();
    for (text, is_scan) in [
        ("SELECT id FROM users WHERE id = $1", false),
        ("SELECT id FROM users WHERE locale = $1", true),
        ("SELECT id FROM users ORDER BY id LIMIT $1", false),
        ("SELECT id FROM users ORDER BY locale LIMIT $1", true),
        ("SELECT value FROM settings WHERE updated_at = $1", false),
        ("UPDATE users SET locale = $1", true),
    ] {
        assert_eq!(!plans::scans(text, &sqlite).unwrap().is_empty(), is_scan, "{text}");
    }
}

#[test]
fn a_page_that_is_found_by_sorting_is_found_out() {
    let sqlite = schema::scratch().unwrap();
    for (text, is_sort) in [
        ("SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2", false),
        ("SELECT id FROM users WHERE id > $1 ORDER BY created_at LIMIT $2", true),
        ("SELECT id FROM users WHERE name_folded > $1 ORDER BY name_folded, id LIMIT $2", false),
        ("SELECT id FROM mails WHERE status = $1 ORDER BY id DESC LIMIT $2", true),
        ("SELECT id FROM users WHERE name_folded = $1 ORDER BY created_at", false),
    ] {
        assert_eq!(!plans::sorts(text, &sqlite).unwrap().is_empty(), is_sort, "{text}");
    }
}

#[test]
fn parameters_that_are_selected_for_an_insert_take_the_columns_types() {
    let sqlite = schema::scratch().unwrap();
    let text = "INSERT INTO replays (hash, expires_at) SELECT $2, $1 FROM settings WHERE key = $3";
    assert_eq!(engines::insert_select_types(text, &sqlite), [Type::INT8, Type::BYTEA]);
}
