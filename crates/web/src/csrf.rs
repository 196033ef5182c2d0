//! Forms are posted by our own pages only: the browser says where a post comes from (Fetch Metadata,
//! RFC 6454 `Origin`), and the form carries a token made from a cookie that only that browser has.
//!
//! The token is a MAC of a fixed text under the cookie's value (256 random bits that script cannot read),
//! so nothing is stored, and a token says nothing about the cookie. Both checks must pass.

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, header::ORIGIN};
use url::Origin;

use crate::cookies::Cookie;

/// The name of the hidden field.
pub const FIELD: &str = "form_token";

const PURPOSE: &[u8] = b"doorward form token v1";

/// The token for forms shown to the browser that holds this cookie value.
pub fn token(cookie: &str) -> String {
    BASE64URL_NOPAD.encode(hmac::sign(&key(cookie), PURPOSE).as_ref())
}

/// Whether a post with this token, from a browser that sent these headers, comes from one of our forms.
/// `ours` is the origin of the public URL.
pub fn is_ours(headers: &HeaderMap, ours: &Origin, https: bool, token: &str) -> bool {
    comes_from_us(headers, ours) && holds_cookie(headers, https, token)
}

/// Browsers that send Fetch Metadata decide alone; older ones send `Origin`; without both only the token
/// counts (a program that has our cookie is no cross-site request).
pub(crate) fn comes_from_us(headers: &HeaderMap, ours: &Origin) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    headers.get(ORIGIN).is_none_or(|origin| origin.as_bytes() == ours.ascii_serialization().as_bytes())
}

/// A form may have been loaded before somebody signed in from another tab: both cookies count.
fn holds_cookie(headers: &HeaderMap, https: bool, token: &str) -> bool {
    let Ok(tag) = BASE64URL_NOPAD.decode(token.as_bytes()) else { return false };
    [Cookie::Browser, Cookie::Form]
        .iter()
        .filter_map(|cookie| cookie.read(headers, https))
        .filter(|value| !value.is_empty())
        .any(|value| hmac::verify(&key(value), PURPOSE, &tag).is_ok())
}

fn key(cookie: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, cookie.as_bytes())
}

#[cfg(test)]
mod tests;
