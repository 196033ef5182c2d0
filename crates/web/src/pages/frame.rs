//! What every page has around its content: language, brand, the application that asked, the form token.

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse, Response};
use doorward_core::branding::{Brand, NAME};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};

use super::{assets, brand, text::Text};
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
    /// The name of the product.
    pub name: String,
    /// What it looks like, where that is known.
    pub brand: Option<Arc<Brand>>,
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
        Self {
            text,
            name: NAME.to_owned(),
            brand: None,
            host,
            asker: None,
            form_token: String::new(),
            notice: None,
        }
    }

    /// Wears a brand.
    pub fn wear(&mut self, brand: Arc<Brand>) {
        brand.name().clone_into(&mut self.name);
        self.brand = Some(brand);
    }

    /// The path of the logo; for templates.
    pub fn logo(&self) -> Option<String> {
        self.brand.as_ref().and_then(|brand| brand.logo()).map(doorward_core::branding::Logo::path)
    }

    /// The path of the sheet with the brand's colours; for templates.
    pub fn sheet(&self) -> Option<String> {
        self.brand.as_deref().and_then(brand::sheet)
    }

    /// What the brand links to: the key of a word, and where it leads; for templates.
    pub fn links(&self) -> Vec<(&'static str, &str)> {
        let Some(brand) = &self.brand else { return Vec::new() };
        let links = [
            ("foot-support", brand.support()),
            ("foot-terms", brand.terms()),
            ("foot-privacy", brand.privacy()),
        ];
        links.into_iter().filter_map(|(key, to)| Some((key, to?))).collect()
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
