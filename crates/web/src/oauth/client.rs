//! Who calls a protocol endpoint.

use std::sync::Arc;

use doorward_core::{
    call::{Actor, Call},
    clients::{self, Client},
    outcome::{Code, Error, Refusal, Result},
};
use doorward_proto::{
    client_auth,
    form::Params,
    oauth_error::{ErrorCode, Problem},
};
use http::{HeaderMap, header};

/// The authenticated client of a request, and the call by it.
pub(crate) async fn authenticated(
    call: &Call,
    headers: &HeaderMap,
    params: &Params,
) -> Result<(Call, Arc<Client>)> {
    let authorization = headers.get_all(header::AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
    let presented = client_auth::presented(authorization, params).map_err(|problem| refused(&problem))?;
    let client = clients::authenticate(call, presented).await?;
    Ok((call.by(Actor::Client(client.id)), client))
}

/// A fault of the parser as a refusal of the token endpoint and its siblings.
pub(crate) fn refused(problem: &Problem) -> Error {
    let code = match problem.error {
        ErrorCode::InvalidClient => Code::ClientAuthentication,
        ErrorCode::InvalidScope => Code::ScopeInvalid,
        ErrorCode::InvalidTarget => Code::TargetInvalid,
        _ => Code::RequestInvalid,
    };
    Refusal::new(code).hint(problem.to_string()).field(problem.parameter).into()
}
