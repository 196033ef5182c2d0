//! Both engines' schemas side by side: tables, columns, keys, references and indices.

use std::collections::BTreeSet;

use anyhow::Result;
use rusqlite::Connection;

use super::engines::Server;

const SQLITE_COLUMNS: &str = "SELECT m.name, c.name, c.type, c.\"notnull\" OR c.pk > 0, c.cid + 1
    FROM sqlite_schema m JOIN pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
const POSTGRES_COLUMNS: &str = "SELECT c.table_name::text, c.column_name::text,
        CASE c.data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'text' THEN 'TEXT' WHEN 'bytea' THEN 'BLOB'
            ELSE c.data_type::text END,
        c.is_nullable = 'NO', c.ordinal_position::bigint
    FROM information_schema.columns c WHERE c.table_schema = 'public'";
const SQLITE_INDICES: &str = "SELECT m.name, i.\"unique\", i.partial,
        (SELECT group_concat(name, ',') FROM (SELECT x.name AS name FROM pragma_index_info(i.name) x ORDER BY x.seqno))
    FROM sqlite_schema m JOIN pragma_index_list(m.name) i
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
/// SQLite's own row number is a key without an index.
const SQLITE_ROW_KEYS: &str = "SELECT m.name, 1, 0, c.name
    FROM sqlite_schema m JOIN pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.pk = 1 AND c.type = 'INTEGER'
        AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) i WHERE i.origin = 'pk')";
/// What is unique in a partitioned table has to have the column that it is partitioned by in it.
const POSTGRES_INDICES: &str = "SELECT t.relname::text, i.indisunique, i.indpred IS NOT NULL,
        (SELECT string_agg(a.attname::text, ',' ORDER BY k.place)
            FROM unnest(i.indkey::int[]) WITH ORDINALITY AS k (number, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
            WHERE NOT EXISTS (SELECT 1 FROM pg_partitioned_table p
                WHERE i.indisunique AND p.partrelid = i.indrelid AND a.attnum = ANY (p.partattrs::int2[])))
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = 'public'";
const SQLITE_REFERENCES: &str = "SELECT m.name, f.\"from\", f.\"table\", f.\"to\"
    FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'";
const POSTGRES_REFERENCES: &str = "SELECT t.relname::text, a.attname::text, f.relname::text, b.attname::text
    FROM pg_constraint c CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k (here, there)
        JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.here
        JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.there
    WHERE c.contype = 'f'";

/// What one schema has and the other has not.
pub(super) async fn differences(sqlite: &Connection, server: &Server) -> Result<Vec<String>> {
    let mut here = BTreeSet::new();
    let mut there = BTreeSet::new();
    for (kind, sql) in [
        (column as fn(&[String]) -> String, SQLITE_COLUMNS),
        (index, SQLITE_INDICES),
        (index, SQLITE_ROW_KEYS),
        (reference, SQLITE_REFERENCES),
    ] {
        let mut statement = sqlite.prepare(sql)?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let cells =
                (0..width).map(|at| Ok(text_of(&row.get(at)?))).collect::<rusqlite::Result<Vec<_>>>()?;
            here.insert(kind(&cells));
        }
    }
    for (kind, sql) in [
        (column as fn(&[String]) -> String, POSTGRES_COLUMNS),
        (index, POSTGRES_INDICES),
        (reference, POSTGRES_REFERENCES),
    ] {
        for row in server.client.query(sql, &[]).await? {
            let cell = |at: usize| -> String {
                row.try_get::<_, String>(at)
                    .or_else(|_| row.try_get::<_, bool>(at).map(|yes| i64::from(yes).to_string()))
                    .or_else(|_| row.try_get::<_, i64>(at).map(|number| number.to_string()))
                    .unwrap_or_default()
            };
            there.insert(kind(&(0..row.len()).map(cell).collect::<Vec<_>>()));
        }
    }
    let only = |set: &BTreeSet<String>, other: &BTreeSet<String>, engine: &str| -> Vec<String> {
        set.difference(other).map(|what| format!("only {engine} has {what}")).collect()
    };
    let mut wrong = only(&here, &there, "SQLite");
    wrong.extend(only(&there, &here, "PostgreSQL"));
    Ok(wrong)
}

fn text_of(value: &rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Text(text) => text.clone(),
        rusqlite::types::Value::Integer(number) => number.to_string(),
        _ => String::new(),
    }
}

fn column(cells: &[String]) -> String {
    match cells {
        [table, name, kind, not_null, place] => {
            format!(
                "column {place} of {table}: {name} {kind} {}",
                if not_null == "1" { "NOT NULL" } else { "NULL" }
            )
        }
        _ => String::new(),
    }
}

fn index(cells: &[String]) -> String {
    match cells {
        [table, unique, partial, columns] => format!(
            "{}{}index on {table} ({columns})",
            if unique == "1" { "unique " } else { "" },
            if partial == "1" { "partial " } else { "" }
        ),
        _ => String::new(),
    }
}

fn reference(cells: &[String]) -> String {
    match cells {
        [table, column, other, to] => format!("reference from {table}.{column} to {other}.{to}"),
        _ => String::new(),
    }
}
