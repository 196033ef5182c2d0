//! Who presented a credential: what was found when it was verified, and may be remembered for a while.

use std::{any::Any, net::IpAddr, sync::Arc};

use doorward_proto::{rate::Rate, time::Time};
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::claims::Identity;

/// What kind of credential somebody was recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// An access token of ours.
    AccessToken,
    /// A service token.
    ServiceToken,
    /// An API key.
    ApiKey,
    /// Another issuer's JWT.
    Jwt,
    /// A name and a password.
    Basic,
    /// A fixed token from a file.
    StaticToken,
    /// A session cookie.
    Session,
    /// A client certificate.
    Certificate,
}

impl CredentialKind {
    /// As `X-Auth-Type` and a route's `accept` have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::ServiceToken => "service_token",
            Self::ApiKey => "api_key",
            Self::Jwt => "jwt",
            Self::Basic => "basic",
            Self::StaticToken => "static_token",
            Self::Session => "session",
            Self::Certificate => "certificate",
        }
    }
}

/// The key that a credential is bound to (RFC 7800): of no use without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmation {
    /// A DPoP key's thumbprint (RFC 9449 6.1).
    Dpop(String),
    /// A certificate's SHA-256 thumbprint (RFC 8705 3.1).
    Certificate(String),
    /// Something that no request here can prove to hold.
    Unknown,
}

/// What a request has proven to hold, beside the credential.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// The thumbprint of the key that signed its DPoP proof.
    pub dpop: Option<String>,
    /// The thumbprint of its client certificate.
    pub certificate: Option<String>,
}

impl Confirmation {
    /// Reads a token's `cnf`.
    pub fn of(cnf: &Value) -> Self {
        let text = |name: &str| cnf.get(name).and_then(Value::as_str).map(str::to_owned);
        match (text("jkt"), text("x5t#S256")) {
            (Some(key), None) => Self::Dpop(key),
            (None, Some(certificate)) => Self::Certificate(certificate),
            // Which of the two would do is not said, nor what else is meant.
            _ => Self::Unknown,
        }
    }

    /// Whether the request holds the key.
    pub fn is_met(&self, proof: &Proof) -> bool {
        match self {
            Self::Dpop(key) => proof.dpop.as_ref() == Some(key),
            Self::Certificate(key) => proof.certificate.as_ref() == Some(key),
            Self::Unknown => false,
        }
    }
}

/// The networks that an issuer binds a credential to (`allowed_addresses`), everywhere when empty; `None` for
/// what cannot be read, which is no leave.
pub fn allowed_addresses(said: &Map<String, Value>) -> Option<Vec<IpNet>> {
    match said.get("allowed_addresses") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(all)) => all.iter().map(|one| one.as_str()?.parse().ok()).collect(),
        Some(_) => None,
    }
}

/// Somebody who was recognised by a credential.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Who, and what they may do.
    pub identity: Identity,
    /// By what.
    pub credential: CredentialKind,
    /// For whom the credential was issued (`aud`); empty where such credentials name nobody.
    pub audience: Vec<String>,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// The key it is bound to.
    pub confirmation: Option<Confirmation>,
    /// The networks it may be used from; empty for all.
    pub addresses: Vec<IpNet>,
    /// Its own rate, in place of those that routes have for an identity.
    pub rate: Option<Rate>,
    /// What whoever recognised it wants to find again when it is used.
    pub attachment: Option<Arc<dyn Any + Send + Sync>>,
}

impl Principal {
    /// Somebody by a credential that is for everybody, without an end, a key and bounds.
    pub const fn new(identity: Identity, credential: CredentialKind) -> Self {
        Self {
            identity,
            credential,
            audience: Vec::new(),
            expires_at: None,
            confirmation: None,
            addresses: Vec::new(),
            rate: None,
            attachment: None,
        }
    }

    /// Whether the credential may be used from there.
    pub fn may_come_from(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.addresses.is_empty() || self.addresses.iter().any(|network| network.contains(&address))
    }
}
