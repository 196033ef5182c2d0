//! What a statement costs on a big table, by the plans of both engines: it finds its rows by an index, and takes
//! the first of them in the order of one.
//!
//! SQLite says what it does. PostgreSQL chooses by what it knows of the rows, and here are none: it is told that
//! reading a whole table and sorting are dear, so that it does so only where there is no other way.

use anyhow::Result;
use rusqlite::Connection;
use tokio_postgres::{SimpleQueryMessage, types::Type};

use super::{
    engines::{Server, insert_select_types},
    source::Statement,
};

/// Tables that stay small however long a server runs.
const SMALL: [&str; 6] = ["changes", "leases", "migrations", "password_schemes", "settings", "signing_keys"];

/// A plan for whatever the parameters are, without what there may be a way around.
pub(super) const SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
    SET enable_sort = off; SET enable_bitmapscan = off;
    CREATE TABLE events_197001 PARTITION OF events FOR VALUES IN (197001);
    CREATE TABLE event_details_197001 PARTITION OF event_details FOR VALUES IN (197001)";

/// What is wrong with the plans of a statement.
pub(super) async fn wrong(
    statement: &Statement,
    sqlite: &Connection,
    server: &Server,
) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let text = &statement.text;
    if !statement.may_scan {
        wrong.extend(scans(text, sqlite)?);
    }
    let steps = postgres_steps(text, sqlite, server).await?;
    if !statement.may_scan {
        wrong
            .extend(read_whole(&steps).map(|step| format!("PostgreSQL: {step} (say why with `// scan: …`)")));
    }
    if !statement.may_sort {
        wrong.extend(sorts(text, sqlite)?);
        if takes_first(text) && steps.iter().any(|step| is_sort(step)) {
            wrong.push("PostgreSQL sorts to find the first rows (say why with `// sort: …`)".to_owned());
        }
    }
    Ok(wrong)
}

fn takes_first(text: &str) -> bool {
    text.starts_with("SELECT ") && text.contains(" LIMIT ") && text.contains("ORDER BY")
}

/// What SQLite does, step by step; and whether that is the statement itself, and no part within it.
fn sqlite_steps(text: &str, sqlite: &Connection) -> Result<Vec<(bool, String)>> {
    let mut explained = sqlite.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
    let count = explained.parameter_count();
    let nulls = vec![rusqlite::types::Null; count];
    let steps = explained
        .query_map(rusqlite::params_from_iter(nulls), |row| Ok((row.get::<_, i64>(1)? == 0, row.get(3)?)))?;
    Ok(steps.collect::<rusqlite::Result<Vec<_>>>()?)
}

/// The tables that grow and that SQLite reads from one end to the other.
pub(super) fn scans(text: &str, sqlite: &Connection) -> Result<Vec<String>> {
    let steps = sqlite_steps(text, sqlite)?;
    let sorts = steps.iter().any(|(_, step)| step.contains("TEMP B-TREE"));
    // The first rows in the order of an index, whatever they are.
    let takes_first = text.contains(" LIMIT ") && !text.contains("WHERE") && !sorts;
    let of_table = |step: &str| {
        let name = step.strip_prefix("SCAN ")?.split(' ').next()?.to_owned();
        // Rows that refer to what is inserted: looked for only while references are left open.
        let is_reference = text.starts_with("INSERT ") && !text.contains(name.as_str());
        let is_constant =
            is_reference || step.contains("CONSTANT ROW") || name.starts_with('(') || name == "json_each";
        (!is_constant && !takes_first && !SMALL.contains(&name.as_str())).then_some(step.to_owned())
    };
    Ok(steps
        .iter()
        .filter_map(|(_, step)| of_table(step))
        .map(|step| format!("{step} (say why with `// scan: …`)"))
        .collect())
}

/// What SQLite sorts to take the first rows of it.
pub(super) fn sorts(text: &str, sqlite: &Connection) -> Result<Vec<String>> {
    if !takes_first(text) {
        return Ok(Vec::new());
    }
    let is_sort = |(is_whole, step): &(bool, String)| {
        *is_whole && step.contains("TEMP B-TREE FOR") && step.contains("ORDER BY")
    };
    let steps = sqlite_steps(text, sqlite)?.into_iter().filter(is_sort);
    Ok(steps.map(|(_, step)| format!("{step} (say why with `// sort: …`)")).collect())
}

/// The plan of PostgreSQL, line by line.
async fn postgres_steps(text: &str, sqlite: &Connection, server: &Server) -> Result<Vec<String>> {
    let types = insert_select_types(text, sqlite);
    let prepared = server.client.prepare_typed(text, &types).await?;
    let names = prepared.params().iter().map(|kind| match *kind {
        Type::INT8 => "bigint",
        Type::BYTEA => "bytea",
        _ => "text",
    });
    let names: Vec<&str> = names.collect();
    let (kinds, nulls) = match names.len() {
        0 => (String::new(), String::new()),
        count => (format!("({})", names.join(", ")), format!("({})", vec!["NULL"; count].join(", "))),
    };
    let script = format!(
        "PREPARE planned {kinds} AS {text};
        EXPLAIN (COSTS OFF) EXECUTE planned{nulls};
        DEALLOCATE planned"
    );
    let messages = server.client.simple_query(&script).await?;
    let line = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(|line| line.trim().to_owned()),
        _ => None,
    };
    Ok(messages.iter().filter_map(line).collect())
}

/// The steps that read a table that grows from one end to the other.
fn read_whole(steps: &[String]) -> impl Iterator<Item = &String> {
    steps.iter().filter(|step| {
        let table = step.split_once("Seq Scan on ").and_then(|(_, rest)| rest.split(' ').next());
        table.is_some_and(|table| !SMALL.contains(&table))
    })
}

fn is_sort(step: &str) -> bool {
    let step = step.trim_start_matches("-> ").trim_start();
    step == "Sort" || step == "Incremental Sort"
}
