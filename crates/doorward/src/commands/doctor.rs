//! `doorward doctor`: what is unsafe or missing on this machine, and what to do about it.

mod files;

use std::io::Write as _;

use anyhow::Result;
use clap::Args;
use doorward_core::env::FetchRequest;
use serde_json::{Value as Json, json};

use super::{
    Common, Exit, local,
    manage::{
        connect::{Api, Ask},
        output::{Format, render},
        target,
    },
};
use crate::{
    config::{Loaded, concerns},
    data,
    fetch::{Reach, fetcher},
};

/// What `doctor` takes.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Leave out what belongs to you (paths, addresses, names), so that the report can be shown to others.
    #[arg(long)]
    redact: bool,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Well,
    Note,
    Bad,
}

struct Line {
    finding: Finding,
    about: &'static str,
    what: String,
}

/// The report as it grows.
#[derive(Default)]
struct Report(Vec<Line>);

impl Report {
    fn well(&mut self, about: &'static str, what: impl Into<String>) {
        self.0.push(Line { finding: Finding::Well, about, what: what.into() });
    }
    fn note(&mut self, about: &'static str, what: impl Into<String>) {
        self.0.push(Line { finding: Finding::Note, about, what: what.into() });
    }
    fn bad(&mut self, about: &'static str, what: impl Into<String>) {
        self.0.push(Line { finding: Finding::Bad, about, what: what.into() });
    }
}

impl Doctor {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        let loaded = common.load(Vec::new())?;
        let report = super::block_on(async { Ok(examine(&loaded).await) })?;
        let secrets = if self.redact { private(&loaded) } else { Vec::new() };
        let items: Vec<Json> = report.0.iter().map(|line| shown(line, &secrets)).collect();
        write!(
            std::io::stdout().lock(),
            "{}",
            render(&json!({ "items": items, "next_cursor": null }), self.output, "doctor")
        )?;
        let is_bad = report.0.iter().any(|line| line.finding == Finding::Bad);
        Ok(if is_bad { Exit::Failed } else { Exit::Done })
    }
}

fn shown(line: &Line, secrets: &[String]) -> Json {
    let word = match line.finding {
        Finding::Well => "ok",
        Finding::Note => "note",
        Finding::Bad => "BAD",
    };
    let what = secrets.iter().fold(line.what.clone(), |text, secret| text.replace(secret, "…"));
    json!({ "state": word, "about": line.about, "what": what })
}

/// What `--redact` leaves out, the longest first.
fn private(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let mut all = vec![
        data::master::path(config).display().to_string(),
        config.data_dir.display().to_string(),
        target::issuer(loaded),
        config.mail.from.clone(),
    ];
    all.extend(config.public_url.as_ref().and_then(|url| url.0.host_str()).map(str::to_owned));
    all.extend(config.setup.email.clone());
    all.retain(|text| text.len() > 3);
    all.sort_by_key(|text| std::cmp::Reverse(text.len()));
    all
}

async fn examine(loaded: &Loaded) -> Report {
    let mut report = Report::default();
    configuration(loaded, &mut report);
    let is_usable = files::examine(loaded, &mut report);
    mail_settings(loaded, &mut report);
    let is_running = target::is_alive(&loaded.data_dir().join(data::SOCKET));
    let issuer = if is_running { told_issuer(loaded).await } else { None };
    let issuer = issuer.unwrap_or_else(|| target::issuer(loaded));
    report.note("issuer", format!("{issuer} (this text exactly, in every token)"));
    if is_running {
        public_url(&issuer, &mut report).await;
    } else {
        report.note("server", "no server runs on this data folder");
    }
    // What cannot be looked into would seem to be missing.
    if !is_usable {
        return report;
    }
    match target::has_database(loaded) {
        Ok(true) if !is_running && target::is_blank(loaded).await => blank(loaded, &mut report),
        Ok(true) => match target::on_this_machine(loaded).await {
            Ok(api) => inside(&api, &mut report).await,
            Err(error) => report.bad("database", format!("{error:#}")),
        },
        Ok(false) => report.note("database", "there is none yet; the first start makes it"),
        Err(error) => report.bad("database", format!("{error:#}")),
    }
    report
}

/// A key without a database is what is left of an installation.
fn blank(loaded: &Loaded, report: &mut Report) {
    if loaded.config.master_key.is_some() || data::master::path(&loaded.config).exists() {
        report.bad("database", "it is empty, though there is a master key; put it back from your backup");
    } else {
        report.note("database", "it is empty; the first start fills it");
    }
}

fn configuration(loaded: &Loaded, report: &mut Report) {
    for warning in &loaded.warnings {
        report.note("configuration", warning);
    }
    let found = concerns(&loaded.config);
    for concern in &found {
        let line = format!("{}: {}", concern.key, concern.what);
        if concern.refuses { report.bad("configuration", line) } else { report.note("configuration", line) }
    }
    if found.is_empty() && loaded.warnings.is_empty() {
        report.well("configuration", "nothing to object to");
    }
}

fn mail_settings(loaded: &Loaded, report: &mut Report) {
    match &loaded.config.mail.url {
        Some(_) => report.well("mail", format!("sent as {}", loaded.config.mail.from)),
        None => report.note("mail", "mail.url is not set: mails wait in the outbox (`doorward mail list`)"),
    }
}

/// What the running server calls itself: it may have been given another address than this command knows of.
async fn told_issuer(loaded: &Loaded) -> Option<String> {
    let api = target::on_this_machine(loaded).await.ok()?;
    let health = api.send(Ask::get("/api/health")).await.ok()?;
    health.get("issuer").and_then(Json::as_str).map(str::to_owned)
}

/// Whether the server answers under its public address, and calls itself the same.
async fn public_url(issuer: &str, report: &mut Report) {
    let Ok(url) = url::Url::parse(&format!("{issuer}/.well-known/openid-configuration")) else { return };
    let request = FetchRequest { method: "GET", url, headers: Vec::new(), body: Vec::new() };
    match fetcher(Reach::Anywhere)(request).await {
        Err(why) => report.bad("public_url", format!("{issuer} cannot be reached from here: {why}")),
        Ok(answer) => {
            let metadata: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
            match metadata.get("issuer").and_then(Json::as_str) {
                Some(told) if told == issuer => report.well("public_url", "reachable, and the same issuer"),
                Some(told) => report.bad("public_url", format!("another issuer answers there: {told}")),
                None => report.bad("public_url", format!("HTTP {} and no metadata", answer.status)),
            }
        }
    }
}

/// What only the database knows.
async fn inside(api: &Api, report: &mut Report) {
    match local::database_problems(api).await {
        Ok(problems) if problems.is_empty() => report.well("database", "whole"),
        Ok(problems) => problems.into_iter().for_each(|problem| report.bad("database", problem)),
        Err(error) => report.bad("database", format!("{error:#}")),
    }
    match api.send(Ask::get("/api/v1/keys")).await {
        Ok(keys) => signing_keys(&keys, report),
        Err(error) => report.bad("keys", format!("the master key does not open them: {error:#}")),
    }
    if let Ok(settings) = api.send(Ask::get("/api/v1/settings")).await
        && let Some(bootstrap) = settings.get("bootstrap").filter(|bootstrap| !bootstrap.is_null())
    {
        let last = bootstrap.get("last_used_at").and_then(Json::as_str).unwrap_or("never");
        report.note("bootstrap token", format!("configured, last used: {last}; remove it when you can"));
    }
    without_pkce(api, report).await;
    if let Err(error) = api.send(Ask::get("/readyz")).await
        && error.downcast_ref::<super::Failure>().is_none()
    {
        report.bad("server", format!("{error:#}"));
    }
}

fn signing_keys(keys: &Json, report: &mut Report) {
    let items: Vec<&Json> = keys.get("items").and_then(Json::as_array).into_iter().flatten().collect();
    let text =
        |key: &Json, member: &str| key.get(member).and_then(Json::as_str).unwrap_or_default().to_owned();
    let active: Vec<String> =
        items.iter().filter(|key| text(key, "state") == "active").map(|key| text(key, "alg")).collect();
    if active.is_empty() {
        report.bad("keys", "no key signs; `doorward keys rotate` makes one");
    } else {
        report.well("keys", format!("{} sign", active.join(", ")));
    }
}

async fn without_pkce(api: &Api, report: &mut Report) {
    let mut cursor = String::new();
    let mut count = 0_usize;
    loop {
        let Ok(page) = api.send(Ask::get(format!("/api/v1/clients?limit=500{cursor}"))).await else { return };
        for client in page.get("items").and_then(Json::as_array).into_iter().flatten() {
            if client.get("require_pkce") == Some(&Json::Bool(false)) {
                count += 1;
                let name = client.get("client_id").and_then(Json::as_str).unwrap_or_default();
                report.note("clients", format!("{name} is excused from PKCE (require_pkce: false)"));
            }
        }
        match page.get("next_cursor").and_then(Json::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    if count == 0 {
        report.well("clients", "every application uses PKCE");
    }
}
