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
/// How long a token is, in bytes.
const TAG: usize = 32;

/// The token for forms shown to the browser that holds this cookie value.
pub fn token(cookie: &str) -> String {
    BASE64URL_NOPAD.encode(hmac::sign(&key(cookie), PURPOSE).as_ref())
}

/// Where a post comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One of our forms, in this browser, now: the only one that may change anything.
    Ours,
    /// One of our pages that is older than the browser's cookies: its token is of another cookie's making.
    Stale,
    /// One of our pages, in a browser that keeps no cookies.
    NoCookie,
    /// Another site, or no page of ours at all.
    Foreign,
}

/// Where a post with this token comes from, of a browser that sent these headers. `ours` is the origin of
/// the public URL.
pub fn source(headers: &HeaderMap, ours: &Origin, https: bool, token: &str) -> Source {
    let tag = BASE64URL_NOPAD.decode(token.as_bytes()).ok().filter(|tag| tag.len() == TAG);
    let Some(tag) = tag.filter(|_| comes_from_us(headers, ours)) else { return Source::Foreign };
    match holds_cookie(headers, https, &tag) {
        Some(true) => Source::Ours,
        Some(false) => Source::Stale,
        None => Source::NoCookie,
    }
}

/// Browsers that send Fetch Metadata decide alone; older ones send `Origin`; without both only the token
/// counts (a program that has our cookie is no cross-site request).
pub(crate) fn comes_from_us(headers: &HeaderMap, ours: &Origin) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    headers.get(ORIGIN).is_none_or(|origin| origin.as_bytes() == ours.ascii_serialization().as_bytes())
}

/// Whether a page is asked for by one of ours or by the person. Browsers that do not say are believed.
pub(crate) fn is_navigated_here(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_none_or(|site| matches!(site.as_bytes(), b"same-origin" | b"none"))
}

/// Whether the token was made from one of the browser's cookies; `None` where it sent none. A form may
/// have been loaded before somebody signed in from another tab: both cookies count.
fn holds_cookie(headers: &HeaderMap, https: bool, tag: &[u8]) -> Option<bool> {
    let values = [Cookie::Browser, Cookie::Form].map(|cookie| cookie.read(headers, https));
    let mut values = values.into_iter().flatten().filter(|value| !value.is_empty()).peekable();
    values.peek()?;
    Some(values.any(|value| hmac::verify(&key(value), PURPOSE, tag).is_ok()))
}

fn key(cookie: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, cookie.as_bytes())
}

#[cfg(test)]
mod tests;
