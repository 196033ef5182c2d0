//! Administration on the server's own machine: `setup`, `db`, `audit verify`. No credential: who may read
//! the data folder may do all of this anyway.

use std::{io::Write as _, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use doorward_core::{
    db::{backup, migrate},
    env::Env,
};
use serde_json::{Value as Json, json};

use super::{
    Common, Exit,
    manage::{
        connect::{Api, Ask},
        output::{Format, render},
        target,
    },
};
use crate::{
    config::Loaded,
    data::{self, fault},
    serve,
};

/// Runs one request on this machine.
async fn ask(common: &Common, ask: Ask) -> Result<Json> {
    let api = target::on_this_machine(&common.load(Vec::new())?).await?;
    let answer = api.send(ask).await;
    api.close().await?;
    answer
}

fn print(answer: &Json, format: Format) -> Result<()> {
    Ok(write!(std::io::stdout().lock(), "{}", render(answer, format, ""))?)
}

/// What `setup` takes.
#[derive(Debug, Args)]
pub(super) struct Setup {
    /// Make the administrator now, with this mail address; else print a link that does.
    #[arg(long, requires = "password")]
    email: Option<String>,
    /// `-` asks for it, `@FILE` reads a file.
    #[arg(long, value_name = "-|@FILE")]
    password: Option<String>,
    /// The administrator's name.
    #[arg(long)]
    name: Option<String>,
}

impl Setup {
    pub(super) fn run(self, common: &Common) -> Result<Exit> {
        let password = self.password.map(|text| super::manage::read_text("password", &text)).transpose()?;
        let body = json!({ "email": self.email, "password": password, "name": self.name });
        let answer = super::block_on(ask(common, Ask::post("/api/local/setup", body)))?;
        let mut out = std::io::stdout().lock();
        match answer.get("url").and_then(Json::as_str) {
            Some(url) => {
                writeln!(out, "Create the first administrator (works once, for 24 hours):\n\n  {url}")?;
            }
            None => {
                writeln!(
                    out,
                    "The administrator {} was made.",
                    answer.get("user_id").and_then(Json::as_str).unwrap_or("")
                )?;
            }
        }
        Ok(Exit::Done)
    }
}

/// The trail as a whole.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Verify the chain and its signatures; names the first broken link.
    Verify {
        /// How to print the report.
        #[arg(long, value_enum, default_value_t)]
        output: Format,
    },
}

impl Audit {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        let Self::Verify { output } = self;
        let report = super::block_on(ask(common, Ask::post("/api/local/audit/verify", json!({}))))?;
        print(&report, *output)?;
        let is_broken = report.get("broken").is_some_and(|broken| !broken.is_null());
        Ok(if is_broken { Exit::Failed } else { Exit::Done })
    }
}

/// The database as a whole.
#[derive(Debug, Subcommand)]
pub(super) enum Database {
    /// Bring the schema up to this program; `serve` does so by itself. On SQLite, while no server runs.
    Migrate,
    /// Write a consistent copy to a new file, while the server runs.
    Backup {
        /// The new file; it holds everything but the master key.
        file: PathBuf,
    },
    /// Fill an empty database from a backup, while no server runs.
    Restore {
        /// The backup.
        file: PathBuf,
    },
    /// Copy everything into another, empty database, while no server runs.
    Copy {
        /// `sqlite://…` or `postgres://…`.
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// Check that the database is whole: its pages and rows, what is sealed in it, the audit trail.
    Verify,
}

impl Database {
    pub(super) fn run(self, common: &Common) -> Result<Exit> {
        super::block_on(async {
            match self {
                Self::Migrate => migrate_now(&common.load(Vec::new())?).await,
                Self::Backup { file } => back_up(common, file).await,
                Self::Restore { file } => restore(&common.load(Vec::new())?, file).await,
                Self::Copy { to } => copy(&common.load(Vec::new())?, to).await,
                Self::Verify => verify(common).await,
            }
        })
    }
}

fn say(line: &str) -> Result<Exit> {
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(Exit::Done)
}

async fn migrate_now(loaded: &Loaded) -> Result<Exit> {
    let db = serve::open_database(&data::place(&loaded.config)?).await?;
    let applied = migrate::up(&db, now(loaded)).await.map_err(fault)?;
    say(&format!("{applied} migrations were applied."))
}

fn now(loaded: &Loaded) -> doorward_proto::time::Time {
    env(loaded).now()
}

fn env(loaded: &Loaded) -> Env {
    serve::env(&loaded.config)
}

async fn back_up(common: &Common, file: PathBuf) -> Result<Exit> {
    let path = std::path::absolute(&file)?;
    let answer = ask(common, Ask::post("/api/local/db/backup", json!({ "path": path }))).await?;
    let bytes = answer.get("bytes").and_then(Json::as_u64).unwrap_or_default();
    say(&format!("{} was written ({bytes} bytes). Keep the master key apart from it.", path.display()))
}

async fn restore(loaded: &Loaded, file: PathBuf) -> Result<Exit> {
    if target::is_alive(&loaded.data_dir().join(data::SOCKET)) {
        bail!("a server runs on this data folder; stop it first");
    }
    data::folder(loaded.data_dir())?;
    let place = data::place(&loaded.config)?;
    backup::restore(&file, &place, now(loaded)).await.map_err(fault)?;
    let key = data::master::path(&loaded.config);
    let reminder = if loaded.config.master_key.is_some() || key.exists() {
        String::new()
    } else {
        format!(" Put the master key back to {} before the next start.", key.display())
    };
    say(&format!("{} was restored.{reminder}", file.display()))
}

async fn copy(loaded: &Loaded, to: String) -> Result<Exit> {
    let mut other = loaded.config.clone();
    other.database.url = Some(to.as_str().into());
    let place = data::place(&other)?;
    let from = serve::open_database(&data::place(&loaded.config)?).await?;
    let to = serve::open_database(&place).await?;
    let at = now(loaded);
    migrate::up(&to, at).await.map_err(fault)?;
    let scratch = data::Scratch::new(&env(loaded))?;
    let rows = backup::copy_between(&from, &to, scratch.path(), at).await.map_err(fault)?;
    say(&format!("{rows} rows were copied. The copy needs the same master key."))
}

async fn verify(common: &Common) -> Result<Exit> {
    let answer = ask(common, Ask::post("/api/local/db/verify", json!({}))).await?;
    let problems: Vec<&str> = answer
        .get("problems")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    if problems.is_empty() {
        let count = |member: &str| answer.get(member).and_then(Json::as_u64).unwrap_or_default();
        let (opened, events) = (count("opened"), count("events"));
        return say(&format!(
            "The database is whole: its rows belong together, {opened} sealed values open, and the audit trail is \
             unbroken over {events} events."
        ));
    }
    say(&problems.join("\n"))?;
    Ok(Exit::Failed)
}

/// What is wrong with the database: for `doctor`.
pub(super) async fn database_problems(api: &Api) -> Result<Vec<String>> {
    let answer = api.send(Ask::post("/api/local/db/verify", json!({}))).await?;
    let problems = answer.get("problems").and_then(Json::as_array).context("no answer")?;
    Ok(problems.iter().filter_map(|problem| Some(problem.as_str()?.to_owned())).collect())
}
