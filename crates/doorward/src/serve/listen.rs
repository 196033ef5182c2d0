//! The listeners: binding, accepting within a bound, and stopping without dropping what was accepted.

use std::{
    collections::HashMap,
    fs::DirBuilder,
    net::{IpAddr, SocketAddr},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use doorward_sdk::server::certificate::ClientCertificate;
use tokio::{
    net::{TcpListener, TcpStream, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use super::{
    announced,
    connection::{self, Door, Hold, Protocol, Shared},
    peer::is_trusted,
    tls::Tls,
};

/// Connections at once; more wait in the operating system's queue.
const CONNECTIONS: usize = 8192;
/// Connections at once from one address that is no trusted proxy, so that it cannot take every place.
pub(super) const FROM_ONE: usize = 1024;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Binds every address. When nobody chose the addresses, one that this machine does not have (often
/// `[::1]`) is left out.
///
/// # Errors
/// When an address that was chosen, or every one, cannot be bound.
pub(super) async fn bind(addresses: &[SocketAddr], is_chosen: bool) -> Result<Vec<TcpListener>> {
    let (mut bound, mut failure) = (Vec::new(), None);
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => bound.push(listener),
            Err(error) => {
                let lacks_family = error.kind() == std::io::ErrorKind::AddrNotAvailable
                    || error.raw_os_error() == Some(NO_SUCH_FAMILY);
                let why = format!("listen: cannot listen on {address}; name another, or end what holds it");
                let failed = anyhow::Error::new(error).context(why);
                if is_chosen || !lacks_family {
                    return Err(failed);
                }
                failure = Some(failed);
            }
        }
    }
    match failure.filter(|_| bound.is_empty()) {
        Some(failed) => Err(failed),
        None => Ok(bound),
    }
}

/// `EAFNOSUPPORT` on Linux: a kernel without IPv6.
const NO_SUCH_FAMILY: i32 = 97;

/// The loops that accept, and the connections they have accepted.
pub(super) struct Doors {
    accepting: Accepting,
}

impl Doors {
    /// Nothing open yet.
    pub(super) fn new(shared: Shared) -> Self {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let (connections, peers) = (TaskTracker::new(), Peers::default());
        Self { accepting: Accepting { shared: Arc::new(shared), room, connections, peers } }
    }

    /// Accepts connections of the network, by TLS when there is a certificate.
    pub(super) fn open(&self, listener: TcpListener, tls: Option<Tls>) {
        let accepting = self.accepting.clone();
        tokio::spawn(async move {
            let stop = accepting.shared.stop.clone();
            stop.run_until_cancelled(accept_network(listener, tls, accepting)).await;
        });
    }

    /// Accepts connections of the administration socket, which only the owner can open.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub(super) fn open_socket(&self, path: &Path) -> Result<SocketFile> {
        let listener = bind_private(path).with_context(|| format!("cannot make {}", path.display()))?;
        let accepting = self.accepting.clone();
        tokio::spawn(async move {
            let stop = accepting.shared.stop.clone();
            stop.run_until_cancelled(accept_socket(listener, accepting)).await;
        });
        Ok(SocketFile(path.to_owned()))
    }

    /// Waits until every accepted request is answered, for `time` at the most; answers how many
    /// connections were cut off.
    pub(super) async fn close(self, time: Duration) -> usize {
        let connections = self.accepting.connections;
        connections.close();
        match tokio::time::timeout(time, connections.wait()).await {
            Ok(()) => 0,
            Err(_) => connections.len(),
        }
    }
}

/// Binds a socket that nobody else could open at any moment: a new one has the mode that the umask leaves,
/// so it is made where others cannot look, and takes its place when its mode is right.
fn bind_private(path: &Path) -> std::io::Result<UnixListener> {
    let folder = path.with_file_name(".new");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => DirBuilder::new().mode(0o700).create(&folder)?,
    }
    let new = folder.join("s");
    let listener = UnixListener::bind(&new)?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&new, path)?;
    std::fs::remove_dir(&folder)?;
    Ok(listener)
}

/// The socket's file, removed when the server stops.
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[derive(Clone)]
struct Accepting {
    shared: Arc<Shared>,
    room: Arc<Semaphore>,
    connections: TaskTracker,
    peers: Peers,
}

/// How many connections each address has. A household's IPv6 addresses count as one.
#[derive(Clone, Default)]
struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of an address's connections; given back when it ends.
struct Seat {
    peers: Peers,
    of: IpAddr,
}

impl Peers {
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` when the address has enough.
    fn seat(&self, peer: IpAddr, most: usize) -> Option<Seat> {
        let of = network(peer);
        let mut counts = self.counts();
        let count = counts.entry(of).or_default();
        (*count < most).then(|| *count += 1)?;
        Some(Seat { peers: self.clone(), of })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.peers.counts();
        if let Some(count) = counts.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.of);
            }
        }
    }
}

/// An IPv4 address, or the /64 of an IPv6 one.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(peer) => IpAddr::V6((u128::from(peer) >> 64 << 64).into()),
        peer @ IpAddr::V4(_) => peer,
    }
}

impl Accepting {
    /// A seat for this peer; trusted proxies have as many as there are.
    fn seat(&self, peer: IpAddr) -> Option<Seat> {
        let is_proxy = is_trusted(peer, &self.shared.trusted);
        self.peers.seat(peer, if is_proxy { usize::MAX } else { self.shared.limits.from_one })
    }

    /// Room for one more connection.
    async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    fn serve(&self, connection: impl Future<Output = ()> + Send + 'static) {
        self.connections.spawn(connection);
    }

    /// What a connection takes up: given back when it ends, and the streams that it was turned into.
    fn hold(&self, place: impl Send + Sync + 'static) -> Hold {
        Hold(Arc::new((place, self.connections.token())))
    }
}

async fn accept_network(listener: TcpListener, tls: Option<Tls>, accepting: Accepting) {
    while let Some(permit) = accepting.room().await {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(seat) = accepting.seat(peer.ip()) else {
                    tracing::debug!(peer = %peer.ip(), "this address has connections enough");
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let (tls, peer, place) = (tls.as_ref().map(Tls::acceptor), peer.ip(), (permit, seat));
                if accepting.shared.proxy_protocol {
                    accepting.serve(announced(stream, tls, (peer, place), accepting.clone()));
                    continue;
                }
                let (hold, shared) = (accepting.hold(place), Arc::clone(&accepting.shared));
                match tls {
                    Some(tls) => accepting.serve(by_tls(stream, tls, (peer, hold), shared)),
                    None => accepting.serve(plainly(stream, (Door::Network(peer, None), hold), shared)),
                }
            }
            Err(error) => stumble(&error).await,
        }
    }
}

async fn accept_socket(listener: UnixListener, accepting: Accepting) {
    while let Some(permit) = accepting.room().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&accepting.shared);
                let place = (Door::Socket, accepting.hold(permit));
                accepting.serve(connection::serve(stream, place, Protocol::One, shared));
            }
            Err(error) => stumble(&error).await,
        }
    }
}

/// No file descriptors left, or a connection gone before it was accepted: the loop goes on.
async fn stumble(error: &std::io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    super::pause(Duration::from_millis(50)).await;
}

/// A connection of which a trusted proxy says first whose it is.
async fn announced(
    mut stream: TcpStream,
    tls: Option<TlsAcceptor>,
    (proxy, place): (IpAddr, (OwnedSemaphorePermit, Seat)),
    accepting: Accepting,
) {
    let shared = &accepting.shared;
    if !is_trusted(proxy, &shared.trusted) {
        tracing::info!(peer = %proxy, "closed: the PROXY protocol is for trusted_proxies");
        return;
    }
    let said = announced::client(&mut stream, proxy, shared.limits.head);
    let client = match shared.stop.run_until_cancelled(said).await {
        Some(Ok(client)) => client,
        Some(Err(error)) => {
            tracing::warn!(peer = %proxy, %error, "closed");
            return;
        }
        None => return,
    };
    let Some(seat) = accepting.seat(client) else {
        tracing::debug!(peer = %client, "this address has connections enough");
        return;
    };
    let (hold, shared) = (accepting.hold((place, seat)), Arc::clone(shared));
    match tls {
        Some(tls) => by_tls(stream, tls, (client, hold), shared).await,
        None => plainly(stream, (Door::Network(client, None), hold), shared).await,
    }
}

async fn plainly(stream: TcpStream, place: (Door, Hold), shared: Arc<Shared>) {
    if let Some(protocol) = connection::sniff(&stream, &shared).await {
        connection::serve(stream, place, protocol, shared).await;
    }
}

async fn by_tls(stream: TcpStream, tls: TlsAcceptor, (peer, hold): (IpAddr, Hold), shared: Arc<Shared>) {
    match tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let shown = session.peer_certificates().and_then(|chain| chain.first());
            let shown = shown.map(|certificate| ClientCertificate::read(certificate).map(Arc::new));
            let is_two = session.alpn_protocol() == Some(b"h2");
            let protocol = if is_two { Protocol::Two } else { Protocol::One };
            connection::serve(stream, (Door::Network(peer, shown), hold), protocol, shared).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

#[cfg(test)]
mod tests;
