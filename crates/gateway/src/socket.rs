//! `WebSocket`s (RFC 6455), as far as a guard has to know them: a browser can send no header with the
//! handshake, so a credential may stand elsewhere ([`presented`]); it cannot read a refused handshake either,
//! so a refusal is a closed socket ([`closing`]); and what is said last must not tear a frame ([`frames`]).

pub(crate) mod closing;
pub(crate) mod frames;
pub(crate) mod presented;
pub(crate) mod ticket;

use http::{HeaderMap, Method, header};

/// Whether this asks for a `WebSocket`.
pub(crate) fn is_asked(method: &Method, headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE);
    let is_websocket = upgrade.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
    is_websocket && method == Method::GET && is_meant(headers)
}

/// Whether the connection is really to be used for something else (RFC 9110 7.8).
pub(crate) fn is_meant(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| {
        value.to_str().unwrap_or_default().split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
    })
}
