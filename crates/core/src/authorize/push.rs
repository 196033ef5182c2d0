//! Pushed authorization requests (RFC 9126): checked when pushed, used once.

use std::time::Duration;

use doorward_proto::{
    authorize::AuthorizationRequest,
    form::Params,
    par,
    secret::{Kind, Opaque},
};

use super::{
    begin,
    checks::{self, Seen},
    sql,
};
use crate::{
    call::Call,
    clients::Client,
    outcome::{Code, Refusal, Result, refuse},
};

/// How long a pushed request waits.
pub const PUSHED_TTL: Duration = Duration::from_secs(60);
/// A posted request that fits in a query of this length travels there.
const POSTED_QUERY: usize = 4096;

/// A stored request.
#[derive(Debug)]
pub struct Pushed {
    /// Its name, for one use.
    pub request_uri: String,
    /// How long it waits.
    pub expires_in: Duration,
}

/// Checks and stores a request of an authenticated client.
///
/// # Errors
/// Every refusal that the authorization endpoint would send.
pub async fn push(call: &Call, client: &Client, params: &Params, jkt: Option<String>) -> Result<Pushed> {
    let mut parsed = par::parse(params);
    if parsed.request.client_id.as_ref().is_some_and(|sent| *sent != client.client_id) {
        return Err(Refusal::new(Code::RequestInvalid)
            .hint("client_id is another client")
            .field("client_id")
            .into());
    }
    parsed.request.client_id = Some(client.client_id.clone());
    begin::trust(client, &parsed)?;
    let seen = Seen { client, ask: &parsed.request, problems: &parsed.problems, is_pushed: true };
    checks::check(&seen, true)?;
    checks::scope_of(client, parsed.request.scope.as_ref())?;
    begin::resources_of(call, client, &parsed).await?;
    if let Some(jkt) = jkt {
        let is_other = parsed.request.dpop_jkt.as_ref().is_some_and(|asked| *asked != jkt);
        if is_other {
            return Err(Refusal::new(Code::DpopInvalid)
                .hint("dpop_jkt is another key than the proof's")
                .into());
        }
        parsed.request.dpop_jkt = Some(jkt);
    }
    let name = call.secret(Kind::Pushed)?;
    let write = (call.realm.vault.hash(&name), client.id, parsed.request, call.now);
    call.realm
        .db
        .write("pushed.store", write, |tx, (hash, client, request, now)| {
            Box::pin(async move {
                sql::insert_pushed(tx, *hash, *client, request, (*now, *now + PUSHED_TTL)).await
            })
        })
        .await?;
    Ok(Pushed { request_uri: par::request_uri(&name), expires_in: PUSHED_TTL })
}

/// Takes a pushed request of this client out, once.
pub(super) async fn take(call: &Call, client: &Client, name: &Opaque) -> Result<AuthorizationRequest> {
    let ask = (call.realm.vault.hash(name), client.id, call.now);
    let taken = call
        .realm
        .db
        .write("pushed.take", ask, |tx, (hash, client, now)| {
            Box::pin(async move { sql::take_pushed(tx, *hash, *client, *now).await })
        })
        .await?;
    match taken {
        Some(request) => Ok(request),
        None => refuse(Code::RequestUriInvalid),
    }
}

/// Keeps a request that was posted to the authorization endpoint; answers the query that means the same.
/// Nothing is checked yet: the authorization endpoint does that when it takes the request out.
///
/// # Errors
/// `RequestInvalid` without a client; what cannot be kept is refused.
pub async fn store_posted(call: &Call, params: &Params) -> Result<String> {
    let pairs: Vec<(&str, &str)> = params.iter().collect();
    let query = doorward_proto::redirect::with_query("", pairs);
    let query = query.trim_start_matches('?');
    if query.len() <= POSTED_QUERY {
        return Ok(query.to_owned());
    }
    let parsed = par::parse(params).ok().map_err(|problem| checks::refusal_of(&problem))?;
    let Some(client_id) = &parsed.client_id else {
        return Err(Refusal::new(Code::RequestInvalid)
            .hint("client_id is missing")
            .field("client_id")
            .into());
    };
    let client = crate::clients::get_active(call, client_id).await?;
    if client.metadata.require_pushed_authorization_requests {
        return Err(Refusal::new(Code::PushedRequestRequired).into());
    }
    let pushed = push(call, &client, params, None).await?;
    let pairs = [("client_id", client.client_id.as_str()), ("request_uri", pushed.request_uri.as_str())];
    Ok(doorward_proto::redirect::with_query("", pairs).trim_start_matches('?').to_owned())
}
