//! The form bodies of protocol endpoints (RFC 6749 B).

use axum::extract::{FromRequest, Request};
use doorward_core::outcome::{Code, Refusal};
use doorward_proto::form::Params;
use http::{HeaderMap, header};

use crate::{app::App, body::whole, surface::Failure};

/// The longest body of a protocol endpoint.
const LIMIT: usize = 64 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

/// The parameters of a posted form.
pub(crate) struct Form(pub(crate) Params);

impl FromRequest<App> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &App) -> Result<Self, Failure> {
        if !is_form(request.headers()) {
            // 400 rather than 415: what clients of these endpoints are made for (RFC 6749 5.2).
            let hint = "Send the parameters as application/x-www-form-urlencoded";
            return Err(Refusal::new(Code::RequestInvalid).hint(hint).into());
        }
        read(&whole(request.into_body()).await?)
    }
}

fn read(bytes: &[u8]) -> Result<Form, Failure> {
    if bytes.len() > LIMIT {
        return Err(Code::RequestTooLarge.into());
    }
    match Params::parse(bytes, LIMIT) {
        Ok(params) => Ok(Form(params)),
        Err(error) => Err(Refusal::new(Code::RequestInvalid).hint(error.to_string()).into()),
    }
}

/// Whether the body says that it is a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM))
}
