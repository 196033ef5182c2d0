//! Preparing one statement on both engines.

use anyhow::{Context as _, Result, anyhow};
use doorward_core::db::{Db, Place, PostgresSettings, migrate};
use doorward_proto::time::Time;
use rusqlite::Connection;
use tokio_postgres::{Client, NoTls, types::Type};

use super::{plans, source::Statement};

/// An empty migrated PostgreSQL database.
pub(super) struct Server {
    pub(super) client: Client,
}

impl Server {
    pub(super) async fn start(cluster: &str) -> Result<Self> {
        let connect = |database: &'static str| async move {
            let (client, connection) =
                tokio_postgres::connect(&format!("{cluster}/{database}"), NoTls).await?;
            tokio::spawn(connection);
            anyhow::Ok(client)
        };
        connect("postgres").await?.batch_execute("CREATE DATABASE statements").await?;
        let settings = PostgresSettings {
            url: format!("{cluster}/statements"),
            direct_url: None,
            pool: 1,
            statement_cache: false,
        };
        let db = Db::open(&Place::Postgres(settings)).await.map_err(|error| anyhow!("{error:?}"))?;
        migrate::up(&db, Time::from_seconds(0)).await.map_err(|error| anyhow!("{error:?}"))?;
        Ok(Self { client: connect("statements").await? })
    }
}

/// What one engine says of a statement.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    parameters: usize,
    /// Names, and types where they are known.
    columns: Vec<(String, Option<&'static str>)>,
}

/// Everything that is wrong with one statement.
pub(super) async fn check(statement: &Statement, sqlite: &Connection, server: &Server) -> Vec<String> {
    let text = &statement.text;
    let mut wrong = Vec::new();
    if text.contains("SELECT *") || text.contains("RETURNING *") || text.contains(".*") {
        wrong.push("lists no columns".to_owned());
    }
    let here = on_sqlite(text, sqlite).context("SQLite");
    let there = on_postgres(text, sqlite, server).await.context("PostgreSQL");
    match (here, there) {
        (Ok(here), Ok(there)) => wrong.extend(compare(&here, &there)),
        (here, there) => {
            let errors = [here.err(), there.err()];
            wrong.extend(errors.into_iter().flatten().map(|error| format!("{error:#}")));
            return wrong;
        }
    }
    match plans::wrong(statement, sqlite, server).await {
        Ok(found) => wrong.extend(found),
        Err(error) => wrong.push(format!("no plan: {error:#}")),
    }
    wrong
}

fn compare(here: &Shape, there: &Shape) -> Vec<String> {
    let mut wrong = Vec::new();
    if here.parameters != there.parameters {
        wrong.push(format!("{} parameters on SQLite, {} on PostgreSQL", here.parameters, there.parameters));
    }
    if here.columns.len() != there.columns.len() {
        wrong.push(format!(
            "{} columns on SQLite, {} on PostgreSQL",
            here.columns.len(),
            there.columns.len()
        ));
    }
    for ((name, kind), (other_name, other_kind)) in here.columns.iter().zip(&there.columns) {
        // Expressions have no name that both would give them, and no type on SQLite.
        let is_plain = kind.is_some();
        if is_plain && name != other_name {
            wrong.push(format!("the column {name} is {other_name} on PostgreSQL"));
        }
        match (kind, other_kind) {
            (_, None) => {
                wrong.push(format!("the column {other_name} is of none of the three kinds on PostgreSQL"));
            }
            (Some(one), Some(other)) if one != other => {
                wrong.push(format!("the column {name} is {one} on SQLite, {other} on PostgreSQL"));
            }
            _ => {}
        }
    }
    wrong
}

fn on_sqlite(text: &str, sqlite: &Connection) -> Result<Shape> {
    let prepared = sqlite.prepare(text)?;
    let columns = prepared
        .columns()
        .map(|column| {
            let kind = match column.decl_type() {
                Some("INTEGER") => Some("int"),
                Some("TEXT") => Some("text"),
                Some("BLOB") => Some("bytes"),
                _ => None,
            };
            (column.name().to_owned(), kind)
        })
        .collect();
    Ok(Shape { parameters: prepared.parameter_count(), columns })
}

async fn on_postgres(text: &str, sqlite: &Connection, server: &Server) -> Result<Shape> {
    let types = insert_select_types(text, sqlite);
    let prepared = match server.client.prepare_typed(text, &types).await {
        Ok(prepared) => prepared,
        Err(error) => match error.as_db_error() {
            Some(said) => return Err(anyhow!("{}", said.message())),
            None => return Err(error.into()),
        },
    };
    if text.starts_with("SELECT 1 FROM ") {
        // Only whether there is a row is looked at.
        return Ok(Shape {
            parameters: prepared.params().len(),
            columns: vec![("1".to_owned(), Some("int"))],
        });
    }
    let columns =
        prepared.columns().iter().map(|column| (column.name().to_owned(), kind(column.type_()))).collect();
    for given in prepared.params() {
        kind(given).with_context(|| format!("a parameter is taken for {given}: cast it"))?;
    }
    Ok(Shape { parameters: prepared.params().len(), columns })
}

fn kind(given: &Type) -> Option<&'static str> {
    match *given {
        Type::INT8 => Some("int"),
        Type::TEXT | Type::VARCHAR => Some("text"),
        Type::BYTEA => Some("bytes"),
        // What `pg_advisory_xact_lock` returns.
        Type::VOID => Some("nothing"),
        _ => None,
    }
}

/// In `INSERT INTO t (a, b) SELECT $1, $2 …` PostgreSQL does not see what the parameters are for; at run
/// time their types come from the values.
pub(super) fn insert_select_types(text: &str, sqlite: &Connection) -> Vec<Type> {
    let found = || {
        let rest = text.strip_prefix("INSERT INTO ")?;
        let (table, rest) = rest.split_once('(')?;
        let (columns, rest) = rest.split_once(')')?;
        let (items, _) = rest.trim_start().strip_prefix("SELECT ")?.split_once("FROM")?;
        let mut types = Vec::new();
        for (column, item) in columns.split(',').zip(items.split(',')) {
            if let Some(number) =
                item.trim().strip_prefix('$').and_then(|number| number.parse::<usize>().ok())
            {
                types.resize(types.len().max(number), Type::UNKNOWN);
                *types.get_mut(number.checked_sub(1)?)? = column_type(sqlite, table.trim(), column.trim())?;
            }
        }
        Some(types)
    };
    found().unwrap_or_default()
}

fn column_type(sqlite: &Connection, table: &str, column: &str) -> Option<Type> {
    let find = "SELECT type FROM pragma_table_info($1) WHERE name = $2";
    let kind: String = sqlite.query_row(find, [table, column], |row| row.get(0)).ok()?;
    Some(match kind.as_str() {
        "INTEGER" => Type::INT8,
        "BLOB" => Type::BYTEA,
        _ => Type::TEXT,
    })
}
