//! Where to report a weakness (RFC 9116), when the operator says where.

use std::time::Duration;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::{
    call::Call,
    outcome::{Code, Result, refuse},
};
use doorward_proto::time::Time;
use http::{HeaderValue, header};

use crate::{app::App, surface::Failure};

const PATH: &str = "/.well-known/security.txt";
const DAY: i64 = 24 * 60 * 60;
/// Whoever keeps a copy asks again after this; RFC 9116 2.5.5 wants less than a year.
const GOOD_FOR: Duration = Duration::from_hours(180 * 24);

pub(crate) fn routes() -> Router<App> {
    Router::new().route(PATH, get(show))
}

async fn show(State(app): State<App>) -> std::result::Result<Response, Failure> {
    let mut response = text(&app)?.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    Ok(response)
}

fn text(app: &App) -> Result<String> {
    let contacts = &app.settings.security_contacts;
    if contacts.is_empty() {
        return refuse(Code::NotFound);
    }
    let today = Time::from_seconds(Call::system(&app.realm).now.as_seconds().div_euclid(DAY) * DAY);
    let mut lines: Vec<String> = contacts.iter().map(|contact| format!("Contact: {contact}")).collect();
    lines.push(format!("Expires: {}", today + GOOD_FOR));
    lines.push(format!("Canonical: {}{PATH}", app.realm.issuer));
    Ok(lines.join("\n") + "\n")
}
