//! Pushed authorization requests (RFC 9126): checked when pushed, used once. A request that a browser posts
//! is kept beside them, unchecked, and counts as pushed by nobody.

use std::time::Duration;

use doorward_proto::{
    authorize::{AuthorizationRequest, parse},
    form::Params,
    par,
    redirect::with_query,
    secret::{Kind, Opaque},
};
use serde::{Deserialize, Serialize};

use super::{
    begin,
    checks::{self, Seen},
    draft, sql,
};
use crate::{
    call::Call,
    clients::Client,
    outcome::{Code, Refusal, Result, refuse},
    throttle::{self, Try},
};

/// How long a pushed request waits.
pub const PUSHED_TTL: Duration = Duration::from_secs(60);

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
    begin::reach_of(call, client, &parsed.request).await?;
    if let Some(jkt) = jkt {
        let is_other = parsed.request.dpop_jkt.as_ref().is_some_and(|asked| *asked != jkt);
        if is_other {
            return Err(Refusal::new(Code::DpopInvalid)
                .hint("dpop_jkt is another key than the proof's")
                .into());
        }
        parsed.request.dpop_jkt = Some(jkt);
    }
    // Whoever knows its name can push as a public client.
    let tried = (!client.is_confidential).then(|| throttle::drafting(call));
    keep(call, client, &Kept::Pushed(Box::new(parsed.request)), tried).await
}

/// Ties what is sealed to its column.
const PLACE: &str = "pushed_requests.request";

/// What is kept under a `request_uri`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Kept {
    /// A request that was checked when an authenticated client pushed it.
    Pushed(Box<AuthorizationRequest>),
    /// The form that a browser posted, which nobody has looked at.
    Posted(String),
}

/// Takes a kept request of this client out, once.
pub(super) async fn take(call: &Call, client: &Client, name: &Opaque) -> Result<Kept> {
    let ask = (call.realm.vault.hash(name), client.id, call.now);
    let taken = call
        .realm
        .db
        .write("pushed.take", ask, |tx, (hash, client, now)| {
            Box::pin(async move { sql::take_pushed(tx, *hash, *client, *now).await })
        })
        .await?;
    match taken {
        Some(sealed) => Ok(serde_json::from_slice(&call.realm.vault.open_under(name, PLACE, &sealed)?)?),
        None => refuse(Code::RequestUriInvalid),
    }
}

async fn keep(call: &Call, client: &Client, kept: &Kept, tried: Option<Try>) -> Result<Pushed> {
    let name = call.secret(Kind::Pushed)?;
    // Whoever reads the database learns nothing of it: an invitation in it is a way in.
    let plain = serde_json::to_vec(kept)?;
    let sealed = call.realm.vault.seal_under(&call.realm.env, &name, PLACE, &plain)?;
    if tried.is_some() {
        draft::make_room(call, sealed.len())?;
    }
    let write = (call.realm.vault.hash(&name), client.id, sealed, (call.now, tried));
    call.realm
        .db
        .write("pushed.store", write, |tx, (hash, client, kept, (now, tried))| {
            Box::pin(async move {
                if let Some(tried) = tried {
                    throttle::take(tx, tried).await?;
                }
                sql::insert_pushed(tx, *hash, *client, kept, (*now, *now + PUSHED_TTL)).await
            })
        })
        .await?;
    Ok(Pushed { request_uri: par::request_uri(&name), expires_in: PUSHED_TTL })
}

/// Keeps a request that was posted to the authorization endpoint; answers the query that means the same,
/// so that what was posted is in no address. Nothing is checked yet but for whom it is: the authorization
/// endpoint does that when it takes the request out.
///
/// # Errors
/// `RequestInvalid` without a client, `ClientUnknown`.
pub async fn store_posted(call: &Call, params: &Params) -> Result<String> {
    let parsed = parse(params);
    let client_id = begin::client_id_of(&parsed)?;
    let client = crate::clients::get_active(call, client_id).await?;
    let form = with_query("", params.iter());
    let kept = Kept::Posted(form.trim_start_matches('?').to_owned());
    let kept = keep(call, &client, &kept, Some(throttle::drafting(call))).await?;
    let pairs = [("client_id", client.client_id.as_str()), ("request_uri", kept.request_uri.as_str())];
    Ok(with_query("", pairs).trim_start_matches('?').to_owned())
}
