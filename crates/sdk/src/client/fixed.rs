//! Credentials that somebody wrote down.

use data_encoding::BASE64;
use doorward_proto::secret::SecretText;
use futures_util::future::BoxFuture;
use http::{HeaderName, header};

use super::{CredentialSource, Outgoing, SourceError};

/// A name and a password (RFC 7617).
#[derive(Debug, Clone)]
pub struct Basic {
    name: String,
    password: SecretText,
}

impl Basic {
    /// This name, with this password.
    pub fn new(name: impl Into<String>, password: impl Into<SecretText>) -> Self {
        Self { name: name.into(), password: password.into() }
    }
}

impl CredentialSource for Basic {
    fn credential(&self) -> BoxFuture<'_, Result<Outgoing, SourceError>> {
        Box::pin(async move {
            // What stands before the first colon is the name.
            if self.name.contains(':') {
                return Err(SourceError::Unusable("the name holds a colon".to_owned()));
            }
            let both = SecretText::new(format!("{}:{}", self.name, self.password.expose()));
            Outgoing::authorization("Basic", &BASE64.encode(both.expose().as_bytes()))
        })
    }
}

/// A fixed token: a service token, an API key.
#[derive(Debug, Clone)]
pub struct Token {
    token: SecretText,
    header: HeaderName,
}

impl Token {
    /// Sent as `Authorization: Bearer`.
    pub fn new(token: impl Into<SecretText>) -> Self {
        Self { token: token.into(), header: header::AUTHORIZATION }
    }

    /// Sent alone in a header of this name, as `X-API-Key` or `X-Chroma-Token`.
    #[must_use]
    pub fn in_header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }
}

impl CredentialSource for Token {
    fn credential(&self) -> BoxFuture<'_, Result<Outgoing, SourceError>> {
        Box::pin(async move {
            if self.header == header::AUTHORIZATION {
                Outgoing::authorization("Bearer", self.token.expose())
            } else {
                Outgoing::new(self.header.clone(), self.token.expose())
            }
        })
    }
}
