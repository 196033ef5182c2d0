//! `xtask sql`: every statement is prepared on both engines, and both schemas are the same.
//!
//! Statements are the literals in files named `sql.rs`. Each is prepared on an empty migrated database of
//! either engine; numbers of parameters, names and types of columns must agree. The plans of both may not
//! scan a table that grows, unless a comment above it says why (`// scan: …`), nor sort what only the first
//! rows are taken of (`// sort: …`): a page of a list is found in the order of an index. A literal that is only
//! a part of a statement says so (`// part: …`). A statement on a table whose key an organisation leads binds
//! `org_id`, or says why not (`// every org: …`). The DDL that each engine gets is kept in
//! `crates/core/migrations/snapshots/`, and must be what the migrations say.

mod engines;
mod plans;
mod schemas;
mod source;
mod tenancy;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use doorward_core::db::{EngineName, migrate, schema};
use doorward_world::cluster;

use crate::tidy::root;
use source::Statement;

const SNAPSHOTS: [(EngineName, &str); 2] = [
    (EngineName::Sqlite, "crates/core/migrations/snapshots/sqlite.sql"),
    (EngineName::Postgres, "crates/core/migrations/snapshots/postgres.sql"),
];

/// What to do about DDL snapshots that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Snapshots {
    /// They are wrong.
    Check,
    /// They are written anew.
    Bless,
}

/// Runs every check and reports all that is wrong at once.
pub(crate) fn run(snapshots: Snapshots) -> Result<()> {
    let root = root();
    let mut wrong = compare_snapshots(&root, snapshots)?;
    let statements = source::statements(&root.join("crates/core/src"))?;
    let sqlite = schema::scratch().map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let (postgres, keeper) = cluster::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    wrong.extend(runtime.block_on(compare(&statements, &sqlite, &postgres))?);
    drop(keeper);
    for line in &wrong {
        eprintln!("{line}");
    }
    eprintln!("{} statements", statements.len());
    match wrong.len() {
        0 => Ok(()),
        count => bail!("{count} things are wrong with the SQL"),
    }
}

async fn compare(
    statements: &[Statement],
    sqlite: &rusqlite::Connection,
    postgres: &str,
) -> Result<Vec<String>> {
    let server = engines::Server::start(postgres).await?;
    let mut wrong = schemas::differences(sqlite, &server).await?;
    server.client.batch_execute(plans::SETTINGS).await?;
    let of_orgs = tenancy::tables(sqlite)?;
    for statement in statements {
        let mut found = engines::check(statement, sqlite, &server).await;
        found.extend(tenancy::check(statement, &of_orgs));
        wrong.extend(found.into_iter().map(|what| format!("{}: {what}", statement.place)));
    }
    Ok(wrong)
}

/// The DDL that an engine gets, all migrations in order.
fn ddl(engine: EngineName) -> String {
    let mut text = String::new();
    for step in migrate::ALL {
        let _ = writeln!(text, "-- {:04}_{}", step.number, step.name);
        text.push_str(&migrate::text_for(engine, step.text));
    }
    text
}

fn compare_snapshots(root: &Path, snapshots: Snapshots) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for (engine, path) in SNAPSHOTS {
        let (wanted, place) = (ddl(engine), root.join(path));
        if snapshots == Snapshots::Bless {
            fs::create_dir_all(place.parent().unwrap_or(root))?;
            fs::write(&place, wanted).with_context(|| place.display().to_string())?;
        } else if fs::read_to_string(&place).ok().as_ref() != Some(&wanted) {
            wrong.push(format!("{path}: not what the migrations say (`cargo xtask sql --bless` writes it)"));
        }
    }
    Ok(wrong)
}
