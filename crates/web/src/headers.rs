//! The security headers of every page (CSP Level 3).
//!
//! A page may widen its policy only through [`Policy`], and only for a redirect URI that has been proven
//! to belong to the client; nothing here ever allows inline script or style.

use std::fmt::Write as _;

use axum::{extract::Request, middleware::Next, response::Response};
use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_FRAME_OPTIONS},
};
use url::{Host, Url};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// What a page may load and where its forms may go.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    form_action: Vec<String>,
    frame_src: Vec<String>,
    shows_data: bool,
}

impl Policy {
    /// Ours only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a post end at a client: browsers apply `form-action` to the redirect that follows. The URI
    /// must have been proven to be the client's.
    #[must_use]
    pub fn form_may_end_at(mut self, redirect_uri: &Url) -> Self {
        self.form_action.push(source(redirect_uri));
        self
    }

    /// Lets the signed-out page load a client's front-channel logout URI in a frame.
    #[must_use]
    pub fn frame(mut self, uri: &Url) -> Self {
        self.frame_src.push(source(uri));
        self
    }

    /// Lets a page show a picture that it holds itself: one that was chosen and is not saved yet.
    #[must_use]
    pub const fn data_pictures(mut self) -> Self {
        self.shows_data = true;
        self
    }

    /// The header's value.
    pub fn value(&self) -> HeaderValue {
        let pictures = if self.shows_data { " data:" } else { "" };
        let mut text = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{pictures}; connect-src \
             'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; form-action \
             'self'",
        );
        for source in &self.form_action {
            let _ = write!(text, " {source}");
        }
        for (place, source) in self.frame_src.iter().enumerate() {
            let _ = write!(text, "{}{source}", if place == 0 { "; frame-src " } else { " " });
        }
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
    }
}

/// A CSP source for the place a URI names: its origin, or its scheme where an origin cannot be written
/// (private-use schemes, IPv6 literals, which CSP's host-source has no form for).
fn source(uri: &Url) -> String {
    let origin = uri.origin();
    if origin.is_tuple() && !matches!(uri.host(), Some(Host::Ipv6(_))) {
        origin.ascii_serialization()
    } else {
        format!("{}:", uri.scheme())
    }
}

/// Sets the headers that every page, redirect and error of the page surface carries, beside those that
/// every answer has. A policy or caching rule that the handler has set stays.
pub fn secure(headers: &mut HeaderMap) {
    let fixed = [
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers would then post our own forms with `Origin: null`.
        (REFERRER_POLICY, "same-origin"),
        (
            PERMISSIONS_POLICY,
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), \
             publickey-credentials-create=(self), publickey-credentials-get=(self)",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert_with(|| Policy::new().value());
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The layer form of [`secure`].
pub async fn layer(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    secure(response.headers_mut());
    response
}

#[cfg(test)]
mod tests;
