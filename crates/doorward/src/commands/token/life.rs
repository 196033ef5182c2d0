//! The life of a service token, from the command line.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Map, Value as Json, json};

use super::print;
use crate::commands::{
    Common, Exit,
    manage::{
        connect::{Api, Ask},
        output::{Format, render},
        profile::Connection,
        target::{self, Locality},
    },
};

const PATH: &str = "/api/v1/service-tokens";

/// What every command about tokens takes.
#[derive(Debug, Args)]
pub(crate) struct Usual {
    #[command(flatten)]
    connection: Connection,
    /// How to print the answer.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: Format,
}

impl Usual {
    async fn send(&self, common: &Common, ask: Ask) -> Result<Json> {
        let api = target::open(common, &self.connection, Locality::Remote).await?;
        let answer = api.send(ask).await;
        api.close().await?;
        answer
    }

    /// The API's own answer, or what people read.
    fn print(&self, answer: &Json, words: impl FnOnce() -> String) -> Result<Exit> {
        let text = match self.output {
            Format::Table => words(),
            format => render(answer, format, print::AREA),
        };
        write!(std::io::stdout().lock(), "{text}")?;
        Ok(Exit::Done)
    }
}

/// What `token create` takes.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name: 3 to 64 letters, digits, dots, underscores or hyphens [default: a random one].
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// A scope; may be repeated.
    #[arg(long, short, value_name = "SCOPE")]
    scope: Vec<String>,
    /// A workspace, `*` for every one; may be repeated.
    #[arg(long, short, value_name = "WORKSPACE")]
    workspace: Vec<String>,
    /// The organisation that it belongs to [default: the instance's].
    #[arg(long, value_name = "ORG")]
    org: Option<String>,
    /// How long it lives, 60 at least [default: for ever].
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
    /// What people should know.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Who answers for it.
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// An address or network from which it may be used; may be repeated [default: anywhere].
    #[arg(long, value_name = "CIDR")]
    allowed_ip: Vec<String>,
    /// Its own rate at the gateway, as 600/minute [default: that of each route].
    #[arg(long, value_name = "RATE")]
    rate_limit: Option<String>,
    /// Write the secret into this new file, readable by you only, in the place of printing it.
    #[arg(long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    #[command(flatten)]
    usual: Usual,
}

impl Create {
    pub(super) async fn run(&self, common: &Common) -> Result<Exit> {
        let mut body = Map::new();
        put(&mut body, "name", self.id.as_deref());
        put(&mut body, "org_id", self.org.as_deref());
        put(&mut body, "description", self.description.as_deref());
        put(&mut body, "owner", self.owner.as_deref());
        put(&mut body, "purpose", self.purpose.as_deref());
        put(&mut body, "rate_limit_override", self.rate_limit.as_deref());
        body.insert("scopes".to_owned(), json!(self.scope));
        body.insert("workspace_ids".to_owned(), json!(self.workspace));
        body.insert("allowed_addresses".to_owned(), json!(self.allowed_ip));
        body.insert("expires_in_seconds".to_owned(), json!(self.expires_in));
        let place = self.output_file.as_deref();
        let answer = told(&self.usual, common, Ask::post(PATH, body.into()), place).await?;
        self.usual.print(&answer, || print::created(&answer, place))
    }
}

fn put(body: &mut Map<String, Json>, member: &str, value: Option<&str>) {
    if let Some(value) = value {
        body.insert(member.to_owned(), value.into());
    }
}

/// Asks for a secret. Where it goes into a file, the file is there before anything is made, and what is
/// printed is without it.
async fn told(usual: &Usual, common: &Common, ask: Ask, place: Option<&Path>) -> Result<Json> {
    let Some(place) = place else { return usual.send(common, ask).await };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(place);
    let file = file.with_context(|| format!("cannot make {}", place.display()))?;
    let answer = match usual.send(common, ask).await {
        Ok(answer) => answer,
        Err(error) => {
            std::fs::remove_file(place).with_context(|| format!("cannot remove {}", place.display()))?;
            return Err(error);
        }
    };
    keep(file, answer).with_context(|| format!("cannot write {}", place.display()))
}

fn keep(mut file: File, mut answer: Json) -> Result<Json> {
    let secret = answer.as_object_mut().and_then(|members| members.remove("secret"));
    let secret = secret.as_ref().and_then(Json::as_str).context("the answer holds no secret")?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    Ok(answer)
}

/// What `token list` takes.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those that are accepted now.
    #[arg(long)]
    active: bool,
    /// Only those that are due for a review.
    #[arg(long)]
    review_due: bool,
    /// Only those in this state: `active`, `rotated`, `expired` or `revoked`.
    #[arg(long, value_name = "STATE")]
    status: Option<String>,
    /// Only the versions of this name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only those of this owner.
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,
    /// Only those of this organisation.
    #[arg(long, value_name = "ORG")]
    org: Option<String>,
    /// Only those whose name begins like this.
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// Items at the most [default: 50].
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Where the last page ended.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Every item, page by page.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    usual: Usual,
}

impl List {
    pub(super) async fn run(&self, common: &Common) -> Result<Exit> {
        let api = target::open(common, &self.usual.connection, Locality::Remote).await?;
        let answer = self.read(&api).await;
        api.close().await?;
        let answer = answer?;
        match self.usual.output {
            Format::Table | Format::Markdown => {
                write!(std::io::stdout().lock(), "{}", print::list(&answer, self.usual.output))?;
                Ok(Exit::Done)
            }
            _ => self.usual.print(&answer, String::new),
        }
    }

    async fn read(&self, api: &Api) -> Result<Json> {
        let (mut items, mut cursor) = (Vec::new(), self.cursor.clone());
        loop {
            let mut page = api.send(Ask::get(self.path(cursor.as_deref()))).await?;
            if !self.all {
                if let Some(next) = page.get("next_cursor").and_then(Json::as_str) {
                    writeln!(std::io::stderr(), "there is more: --cursor {next}, or --all")?;
                }
                return Ok(page);
            }
            if let Some(Json::Array(found)) = page.get_mut("items").map(Json::take) {
                items.extend(found);
            }
            cursor = page.get("next_cursor").and_then(Json::as_str).map(str::to_owned);
            if cursor.is_none() {
                return Ok(json!({ "items": items, "next_cursor": null }));
            }
        }
    }

    fn path(&self, cursor: Option<&str>) -> String {
        let limit = self.limit.or(self.all.then_some(500)).map(|limit| limit.to_string());
        let filters = [
            ("status", self.status.as_deref()),
            ("name", self.name.as_deref()),
            ("owner", self.owner.as_deref()),
            ("org_id", self.org.as_deref()),
            ("query", self.query.as_deref()),
            ("active", self.active.then_some("true")),
            ("review_due", self.review_due.then_some("true")),
            ("limit", limit.as_deref()),
            ("cursor", cursor),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(filters.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
        format!("{PATH}?{}", query.finish())
    }
}

/// The path of one token.
fn one(name: &str, verb: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("{PATH}/{}{verb}", name.replace('+', "%20"))
}

/// What `token show` takes.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its name, or the id of a version.
    id: String,
    #[command(flatten)]
    usual: Usual,
}

impl Show {
    pub(super) async fn run(&self, common: &Common) -> Result<Exit> {
        let answer = self.usual.send(common, Ask::get(one(&self.id, ""))).await?;
        self.usual.print(&answer, || print::shown(&answer))
    }
}

/// What `token rotate` takes.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Its name, or the id of its newest version.
    id: String,
    /// How many seconds the old secret goes on working; 0 ends it at once.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    overlap: u64,
    /// How long the new version lives, 60 at least [default: as long as the old one].
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
    /// A scope to add; may be repeated.
    #[arg(long, short, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Write the secret into this new file, readable by you only, in the place of printing it.
    #[arg(long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    #[command(flatten)]
    usual: Usual,
}

impl Rotate {
    pub(super) async fn run(&self, common: &Common) -> Result<Exit> {
        let body = json!({
            "overlap_seconds": self.overlap, "expires_in_seconds": self.expires_in, "scopes": self.scope,
        });
        let place = self.output_file.as_deref();
        let ask = Ask::post(one(&self.id, "/rotate"), body);
        let answer = told(&self.usual, common, ask, place).await?;
        self.usual.print(&answer, || print::rotated(&answer, place, self.overlap))
    }
}

/// What `token revoke` takes.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its name, which ends every version, or the id of one version.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// Every token of an owner or of an organisation, or of an owner in an organisation.
    #[arg(long, requires = "whose")]
    all: bool,
    /// With --all: those of this owner, as it is noted.
    #[arg(long, value_name = "TEXT", group = "whose", requires = "all", conflicts_with = "id")]
    owner: Option<String>,
    /// With --all: those of this organisation.
    #[arg(long, value_name = "ORG", group = "whose", requires = "all", conflicts_with = "id")]
    org: Option<String>,
    /// Why, for the audit trail and whoever looks the token up.
    #[arg(long, short, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    usual: Usual,
}

impl Revoke {
    pub(super) async fn run(&self, common: &Common) -> Result<Exit> {
        let Some(id) = &self.id else {
            let body = json!({ "owner": self.owner, "org_id": self.org, "reason": self.reason });
            let ask = Ask::post(format!("{PATH}/revoke-all"), body);
            let answer = self.usual.send(common, ask).await?;
            return self.usual.print(&answer, || print::revoked_all(&answer));
        };
        let ask = Ask::post(one(id, "/revoke"), json!({ "reason": self.reason }));
        let answer = self.usual.send(common, ask).await?;
        self.usual.print(&answer, || print::revoked(&answer, id))
    }
}
