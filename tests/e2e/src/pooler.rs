//! Debian's PgBouncer in transaction mode, before a test cluster.

use std::{
    fs,
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::program::{free_port, now};

const CONFIG: &str = "pgbouncer.ini";

/// A running pooler; killed when dropped.
pub struct Pooler {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Pooler {
    /// Starts one before the server of `url` (`postgres://user@host:port/database`).
    pub fn start(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let (user, host, server_port) = parts(url);
        let text = format!(
            "[databases]\n* = host={host} port={server_port} user={user}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             max_client_conn = 200\ndefault_pool_size = 10\nlogfile = /dev/null\n"
        );
        fs::write(folder.path().join(CONFIG), text).expect("a configuration");
        Self { child: run(&folder, port), port, folder }
    }

    /// Ends it as a power cut would: every connection through it breaks, and nobody listens.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        self.child = run(&self.folder, self.port);
    }

    /// The same database through the pooler.
    pub fn url(&self, direct: &str) -> String {
        let (user, ..) = parts(direct);
        let database = direct.rsplit('/').next().expect("a database");
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(folder: &TempDir, port: u16) -> Child {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0\n"));
    let mut command = Command::new("env");
    command.args(["PATH=/usr/sbin:/usr/bin:/bin:/usr/local/bin", "pgbouncer"]);
    if is_root {
        // It refuses to run as root, and must still read its folder.
        std::os::unix::fs::chown(folder.path(), Some(65_534), None).expect("the folder changes hands");
        command.args(["-u", "nobody"]);
    }
    command.arg(folder.path().join(CONFIG)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("PgBouncer starts");
    let begun = now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(now() - begun < Duration::from_secs(10), "PgBouncer does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn parts(url: &str) -> (&str, &str, &str) {
    let rest = url.strip_prefix("postgres://").expect("a PostgreSQL address");
    let (user, rest) = rest.split_once('@').expect("a user");
    let (host, rest) = rest.split_once(':').expect("a host");
    let (port, _) = rest.split_once('/').expect("a database");
    (user, host, port)
}
