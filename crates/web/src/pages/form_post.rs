//! The page of `response_mode=form_post` (OAuth 2.0 Form Post Response Mode): carries the answer to the
//! client by a form that a module submits at once, and that its button submits where script is off.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use url::Url;

use super::frame::{Frame, html};
use crate::headers::Policy;

/// The form.
#[derive(Template)]
#[template(path = "form_post.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    action: &'a str,
    pairs: &'a [(&'a str, &'a str)],
}

impl<'a> Page<'a> {
    /// The page that sends `pairs` to `redirect_uri`.
    pub fn new(frame: &'a Frame, redirect_uri: &'a Url, pairs: &'a [(&'a str, &'a str)]) -> Self {
        Self { frame, action: redirect_uri.as_str(), pairs }
    }
}

/// Answers with the page. The redirect URI must have been proven to be the client's.
pub fn render(frame: &Frame, redirect_uri: &Url, pairs: &[(&str, &str)]) -> Response {
    let policy = Policy::new().form_may_end_at(redirect_uri);
    html(StatusCode::OK, &Page::new(frame, redirect_uri, pairs), &policy)
}
