//! Behind a transaction pooler: Debian's PgBouncer, two processes' worth of handles, unnamed statements.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use doorward_core::{
    args,
    db::{BulkInto, Db, Place, PostgresSettings, migrate},
};
use doorward_proto::time::Time;
use doorward_world::Fresh;
use tokio::task::JoinSet;

const ADD: &str = "INSERT INTO throttles (key, failures, first_at, last_at, blocked_until)
    VALUES ($1, 0, 0, 0, 0)";
const TAKE: &str = "UPDATE throttles SET failures = $2 WHERE key = $1 AND failures = 0 RETURNING failures";

/// A running PgBouncer in transaction mode; stopped when dropped.
struct Pooler {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts it in front of `url` (`postgres://user@host:port/database`) with three connections for all.
fn pooler(url: &str) -> Option<Pooler> {
    let (server, database) = url.strip_prefix("postgres://").unwrap().split_once('/').unwrap();
    let (user, address) = server.split_once('@').unwrap();
    let (host, port) = address.split_once(':').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let own_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let users = folder.path().join("users.txt");
    std::fs::write(&users, format!("\"{user}\" \"\"\n")).unwrap();
    let config = folder.path().join("pgbouncer.ini");
    let settings = format!(
        "[databases]\n{database} = host={host} port={port} dbname={database} user={user}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own_port}\nauth_type = any\n\
         auth_file = {}\npool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 200\n\
         unix_socket_dir =\nlogfile =\n",
        users.display()
    );
    std::fs::write(&config, settings).unwrap();
    let mut command = Command::new("pgbouncer");
    if Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n") {
        // It refuses to run as root.
        std::os::unix::fs::chown(folder.path(), Some(65534), None).unwrap();
        command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "pgbouncer"]);
    }
    let mut process =
        command.arg("-q").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    while TcpStream::connect(("127.0.0.1", own_port)).is_err() {
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::yield_now();
    }
    Some(Pooler {
        process,
        url: format!("postgres://{user}@127.0.0.1:{own_port}/{database}"),
        _folder: folder,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_work_behind_a_transaction_pooler_on_postgres() {
    let place = Fresh::postgres(false).await.unwrap();
    let Place::Postgres(direct) = place.place().clone() else { panic!("a PostgreSQL place was made") };
    let Some(pooler) = pooler(&direct.url) else {
        // Not everybody who builds Doorward has it; `./dev test` installs it.
        eprintln!("PgBouncer is not installed: skipped");
        return;
    };
    let behind = Place::Postgres(PostgresSettings {
        url: pooler.url.clone(),
        direct_url: None,
        pool: 8,
        statement_cache: false,
    });
    let nodes = [Db::open(&behind).await.unwrap(), Db::open(&behind).await.unwrap()];
    // Both start on an empty database at the same time.
    let (one, other) = tokio::join!(
        migrate::up(&nodes[0], Time::from_seconds(0)),
        migrate::up(&nodes[1], Time::from_seconds(0))
    );
    assert_eq!(one.unwrap() + other.unwrap(), migrate::ALL.len());

    for round in 0..3_i64 {
        let key = format!("prize{round}");
        let add = key.clone();
        nodes[0]
            .write("add", add, |tx, key| Box::pin(async move { tx.exec(ADD, args![key]).await }))
            .await
            .unwrap();
        let mut racers = JoinSet::new();
        for racer in 1..=200_i64 {
            let (db, key) = (nodes[usize::try_from(racer % 2).unwrap()].clone(), key.clone());
            racers.spawn(async move {
                db.write("take", (key, racer), |tx, (key, racer)| {
                    Box::pin(async move {
                        tx.lock_shared(&[key]).await?;
                        tx.opt(TAKE, args![key, *racer], |row| row.int(0)).await
                    })
                })
                .await
                .unwrap()
            });
        }
        assert_eq!(racers.join_all().await.into_iter().flatten().count(), 1);
    }

    let rows = (0..600_i64).map(|number| args![number.to_be_bytes().to_vec(), number].to_vec()).collect();
    nodes[0].bulk("seed", BulkInto::new("replays", &["hash", "expires_at"]), rows).await.unwrap();
    nodes[0].write("raise", (), |tx, ()| Box::pin(tx.raise_changes())).await.unwrap();
    while nodes[1].changes() != nodes[0].changes() {
        tokio::task::yield_now().await;
    }
    drop(nodes);
    drop(pooler);
    place.remove().await;
}
