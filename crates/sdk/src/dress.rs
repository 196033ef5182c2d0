//! How a refusal is told over HTTP: statuses and challenges of RFC 6750, bodies of RFC 9457, or the words that
//! older clients expect.
//!
//! What stands in front of an application and what is mounted inside of one tell it alike. Nothing here says
//! more than the refusal does.

use doorward_judge::{Refusal, Why, verdict::Class};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::server::proof::DPOP_NONCE;

/// Carries the reference of a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// In which words refusals are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errors {
    /// RFC 9457 problem details, with the statuses and challenges of RFC 6750.
    #[default]
    Problem,
    /// As Orcheo's API tells them.
    Orcheo,
    /// As Chroma tells them: always 403, but for limits.
    Chroma,
    /// A sentence.
    Plain,
}

/// What a refusal is dressed with.
#[derive(Debug, Clone, Default)]
pub struct Dress<'d> {
    /// In which words.
    pub errors: Errors,
    /// What the challenge names as the protection space.
    pub realm: &'d str,
    /// Where the resource tells which issuers it believes (RFC 9728 5.1), if it does.
    pub resource_metadata: Option<&'d str>,
    /// The scopes that the rule demands, with spaces between them.
    pub scopes: String,
    /// The request's reference.
    pub request_id: &'d str,
}

impl Dress<'_> {
    /// The answer.
    pub fn refused(&self, refusal: &Refusal) -> Response<String> {
        let status = self.status(refusal.why);
        let (kind, body) = self.body(refusal, status);
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
        self.set_headers(refusal, kind, response.headers_mut());
        response
    }

    fn set_headers(&self, refusal: &Refusal, kind: &'static str, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(self.request_id)
            && !id.is_empty()
        {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(challenge) = self.challenge(refusal) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(nonce) = refusal.nonce.as_deref().and_then(|nonce| HeaderValue::from_str(nonce).ok()) {
            headers.insert(DPOP_NONCE, nonce);
        }
        if let Some(seconds) = refusal.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }

    fn status(&self, why: Why) -> u16 {
        match (self.errors, why) {
            (Errors::Chroma, _) if !matches!(why.class(), Class::Unavailable | Class::TooMany) => 403,
            (Errors::Orcheo, Why::InvalidAudience | Why::InvalidIssuer | Why::TokenRevoked) => 403,
            _ => why.class().status(),
        }
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
            Errors::Chroma if refusal.why.class() == Class::TooMany => {
                ("application/json", json!({ "error": "RateLimitError", "message": message }).to_string())
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
        let Some(members) = body.as_object_mut() else { return body };
        if refusal.why == Why::MissingScope {
            members.insert("scope".to_owned(), refusal.missing.join(" ").into());
        }
        if let Some(seconds) = refusal.retry_after_seconds() {
            members.insert("retry_after".to_owned(), seconds.into());
        }
        body
    }

    /// RFC 6750 3: bare when nothing was presented, and with the scope where that would help.
    fn challenge(&self, refusal: &Refusal) -> Option<HeaderValue> {
        if self.errors == Errors::Chroma {
            return None;
        }
        let mut space = format!("realm=\"{}\"", self.realm);
        if let Some(url) = self.resource_metadata {
            space = format!("{space}, resource_metadata=\"{url}\"");
        }
        let text = match refusal.why {
            // RFC 9449 7.1.
            why @ (Why::ProofRequired | Why::NonceRequired) if refusal.nonce.is_some() => {
                let error = if why == Why::NonceRequired { "use_dpop_nonce" } else { "invalid_dpop_proof" };
                format!("DPoP {space}, error=\"{error}\", algs=\"ES256 EdDSA RS256\"")
            }
            Why::MissingScope => {
                let scope = refusal.missing.join(" ");
                format!("Bearer {space}, error=\"insufficient_scope\", scope=\"{scope}\"")
            }
            why if why.class() == Class::Missing && self.scopes.is_empty() => {
                format!("Bearer {space}")
            }
            why if why.class() == Class::Missing => {
                format!("Bearer {space}, scope=\"{}\"", self.scopes)
            }
            why if why.class() == Class::Unauthenticated => {
                let message = why.message();
                format!("Bearer {space}, error=\"invalid_token\", error_description=\"{message}\"")
            }
            _ => return None,
        };
        HeaderValue::from_str(&text).ok()
    }
}
