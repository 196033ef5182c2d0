//! Signing keys: `/api/v1/keys`.

use axum::extract::Path;
use doorward_core::{
    keys::{self, Record, Urgency},
    outcome::{Code, Refusal, Result},
};
use doorward_proto::{
    id::{Id, Key},
    jose::Alg,
    time::Time,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, created, found, wrong},
    body::Input,
    caller::Caller,
    endpoint::Endpoint,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/keys", list)
            .scope("admin:keys:read")
            .lists_all::<KeyView>()
            .says("Lists signing keys"),
        Endpoint::get("/api/v1/keys/{id}", show)
            .scope("admin:keys:read")
            .answers::<KeyView>()
            .says("Shows a signing key"),
        Endpoint::post("/api/v1/keys/rotate", rotate)
            .grave()
            .scope("admin:keys:write")
            .takes::<RotateBody>()
            .status(StatusCode::CREATED)
            .answers::<KeyView>()
            .says("Makes a new key; in an emergency it signs at once and the old ones verify nothing"),
        Endpoint::post("/api/v1/keys/{id}/retire", retire)
            .scope("admin:keys:write")
            .answers::<KeyView>()
            .says("Takes a key that does not sign out of the published set"),
    ]
}

/// A signing key; never its private half.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
struct KeyView {
    /// Its id, the `kid` of tokens.
    id: String,
    /// What it signs with.
    alg: String,
    /// `waiting`, `active`, `retired` or `expired`.
    state: &'static str,
    /// Its public half (RFC 7517).
    #[schema(value_type = Object)]
    public_jwk: Json,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Published from here on.
    #[schema(format = DateTime)]
    published_at: String,
    /// Signs from here on.
    #[schema(format = DateTime)]
    active_at: String,
    /// Signs no more from here on.
    #[schema(format = DateTime)]
    retired_at: Option<String>,
    /// Not published from here on.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Which key is made, and how fast it is used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RotateKey)]
struct RotateBody {
    /// `RS256`, `ES256` or `EdDSA`.
    alg: String,
    /// A private key is known to somebody: the old ones verify nothing from now on.
    #[serde(default)]
    emergency: bool,
}

fn view(key: &Record, now: Time) -> Result<KeyView> {
    Ok(KeyView {
        id: key.id.to_string(),
        alg: key.alg.to_string(),
        state: key.state(now).name(),
        public_jwk: serde_json::to_value(&key.jwk)?,
        created_at: key.created_at.to_string(),
        published_at: key.published_at.to_string(),
        active_at: key.active_at.to_string(),
        retired_at: key.retired_at.map(|at| at.to_string()),
        expires_at: key.expires_at.map(|at| at.to_string()),
    })
}

async fn get(caller: &Caller, id: Id<Key>) -> Result<KeyView> {
    let all = keys::list(&caller.call).await?;
    match all.iter().find(|key| key.id == id) {
        Some(key) => view(key, caller.call.now),
        None => Err(Refusal::new(Code::NotFound).into()),
    }
}

fn parse(id: &str) -> Result<Id<Key>> {
    id.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}

async fn list(caller: Caller) -> Answer {
    let all = keys::list(&caller.call).await?;
    let items = all.iter().map(|key| view(key, caller.call.now)).collect::<Result<Vec<_>>>()?;
    found(&json!({ "items": items, "next_cursor": null }))
}

async fn show(caller: Caller, Path(id): Path<String>) -> Answer {
    found(&get(&caller, parse(&id)?).await?)
}

async fn rotate(caller: Caller, Input(body): Input<RotateBody>) -> Answer {
    let alg: Alg = body.alg.parse().map_err(|_| wrong("alg", "RS256, ES256 and EdDSA are supported"))?;
    let urgency = if body.emergency { Urgency::Emergency } else { Urgency::Scheduled };
    let id = keys::rotate(&caller.call, alg, urgency).await?;
    created(&format!("/api/v1/keys/{id}"), &get(&caller, id).await?, None)
}

async fn retire(caller: Caller, Path(id): Path<String>) -> Answer {
    let id = parse(&id)?;
    keys::retire(&caller.call, id).await?;
    found(&get(&caller, id).await?)
}
