//! Issuer discovery (OpenID Connect Discovery 2, RFC 7033): whoever is asked about, this is the issuer. It
//! never says whether there is such a person.

use axum::{
    Router,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
    routing::get,
};
use doorward_core::outcome::{Code, Refusal};
use http::{HeaderValue, header};
use serde_json::json;
use url::form_urlencoded;

use crate::{app::App, surface::Failure};

const ISSUER: &str = "http://openid.net/specs/connect/1.0/issuer";
const LONGEST: usize = 2048;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/.well-known/webfinger", get(webfinger))
}

async fn webfinger(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let values = |name: &'static str| {
        form_urlencoded::parse(query.as_bytes()).filter(move |(key, _)| key == name).map(|(_, value)| value)
    };
    let subject = values("resource").next().filter(|uri| uri.len() <= LONGEST && uri.contains(':'));
    let Some(subject) = subject else {
        return Err(Refusal::new(Code::RequestInvalid)
            .hint("resource is missing or no URI")
            .field("resource")
            .into());
    };
    let is_asked = values("rel").next().is_none() || values("rel").any(|rel| rel == ISSUER);
    let links = if is_asked { json!([{ "rel": ISSUER, "href": app.realm.issuer }]) } else { json!([]) };
    let body = json!({ "subject": subject, "links": links }).to_string();
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jrd+json"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}
