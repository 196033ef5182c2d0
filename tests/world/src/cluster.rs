//! A private PostgreSQL cluster on loopback: from `DOORWARD_TEST_POSTGRES` where a run shares one
//! (`cargo xtask ci` does), else started for this process and stopped with it, however it ends.
//!
//! Durability is off, since no test here pulls the plug; what survives a crash is tested against the
//! real program.

use std::{
    io::Read as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context as _, Result, bail};
use doorward_core::db::{Db, Place, PostgresSettings, migrate};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use crate::run::BEGINNING;

/// Names a running cluster: `postgres://user@host:port`, without a database.
pub const SHARED: &str = "DOORWARD_TEST_POSTGRES";

/// Starts a cluster in `$1` on port `$2` with the programs in `$3`, says `ready`, and stops it when
/// its standard input ends: so it cannot outlive who started it.
const KEEPER: &str = r#"
set -eu
"$3/initdb" -D "$1/data" -U doorward --auth=trust --encoding=UTF8 --locale=C --no-sync >"$1/log" 2>&1
"$3/postgres" -D "$1/data" -k "$1" -h 127.0.0.1 -p "$2" -c fsync=off -c synchronous_commit=off \
    -c full_page_writes=off -c max_connections=400 -c max_locks_per_transaction=16 -c shared_buffers=64MB -c autovacuum=off \
    -c max_wal_size=256MB >>"$1/log" 2>&1 </dev/null &
server=$!
until "$3/pg_isready" -q -h 127.0.0.1 -p "$2"; do
    kill -0 "$server" 2>/dev/null || { cat "$1/log"; exit 1; }
    sleep 0.05
done
echo ready
exec >/dev/null 2>&1
read -r _ || true
kill -INT "$server" 2>/dev/null || true
wait "$server" || true
rm -rf "$1"
"#;

/// A running cluster.
pub struct Cluster {
    /// `postgres://user@host:port`.
    base: String,
    template: OnceCell<String>,
    made: AtomicU32,
}

impl Cluster {
    /// The cluster of this process.
    ///
    /// # Errors
    /// When none is shared and PostgreSQL is not installed or does not start.
    #[expect(clippy::disallowed_methods, reason = "a test run passes its cluster on by the environment")]
    pub fn get() -> Result<&'static Self> {
        static CLUSTER: OnceLock<std::result::Result<Cluster, String>> = OnceLock::new();
        let made = CLUSTER.get_or_init(|| {
            let base = match std::env::var(SHARED) {
                Ok(base) => Ok(base),
                Err(_) => start().map(|(base, keeper)| {
                    // Its standard input stays open until this process ends.
                    std::mem::forget(keeper);
                    base
                }),
            };
            base.map(|base| Self { base, template: OnceCell::new(), made: AtomicU32::new(0) })
                .map_err(|error| format!("{error:#}"))
        });
        made.as_ref().map_err(|error| anyhow::anyhow!("no PostgreSQL for this test: {error}"))
    }

    /// The address of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    /// A new database as the migrations leave it.
    ///
    /// # Errors
    /// When the server does not answer or a migration fails.
    pub async fn migrated_database(&self) -> Result<String> {
        let template = self.template.get_or_try_init(|| self.make_template()).await?;
        let name = self.name("w");
        let client = self.client("postgres").await?;
        client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        Ok(name)
    }

    /// A new database with nothing in it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn empty_database(&self) -> Result<String> {
        let name = self.name("e");
        let client = self.client("postgres").await?;
        client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await?;
        Ok(name)
    }

    /// Drops a database, whoever is connected. Failing is left to the end of the cluster.
    pub async fn drop_database(&self, name: &str) {
        if let Ok(client) = self.client("postgres").await {
            let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
    }

    async fn make_template(&self) -> Result<String> {
        let name = self.empty_database().await?;
        let settings =
            PostgresSettings { url: self.url(&name), pool: 1, statement_cache: false, direct_url: None };
        let db = Db::open(&Place::Postgres(settings)).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        migrate::up(&db, BEGINNING).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(name)
    }

    fn name(&self, kind: &str) -> String {
        format!("{kind}_{}_{}", std::process::id(), self.made.fetch_add(1, Ordering::Relaxed))
    }

    async fn client(&self, database: &str) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls)
            .await
            .with_context(|| format!("the cluster at {} does not answer", self.base))?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// A cluster that lives until this is dropped.
pub struct Keeper(std::process::Child);

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Starts a cluster of its own; answers its address and what keeps it.
///
/// # Errors
/// When PostgreSQL is not installed or does not start.
pub fn start() -> Result<(String, Keeper)> {
    let programs = programs()?;
    let folder = tempfile::Builder::new().prefix("doorward-postgres-").tempdir()?.keep();
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = match owner(&folder)? {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", user, "--regid", &group_of(user)?, "--clear-groups", "sh"]);
            command
        }
        None => Command::new("sh"),
    };
    let mut keeper = command
        .args(["-c", KEEPER, "keeper"])
        .arg(&folder)
        .arg(port.to_string())
        .arg(&programs)
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start PostgreSQL's keeper")?;
    let mut said = String::new();
    let mut out = keeper.stdout.take().context("the keeper's output")?;
    let mut byte = [0_u8; 1];
    while !said.ends_with("ready\n") {
        if out.read(&mut byte)? == 0 {
            bail!("PostgreSQL did not start: {said}");
        }
        said.push(char::from(byte[0]));
    }
    Ok((format!("postgres://doorward@127.0.0.1:{port}"), Keeper(keeper)))
}

/// PostgreSQL refuses to run as root: then its folder goes to another user, whose name this answers.
fn owner(folder: &Path) -> Result<Option<&'static str>> {
    let id = |args: &[&str]| -> Result<Option<String>> {
        let out = Command::new("id").args(args).stderr(Stdio::null()).output()?;
        Ok(out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned()))
    };
    if id(&["-u"])?.as_deref() != Some("0") {
        return Ok(None);
    }
    for user in ["postgres", "nobody"] {
        if let Some(number) = id(&["-u", user])? {
            std::os::unix::fs::chown(folder, Some(number.parse()?), None)?;
            return Ok(Some(user));
        }
    }
    bail!("running as root, and there is neither a user `postgres` nor `nobody` to run PostgreSQL as")
}

fn group_of(user: &str) -> Result<String> {
    let out = Command::new("id").args(["-g", user]).output()?;
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// The folder of `initdb` and `postgres`: the newest Debian version, else the search path.
fn programs() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").exists())
        .collect();
    found.sort();
    if let Some((_, folder)) = found.pop() {
        return Ok(folder);
    }
    let out = Command::new("sh").args(["-c", "command -v initdb"]).output()?;
    let path = PathBuf::from(String::from_utf8_lossy(&out.stdout).trim());
    match path.canonicalize().ok().as_deref().and_then(Path::parent) {
        Some(folder) => Ok(folder.to_owned()),
        None => bail!("PostgreSQL is not installed (`./dev test` installs it)"),
    }
}
