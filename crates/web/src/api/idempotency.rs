//! `Idempotency-Key`: a POST that is sent again within a day is answered as it was the first time.
//!
//! The work goes on when the caller hangs up, so that its answer can be kept. A first try that ended in
//! a refusal is forgotten, so it may be corrected; one whose end is unknown is never run again.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use doorward_core::{
    idempotency::{self, Begun, Claim},
    outcome::{Code, Refusal, Result},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use crate::{body::whole, surface::Failure};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// An answer as it is kept (sealed).
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Answers a POST, from memory where it was answered before.
pub(super) async fn answer(caller: Caller, request: Request<Body>, next: Next) -> Response {
    let (claim, request) = match claim(&caller, request).await {
        Ok((None, request)) => return next.run(request).await,
        Ok((Some(claim), request)) => (claim, request),
        Err(error) => return Failure(error).into_response(),
    };
    match idempotency::begin(&caller.call, &claim).await {
        Ok(Begun::Answered(kept)) => replay(&kept).unwrap_or_else(|error| Failure(error).into_response()),
        Ok(Begun::Fresh) => {
            let work = tokio::spawn(async move { finish(caller, claim, next.run(request).await).await });
            work.await.unwrap_or_else(|error| Failure(error.into()).into_response())
        }
        Err(error) => Failure(error).into_response(),
    }
}

/// Reads the key and the body that it goes with.
async fn claim(caller: &Caller, request: Request<Body>) -> Result<(Option<Claim>, Request<Body>)> {
    let Some(key) = request.headers().get(&KEY) else { return Ok((None, request)) };
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len())).map(str::to_owned);
    let Some(key) = key else {
        return Err(Refusal::new(Code::RequestInvalid)
            .field("Idempotency-Key")
            .hint("An idempotency key is 1 to 255 visible ASCII letters")
            .into());
    };
    let (parts, body) = request.into_parts();
    let bytes = whole(body).await?;
    let mut asked = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default().into_bytes();
    asked.push(0);
    asked.extend_from_slice(&bytes);
    let claim = Claim::new(&caller.call, caller.credential, &key, &asked);
    Ok((Some(claim), Request::from_parts(parts, Body::from(bytes))))
}

async fn finish(caller: Caller, claim: Claim, response: Response) -> Response {
    if !response.status().is_success() {
        return match idempotency::release(&caller.call, &claim).await {
            Ok(()) => response,
            Err(error) => Failure(error).into_response(),
        };
    }
    match keep(&caller, &claim, response).await {
        Ok(response) => response,
        Err(error) => Failure(error).into_response(),
    }
}

async fn keep(caller: &Caller, claim: &Claim, response: Response) -> Result<Response> {
    let (parts, body) = response.into_parts();
    let bytes: Bytes = to_bytes(body, usize::MAX).await?;
    let headers = KEPT
        .iter()
        .filter_map(|name| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned())))
        .collect();
    let kept =
        Kept { status: parts.status.as_u16(), headers, body: String::from_utf8_lossy(&bytes).into_owned() };
    idempotency::finish(&caller.call, claim, &serde_json::to_vec(&kept)?).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replay(kept: &[u8]) -> Result<Response> {
    let kept: Kept = serde_json::from_slice(kept)?;
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status)?;
    for (name, value) in kept.headers {
        response.headers_mut().insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
