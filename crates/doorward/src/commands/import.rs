//! `doorward import`: an export of another server, or what other programs keep, taken over on the server's
//! own machine. It can be interrupted and run again.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::{Args, Subcommand};
use doorward_core::{
    moving,
    service_tokens::import::{Report, Row, read},
};
use serde_json::{Value as Json, json};

use super::{
    Common, Exit,
    export::{counts, follow},
    manage::{
        connect::{Api, Ask},
        read_text, target,
    },
    progress::Shown,
};
use crate::data::fault;

/// Rows taken over at once.
const TOGETHER: usize = 200;

/// What `import` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Import {
    /// A file that `doorward export` has written; into an empty server, unless `--merge` is given.
    file: Option<PathBuf>,
    /// Add to what is here. What stands in the way is told, and then nothing is changed.
    #[arg(long)]
    merge: bool,
    /// The passphrase of the file's secrets; `-` asks for it, `@FILE` reads a file.
    #[arg(long, value_name = "-|@FILE")]
    passphrase: Option<String>,
    /// Go without the file's secrets: applications and tokens get new ones.
    #[arg(long, conflicts_with = "passphrase")]
    without_secrets: bool,
    #[command(subcommand)]
    source: Option<Source>,
}

/// What other programs keep.
#[derive(Debug, Subcommand)]
enum Source {
    /// Take the service tokens of an Orcheo database over; their secrets go on working.
    Orcheo {
        /// Orcheo's file, such as `service_tokens.sqlite`; it is only read.
        file: PathBuf,
    },
}

impl Import {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        match (&self.source, &self.file) {
            (Some(Source::Orcheo { file }), _) => orcheo(common, file),
            (None, Some(file)) => self.take(common, file),
            (None, None) => {
                anyhow::bail!("name the file that `doorward export` has written, or a source (`--help`)")
            }
        }
    }

    fn take(&self, common: &Common, file: &Path) -> Result<Exit> {
        let path = std::path::absolute(file)?;
        let header = moving::header(&path).map_err(fault)?;
        let passphrase = self.passphrase.as_deref().map(|text| read_text("passphrase", text)).transpose()?;
        let body = json!({
            "path": path, "merge": self.merge, "passphrase": passphrase, "without_secrets": self.without_secrets,
        });
        let done = super::block_on(async {
            let api = target::to_be_filled(&common.load(Vec::new())?, header.instance).await?;
            let done = follow(&api, Ask::post("/api/local/import", body)).await;
            api.close().await?;
            done
        })?;
        tell_taken(&done)
    }
}

fn tell_taken(done: &Json) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let records = counts(done.get("records"));
    writeln!(out, "Imported: {}.", if records.is_empty() { "nothing new" } else { &records })?;
    let known = counts(done.get("known"));
    if !known.is_empty() {
        writeln!(out, "Here already, the same: {known}.")?;
    }
    let left_out = counts(done.get("left_out"));
    if !left_out.is_empty() {
        writeln!(
            out,
            "Left out, because their secrets are under another server's key: {left_out}. Give applications new \
             secrets (`doorward client rotate-secret`), make tokens and keys anew, invite again."
        )?;
    }
    if let Some(instance) = done.get("instead_of").and_then(Json::as_str) {
        writeln!(
            out,
            "What belonged to {instance}, the instance there, belongs to this one's: its `tenant_id` has changed. \
             Only an import into a new data folder keeps it."
        )?;
    }
    Ok(Exit::Done)
}

fn orcheo(common: &Common, file: &Path) -> Result<Exit> {
    let rows = read(file).map_err(fault)?;
    let report = super::block_on(async {
        let api = target::on_this_machine(&common.load(Vec::new())?).await?;
        let report = send(&api, &rows).await;
        api.close().await?;
        report
    })?;
    tell(&report)
}

async fn send(api: &Api, rows: &[Row]) -> Result<Report> {
    let mut whole = Report::default();
    let mut done = 0;
    let mut shown = Shown::new();
    for some in rows.chunks(TOGETHER) {
        let answer = api.send(Ask::post("/api/local/import/orcheo", json!({ "rows": some }))).await?;
        let report: Report = serde_json::from_value(answer)?;
        whole.imported += report.imported;
        whole.known += report.known;
        whole.left_out.extend(report.left_out);
        done += some.len();
        shown.tell("imported", done as u64, rows.len() as u64)?;
    }
    shown.end();
    Ok(whole)
}

fn tell(report: &Report) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    for (name, why) in &report.left_out {
        let line: String = format!("left out {name:?}: {why}");
        let line: String = line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        writeln!(out, "{line}")?;
    }
    let (imported, known, left_out) = (report.imported, report.known, report.left_out.len());
    writeln!(
        out,
        "{imported} service tokens were imported, {known} were there already, {left_out} were left out."
    )?;
    Ok(if left_out == 0 { Exit::Done } else { Exit::Failed })
}
