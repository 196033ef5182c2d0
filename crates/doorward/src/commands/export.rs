//! `doorward export`: everything that moves to another server, in one file.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value as Json, json};

use super::{
    Common, Exit, Failure,
    manage::{
        connect::{Api, Ask},
        read_text, target,
    },
    progress::Shown,
};

/// What `export` takes.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The new file; it is for you alone (mode 0600).
    file: PathBuf,
    /// People with their password hashes, organisations, applications, APIs, tokens, providers, routes.
    #[arg(long, required = true)]
    all: bool,
    /// With the keys and secrets that the new server needs so that every client secret, token and provider
    /// goes on working, sealed under a passphrase.
    #[arg(long, requires = "passphrase")]
    with_secrets: bool,
    /// The passphrase, at least 12 characters; `-` asks for it, `@FILE` reads a file.
    #[arg(long, value_name = "-|@FILE", requires = "with_secrets")]
    passphrase: Option<String>,
}

impl Export {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        let passphrase = self.passphrase.as_deref().map(|text| read_text("passphrase", text)).transpose()?;
        let body = json!({ "path": std::path::absolute(&self.file)?, "passphrase": passphrase });
        let done = super::block_on(async {
            let api = target::on_this_machine(&common.load(Vec::new())?).await?;
            let done = follow(&api, Ask::post("/api/local/export", body)).await;
            api.close().await?;
            done
        })?;
        tell(&self.file, &done, self.with_secrets)
    }
}

/// Asks for long work, shows how far it is, and answers its result.
pub(super) async fn follow(api: &Api, ask: Ask) -> Result<Json> {
    let mut shown = Shown::new();
    let mut last = Json::Null;
    let ended = api
        .follow(ask, |line| {
            let number = |member: &str| line.get(member).and_then(Json::as_u64);
            if let (Some(done), Some(total)) = (number("done"), number("total")) {
                let what = line.get("what").and_then(Json::as_str).unwrap_or_default();
                return shown.tell(what, done, total);
            }
            last = line;
            Ok(())
        })
        .await;
    shown.end();
    ended?;
    if let Some(problem) = last.get("problem") {
        return Err(refused(problem).into());
    }
    last.get("result").cloned().context("the answer broke off")
}

/// One line with the code; what stands in the way comes before it, a line each.
fn refused(problem: &Json) -> Failure {
    let text = |member: &str| problem.get(member).and_then(Json::as_str).unwrap_or_default();
    let conflicts = problem.get("conflicts").and_then(Json::as_array).into_iter().flatten();
    for conflict in conflicts.filter_map(Json::as_str) {
        let _ = writeln!(std::io::stdout(), "{}", plain(conflict));
    }
    let field = match text("field") {
        "" => String::new(),
        field => format!(" ({field})"),
    };
    Failure { exit: Exit::Failed, line: format!("{}: {}{field}", text("code"), plain(text("detail"))) }
}

/// Without what would turn a terminal round.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `3 user, 1 client`.
pub(super) fn counts(of: Option<&Json>) -> String {
    let of = of.and_then(Json::as_object).into_iter().flatten();
    let each: Vec<String> = of.map(|(name, count)| format!("{count} {name}")).collect();
    each.join(", ")
}

fn tell(file: &Path, done: &Json, with_secrets: bool) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let bytes = done.get("bytes").and_then(Json::as_u64).unwrap_or_default();
    let records = counts(done.get("records"));
    writeln!(out, "{} was written ({bytes} bytes): {records}.", file.display())?;
    let left_out = counts(done.get("left_out"));
    if !left_out.is_empty() {
        writeln!(out, "Left out: {left_out}.")?;
    }
    if with_secrets {
        writeln!(
            out,
            "Keep the passphrase apart from the file: together they are every secret of this server."
        )?;
    } else {
        writeln!(
            out,
            "Passwords go on working anywhere. Client secrets, service tokens and keys do where the master key is the \
             same; for another one, export --with-secrets."
        )?;
    }
    Ok(Exit::Done)
}
