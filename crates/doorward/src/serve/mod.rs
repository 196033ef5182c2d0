//! `doorward serve`: everything wired together, from the data folder to the last answer.

mod access;
mod alone;
mod announced;
mod background;
mod body;
mod bound;
mod connection;
mod described;
pub(crate) mod gateway;
mod host;
mod listen;
pub mod logs;
mod metrics;
mod peer;
mod taken;
pub(crate) mod tls;
mod welcome;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail};
use axum::Router;
use doorward_core::{
    bootstrap::{self, Terms},
    call::Call,
    clients,
    db::{Db, Place, migrate},
    env::Env,
    orgs,
    realm::{self, Attendance, Parts, Realm},
};
use doorward_proto::id::{Id, Org};
use doorward_web::{App, Bootstrap, Edge, Hsts, Routing, Unfit, WebSettings, in_force::InForce};
use futures_util::future::BoxFuture;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::{
    background::Background,
    bound::Bound,
    connection::{Answering, Flowing, Limits, Shared},
    gateway::{Book, Guard, Origins},
    listen::Doors,
};
use crate::{
    commands::manage::connect::Api,
    config::{Concern, Config, Loaded, Origin, Role, concerns, core_settings},
    data, dns,
    fetch::{Reach, fetcher},
    smtp,
};

/// How long accepted requests may take after the server was told to stop.
const FAREWELL: Duration = Duration::from_secs(30);

/// Lets a server loop wait. Background work is rows in `jobs`; this is for the loops that claim them.
#[expect(clippy::disallowed_methods, reason = "the one place where a server loop waits")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Refuses a configuration that would be unsafe; answers what else should be known.
///
/// # Errors
/// Every reason for which this configuration does not start, each with its key.
pub fn refuse_unsafe(config: &Config) -> Result<Vec<Concern>> {
    let (refusals, notes): (Vec<_>, Vec<_>) =
        concerns(config).into_iter().partition(|concern| concern.refuses);
    if refusals.is_empty() {
        return Ok(notes);
    }
    let reasons: Vec<String> =
        refusals.into_iter().map(|concern| format!("{}: {}", concern.key, concern.what)).collect();
    bail!("this configuration is not safe to start\n  {}", reasons.join("\n  "))
}

/// Says what should be known of a configuration.
///
/// # Errors
/// As [`refuse_unsafe`].
fn warn(loaded: &Loaded, greeting: &Greeting) -> Result<()> {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    for concern in refuse_unsafe(&loaded.config)? {
        // Who greets in its own way has made the set-up itself.
        if matches!(greeting, Greeting::Links) || !concern.key.starts_with("setup.") {
            tracing::warn!("{}", concern.what);
        }
    }
    Ok(())
}

/// A way to fill a fresh server and to say so, given its API and its issuer.
type Greet = Box<dyn FnOnce(Api, String) -> BoxFuture<'static, Result<()>>>;

/// What is printed when the server is ready.
pub(crate) enum Greeting {
    /// Where everything is, with the set-up link while it is needed.
    Links,
    /// Something else.
    Own(Greet),
}

/// The runtime of a server: one worker for each processor that it may use. Where that is one, it need not wake
/// others.
///
/// # Errors
/// When threads cannot be started.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    let is_alone = std::thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    let mut builder = if is_alone {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.enable_all().build().context("cannot start the runtime")
}

/// Serves until SIGTERM or SIGINT, then finishes what was accepted.
///
/// # Errors
/// Whatever keeps the server from starting.
pub(crate) async fn run(loaded: Loaded, greeting: Greeting) -> Result<()> {
    // From here on an order to stop is never lost.
    let mut signals = Signals::listen()?;
    warn(&loaded, &greeting)?;
    if loaded.config.role == Role::Gateway {
        return alone::run(loaded, signals).await;
    }
    let config = &loaded.config;
    data::folder(&config.data_dir)?;
    let bound = Bound::bind(&loaded).await?;
    let addresses = bound.addresses()?;
    let issuer = issuer(config, &addresses)?;
    let realm = open_realm(config, issuer).await?;
    let attendance = Attendance::begin(&realm).await.map_err(data::fault)?;
    welcome::check_default_org(&realm).await?;
    welcome::set_up(&realm, config).await?;
    if let Some(token) = &config.auth.bootstrap_service_token {
        bootstrap::notice(&Call::system(&realm), &token.0).await.map_err(data::fault)?;
    }
    clients::ensure_command_line(&Call::system(&realm)).await.map_err(data::fault)?;
    let stop = CancellationToken::new();
    if let Some(address) = config.metrics.listen {
        let address = metrics::serve(address, Some(Arc::clone(&realm)), stop.clone()).await?;
        tracing::info!(%address, "metrics are served");
    }
    let book = Book::open(&realm, config, stop.clone()).await?;
    let routing: Arc<dyn Routing> = Arc::<Book>::clone(&book);
    let in_force = InForce::new(described::described(&loaded));
    let settings = WebSettings {
        counters: Some(book.guard().counters()),
        routing: Some(routing),
        in_force: in_force.clone(),
        ..web_settings(config)
    };
    let edge = doorward_web::server(App::new(Arc::clone(&realm), settings));
    book.guard().sign_in_at(edge.clone());
    let asked = (config.role == Role::All).then(|| book.guard().clone());
    let router = Router::new().fallback_service(edge.clone());
    let shared = Shared {
        answering: answering(edge, asked.clone(), Origins::new(config, realm.env.clone(), bound.has_tls())),
        flowing: flowing(asked),
        env: realm.env.clone(),
        trusted: config.trusted_proxies.iter().map(|network| network.0).collect(),
        proxy_protocol: config.proxy_protocol,
        stop: stop.clone(),
        limits: Limits::default(),
    };
    let doors = Doors::new(shared);
    // What the last requests leave to do is done after them.
    let afterwards = CancellationToken::new();
    let background = Background::new(afterwards.clone());
    background.work_for(&realm).map_err(data::fault)?;
    background.attend(attendance.clone());
    background.follow(Arc::clone(&book));
    let socket = doors.open_socket(&config.data_dir.join(data::SOCKET))?;
    bound.accept(&doors, &background)?;
    for address in &addresses {
        tracing::info!(%address, issuer = realm.issuer, "listening");
    }
    greet(greeting, &realm, config, router).await?;
    tracing::debug!("the greeting was given");
    while signals.next().await == Order::Reload {
        if let Some(read) = book.reload(&loaded).await {
            in_force.read_again(read);
        }
    }
    tracing::info!("stopping: finishing what was accepted");
    stop.cancel();
    let cut = doors.close(FAREWELL).await;
    drop(socket);
    afterwards.cancel();
    background.finish().await;
    attendance.end().await.map_err(data::fault)?;
    tracing::info!(cut_off = cut, "stopped");
    Ok(())
}

/// Says that the server serves, to people or to the command that has started it.
async fn greet(greeting: Greeting, realm: &Arc<Realm>, config: &Config, router: Router) -> Result<()> {
    match greeting {
        Greeting::Links => welcome::greet(realm, config)
            .await
            .map_err(|error| anyhow!("cannot say on standard output where everything is: {error:#}")),
        Greeting::Own(greet) => {
            let api = Api::Here { router, realm: Arc::clone(realm), attendance: None };
            greet(api, realm.issuer.clone()).await
        }
    }
}

/// The server's own pages and endpoints, and what is the gateway's.
fn answering(edge: Edge, guard: Option<Guard>, origins: Origins) -> Answering {
    Box::new(move |request| {
        // What is unfit is told by the routes, as any other.
        let is_fit = request.extensions().get::<Unfit>().is_none();
        let gateway = guard.as_ref().filter(|_| is_fit).map(Guard::now);
        if let Some(gateway) = gateway.filter(|it| it.takes(request.uri(), request.headers())) {
            let origin = origins.of(&request);
            return Box::pin(async move { gateway.answer(request, origin).await });
        }
        let edge = edge.clone();
        Box::pin(async move { edge.answer(request).await })
    })
}

fn flowing(guard: Option<Guard>) -> Flowing {
    Box::new(move |target, headers| guard.as_ref().is_some_and(|guard| guard.now().forwards(target, headers)))
}

/// Whether the operator named the addresses; `PORT` alone names none.
fn is_chosen(loaded: &Loaded) -> bool {
    match loaded.origin("listen") {
        Origin::Default => false,
        Origin::Environment(name) => name != "PORT",
        _ => true,
    }
}

/// The public URL, else this machine's name with the port that was really bound.
fn issuer(config: &Config, addresses: &[SocketAddr]) -> Result<String> {
    if let Some(url) = &config.public_url {
        return Ok(url.issuer());
    }
    let port = addresses.first().context("there is no address to listen on")?.port();
    let scheme = if config.tls.cert.is_some() { "https" } else { "http" };
    Ok(format!("{scheme}://localhost:{port}"))
}

/// The world outside, as this configuration lets it be reached.
pub fn env(config: &Config) -> Env {
    let reach = if config.allow.private_fetch { Reach::Anywhere } else { Reach::Public };
    Env::system(fetcher(reach)).resolving_by(dns::resolver(config.dns.resolver))
}

/// Opens database and realm; the first start makes what it needs.
///
/// # Errors
/// When the database, the master key or a migration fails.
pub async fn open_realm(config: &Config, issuer: String) -> Result<Arc<Realm>> {
    open_realm_as(config, issuer, None).await
}

/// The same; a first start makes the instance's organisation with this id.
///
/// # Errors
/// When the database, the master key or a migration fails.
pub(crate) async fn open_realm_as(
    config: &Config,
    issuer: String,
    instance: Option<Id<Org>>,
) -> Result<Arc<Realm>> {
    let env = env(config);
    let place = data::place(config)?;
    let db = open_database(&place).await?;
    migrate::up(&db, env.now()).await.map_err(data::fault).context("the migration failed")?;
    if let Some(instance) = instance {
        orgs::ensure_instance_as(&db, &env, instance).await.map_err(data::fault)?;
    }
    let owner = realm::master_key(&db).await.map_err(data::fault)?;
    let vault = data::master::vault(config, &env, owner.as_deref())?;
    let settings = core_settings(config);
    let mail = &config.mail;
    let mail_transport =
        mail.url.as_ref().map(|url| smtp::transport(url, &mail.from, &issuer)).transpose()?;
    let parts = Parts { issuer, db, env, vault, settings, mail_transport };
    Realm::open(parts).await.map_err(data::fault)
}

pub(crate) async fn open_database(place: &Place) -> Result<Db> {
    let what = match place {
        Place::Sqlite(path) => {
            data::private_file(path)?;
            format!("cannot open the database {}", path.display())
        }
        Place::Postgres(_) => "cannot open the database (database.url)".to_owned(),
    };
    Db::open(place).await.map_err(data::fault).context(what)
}

pub(crate) fn web_settings(config: &Config) -> WebSettings {
    let auth = &config.auth;
    WebSettings {
        counters: None,
        allowed_origins: config.cors.allowed_origins.clone(),
        hsts: Hsts::new(config.tls.hsts.0, config.tls.hsts_subdomains),
        security_contacts: config.security.contact.clone(),
        routing: None,
        in_force: InForce::default(),
        bootstrap: auth.bootstrap_service_token.as_ref().map(|token| Bootstrap {
            token: token.0.clone(),
            scopes: auth.bootstrap_token_scopes.clone(),
            terms: Terms {
                expires_at: auth.bootstrap_token_expires_at.map(|instant| instant.0),
                stays: auth.bootstrap_token_stays,
            },
        }),
    }
}

/// What the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// SIGTERM, SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The orders of the operator.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        let (term, int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { term, int, hup: signal(SignalKind::hangup())? })
    }

    async fn next(&mut self) -> Order {
        tokio::select! {
            _ = self.term.recv() => Order::Stop,
            _ = self.int.recv() => Order::Stop,
            _ = self.hup.recv() => Order::Reload,
        }
    }
}
