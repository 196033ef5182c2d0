//! Tokens of a cluster's service accounts, asked about at its API server (`TokenReview` of
//! `authentication.k8s.io/v1`).
//!
//! Its keys say who has signed a token; the API server also knows whether the account, and the pod that the token
//! is bound to, are still there. It is asked about the very audiences that the token names, and only those that it
//! confirms count: one that knows nothing of audiences vouches for itself alone. Whoever was recognised is
//! remembered by the chain of providers, for half a minute at the most.
//!
//! Whoever sends tokens decides when it is asked, so it is asked once at a time about each token, whoever waits for
//! the answer, and about no more than [`MOST`] tokens at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use doorward_judge::{Refusal, Why};
use doorward_proto::jose::Unverified;
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::audience;
use crate::fetch::{Access, Fetch, Fetched};

/// Where an API server takes the question.
const PATH: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const VERSION: &str = "authentication.k8s.io/v1";
const KIND: &str = "TokenReview";

/// Tokens that are asked about at once.
const MOST: usize = 32;
/// After this it may be tried again.
const SOON: Duration = Duration::from_secs(1);

/// Asks one API server.
pub(crate) struct Reviewer {
    url: String,
    access: Access,
    timeout: Duration,
    fetch: Arc<dyn Fetch>,
    /// What is being asked, by the hash of the token.
    questions: Mutex<HashMap<Vec<u8>, Question>>,
}

/// Ends when it was answered.
type Question = Shared<BoxFuture<'static, Result<Status, Why>>>;

/// What it answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    kind: String,
    status: Status,
}

#[derive(Clone, Deserialize)]
struct Status {
    #[serde(default)]
    authenticated: bool,
    #[serde(default)]
    user: User,
    #[serde(default)]
    audiences: Vec<String>,
}

#[derive(Clone, Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

impl Reviewer {
    /// Asks the API server at this address.
    pub(super) fn new(server: &str, access: Access, timeout: Duration, fetch: Arc<dyn Fetch>) -> Self {
        let url = format!("{}{PATH}", server.trim_end_matches('/'));
        Self { url, access, timeout, fetch, questions: Mutex::default() }
    }

    /// Type and claims of a token for which the API server vouches; `aud` holds what it has confirmed.
    pub(super) async fn reviewed(
        self: &Arc<Self>,
        token: &str,
    ) -> Result<(Option<String>, Map<String, Value>), Refusal> {
        let (typ, mut claims) = unverified(token)?;
        let named = audience(&claims)?;
        let status = self.question(token, &named)?.await?;
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
        Ok((typ, claims))
    }

    /// Asks about a token, unless that is being asked. It is read to its end when who made us ask has gone.
    fn question(self: &Arc<Self>, token: &str, audiences: &[String]) -> Result<Question, Refusal> {
        let key = digest(&SHA256, token.as_bytes()).as_ref().to_vec();
        let mut questions = self.questions();
        if let Some(question) = questions.get(&key) {
            return Ok(question.clone());
        }
        if questions.len() >= MOST {
            tracing::warn!(url = self.url, "an API server is asked about too many tokens at once");
            let hint = "Too many tokens of the cluster are asked about at once";
            return Err(Refusal::new(Why::Unavailable).hint(hint).after(SOON));
        }
        let spec = json!({ "token": token, "audiences": audiences });
        let document = json!({ "apiVersion": VERSION, "kind": KIND, "spec": spec }).to_string();
        let (this, own) = (Arc::clone(self), key.clone());
        let task = tokio::spawn(async move {
            let answer = tokio::time::timeout(this.timeout, this.ask(document)).await;
            this.questions().remove(&own);
            answer.unwrap_or_else(|_| Err(this.unavailable("it does not answer in time")))
        });
        let question = task.map(|ended| ended.unwrap_or(Err(Why::Unavailable))).boxed().shared();
        questions.insert(key, question.clone());
        Ok(question)
    }

    fn questions(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Question>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, document: String) -> Result<Status, Why> {
        let answer = self.fetch.post_as(&self.url, &self.access, document.into_bytes(), self.timeout).await;
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

    fn unavailable(&self, why: &str) -> Why {
        tracing::warn!(url = self.url, why, "an API server cannot be asked about a token");
        Why::KeyUnavailable
    }
}

/// Type and claims of a token for which nobody has vouched yet: what they rule out needs nobody to be asked.
pub(super) fn unverified(token: &str) -> Result<(Option<String>, Map<String, Value>), Refusal> {
    let unverified = Unverified::decode_foreign(token).map_err(|_| Why::InvalidToken)?;
    let claims = unverified.unverified_claims().map_err(|_| Why::InvalidToken)?;
    Ok((unverified.header().typ.clone(), claims))
}

#[cfg(test)]
mod tests;
