//! `WebSocket`s: once both sides have agreed, bytes go both ways untouched.

use std::sync::Arc;

use axum::body::Body;
use doorward_judge::Why;
use http::{HeaderMap, HeaderValue, Response, header, request::Parts};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;

use super::{Passage, standing};
use crate::{Inner, Origin, Route, judged::Admitted};

/// A client that wants to go on in another protocol.
pub(super) struct Upgrade {
    protocol: HeaderValue,
    client: OnUpgrade,
}

/// What the client asks for, taken out of the request.
///
/// # Errors
/// `UpgradeRefused` where the route has none, and for anything but a `WebSocket` (RFC 6455).
pub(super) fn asked(request: &mut Parts, route: &Route) -> Result<Option<Upgrade>, Why> {
    let Some(protocol) = request.headers.get(header::UPGRADE).cloned() else { return Ok(None) };
    let is_meant = request.headers.get_all(header::CONNECTION).iter().any(|value| {
        value.to_str().unwrap_or_default().split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
    });
    // A proxy that does not take an offer passes it over (RFC 9110 7.8).
    if !is_meant {
        return Ok(None);
    }
    if !route.websocket || !protocol.as_bytes().eq_ignore_ascii_case(b"websocket") {
        return Err(Why::UpgradeRefused);
    }
    let client = request.extensions.remove::<OnUpgrade>().ok_or(Why::UpgradeRefused)?;
    Ok(Some(Upgrade { protocol, client }))
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
        mut response: Response<Incoming>,
        origin: &Origin,
        (passage, admitted): (&Passage<'_>, &Admitted<'_>),
    ) -> Response<Body> {
        let behind = hyper::upgrade::on(&mut response);
        let refused = standing::refused(gateway, origin, passage, admitted);
        let (client, hold, stop) = (self.client, origin.hold.clone(), gateway.stop.clone());
        tokio::spawn(async move {
            let (Ok(client), Ok(behind)) = (client.await, behind.await) else { return };
            let (mut client, mut behind) = (TokioIo::new(client), TokioIo::new(behind));
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut behind) => {}
                () = stop.cancelled() => {}
                () = refused => tracing::info!("a stream was ended with its credential"),
            }
            drop(hold);
        });
        let mut switched = Response::new(Body::empty());
        *switched.status_mut() = response.status();
        *switched.headers_mut() = std::mem::take(response.headers_mut());
        let headers = switched.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, self.protocol);
        switched
    }
}
