//! Export and import on the server's own machine. Both take long, so the answer says how far they are, a JSON
//! object a line; the last one has the `result`, or the `problem`. Whoever goes away before has changed his
//! mind: nothing is left of it.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    response::{IntoResponse, Response},
    routing::post,
};
use doorward_core::{
    moving::{self, ExportAsk, ImportAsk, Progress, Tell},
    outcome::{Code, Error, Refusal, Result},
};
use doorward_proto::secret::SecretText;
use futures_util::stream;
use http::header;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::local::Local;
use crate::{app::App, surface::Failure};

/// Lines of JSON.
const LINES: &str = "application/x-ndjson";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/local/export", post(export)).route("/api/local/import", post(import))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    /// An absolute path of a file that does not exist yet.
    path: PathBuf,
    passphrase: Option<SecretText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    /// An absolute path.
    path: PathBuf,
    #[serde(default)]
    merge: bool,
    passphrase: Option<SecretText>,
    #[serde(default)]
    without_secrets: bool,
}

async fn export(Local(call): Local, Json(ask): Json<Export>) -> std::result::Result<Response, Failure> {
    check(&ask.path)?;
    let ask = ExportAsk { path: ask.path, passphrase: ask.passphrase };
    Ok(told(move |tell| async move { moving::export(&call, ask, tell).await }))
}

async fn import(Local(call): Local, Json(ask): Json<Import>) -> std::result::Result<Response, Failure> {
    check(&ask.path)?;
    let Import { path, merge, passphrase, without_secrets } = ask;
    let ask = ImportAsk { path, merge, passphrase, without_secrets };
    Ok(told(move |tell| async move { moving::import(&call, ask, tell).await }))
}

fn check(path: &std::path::Path) -> Result<()> {
    if path.is_absolute() {
        return Ok(());
    }
    Err(Refusal::new(Code::RequestInvalid).field("path").hint("The path must be absolute").into())
}

/// Runs the work beside its answer.
fn told<T, F>(work: impl FnOnce(Tell) -> F) -> Response
where
    T: Serialize,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let (lines, told) = unbounded_channel::<Value>();
    let tell: Tell = {
        let lines = lines.clone();
        Arc::new(move |progress: Progress| lines.send(json!(progress)).is_ok())
    };
    let work = work(tell);
    tokio::spawn(async move { end(&lines, work.await) });
    let body = stream::unfold(told, |mut told| async move {
        let line = told.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(format!("{line}\n")), told))
    });
    ([(header::CONTENT_TYPE, LINES), (header::CACHE_CONTROL, "no-store")], Body::from_stream(body))
        .into_response()
}

fn end<T: Serialize>(lines: &UnboundedSender<Value>, outcome: Result<T>) {
    let line = match outcome {
        Ok(result) => json!({ "result": result }),
        Err(Error::Refused(refusal)) => {
            let mut problem = json!({
                "code": refusal.code.name(), "detail": refusal.hint, "field": refusal.field,
            });
            if let Some(members) = problem.as_object_mut() {
                members.extend(refusal.facts.into_iter().map(|(name, value)| (name.to_owned(), value)));
            }
            json!({ "problem": problem })
        }
        // Who asks may read the data folder: nothing of this is hidden from them.
        Err(Error::Fault(fault)) => {
            tracing::error!(%fault, "it could not be finished");
            json!({ "problem": { "code": "server_error", "detail": fault.to_string() } })
        }
    };
    // Nobody may be there to read it.
    let _ = lines.send(line);
}
