//! `scale`: a server on a filled database is asked for every list of the API and of the console, by who
//! administers the instance, by who owns the largest organisation and by who belongs to many.
//!
//! One question follows another on one connection, the server has every core. What is reported is how long a
//! whole answer took. An answer that is no 200 is an error.

mod questions;

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use doorward_world::cluster;
use hyper::header::{ACCEPT, COOKIE};

use crate::{
    drive::{Connection, Jar, Latencies, Template, Until, journey},
    plan::{Person, Site},
    proc,
    seed::{self, Counts, Facts},
    setup::{Server, free_port},
};
use questions::{Question, Who, exports, questions};

/// Asked before anything is timed.
const WARM: usize = 5;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// A folder that `seed` has filled; without one, a database is filled for this run alone.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Fill a PostgreSQL of our own for this run, instead of SQLite.
    #[arg(long, conflicts_with = "data_dir")]
    postgres: bool,
    /// Requests for each question.
    #[arg(long, default_value_t = 200)]
    requests: usize,
    /// What the 95th of a hundred may take, in milliseconds.
    #[arg(long, default_value_t = 200.0)]
    limit: f64,
    /// Only questions whose path has this in it.
    #[arg(long)]
    only: Option<String>,
    /// Leave the exports out.
    #[arg(long)]
    without_exports: bool,
    /// The Doorward to ask [default: the one built beside this program].
    #[arg(long)]
    server: Option<PathBuf>,
    #[command(flatten)]
    counts: Counts,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let scratch = tempfile::tempdir()?;
    let (data_dir, facts, keeper) = if let Some(folder) = &options.data_dir {
        let facts = Facts::read(folder)?.context("that folder was not filled by `seed`")?;
        (folder.clone(), facts, None)
    } else {
        let folder = scratch.path().join("data");
        let own = if options.postgres { Some(cluster::start()?) } else { None };
        let url = own.as_ref().map(|(base, _)| format!("{base}/postgres"));
        let facts = runtime.block_on(seed::make(&folder, url.as_deref(), &options.counts))?;
        (folder, facts, own.map(|(_, keeper)| keeper))
    };
    let slow = tokio::task::LocalSet::new().block_on(&runtime, ask_all(options, &data_dir, &facts))?;
    drop(keeper);
    match slow {
        0 => Ok(()),
        count => bail!(
            "{count} questions were refused, or took over {} ms at the 95th of a hundred",
            options.limit
        ),
    }
}

/// Starts the server, asks, and prints; answers how many were too slow.
async fn ask_all(options: &Options, data_dir: &Path, facts: &Facts) -> Result<usize> {
    let beside = std::env::current_exe()?.with_file_name("doorward");
    let address = (Ipv4Addr::LOCALHOST, free_port()?).into();
    let origin = format!("http://localhost:{}", std::net::SocketAddr::port(&address));
    let log = std::fs::File::create(data_dir.join("server.log"))?;
    let mut command = Command::new(options.server.as_ref().unwrap_or(&beside));
    command
        .arg("serve")
        .env("DOORWARD_DATA_DIR", data_dir)
        .env("DOORWARD_LISTEN", address.to_string())
        .env("DOORWARD_PUBLIC_URL", &origin)
        .env("DOORWARD_LOG_LEVEL", "warn")
        .stdout(log.try_clone()?)
        .stderr(log);
    if let Some(url) = &facts.postgres {
        command.env("DOORWARD_DATABASE_URL", url);
    }
    let server = Server::start(&mut command, address).await?;
    println!("{}; first answer after {} ms\n", proc::machine(), server.first_answer.as_millis());
    let mut asker = Asker { connection: Connection::to(address, &origin).await?, cookies: BTreeMap::new() };
    for (who, email) in
        [(Who::Administrator, &facts.administrator), (Who::Owner, &facts.owner), (Who::Busy, &facts.busy)]
    {
        asker
            .sign_in(
                who,
                Site { origin: &origin, redirect_uri: "http://127.0.0.1:9/" },
                email,
                &facts.password,
            )
            .await?;
    }
    println!("| as | question | p50 ms | p95 ms | max ms |\n| --- | --- | --: | --: | --: |");
    let mut slow = 0;
    let wanted = |path: &str| options.only.as_ref().is_none_or(|only| path.contains(only.as_str()));
    for question in questions(facts).into_iter().filter(|question| wanted(&question.says)) {
        slow += usize::from(asker.time(&question, options).await?);
    }
    if !options.without_exports {
        println!(
            "\n| export | rows | s | memory of the server before | peak after |\n| --- | --: | --: | --: | --: |"
        );
        for question in exports(facts).into_iter().filter(|question| wanted(&question.says)) {
            asker.export(&question, server.pid()).await?;
        }
    }
    server.stop()?;
    Ok(slow)
}

struct Asker {
    connection: Connection,
    cookies: BTreeMap<Who, String>,
}

impl Asker {
    async fn sign_in(&mut self, who: Who, site: Site<'_>, email: &str, password: &str) -> Result<()> {
        let person = Person { email: email.to_owned(), password: password.to_owned() };
        let mut jar = Jar::default();
        journey(&mut self.connection, site, &mut jar, &person, ("/sign-in", Until::SignedIn)).await?;
        self.cookies.insert(who, jar.header());
        Ok(())
    }

    fn request(&self, who: Who, path: &str) -> Result<Template> {
        let cookie = self.cookies.get(&who).map(String::as_str).unwrap_or_default();
        let accept = if path.starts_with("/api/") { "application/json" } else { "text/html" };
        Template::get(path).with(COOKIE, cookie)?.with(ACCEPT, accept)
    }

    /// Asks one question as often as was said, and prints; answers whether it is too slow.
    async fn time(&mut self, question: &Question, options: &Options) -> Result<bool> {
        let mut took = Latencies::default();
        for number in 0..WARM + options.requests {
            let path = question.paths.get(number % question.paths.len().max(1)).context("no path")?;
            let request = self.request(question.who, path)?;
            let began = Instant::now();
            let answer = self.connection.send(&request).await?;
            if number >= WARM {
                took.add(began.elapsed());
            }
            if let Err(error) = answer.expect_ok() {
                println!("| {} | {path} **{error}** | – | – | – |", question.who.name());
                return Ok(true);
            }
        }
        let [p50, p95, max] = [0.5, 0.95, 1.0].map(|share| took.percentile(share));
        let is_slow = p95 > options.limit;
        let mark = if is_slow { " **slow**" } else { "" };
        println!("| {} | {}{mark} | {p50:.1} | {p95:.1} | {max:.1} |", question.who.name(), question.says);
        Ok(is_slow)
    }

    async fn export(&mut self, question: &Question, pid: u32) -> Result<()> {
        let path = question.paths.first().context("no path")?;
        let request = self.request(question.who, path)?;
        let before = proc::memory_mib(pid, "VmRSS")?;
        let began = Instant::now();
        let answer = self.connection.send(&request).await?;
        answer.expect_ok().with_context(|| path.clone())?;
        let (took, after) = (began.elapsed().as_secs_f64(), proc::memory_mib(pid, "VmHWM")?);
        let rows = answer.body.split(|byte| *byte == b'\n').count().saturating_sub(2);
        println!("| {} | {rows} | {took:.1} | {before:.0} MiB | {after:.0} MiB |", question.says);
        Ok(())
    }
}
