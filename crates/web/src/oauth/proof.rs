//! The DPoP proof of a request (RFC 9449), and the nonce of the answer.

use axum::response::{IntoResponse, Response};
use doorward_core::{
    call::Call,
    outcome::{Code, Refusal, Result},
    tokens::{self, Bound},
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

const DPOP: &str = "dpop";
/// Where the next nonce travels.
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The thumbprint of the key that the request proves, when it proves one.
pub(crate) async fn proven(
    call: &Call,
    headers: &HeaderMap,
    request: (&str, &Uri),
    access_token: Option<&str>,
) -> Result<Option<String>> {
    let mut proofs = headers.get_all(DPOP).iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    let text = proof.to_str().ok().filter(|_| proofs.next().is_none());
    let Some(text) = text else {
        return Err(Refusal::new(Code::DpopInvalid).hint("One DPoP header, please").into());
    };
    let (method, uri) = request;
    let url = format!("{}{}", call.realm.issuer, uri.path());
    tokens::prove(call, text, &Bound { method, url: &url, access_token }).await.map(Some)
}

/// Adds a fresh nonce to the answer of a request that used DPoP, refused or not.
pub(crate) fn with_nonce(call: &Call, headers: &HeaderMap, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if headers.contains_key(DPOP)
        && let Ok(nonce) = HeaderValue::from_str(&tokens::fresh_nonce(call))
    {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    response
}
