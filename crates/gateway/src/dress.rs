//! How a refusal is told: in the words of the route, with a status that the proxy that asked understands.

use axum::body::Body;
use doorward_judge::{Refusal, Why, verdict::Class};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value as Json, json};

use crate::{profile::Profile, route::Errors};

const AUTH_STATUS: HeaderName = HeaderName::from_static("x-auth-status");
/// Carries the reference of a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a refusal is dressed with.
#[derive(Default)]
pub(crate) struct Dress<'d> {
    pub(crate) profile: Option<Profile>,
    pub(crate) errors: Errors,
    /// What the challenge names as the protection space.
    pub(crate) realm: &'d str,
    /// The scopes that the rule demands.
    pub(crate) scopes: String,
    pub(crate) request_id: &'d str,
}

/// A method that no proxy asks with.
pub(crate) fn not_allowed() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    response
}

impl Dress<'_> {
    pub(crate) fn refused(&self, refusal: &Refusal) -> Response<Body> {
        let status = self.status(refusal.why);
        let (kind, body) = self.body(refusal, status);
        let mut response = Response::new(Body::from(body));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(self.request_id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(challenge) = self.challenge(refusal) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        *response.status_mut() = self.shown(status, response.headers_mut());
        response
    }

    fn status(&self, why: Why) -> u16 {
        match (self.errors, why) {
            (Errors::Chroma, _) if why.class() != Class::Unavailable => 403,
            (Errors::Orcheo, Why::InvalidAudience | Why::InvalidIssuer | Why::TokenRevoked) => 403,
            _ => why.class().status(),
        }
    }

    /// nginx takes anything else than 401 and 403 for its own fault: the true status goes beside.
    fn shown(&self, status: u16, headers: &mut HeaderMap) -> StatusCode {
        let true_status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
        if self.profile != Some(Profile::Nginx) {
            return true_status;
        }
        let shown = match status {
            400 | 401 => StatusCode::UNAUTHORIZED,
            _ => StatusCode::FORBIDDEN,
        };
        if shown != true_status
            && let Ok(value) = HeaderValue::from_str(true_status.as_str())
        {
            headers.insert(AUTH_STATUS, value);
        }
        shown
    }

    fn body(&self, refusal: &Refusal, status: u16) -> (&'static str, String) {
        let (code, message) = (refusal.why.code(), refusal.message());
        match self.errors {
            Errors::Problem => ("application/problem+json", self.problem(refusal, status).to_string()),
            Errors::Orcheo => {
                let detail = json!({ "message": message, "code": code });
                let body = json!({ "message": message, "code": code, "detail": detail });
                ("application/json", body.to_string())
            }
            Errors::Chroma => {
                ("application/json", json!({ "error": "AuthError", "message": "Forbidden" }).to_string())
            }
            Errors::Plain => ("text/plain; charset=utf-8", format!("{message}\n")),
        }
    }

    /// RFC 9457.
    fn problem(&self, refusal: &Refusal, status: u16) -> Json {
        let code = refusal.why.code();
        let mut body = json!({
            "type": format!("/problems/{}", code.replace(['.', '_'], "-")),
            "title": refusal.why.message(),
            "status": status,
            "detail": refusal.message(),
            "code": code,
            "message": refusal.message(),
            "request_id": self.request_id,
        });
        if let (Why::MissingScope, Some(members)) = (refusal.why, body.as_object_mut()) {
            members.insert("scope".to_owned(), refusal.missing.join(" ").into());
        }
        body
    }

    /// RFC 6750 3: bare when nothing was presented, and with the scope where that would help.
    fn challenge(&self, refusal: &Refusal) -> Option<HeaderValue> {
        if self.errors == Errors::Chroma {
            return None;
        }
        let realm = self.realm;
        let text = match refusal.why {
            Why::MissingScope => {
                let scope = refusal.missing.join(" ");
                format!("Bearer realm=\"{realm}\", error=\"insufficient_scope\", scope=\"{scope}\"")
            }
            why if why.class() == Class::Missing && self.scopes.is_empty() => {
                format!("Bearer realm=\"{realm}\"")
            }
            why if why.class() == Class::Missing => {
                format!("Bearer realm=\"{realm}\", scope=\"{}\"", self.scopes)
            }
            why if why.class() == Class::Unauthenticated => {
                let message = why.message();
                format!("Bearer realm=\"{realm}\", error=\"invalid_token\", error_description=\"{message}\"")
            }
            _ => return None,
        };
        HeaderValue::from_str(&text).ok()
    }
}
