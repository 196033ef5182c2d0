//! `seed`: a database of the size that somebody has after years, for [`crate::scale`] and for a look by hand.
//!
//! Its master key is everybody's: what is in it is no secret, and nobody may serve it to others.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use doorward_core::db::{Place, PostgresSettings};
use doorward_proto::time::Time;
use doorward_world::seed::{PASSWORD, Seeded, Sizes, fill};
use serde::{Deserialize, Serialize};

/// Connections to PostgreSQL while it is filled.
const POOL: usize = 4;
const MASTER: [u8; 32] = [0x5e; 32];
/// What is written into the data folder for whoever asks the server.
const FACTS: &str = "seeded.json";
const HOUR: i64 = 3600;

/// How many of each.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Counts {
    /// People.
    #[arg(long, default_value_t = Sizes::default().users)]
    users: u64,
    /// Organisations.
    #[arg(long, default_value_t = Sizes::default().orgs)]
    orgs: u64,
    /// Members of the largest organisation.
    #[arg(long, default_value_t = Sizes::default().largest)]
    largest: u64,
    /// Organisations that one person belongs to.
    #[arg(long, default_value_t = Sizes::default().many)]
    many: u64,
    /// Applications.
    #[arg(long, default_value_t = Sizes::default().clients)]
    clients: u64,
    /// Service tokens.
    #[arg(long, default_value_t = Sizes::default().service_tokens)]
    service_tokens: u64,
    /// Keys of people.
    #[arg(long, default_value_t = Sizes::default().api_keys)]
    api_keys: u64,
    /// Sessions.
    #[arg(long, default_value_t = Sizes::default().sessions)]
    sessions: u64,
    /// Events of the audit trail.
    #[arg(long, default_value_t = Sizes::default().events)]
    events: u64,
    /// Days of usage.
    #[arg(long, default_value_t = Sizes::default().usage_days)]
    usage_days: u64,
    /// Mails.
    #[arg(long, default_value_t = Sizes::default().mails)]
    mails: u64,
    /// When the last of it happened [default: the present hour]. The same sizes and time make the same rows.
    #[arg(long)]
    until: Option<Time>,
}

impl Counts {
    fn sizes(&self) -> Sizes {
        let Self { users, orgs, largest, many, clients, service_tokens, api_keys, sessions, .. } = *self;
        let Self { events, usage_days, mails, .. } = *self;
        Sizes {
            users,
            orgs,
            largest,
            many,
            clients,
            service_tokens,
            api_keys,
            sessions,
            events,
            usage_days,
            mails,
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct Options {
    /// A new data folder for the server: the master key, and the database unless it is PostgreSQL's.
    #[arg(long)]
    data_dir: PathBuf,
    /// An empty PostgreSQL database, as a superuser of it.
    #[arg(long)]
    postgres: Option<String>,
    #[command(flatten)]
    counts: Counts,
}

/// What is known of a filled database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) postgres: Option<String>,
    pub(crate) password: String,
    pub(crate) administrator: String,
    pub(crate) owner: String,
    pub(crate) busy: String,
    pub(crate) instance: String,
    pub(crate) largest: String,
    pub(crate) client: String,
    pub(crate) user: String,
    /// When the last of it happened.
    pub(crate) until: Time,
    pub(crate) events: u64,
    /// Rows, table by table.
    pub(crate) rows: Vec<(String, u64)>,
}

impl Facts {
    /// Those of a data folder, if it was filled.
    pub(crate) fn read(data_dir: &Path) -> Result<Option<Self>> {
        let path = data_dir.join(FACTS);
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&std::fs::read(path)?)?))
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(make(&options.data_dir, options.postgres.as_deref(), &options.counts)).map(drop)
}

/// Fills a new data folder, and says how long it took.
pub(crate) async fn make(data_dir: &Path, postgres: Option<&str>, counts: &Counts) -> Result<Facts> {
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let private = |name: &str, text: &str| -> Result<()> {
        let path = data_dir.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.as_mut().map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        Ok(file.write_all(text.as_bytes())?)
    };
    private("master.key", &format!("{}\n", data_encoding::BASE64URL_NOPAD.encode(&MASTER)))
        .context("the folder must be a new one")?;
    let place = match postgres {
        None => Place::Sqlite(data_dir.join("doorward.db")),
        Some(url) => Place::Postgres(PostgresSettings {
            url: url.to_owned(),
            pool: POOL,
            direct_url: None,
            statement_cache: true,
        }),
    };
    let until = counts.until.map_or_else(this_hour, Ok)?;
    let began = Instant::now();
    let Seeded { administrator, owner, busy, instance, largest, client, user, rows } =
        fill(&place, MASTER, counts.sizes(), until).await?;
    let took = began.elapsed().as_secs_f64();
    let all: u64 = rows.iter().map(|(_, count)| count).sum();
    for (table, count) in &rows {
        println!("{count:>12} {table}");
    }
    println!("{all:>12} rows in {took:.0} s");
    let facts = Facts {
        postgres: postgres.map(str::to_owned),
        password: PASSWORD.to_owned(),
        administrator,
        owner,
        busy,
        instance,
        largest,
        client,
        user,
        until,
        events: counts.events,
        rows: rows.into_iter().map(|(table, count)| (table.to_owned(), count)).collect(),
    };
    private(FACTS, &serde_json::to_string_pretty(&facts)?)?;
    Ok(facts)
}

fn this_hour() -> Result<Time> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    Ok(Time::from_seconds(now / HOUR * HOUR))
}
