//! The last word on a `WebSocket`: a browser's page learns the code of a close frame (RFC 6455 7.4) and nothing
//! else, so a refused handshake of a page is accepted and closed.

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use axum::body::Body;
use data_encoding::BASE64;
use doorward_judge::Why;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::presented;
use crate::{Origin, socket};

/// How long the other side may take to close, too.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);
/// What a handshake's key is answered with (RFC 6455 1.3).
const PROOF: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const LONGEST_REASON: usize = 123;

/// Why a socket is closed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

impl Close {
    /// The server stops.
    pub(crate) const GOING_AWAY: Self = Self { code: 1001, reason: "" };
    /// Whoever opened it would be refused now.
    pub(crate) const ENDED: Self = Self { code: 4401, reason: Why::InvalidToken.code() };

    fn of(response: &Response<Body>) -> Option<Self> {
        let code = match response.status() {
            StatusCode::UNAUTHORIZED => 4401,
            StatusCode::FORBIDDEN => 4403,
            StatusCode::TOO_MANY_REQUESTS => 4429,
            _ => return None,
        };
        let reason = response.extensions().get::<Why>().map_or("", |why| why.code());
        Some(Self { code, reason })
    }

    /// A frame that is not masked: from the server.
    fn frame(self) -> Vec<u8> {
        let reason = self.reason.as_bytes().get(..self.reason.len().min(LONGEST_REASON)).unwrap_or_default();
        let length = u8::try_from(2 + reason.len()).unwrap_or(2);
        let mut frame = vec![0x88, length];
        frame.extend(self.code.to_be_bytes());
        frame.extend(reason);
        frame
    }
}

/// What the handshake of a page needs to be accepted, taken before the request goes anywhere.
pub(crate) struct Page {
    accept: HeaderValue,
    protocol: Option<HeaderValue>,
    client: OnUpgrade,
}

impl Page {
    /// `None` for whoever can read the answer to a refused handshake, and for what is no handshake.
    pub(crate) fn of(request: &Request<Body>) -> Option<Self> {
        let headers = request.headers();
        let is_page = socket::is_asked(request.method(), headers) && headers.contains_key(header::ORIGIN);
        let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_page)?;
        let version = headers.get(header::SEC_WEBSOCKET_VERSION)?;
        let key = [key.as_bytes(), PROOF.as_bytes()].concat();
        let accept = BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &key).as_ref());
        let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let offered = offered.flat_map(|value| value.to_str().unwrap_or_default().split(','));
        let first = offered.map(str::trim).find(|name| !presented::is_credential(name));
        Some(Self {
            accept: HeaderValue::from_str(&accept).ok().filter(|_| version == "13")?,
            protocol: first.and_then(|first| HeaderValue::from_str(first).ok()),
            client: request.extensions().get::<OnUpgrade>()?.clone(),
        })
    }

    /// A refusal as its page can understand it.
    pub(crate) fn told(self, refusal: Response<Body>, origin: &Origin) -> Response<Body> {
        let Some(close) = Close::of(&refusal) else { return refusal };
        let (client, hold) = (self.client, origin.hold.clone());
        tokio::spawn(async move {
            if let Ok(client) = client.await {
                say(&mut TokioIo::new(client), close).await;
            }
            drop(hold);
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = self.protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        if let Some(id) = refusal.headers().get("x-request-id") {
            headers.insert("x-request-id", id.clone());
        }
        response
    }
}

/// Says why, and waits a moment for the other side: what it has sent meanwhile would else make the system
/// forget what was said.
pub(crate) async fn say(client: &mut (impl AsyncRead + AsyncWrite + Unpin), close: Close) {
    let mut ignored = [0; 1024];
    let _ = tokio::time::timeout(FAREWELL, async {
        client.write_all(&close.frame()).await?;
        client.flush().await?;
        client.shutdown().await?;
        while client.read(&mut ignored).await? > 0 {}
        std::io::Result::Ok(())
    })
    .await;
}
