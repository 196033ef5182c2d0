//! Who calls a protocol endpoint.

use std::sync::Arc;

use doorward_core::{
    call::{Actor, Call},
    clients::{self, Client},
    outcome::{Code, Error, Refusal, Result},
};
use doorward_proto::{
    client_auth::{self, Presented},
    form::Params,
    oauth_error::{ErrorCode, Problem},
};
use http::{HeaderMap, header};

use super::refusals::{Whose, noted};

/// The authenticated client of a request, and the call by it.
pub(crate) async fn authenticated(
    call: &Call,
    route: &'static str,
    headers: &HeaderMap,
    params: &Params,
) -> Result<(Call, Arc<Client>)> {
    let authorization = headers.get_all(header::AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
    let presented = client_auth::presented(authorization, params).map_err(|problem| refused(&problem))?;
    let named = named(&presented).map(str::to_owned);
    match clients::authenticate(call, presented).await {
        Ok(client) => Ok((call.by(Actor::Client(client.id)), client)),
        refusal => {
            let pretended = match &named {
                Some(client_id) => clients::find(call, client_id).await?,
                None => None,
            };
            noted(
                call,
                route,
                Whose::named(pretended.map(|client| client.id)),
                refusal.map(|client| (call.clone(), client)),
            )
            .await
        }
    }
}

fn named(presented: &Presented) -> Option<&str> {
    match presented {
        Presented::None { client_id } | Presented::Assertion { client_id, .. } => client_id.as_deref(),
        Presented::Basic { candidates } => candidates.first().map(|one| one.client_id.as_str()),
        Presented::Post(credentials) => Some(&credentials.client_id),
        Presented::Bearer(_) => None,
    }
}

/// A fault of the parser as a refusal of the token endpoint and its siblings.
pub(crate) fn refused(problem: &Problem) -> Error {
    let code = match problem.error {
        ErrorCode::InvalidClient => Code::ClientAuthentication,
        ErrorCode::InvalidScope => Code::ScopeInvalid,
        ErrorCode::InvalidTarget => Code::TargetInvalid,
        _ => Code::RequestInvalid,
    };
    Refusal::new(code).hint(problem.to_string()).field(problem.parameter.clone()).into()
}
