//! `/api/openapi.json`, and the page that shows it: rendered here, with nothing from outside.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::outcome::Error;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value as Json;

use super::{
    endpoint::{Access, Endpoint},
    openapi::document,
};
use crate::{
    app::App,
    headers::{self, Policy},
    pages::frame::{Frame, html},
    pages::text::Text,
    surface::Failure,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/openapi.json", get(json)).route("/api/docs", get(page))
}

async fn json() -> std::result::Result<Response, Failure> {
    let body = document().and_then(|document| Ok(serde_json::to_vec(&document)?))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    Ok((StatusCode::OK, headers, body).into_response())
}

#[derive(Template)]
#[template(path = "api_docs.html")]
struct DocsPage {
    frame: Frame,
    areas: Vec<Area>,
}

struct Area {
    name: &'static str,
    entries: Vec<Entry>,
}

struct Entry {
    method: String,
    path: &'static str,
    summary: &'static str,
    scope: &'static str,
    takes: String,
    answers: String,
}

fn entry(endpoint: &Endpoint, schemas: &Json) -> Entry {
    let example = |shape: &Option<super::endpoint::Shape>| {
        shape.as_ref().and_then(|shape| schemas.get(&shape.name)).map(pretty).unwrap_or_default()
    };
    Entry {
        method: endpoint.method.to_string(),
        path: endpoint.path,
        summary: endpoint.summary,
        scope: match endpoint.access {
            Access::Anyone => "",
            Access::Scope(scope) | Access::Account(scope) | Access::Org(scope) => scope,
        },
        takes: example(&endpoint.takes),
        answers: example(&endpoint.answers),
    }
}

fn pretty(schema: &Json) -> String {
    serde_json::to_string_pretty(schema).unwrap_or_default()
}

async fn page(State(app): State<App>, request: HeaderMap) -> std::result::Result<Response, Failure> {
    let document = document()?;
    let missing = || Failure(Error::fault("the document has no schemas"));
    let schemas = document.pointer("/components/schemas").ok_or_else(missing)?;
    let mut areas: Vec<Area> = Vec::new();
    for endpoint in super::endpoints() {
        let entry = entry(&endpoint, schemas);
        match areas.iter_mut().find(|area| area.name == endpoint.area()) {
            Some(area) => area.entries.push(entry),
            None => areas.push(Area { name: endpoint.area(), entries: vec![entry] }),
        }
    }
    let accept = request.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let frame = Frame::new(&app.realm.issuer, Text::negotiate(None, None, accept));
    let mut response = html(StatusCode::OK, &DocsPage { frame, areas }, &Policy::new());
    headers::secure(response.headers_mut());
    Ok(response)
}
