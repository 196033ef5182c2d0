//! `WebSocket`s: once both sides have agreed, bytes go both ways untouched, until one side ends or whoever
//! opened it would be refused; then the client is told why, between two frames.

use std::{io::Result as Io, sync::Arc, time::Duration};

use axum::body::Body;
use doorward_judge::Why;
use http::{HeaderMap, HeaderValue, Response, header, request::Parts};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use super::{Passage, standing};
use crate::{
    Inner, Origin, Route,
    judged::Admitted,
    metering::Tally,
    socket::{
        self,
        closing::{self, Close},
        frames::Frames,
    },
};

/// How long the frame at hand may take to be finished once the credential is not good any more.
const FRAME: Duration = Duration::from_secs(1);
/// Bytes that are handed on at once.
const PIECE: usize = 16 * 1024;

/// A client that wants to go on in another protocol.
pub(super) struct Upgrade {
    protocol: HeaderValue,
    client: OnUpgrade,
    /// What is selected of the protocols within, when the application selects none.
    within: Option<HeaderValue>,
}

/// What the client asks for, taken out of the request.
///
/// # Errors
/// `UpgradeRefused` where the route has none, and for anything but a `WebSocket` (RFC 6455).
pub(super) fn asked(
    request: &mut Parts,
    route: &Route,
    within: Option<HeaderValue>,
) -> Result<Option<Upgrade>, Why> {
    let Some(protocol) = request.headers.get(header::UPGRADE).cloned() else { return Ok(None) };
    // A proxy that does not take an offer passes it over (RFC 9110 7.8).
    if !socket::is_meant(&request.headers) {
        return Ok(None);
    }
    if !route.websocket || !protocol.as_bytes().eq_ignore_ascii_case(b"websocket") {
        return Err(Why::UpgradeRefused);
    }
    let client = request.extensions.remove::<OnUpgrade>().ok_or(Why::UpgradeRefused)?;
    Ok(Some(Upgrade { protocol, client, within }))
}

impl Upgrade {
    /// Asks the application the same.
    pub(super) fn ask(&self, headers: &mut HeaderMap) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, self.protocol.clone());
    }

    /// Joins both sides until one of them ends, or the credential does.
    pub(super) fn join(
        self,
        gateway: &Arc<Inner>,
        mut response: Response<Body>,
        origin: &Origin,
        (passage, admitted): (&Passage<'_>, &Admitted<'_>),
    ) -> Response<Body> {
        let behind = hyper::upgrade::on(&mut response);
        let refused = standing::refused(gateway, origin, passage, admitted);
        let (client, hold, stop) = (self.client, origin.hold.clone(), gateway.stop.clone());
        let over = async move {
            tokio::select! {
                () = stop.cancelled() => Close::GOING_AWAY,
                () = refused => Close::ENDED,
            }
        };
        let decided = origin.decided.clone();
        tokio::spawn(async move {
            if let (Ok(client), Ok(behind)) = (client.await, behind.await) {
                joined((client, behind), over, decided.tally()).await;
            }
            drop((hold, decided));
        });
        let mut switched = Response::new(Body::empty());
        *switched.status_mut() = response.status();
        *switched.headers_mut() = std::mem::take(response.headers_mut());
        let headers = switched.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, self.protocol);
        if let Some(within) = self.within {
            headers.entry(header::SEC_WEBSOCKET_PROTOCOL).or_insert(within);
        }
        switched
    }
}

async fn joined((client, behind): (Upgraded, Upgraded), over: impl Future<Output = Close>, tally: &Tally) {
    let (mut from_client, mut to_client) = tokio::io::split(TokioIo::new(client));
    let (mut from_behind, mut to_behind) = tokio::io::split(TokioIo::new(behind));
    let ending = CancellationToken::new();
    let mut down = Box::pin(down(&mut from_behind, &mut to_client, (&ending, tally)));
    let mut up = Box::pin(up(&mut from_client, &mut to_behind, tally));
    let close = tokio::select! {
        _ = futures_util::future::try_join(up.as_mut(), down.as_mut()) => return,
        close = over => close,
    };
    if close == Close::ENDED {
        tracing::info!("a stream was ended with its credential");
    }
    drop(up);
    ending.cancel();
    let is_between = tokio::time::timeout(FRAME, down.as_mut()).await;
    drop(down);
    if matches!(is_between, Ok(Ok(true))) {
        closing::say(&mut from_client.unsplit(to_client), close).await;
    }
}

async fn up(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    tally: &Tally,
) -> Io<()> {
    let mut buffer = vec![0; PIECE];
    loop {
        let read = from.read(&mut buffer).await?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            return to.shutdown().await;
        }
        tally.add_request(piece.len());
        to.write_all(piece).await?;
        to.flush().await?;
    }
}

/// Hands on what the application says; once it is to end, no more than the frame at hand. Answers whether it
/// ended between two frames.
async fn down(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    (ending, tally): (&CancellationToken, &Tally),
) -> Io<bool> {
    let mut frames = Frames::default();
    let mut buffer = vec![0; PIECE];
    loop {
        let read = tokio::select! {
            biased;
            () = ending.cancelled(), if frames.is_between() => return Ok(true),
            read = from.read(&mut buffer) => read?,
        };
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            to.shutdown().await?;
            return Ok(false);
        }
        let piece = if ending.is_cancelled() {
            frames.finish(piece)
        } else {
            frames.pass(piece);
            piece
        };
        tally.add_response(piece.len());
        to.write_all(piece).await?;
        to.flush().await?;
    }
}
