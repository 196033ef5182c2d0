//! Names and attributes of our cookies (RFC 6265bis).
//!
//! On https every name has the `__Host-` prefix, so no other host can set or see it; on plain-http
//! loopback, where browsers refuse the prefix, it is left out together with `Secure`. All are `HttpOnly`,
//! `SameSite=Lax`, `Path=/`. A value is never logged.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::COOKIE};

/// Which of our cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The browser: holder of every session signed in from it.
    Browser,
    /// What forms are bound to before anybody is signed in.
    Form,
    /// The identifier typed in the first step of signing in, kept out of URLs.
    Identifier,
    /// That this browser signed up: its link works here without the password.
    SignUp,
    /// A word for the next page: what has just been done.
    Done,
    /// What was typed into a form that has to be sent again.
    Kept,
    /// The token of an invitation, kept out of URLs.
    Invitation,
    /// That this browser has left for an identity provider.
    Connect,
    /// An identity there that waits to be linked.
    Link,
}

impl Cookie {
    /// The name on the wire.
    pub const fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Browser, true) => "__Host-doorward",
            (Self::Browser, false) => "doorward_session",
            (Self::Form, true) => "__Host-doorward_form",
            (Self::Form, false) => "doorward_form",
            (Self::Identifier, true) => "__Host-doorward_identifier",
            (Self::Identifier, false) => "doorward_identifier",
            (Self::SignUp, true) => "__Host-doorward_sign_up",
            (Self::SignUp, false) => "doorward_sign_up",
            (Self::Done, true) => "__Host-doorward_done",
            (Self::Done, false) => "doorward_done",
            (Self::Kept, true) => "__Host-doorward_kept",
            (Self::Kept, false) => "doorward_kept",
            (Self::Invitation, true) => "__Host-doorward_invitation",
            (Self::Invitation, false) => "doorward_invitation",
            (Self::Connect, true) => "__Host-doorward_connect",
            (Self::Connect, false) => "doorward_connect",
            (Self::Link, true) => "__Host-doorward_link",
            (Self::Link, false) => "doorward_link",
        }
    }

    /// The value that the browser sent; the first one where it sent several.
    pub fn read(self, headers: &HeaderMap, https: bool) -> Option<&str> {
        let name = self.name(https);
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// A `Set-Cookie` value. Without `lasts` the cookie ends with the browser. `None` when the value has
    /// letters that a cookie cannot carry.
    pub fn set(self, https: bool, value: &str, lasts: Option<Duration>) -> Option<HeaderValue> {
        if !value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b';' | b',' | b'"' | b'\\')) {
            return None;
        }
        let age = lasts.map(|lasts| format!("; Max-Age={}", lasts.as_secs())).unwrap_or_default();
        let secure = if https { "; Secure" } else { "" };
        let name = self.name(https);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
        let mut header = HeaderValue::try_from(text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// A `Set-Cookie` value that ends the cookie.
    pub fn clear(self, https: bool) -> HeaderValue {
        self.set(https, "", Some(Duration::ZERO)).unwrap_or_else(|| HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests;
