//! What only the server's own machine may ask: through the administration socket, or in the process that
//! opened the database itself. From the network these paths do not exist.

use std::path::PathBuf;

use axum::{Json, Router, extract::FromRequestParts, routing::post};
use doorward_core::{
    audit,
    call::{Actor, Call},
    db::backup,
    integrity,
    outcome::{Code, Refusal, Result},
    service_tokens::import,
    users::{
        Email,
        setup::{self, Administrator},
    },
};
use doorward_proto::secret::SecretText;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::{App, Incoming, ThroughSocket},
    surface::Failure,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/local/setup", post(set_up))
        .route("/api/local/audit/verify", post(verify_audit))
        .route("/api/local/db/backup", post(back_up))
        .route("/api/local/db/verify", post(verify_database))
        .route("/api/local/import/orcheo", post(import_orcheo))
}

/// Somebody on the server's own machine.
pub(super) struct Local(pub(super) Call);

impl FromRequestParts<App> for Local {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, Failure> {
        if parts.extensions.get::<ThroughSocket>().is_none() {
            return Err(Code::NotFound.into());
        }
        let Incoming(call) = Incoming::from_request_parts(parts, app).await?;
        Ok(Self(call.by(Actor::LocalAdministrator)))
    }
}

type Answer = std::result::Result<Json<Value>, Failure>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUp {
    email: Option<String>,
    password: Option<SecretText>,
    name: Option<String>,
}

/// Makes the first administrator, or a new link that does; an earlier link ends.
async fn set_up(Local(call): Local, Json(ask): Json<SetUp>) -> Answer {
    let (Some(email), Some(password)) = (ask.email, ask.password) else {
        let link = setup::link(&call).await?.ok_or_else(|| Failure::from(Code::SetUpDone))?;
        return Ok(Json(json!({ "url": link })));
    };
    let who = Administrator { email: Email::parse(&email)?, password, name: ask.name };
    let id = setup::ensure(&call, who).await?.ok_or_else(|| Failure::from(Code::SetUpDone))?;
    Ok(Json(json!({ "user_id": id.to_string() })))
}

async fn verify_audit(Local(call): Local) -> Answer {
    report(&audit::verify(&call.realm).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackUp {
    /// An absolute path of a file that does not exist yet.
    path: PathBuf,
}

async fn back_up(Local(call): Local, Json(ask): Json<BackUp>) -> Answer {
    let wrong = |hint: &'static str| Refusal::new(Code::RequestInvalid).field("path").hint(hint);
    if !ask.path.is_absolute() {
        return Err(wrong("The path must be absolute").into());
    }
    if ask.path.exists() {
        return Err(wrong("The file is there already").into());
    }
    report(&backup::backup(&call.realm.db, &ask.path, call.now).await?)
}

async fn verify_database(Local(call): Local) -> Answer {
    let found = integrity::verify(&call.realm).await?;
    let is_whole = found.is_whole();
    let mut problems = found.wrong;
    problems.extend(
        found.audit.broken.map(|broken| format!("audit trail, event {}: {}", broken.seq, broken.what)),
    );
    Ok(Json(json!({
        "is_whole": is_whole, "problems": problems, "opened": found.opened, "events": found.audit.events,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    rows: Vec<import::Row>,
}

/// Takes rows of an Orcheo database over.
async fn import_orcheo(Local(call): Local, Json(ask): Json<Rows>) -> Answer {
    report(&import::orcheo(&call, &ask.rows).await?)
}

fn report<T: serde::Serialize>(report: &T) -> Answer {
    let value: Result<Value> = serde_json::to_value(report).map_err(Into::into);
    Ok(Json(value?))
}
