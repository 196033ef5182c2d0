//! Requests with a credential, for one place.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode, Uri};

use super::{CredentialSource, Outgoing};
use crate::exchange::{Http, NoAnswer};

/// Not the address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no origin; write https://api.example.com")]
pub struct BadOrigin(String);

/// Sends requests to one origin with a credential of a source.
///
/// A request to anywhere else is not sent: the credential is not for whoever is there.
#[derive(Clone)]
pub struct Authorized {
    http: Arc<dyn Http>,
    source: Arc<dyn CredentialSource>,
    origin: Origin,
}

#[derive(Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let host = uri.host()?.to_ascii_lowercase();
        Some(Self { scheme, host, port: uri.port_u16().unwrap_or(usual) })
    }
}

impl Authorized {
    /// For requests to this origin.
    ///
    /// # Errors
    /// An address without scheme or host.
    pub fn new(http: Arc<dyn Http>, source: impl CredentialSource, origin: &str) -> Result<Self, BadOrigin> {
        let parsed = origin.parse().ok().and_then(|uri| Origin::of(&uri));
        let parsed = parsed.ok_or_else(|| BadOrigin(origin.to_owned()))?;
        Ok(Self { http, source: Arc::new(source), origin: parsed })
    }

    async fn once(
        &self,
        mut request: Request<Vec<u8>>,
        credential: &Outgoing,
    ) -> Result<Response<Vec<u8>>, NoAnswer> {
        request.headers_mut().insert(credential.name.clone(), credential.value.clone());
        self.http.send(request).await
    }
}

impl Http for Authorized {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            if Origin::of(request.uri()).as_ref() != Some(&self.origin) {
                return Err(NoAnswer(format!("the credential is not for {}", request.uri())));
            }
            let credential = self.source.credential().await.map_err(|error| NoAnswer(error.to_string()))?;
            let answer = self.once(request.clone(), &credential).await?;
            if answer.status() != StatusCode::UNAUTHORIZED || !self.source.refused(&credential) {
                return Ok(answer);
            }
            match self.source.credential().await {
                Ok(another) if another != credential => self.once(request, &another).await,
                // The refusal says more than that there is nothing else.
                _ => Ok(answer),
            }
        })
    }
}
