//! Tokens that were made elsewhere, whose secrets go on working.
//!
//! A row is read as it stands in the file; what cannot be taken over safely is left out by name and
//! reason, and the others are taken. Run again, it adds only what is new.

mod sql;

use std::{path::Path, time::Duration};

use doorward_proto::{
    id::{Id, ServiceToken},
    rate::{Period, Rate},
    scope::ScopeSet,
    time::Time,
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Notes, sql as versions, validate};
use crate::{
    addresses,
    audit::{self, Event},
    call::Call,
    db::{Tx, foreign},
    outcome::{Error, Result},
    principals,
};

const ORCHEO: &str = "orcheo/";

/// A row of the file: what its columns say, by their names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row(pub foreign::Cells);

/// What became of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Taken over.
    pub imported: u64,
    /// Taken over by an earlier run.
    pub known: u64,
    /// Left out: name and reason.
    pub left_out: Vec<(String, String)>,
}

impl Row {
    fn text(&self, column: &str) -> Option<&str> {
        self.0.get(column)?.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// Reads an Orcheo database; it is never written to.
///
/// # Errors
/// `RequestInvalid` when the file is none.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    Ok(foreign::rows(path, sql::ORCHEO_ROWS)?.into_iter().map(Row).collect())
}

/// A row that can be taken over.
struct Foreign {
    identifier: String,
    name: String,
    sha256: String,
    row: versions::NewRow,
    fate: sql::Fate,
}

/// A row, or its name and why it is left out.
type Readable = std::result::Result<Foreign, (String, String)>;

struct Take {
    call: Call,
    rows: Vec<(Id<ServiceToken>, Readable)>,
}

/// Takes rows of an Orcheo database over, into the instance's organisation.
///
/// # Errors
/// A fault when they cannot be written; then none of them is.
pub async fn orcheo(call: &Call, rows: &[Row]) -> Result<Report> {
    let rows = rows.iter().map(|row| Ok((call.id()?, readable(call, row)))).collect::<Result<_>>()?;
    let ask = Take { call: call.clone(), rows };
    call.realm.db.write("service_tokens.import", ask, |tx, ask| Box::pin(take(tx, ask))).await
}

async fn take(tx: &mut Tx<'_>, ask: &Take) -> Result<Report> {
    tx.lock_exclusive(&["service_tokens.import"]).await?;
    let mut report = Report::default();
    for (id, row) in &ask.rows {
        match row {
            Ok(row) => take_one(tx, &ask.call, *id, row, &mut report).await?,
            Err(left_out) => report.left_out.push(left_out.clone()),
        }
    }
    if report.imported > 0 {
        tx.raise_changes().await?;
    }
    Ok(report)
}

async fn take_one(
    tx: &mut Tx<'_>,
    call: &Call,
    id: Id<ServiceToken>,
    row: &Foreign,
    report: &mut Report,
) -> Result<()> {
    let from = format!("{ORCHEO}{}", row.identifier);
    if sql::is_imported(tx, &from).await? {
        report.known += 1;
        return Ok(());
    }
    if sql::has_sha256(tx, &row.sha256).await? {
        let why = "another token has the same secret".to_owned();
        report.left_out.push((row.identifier.clone(), why));
        return Ok(());
    }
    let org = call.realm.instance_org;
    if versions::find_newest(tx, org, &row.name).await?.is_some() {
        let why = format!("there is a token {} already", row.name);
        report.left_out.push((row.identifier.clone(), why));
        return Ok(());
    }
    principals::insert(tx, id, principals::Kind::Service, org, call.now).await?;
    if !versions::insert(tx, (id, id, org), &row.row).await? {
        return Err(Error::fault("a token was not stored"));
    }
    let fate = sql::Fate { imported_from: from.clone(), sha256: row.sha256.clone(), ..row.fate.clone() };
    sql::set_fate(tx, id, &fate).await?;
    sql::link_rotated(tx, &from, id).await?;
    let event = Event::new(call, "service_token.imported")?.subject(id).org(org);
    audit::record(tx, &event.fact("token_id", id.to_string()).fact("name", row.name.clone())).await?;
    report.imported += 1;
    Ok(())
}

/// Reads a row as a token of ours, or says why it cannot be one.
fn readable(call: &Call, row: &Row) -> Readable {
    let identifier = row.text("identifier").unwrap_or_default().to_owned();
    read_row(call, row, &identifier).map_err(|why| (identifier, why))
}

/// What a row lets its holder do.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Its name there.
    pub identifier: String,
    /// The SHA-256 of its secret, in hexadecimal.
    pub sha256: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// Where it may do it.
    pub workspace_ids: Vec<String>,
    /// From where; empty for everywhere.
    pub allowed_addresses: Vec<IpNet>,
    /// How fast.
    pub rate: Option<Rate>,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// When the version that took its place lets it end.
    pub ends_at: Option<Time>,
    /// When it was taken back.
    pub revoked_at: Option<Time>,
}

impl Row {
    /// Reads the terms of a row.
    ///
    /// # Errors
    /// Why it cannot be believed safely.
    pub fn terms(&self, now: Time) -> std::result::Result<Terms, String> {
        let sha256 = self.text("secret_hash").unwrap_or_default().to_ascii_lowercase();
        if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("secret_hash is not a SHA-256 in hexadecimal".to_owned());
        }
        let refused = |error: Error| match error {
            Error::Refused(refusal) => refusal.hint.into_owned(),
            Error::Fault(fault) => fault.to_string(),
        };
        let scopes = ScopeSet::from_names(texts(self, "scopes")?.iter().map(String::as_str))
            .map_err(|_| "scopes holds what is no scope".to_owned())?;
        // Orcheo counts in minutes unless it is told otherwise, which the file does not say.
        let rate = self.text("rate_limit_override").and_then(|limit| limit.parse().ok());
        let expires_at = time(self, "expires_at")?;
        let overlap_ends = time(self, "rotation_expires_at")?;
        let is_rotated = self.text("rotated_to").is_some();
        Ok(Terms {
            identifier: self.text("identifier").unwrap_or_default().to_owned(),
            sha256,
            scopes,
            workspace_ids: validate::workspaces(&texts(self, "workspace_ids")?).map_err(refused)?,
            allowed_addresses: addresses::read(&texts(self, "allowed_ip_ranges")?).map_err(refused)?,
            rate: rate.and_then(|limit| Rate::new(limit, Period::Minute).ok()),
            expires_at,
            // An overlap of 0 was stored as no end at all.
            ends_at: overlap_ends.or_else(|| is_rotated.then(|| expires_at.unwrap_or(now))),
            revoked_at: time(self, "revoked_at")?,
        })
    }
}

fn read_row(call: &Call, row: &Row, identifier: &str) -> std::result::Result<Foreign, String> {
    let terms = row.terms(call.now)?;
    let Terms { sha256, scopes, workspace_ids, allowed_addresses, expires_at, ends_at, revoked_at, .. } =
        terms;
    let name = ours(identifier).ok_or("identifier cannot be made a name")?;
    let description = (name != identifier).then(|| format!("Orcheo: {}", plain(identifier)));
    let issued_at = time(row, "issued_at")?.or(time(row, "created_at")?).unwrap_or(call.now);
    let rotated_to = row.text("rotated_to").map(|other| format!("{ORCHEO}{other}"));
    // Orcheo writes the end of the overlap over the expiry: how long a version was to live is not known then.
    let lifetime = expires_at.filter(|_| rotated_to.is_none()).map(|expiry| whole(expiry.since(issued_at)));
    let fate = sql::Fate {
        imported_from: String::new(),
        sha256: String::new(),
        ends_at,
        revoked_at,
        revoked_by: revoked_at.map(|_| row.text("revoked_by").map_or_else(|| "orcheo".to_owned(), plain)),
        reason: revoked_at.map(|_| row.text("revocation_reason").map_or_else(String::new, plain)),
        rotated_to,
        rotated_from: row.text("rotated_from").map(|other| format!("{ORCHEO}{other}")),
        last_used_at: time(row, "last_used_at")?,
        use_count: row.text("use_count").and_then(|count| count.parse::<i64>().ok()).unwrap_or(0).max(0),
    };
    let row = versions::NewRow {
        name: name.clone(),
        version: 1,
        hash: None,
        hash_key: call.realm.vault.hash_key_id().to_owned(),
        scopes,
        workspace_ids,
        notes: Notes { description, allowed_addresses, rate_limit_override: terms.rate, ..Notes::default() },
        lifetime,
        issued_at,
        expires_at,
        created_by: row.text("created_by").map_or_else(|| "orcheo".to_owned(), plain),
        reviewed_at: issued_at,
        rotated_from: None,
    };
    Ok(Foreign { identifier: identifier.to_owned(), name, sha256, row, fate })
}

/// At least as long as a token of ours lives.
fn whole(lifetime: Duration) -> Duration {
    lifetime.max(Duration::from_secs(validate::SHORTEST))
}

/// Without what turns lines round or hides, and not too long.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}

/// The identifier as a name of ours.
fn ours(identifier: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = identifier.chars().map(|c| if fits(c) { c } else { '-' }).take(64).collect();
    [name.clone(), format!("orcheo-{}", name.chars().take(57).collect::<String>())]
        .into_iter()
        .find(|name| !identifier.is_empty() && validate::name(name).is_ok())
}

fn texts(row: &Row, column: &str) -> std::result::Result<Vec<String>, String> {
    let Some(text) = row.text(column) else { return Ok(Vec::new()) };
    let all: Option<Vec<String>> =
        serde_json::from_str(text).map_err(|_| format!("{column} is not a JSON list of texts"))?;
    Ok(all.unwrap_or_default())
}

/// A time as Python writes it; one without a zone is UTC.
fn time(row: &Row, column: &str) -> std::result::Result<Option<Time>, String> {
    let Some(text) = row.text(column) else { return Ok(None) };
    let text = text.replacen(' ', "T", 1);
    let time = text.parse().or_else(|_| format!("{text}Z").parse());
    time.map(Some).map_err(|_| format!("{column} is not a time"))
}
