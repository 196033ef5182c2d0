//! Which server a command means, and whether it needs a credential there (INTERFACE 2).

use std::{os::unix::net::UnixStream, path::Path, sync::Arc};

use anyhow::Result;
use doorward_core::{
    db::{Db, Place},
    realm::Attendance,
};
use doorward_proto::id::{Id, Org};

use super::{
    connect::Api,
    logins::Logins,
    profile::{Connection, Found, find},
};
use crate::{
    commands::Common,
    config::{Environment, Loaded},
    data, serve,
};

/// Whether a command may do its work on this machine without a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locality {
    /// `setup`, `mail`, `keys`, `audit verify`, `doctor`: socket or database.
    Local,
    /// Everything else: the socket only when nothing says where to.
    Remote,
}

/// The way to the API.
///
/// # Errors
/// When profile or configuration cannot be read, or the database cannot be opened.
pub(crate) async fn open(common: &Common, connection: &Connection, locality: Locality) -> Result<Api> {
    let environment = Environment::of_this_process();
    let found = find(connection, &environment)?;
    let mut logins = Logins::read(&environment)?;
    let loaded = common.load(Vec::new());
    let base = server(&found, &logins, loaded.as_ref().ok());
    let has_profile = found.url.is_some() || found.token.is_some() || logins.has(&base);
    let is_told = found.is_explicit || (locality == Locality::Remote && has_profile);
    if !is_told && let Ok(loaded) = &loaded {
        let socket = loaded.data_dir().join(data::SOCKET);
        if is_alive(&socket) {
            return Ok(Api::Socket(socket));
        }
        if locality == Locality::Local && has_database(loaded)? {
            return here(loaded).await;
        }
    }
    let token = match found.token {
        Some(token) => Some(token),
        None => logins.token(&base).await?,
    };
    let plain_http = loaded.is_ok_and(|loaded| loaded.config.allow.plain_http);
    Api::remote(&base, token, plain_http)
}

/// The address of the server that is meant, for who signs in there.
///
/// # Errors
/// When profile or configuration cannot be read.
pub(crate) fn base(common: &Common, connection: &Connection, logins: &Logins) -> Result<String> {
    let found = find(connection, &Environment::of_this_process())?;
    let base = server(&found, logins, common.load(Vec::new()).as_ref().ok());
    Ok(base.trim_end_matches('/').to_owned())
}

/// What flags, environment and profile say, else where one signed in last, else this machine's.
fn server(found: &Found, logins: &Logins, loaded: Option<&Loaded>) -> String {
    let current = logins.current().filter(|_| found.token.is_none());
    let said = found.url.as_deref().or(current).map(str::to_owned);
    said.or_else(|| loaded.map(issuer)).unwrap_or_else(|| "http://localhost:8080".to_owned())
}

/// The API of this machine: the server's socket, else the database itself.
///
/// # Errors
/// When there is no database, or it cannot be opened.
pub(crate) async fn on_this_machine(loaded: &Loaded) -> Result<Api> {
    let socket = loaded.data_dir().join(data::SOCKET);
    if is_alive(&socket) {
        return Ok(Api::Socket(socket));
    }
    if !has_database(loaded)? {
        anyhow::bail!(
            "there is no database in {}; start `doorward serve` first",
            loaded.data_dir().display()
        );
    }
    here(loaded).await
}

/// Whether a server listens there; a file that was left behind answers nothing.
pub(crate) fn is_alive(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

/// Whether there is a database to open in place.
pub(crate) fn has_database(loaded: &Loaded) -> Result<bool> {
    Ok(match data::place(&loaded.config)? {
        Place::Sqlite(path) => path.exists(),
        Place::Postgres(_) => true,
    })
}

/// Whether the database holds nothing of ours: opening it for use would make a new installation of it.
pub(crate) async fn is_blank(loaded: &Loaded) -> bool {
    let Ok(place) = data::place(&loaded.config) else { return false };
    match &place {
        // SQLite makes a database of an empty file as soon as it is opened.
        Place::Sqlite(path) => std::fs::metadata(path).is_ok_and(|file| file.len() == 0),
        Place::Postgres(_) => match Db::open(&place).await {
            Ok(db) => db.read("doctor", (), |tx, ()| Box::pin(tx.ping())).await.is_err(),
            Err(_) => false,
        },
    }
}

/// The issuer that a server with this configuration has.
pub(crate) fn issuer(loaded: &Loaded) -> String {
    let port = loaded.config.listen.first().map_or(8080, std::net::SocketAddr::port);
    let scheme = if loaded.config.tls.cert.is_some() { "https" } else { "http" };
    loaded
        .config
        .public_url
        .as_ref()
        .map_or_else(|| format!("{scheme}://localhost:{port}"), crate::config::PublicUrl::issuer)
}

/// The API of this machine for what fills a database: where there is none yet, one is made for the instance of
/// that id.
///
/// # Errors
/// When the data folder or the database cannot be made or opened.
pub(crate) async fn to_be_filled(loaded: &Loaded, instance: Id<Org>) -> Result<Api> {
    let socket = loaded.data_dir().join(data::SOCKET);
    if is_alive(&socket) {
        return Ok(Api::Socket(socket));
    }
    let is_new = !has_database(loaded)? || is_blank(loaded).await;
    data::folder(loaded.data_dir())?;
    here_as(loaded, is_new.then_some(instance)).await
}

/// Opens the database in this process.
pub(crate) async fn here(loaded: &Loaded) -> Result<Api> {
    here_as(loaded, None).await
}

async fn here_as(loaded: &Loaded, instance: Option<Id<Org>>) -> Result<Api> {
    let realm = serve::open_realm_as(&loaded.config, issuer(loaded), instance).await?;
    let attendance = Some(Attendance::begin(&realm).await.map_err(data::fault)?);
    let app = doorward_web::App::new(Arc::clone(&realm), serve::web_settings(&loaded.config));
    Ok(Api::Here { router: doorward_web::router(app), realm, attendance })
}
