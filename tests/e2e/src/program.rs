//! Starting, asking and stopping the real program.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The bootstrap token of every test server.
pub const BOOTSTRAP: &str = "e2e-bootstrap-token-0123456789abcdef-0123456789abcdef";

/// How long a server may take to be ready in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What differs from a server that is started with nothing configured.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Where its data go; a temporary SQLite file else.
    pub database_url: Option<String>,
    /// More environment.
    pub env: Vec<(&'static str, String)>,
    /// The folder of the certificate with which it speaks TLS itself ([`crate::certificates::make`]).
    pub certificates: Option<PathBuf>,
    /// Its name on loopback, `localhost` unless set: browsers keep the cookies of two names apart.
    pub host: Option<&'static str>,
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// The issuer: `http://localhost:PORT`, or `https` when it speaks TLS itself.
    pub issuer: String,
    /// The port on which a script may listen for mail.
    pub mail_port: u16,
    options: Options,
    folder: TempDir,
}

/// The built program: `DOORWARD_BIN`, else cargo's debug build, brought up to date once.
#[expect(clippy::disallowed_methods, reason = "a test run may name the program in the environment")]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("DOORWARD_BIN") {
            return named.into();
        }
        let built = Command::new("cargo")
            .args(["build", "--quiet", "--package", "doorward"])
            .current_dir(root())
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the program does not build");
        let test = std::env::current_exe().expect("a test has a path");
        let target = test.ancestors().find(|folder| folder.join("doorward").is_file());
        target.expect("the program is beside the test").join("doorward")
    })
}

/// The top of the checkout.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Ports that no system gives to who connects without a wish: nobody's connection takes one before it is used.
const PORTS: std::ops::Range<u16> = 12_000..30_000;

/// A loopback port that nobody listens on, and that no other test of this run is told.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let width = PORTS.end - PORTS.start;
    let begin = u16::try_from(std::process::id() % u32::from(width)).unwrap_or(0);
    let candidates = std::iter::repeat_with(|| {
        PORTS.start + (begin + NEXT.fetch_add(1, Ordering::Relaxed) % width) % width
    });
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.take(usize::from(width)).find(free).expect("a free port")
}

impl Server {
    /// Starts the program as `serve`, and waits until it is ready.
    pub fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let mail_port = free_port();
        let scheme = if options.certificates.is_some() { "https" } else { "http" };
        let issuer = format!("{scheme}://{}:{port}", options.host.unwrap_or("localhost"));
        let child = spawn(&folder, &issuer, mail_port, &options);
        let mut server = Self { child, issuer, mail_port, options, folder };
        server.wait_until_ready();
        server
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file of its log.
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// What it has logged once this text is there: lines are written a moment after what they tell.
    pub fn log_with(&self, text: &str) -> String {
        let begun = now();
        loop {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            assert!(now() - begun < PATIENCE, "{text} is not in the log:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The folder of its certificate, when it speaks TLS itself.
    pub fn certificates(&self) -> Option<&Path> {
        self.options.certificates.as_deref()
    }

    /// Ends it as a power cut would, and starts it again over the same data.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Starts it again over the same data.
    pub fn restart(&mut self) {
        self.child = spawn(&self.folder, &self.issuer, self.mail_port, &self.options);
        self.wait_until_ready();
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to finish what it has accepted and end; answers whether it ended well.
    pub fn stop(&mut self) -> bool {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(told.success(), "the server was gone already:\n{}", self.log());
        self.child.wait().is_ok_and(|status| status.success())
    }

    /// Runs a command of the program beside this server: same data folder, same address.
    pub fn command(&self, args: &[&str]) -> Output {
        let mut command = base(&self.folder, &self.issuer, self.mail_port, &self.options);
        command.args(args).env("DOORWARD_URL", &self.issuer).env("DOORWARD_SERVICE_TOKEN", BOOTSTRAP);
        command.output().expect("the program runs")
    }

    /// A client that trusts it.
    fn client(&self) -> reqwest::Client {
        let Some(folder) = self.certificates() else { return client() };
        let pem = fs::read(folder.join("authority.pem")).expect("the authority's certificate");
        let authority = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        builder().tls_certs_only([authority]).build().expect("a client")
    }

    /// Waits until it says so itself.
    pub fn wait_until_ready(&mut self) {
        let begun = now();
        let client = self.client();
        let url = format!("{}/readyz", self.issuer);
        loop {
            let ended = self.child.try_wait().expect("the child can be asked");
            assert!(ended.is_none(), "the server ended at once: {ended:?}\n{}", self.log());
            if block_on(async {
                client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success())
            }) {
                return;
            }
            assert!(now() - begun < PATIENCE, "the server is not ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let from = log.char_indices().rev().nth(6000).map_or(0, |(at, _)| at);
            eprintln!("--- the server's log ends with\n{}", log.get(from..).unwrap_or_default());
        }
    }
}

/// Starts the program with these settings, which it must refuse at once; answers what it said.
pub fn refused(settings: &[(&'static str, &str)]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let issuer = format!("http://localhost:{}", free_port());
    let env = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let options = Options { env, ..Options::default() };
    let mut child = spawn(&folder, &issuer, free_port(), &options);
    let begun = now();
    let status = loop {
        match child.try_wait().expect("the child can be asked") {
            Some(status) => break Some(status),
            None if now() - begun > PATIENCE => break None,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let _ = child.kill();
    let said = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    assert!(status.is_some_and(|status| !status.success()), "{settings:?} did not stop the start:\n{said}");
    said
}

fn spawn(folder: &TempDir, issuer: &str, mail_port: u16, options: &Options) -> Child {
    let log = File::options().create(true).append(true).open(folder.path().join("log")).expect("a log");
    base(folder, issuer, mail_port, options)
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log twice"))
        .stderr(log)
        .spawn()
        .expect("the program starts")
}

/// The program with its settings, in an environment that holds nothing of the developer's.
fn base(folder: &TempDir, issuer: &str, mail_port: u16, options: &Options) -> Command {
    let port = issuer.rsplit(':').next().expect("a port");
    let mut command = Command::new(binary());
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder.path())
        .env("DOORWARD_LISTEN", format!("127.0.0.1:{port},[::1]:{port}"))
        .env("DOORWARD_PUBLIC_URL", issuer)
        .env("DOORWARD_DATA_DIR", folder.path().join("data"))
        .env("DOORWARD_MAIL_URL", format!("smtp://127.0.0.1:{mail_port}"))
        .env("DOORWARD_AUTH_BOOTSTRAP_SERVICE_TOKEN", BOOTSTRAP)
        .env("DOORWARD_LOG_FORMAT", "text")
        .current_dir(folder.path());
    if let Some(url) = &options.database_url {
        command.env("DOORWARD_DATABASE_URL", url);
    }
    if let Some(folder) = &options.certificates {
        command.env("DOORWARD_TLS_CERT", folder.join("cert.pem"));
        command.env("DOORWARD_TLS_KEY", folder.join("key.pem"));
    }
    for (name, value) in &options.env {
        command.env(name, value);
    }
    command
}

#[expect(clippy::disallowed_methods, reason = "waiting for a process has no other clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// An HTTP client that follows no redirect and keeps no cookies.
pub fn client() -> reqwest::Client {
    builder().build().expect("a client")
}

#[expect(clippy::disallowed_methods, reason = "this one talks to the server under test")]
fn builder() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(30))
}

/// Runs a future to its end on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
