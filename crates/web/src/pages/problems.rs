//! `/problems/…`: what `type` of a problem answer (RFC 9457 3.1.1) leads to. The words are those of
//! `doorward explain`, as a page or, for a terminal, as text.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::outcome::Code;
use http::{HeaderMap, StatusCode, header};

use super::{
    frame::{Frame, html},
    text::Text,
};
use crate::{
    app::App,
    explain::{self, Explanation},
    headers::Policy,
    surface::{Failure, slug, wire_of},
};

/// The page of every code.
pub fn routes() -> Router<App> {
    Router::new().route("/problems/{slug}", get(show))
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: &'a str,
    code: &'a str,
    happened: &'a str,
    to_do: &'a str,
}

async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let code = Code::ALL.iter().copied().find(|code| slug(*code) == name).ok_or(Code::NotFound)?;
    let Explanation { happened, to_do, .. } = explain::of(code).ok_or(Code::NotFound)?;
    let (title, code) = (wire_of(code).title, code.name());
    let header = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    if !header(header::ACCEPT).is_some_and(|accept| accept.contains("text/html")) {
        let text = format!("{code}: {title}\n\n{happened}\n\n{to_do}\n");
        return Ok(
            (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        );
    }
    let frame = Frame::new(&app.realm.issuer, Text::negotiate(None, None, header(header::ACCEPT_LANGUAGE)));
    Ok(html(StatusCode::OK, &Page { frame: &frame, title, code, happened, to_do }, &Policy::new()))
}
