//! How a refusal is told to a proxy that asked: with a status that it understands.

use axum::body::Body;
use doorward_judge::Refusal;
use doorward_sdk::dress::Dress as Words;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::profile::Profile;

const AUTH_STATUS: HeaderName = HeaderName::from_static("x-auth-status");

/// What a refusal is dressed with.
pub(crate) struct Dress<'d> {
    /// The proxy that asked, when it said which one it is.
    pub(crate) profile: Option<Profile>,
    pub(crate) words: Words<'d>,
}

/// Says with which methods it would have been taken (RFC 9110 15.5.6), where this one was not.
pub(crate) fn allowing(response: &mut Response<Body>, methods: &'static str) {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    }
}

impl<'d> Dress<'d> {
    pub(crate) fn new(realm: &'d str, request_id: &'d str) -> Self {
        Self { profile: None, words: Words { realm, request_id, ..Words::default() } }
    }

    pub(crate) fn refused(&self, refusal: &Refusal) -> Response<Body> {
        let mut response = self.words.refused(refusal).map(Body::from);
        if self.profile.is_some_and(Profile::knows_two_refusals) {
            let shown = shown_to_nginx(response.status(), response.headers_mut());
            *response.status_mut() = shown;
        }
        response
    }
}

/// nginx takes anything else than 401 and 403 for its own fault: the true status goes beside.
fn shown_to_nginx(status: StatusCode, headers: &mut HeaderMap) -> StatusCode {
    let shown = match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => StatusCode::UNAUTHORIZED,
        _ => StatusCode::FORBIDDEN,
    };
    if shown != status
        && let Ok(value) = HeaderValue::from_str(status.as_str())
    {
        headers.insert(AUTH_STATUS, value);
    }
    shown
}
