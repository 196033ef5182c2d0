//! Tokens of a cluster's service accounts, asked about at its API server (`TokenReview` of
//! `authentication.k8s.io/v1`).
//!
//! Its keys say who has signed a token; the API server also knows whether the account, and the pod that the token
//! is bound to, are still there. It is asked about the very audiences that the token names, and only those that it
//! confirms count: one that knows nothing of audiences vouches for itself alone. Whoever was recognised is
//! remembered by the chain of providers, for half a minute at the most.

use std::{sync::Arc, time::Duration};

use doorward_judge::{Refusal, Why};
use doorward_proto::{jose::Unverified, time::Time};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{audience, seconds};
use crate::fetch::{Access, Fetch, Fetched};

/// Where an API server takes the question.
const PATH: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const VERSION: &str = "authentication.k8s.io/v1";
const KIND: &str = "TokenReview";

/// Asks one API server.
pub(crate) struct Reviewer {
    url: String,
    access: Access,
    timeout: Duration,
    fetch: Arc<dyn Fetch>,
}

/// What it answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    kind: String,
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    authenticated: bool,
    #[serde(default)]
    user: User,
    #[serde(default)]
    audiences: Vec<String>,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

impl Reviewer {
    /// Asks the API server at this address.
    pub(super) fn new(server: &str, access: Access, timeout: Duration, fetch: Arc<dyn Fetch>) -> Self {
        Self { url: format!("{}{PATH}", server.trim_end_matches('/')), access, timeout, fetch }
    }

    /// Type and claims of a token for which the API server vouches; `aud` holds what it has confirmed.
    pub(super) async fn reviewed(
        &self,
        token: &str,
        now: Time,
    ) -> Result<(Option<String>, Map<String, Value>), Refusal> {
        let unverified = Unverified::decode_foreign(token).map_err(|_| Why::InvalidToken)?;
        let mut claims: Map<String, Value> = unverified.unverified_claims().map_err(|_| Why::InvalidToken)?;
        let named = audience(&claims)?;
        // Nobody needs to be asked for that.
        if claims.get("exp").and_then(seconds).is_some_and(|end| now >= end) {
            return Err(Why::TokenExpired.into());
        }
        let status = self.ask(token, &named).await?;
        if !status.authenticated {
            return Err(Refusal::new(Why::InvalidToken).hint("The cluster does not know it"));
        }
        if claims.get("sub").and_then(Value::as_str) != Some(status.user.username.as_str()) {
            return Err(Refusal::new(Why::InvalidToken).hint("The cluster knows it as somebody else's"));
        }
        let confirmed: Vec<String> =
            status.audiences.into_iter().filter(|name| named.contains(name)).collect();
        if confirmed.is_empty() {
            return Err(Refusal::new(Why::InvalidAudience).hint("The cluster confirms none of its audiences"));
        }
        claims.insert("aud".to_owned(), confirmed.into());
        Ok((unverified.header().typ.clone(), claims))
    }

    async fn ask(&self, token: &str, audiences: &[String]) -> Result<Status, Refusal> {
        let spec = json!({ "token": token, "audiences": audiences });
        let question = json!({ "apiVersion": VERSION, "kind": KIND, "spec": spec }).to_string();
        let answer = self.fetch.post_as(&self.url, &self.access, question.into_bytes(), self.timeout).await;
        let Fetched { status, body, .. } = answer.map_err(|why| self.unavailable(&why))?;
        if !matches!(status, 200 | 201) {
            return Err(self.unavailable(&format!("it answers with status {status}")));
        }
        let review: Review =
            serde_json::from_slice(&body).map_err(|error| self.unavailable(&error.to_string()))?;
        if (review.api_version.as_str(), review.kind.as_str()) != (VERSION, KIND) {
            return Err(self.unavailable("it answers with something else than a TokenReview"));
        }
        Ok(review.status)
    }

    fn unavailable(&self, why: &str) -> Refusal {
        tracing::warn!(url = self.url, why, "an API server cannot be asked about a token");
        Why::KeyUnavailable.into()
    }
}

#[cfg(test)]
mod tests;
