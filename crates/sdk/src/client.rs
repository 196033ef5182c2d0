//! Credentials for the requests that a service sends itself.
//!
//! A [`CredentialSource`] gives the header to send. Those that are shipped get it from where machines have
//! their identities: a password or a token that somebody wrote down, a token endpoint, a file that the
//! platform keeps new, a metadata server. [`Authorized`] puts it on requests, and asks once anew when it was
//! refused:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use doorward_sdk::{client::{Authorized, ClientAuth, OAuthClient}, exchange::{Http, Hyper}};
//!
//! let http: Arc<dyn Http> = Arc::new(Hyper::new()?);
//! let auth = ClientAuth::secret("reporter", "dw_cs_…");
//! let source = OAuthClient::of_issuer("https://id.example.com", auth, http.clone())
//!     .scope("reports:read")
//!     .resource("https://reports.example.com")
//!     .client_credentials();
//! let reports = Authorized::new(http, source, "https://reports.example.com")?;
//! let answer = reports.send(http::Request::get("https://reports.example.com/2026").body(Vec::new())?).await?;
//! # Ok(()) }
//! ```
//!
//! What is fetched is kept until a minute before its end, and fetched by one task at a time, however many
//! wait for it. No credential is ever printed.

mod auth;
mod authorized;
mod device;
mod file;
mod fixed;
mod gcp;
mod oauth;
mod renewing;
mod store;

use std::fmt;

use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, header};

pub use self::{
    auth::ClientAuth,
    authorized::{Authorized, BadOrigin},
    device::{Device, Waiting},
    file::{File, KUBERNETES},
    fixed::{Basic, Token},
    gcp::GcpMetadata,
    oauth::{ClientCredentials, OAuthClient, RefreshToken},
};

/// A header to send. Its value is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Which.
    pub name: HeaderName,
    /// The credential.
    pub value: HeaderValue,
}

impl Outgoing {
    /// `Authorization`, with this scheme.
    ///
    /// # Errors
    /// A credential that cannot stand in a header.
    pub fn authorization(scheme: &str, credential: &str) -> Result<Self, SourceError> {
        Self::new(header::AUTHORIZATION, &format!("{scheme} {credential}"))
    }

    /// Any other header.
    ///
    /// # Errors
    /// A credential that cannot stand in a header.
    pub fn new(name: HeaderName, value: &str) -> Result<Self, SourceError> {
        let unusable = |_| SourceError::Unusable("it cannot stand in a header".to_owned());
        let mut value = HeaderValue::from_str(value).map_err(unusable)?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: [redacted]", self.name)
    }
}

/// Why there is no credential. The texts are for a log, and hold none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Whoever hands it out does not answer.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// Whoever hands it out refuses (RFC 6749 5.2).
    #[error("refused: {error}{}{description}", if description.is_empty() { "" } else { ": " })]
    Refused {
        /// The error's name.
        error: String,
        /// What the server says about it.
        description: String,
    },
    /// What is there is no credential.
    #[error("unusable: {0}")]
    Unusable(String),
}

/// Gives the credential to send.
pub trait CredentialSource: Send + Sync + 'static {
    /// One that is good now, as far as can be known.
    ///
    /// # Errors
    /// Why there is none.
    fn credential(&self) -> BoxFuture<'_, Result<Outgoing, SourceError>>;

    /// This one was refused with 401. Answers whether another one may come of asking again.
    fn refused(&self, credential: &Outgoing) -> bool {
        let _ = credential;
        false
    }
}

#[cfg(test)]
mod tests;
