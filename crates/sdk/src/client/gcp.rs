//! The identity of a service account of Google Cloud, from the metadata server of the machine.

use std::sync::Arc;

use doorward_proto::{jose::Unverified, time::Time};
use futures_util::future::BoxFuture;
use http::Request;
use serde::Deserialize;

use super::{
    CredentialSource, Outgoing, SourceError,
    auth::encoded,
    renewing::{Fresh, Mint, Renewing},
};
use crate::{
    clock::{self, Clock},
    exchange::Http,
};

/// The metadata server, by an address that no resolver can move.
const SERVER: &str = "http://169.254.169.254";

/// An ID token of the machine's service account for one audience.
pub struct GcpMetadata(Renewing<Ask>);

struct Ask {
    server: String,
    audience: String,
    http: Arc<dyn Http>,
    clock: Clock,
}

impl GcpMetadata {
    /// Tokens for this audience.
    pub fn new(audience: impl Into<String>, http: Arc<dyn Http>) -> Self {
        Self::at(SERVER, audience, (http, clock::system()))
    }

    /// Tokens from a metadata server elsewhere, as `GCE_METADATA_HOST` has it, by another clock.
    pub fn at(
        server: impl Into<String>,
        audience: impl Into<String>,
        (http, clock): (Arc<dyn Http>, Clock),
    ) -> Self {
        let ask = Ask { server: server.into(), audience: audience.into(), http, clock: Arc::clone(&clock) };
        Self(Renewing::new(ask, clock))
    }
}

#[derive(Deserialize)]
struct End {
    exp: i64,
}

impl Mint for Ask {
    fn mint(&self) -> BoxFuture<'_, Result<Fresh, SourceError>> {
        Box::pin(async move {
            let (server, audience) = (&self.server, encoded(&self.audience));
            let path = "computeMetadata/v1/instance/service-accounts/default/identity";
            let request = Request::get(format!("{server}/{path}?audience={audience}&format=full"))
                .header("metadata-flavor", "Google")
                .body(Vec::new());
            let request = request.map_err(|error| SourceError::Unusable(error.to_string()))?;
            let answer = self.http.send(request).await;
            let answer = answer.map_err(|error| SourceError::NoAnswer(error.to_string()))?;
            // Whoever else answers at this address does not write this.
            let is_google = answer.headers().get("metadata-flavor").is_some_and(|it| it == "Google");
            if answer.status() != http::StatusCode::OK || !is_google {
                let why =
                    format!("{server} answers with status {}, not as a metadata server", answer.status());
                return Err(SourceError::NoAnswer(why));
            }
            let token = std::str::from_utf8(answer.body()).map(str::trim).unwrap_or_default();
            let end: End =
                Unverified::decode(token).and_then(|token| token.unverified_claims()).map_err(|_| {
                    SourceError::Unusable(format!("{server} answers with something else than a token"))
                })?;
            let lives = Time::from_seconds(end.exp).since((self.clock)());
            Ok(Fresh { outgoing: Outgoing::authorization("Bearer", token)?, lives: Some(lives) })
        })
    }
}

impl CredentialSource for GcpMetadata {
    fn credential(&self) -> BoxFuture<'_, Result<Outgoing, SourceError>> {
        self.0.credential()
    }

    fn refused(&self, credential: &Outgoing) -> bool {
        self.0.refused(credential)
    }
}
