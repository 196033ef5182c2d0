//! The wall between organisations, in the SQL: a statement on a table whose key an organisation leads binds
//! that organisation, or says above it why it does not (`// every org: …`).

use anyhow::Result;
use rusqlite::Connection;

use super::source::Statement;

/// The tables whose primary key begins with `org_id`.
pub(super) fn tables(sqlite: &Connection) -> Result<Vec<String>> {
    let mut found = sqlite.prepare(
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND c.name = 'org_id' AND c.pk = 1 ORDER BY m.name",
    )?;
    let names = found.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(names)
}

/// What is wrong with a statement that reaches over the wall.
pub(super) fn check(statement: &Statement, tables: &[String]) -> Option<String> {
    let words: Vec<&str> = statement.text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let table = tables.iter().find(|table| words.contains(&table.as_str()))?;
    if statement.crosses_orgs || binds(&statement.text) {
        return None;
    }
    Some(format!("{table} is an organisation's: bind org_id, or say `// every org: why` above"))
}

/// Whether a parameter is compared with `org_id`, or a row is inserted with one.
fn binds(text: &str) -> bool {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let columns = flat.strip_prefix("INSERT INTO ").and_then(|rest| rest.split_once('('));
    let is_inserted = columns.is_some_and(|(_, rest)| {
        rest.split(')').next().unwrap_or_default().split(',').any(|column| column.trim() == "org_id")
    });
    is_inserted || flat.contains("org_id = $")
}

#[cfg(test)]
mod tests {
    use doorward_core::db::schema;

    use super::*;

    #[test]
    fn a_statement_that_binds_no_organisation_says_why() {
        let tables = tables(&schema::scratch().unwrap()).unwrap();
        assert!(["memberships", "org_roles", "invitations"].iter().all(|it| tables.iter().any(|t| t == it)));
        for (text, crosses_orgs, is_wrong) in [
            ("SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2", false, false),
            ("SELECT m.role FROM memberships m WHERE m.user_id = $2 AND m.org_id = $1", false, false),
            ("SELECT role FROM memberships WHERE user_id = $1", false, true),
            ("SELECT role FROM memberships WHERE user_id = $1", true, false),
            ("INSERT INTO org_roles (org_id,\n    name) VALUES ($1, $2)", false, false),
            ("DELETE FROM invitations", false, true),
            ("UPDATE invitations SET role = $1 WHERE id = $2", false, true),
            ("SELECT id FROM clients WHERE id = $1", false, false),
        ] {
            let (place, text) = ("f:1".to_owned(), text.to_owned());
            let statement = Statement { place, text, may_scan: false, may_sort: false, crosses_orgs };
            assert_eq!(check(&statement, &tables).is_some(), is_wrong, "{}", statement.text);
        }
    }
}
