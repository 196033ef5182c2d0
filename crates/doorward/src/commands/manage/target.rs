//! Which server a command means, and whether it needs a credential there (INTERFACE 2).

use std::{os::unix::net::UnixStream, path::Path, sync::Arc};

use anyhow::Result;
use doorward_core::db::Place;

use super::{
    connect::Api,
    profile::{Connection, find},
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
    let found = find(connection, &Environment::of_this_process())?;
    let has_profile = found.url.is_some() || found.token.is_some();
    let is_told = found.is_explicit || (locality == Locality::Remote && has_profile);
    let loaded = common.load(Vec::new());
    if !is_told && let Ok(loaded) = &loaded {
        let socket = loaded.data_dir().join(data::SOCKET);
        if is_alive(&socket) {
            return Ok(Api::Socket(socket));
        }
        if locality == Locality::Local && has_database(loaded)? {
            return here(loaded).await;
        }
    }
    let base = match (found.url, &loaded) {
        (Some(url), _) => url,
        (None, Ok(loaded)) => issuer(loaded),
        (None, Err(_)) => "http://localhost:8080".to_owned(),
    };
    Api::remote(&base, found.token)
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

/// Opens the database in this process.
pub(crate) async fn here(loaded: &Loaded) -> Result<Api> {
    let realm = serve::open_realm(&loaded.config, issuer(loaded)).await?;
    let app = doorward_web::App::new(Arc::clone(&realm), serve::web_settings(&loaded.config));
    Ok(Api::Here { router: doorward_web::router(app), realm })
}
