//! What every page has around its content: language, brand, the application that asked, the form token.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};

use super::{assets, text::Text};
use crate::headers::Policy;

/// The application that asked for a sign-in.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Its name.
    pub name: String,
    /// Its logo, served by us.
    pub logo: Option<String>,
    /// The organisation that answers for it.
    pub publisher: Option<String>,
}

impl Asker {
    /// The letter shown where there is no logo.
    pub fn initial(&self) -> String {
        initials(&self.name, 1)
    }
}

/// What every page has around its content.
#[derive(Clone)]
pub struct Frame {
    /// The language.
    pub text: Text,
    /// The server's name.
    pub name: String,
    /// The server's host: people check it before they type a password.
    pub host: String,
    /// The application that asked, if one did.
    pub asker: Option<Asker>,
    /// The token that every form carries.
    pub form_token: String,
    /// What has happened since the page was asked for, in one sentence.
    pub notice: Option<String>,
}

impl Frame {
    /// A frame of the server with this issuer; without an application and, until one is set, without a
    /// form token.
    pub fn new(issuer: &str, text: Text) -> Self {
        let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or(host).to_owned();
        Self { text, name: "Doorward".to_owned(), host, asker: None, form_token: String::new(), notice: None }
    }

    /// A message; for templates.
    pub fn t(&self, key: &str) -> String {
        self.text.get(key)
    }

    /// A message with one value; for templates.
    pub fn tv(&self, key: &str, name: &'static str, value: &str) -> String {
        self.text.with(key, name, value)
    }

    /// The path of an asset; for templates.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }
}

/// Answers with a page under a policy. The other headers come from the page layer.
pub fn html(status: StatusCode, page: &impl Template, policy: &Policy) -> Response {
    match page.render() {
        Ok(body) => {
            let headers = [
                (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (CONTENT_SECURITY_POLICY, policy.value()),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (status, headers, body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The first letters of up to `most` words, in capitals: a face for somebody without a picture.
pub fn initials(name: &str, most: usize) -> String {
    let words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    words.take(most).flat_map(char::to_uppercase).collect()
}
