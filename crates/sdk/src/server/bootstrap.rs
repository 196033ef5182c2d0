//! The first credential of a place that has no other yet.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use doorward_judge::{CredentialKind, Identity, IdentityType, Principal, Why, Workspaces};
use doorward_proto::{scope::is_scope_name, secret::SecretText, time::Time};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Credential, Provider, Recognition, Seen};

/// A token of fewer bytes can be guessed.
const SHORTEST: usize = 32;

/// A bootstrap token as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootstrapSpec {
    /// The token, of at least 32 bytes.
    pub token: SecretText,
    /// What it may do. Empty: what Orcheo's may.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When it ends, if it does: RFC 3339, or seconds since 1970.
    #[serde(default, deserialize_with = "end")]
    pub expires_at: Option<Time>,
}

/// One that cannot be read must not mean: never.
fn end<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Time>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Seconds(i64),
        Text(String),
    }
    let wrong = || D::Error::custom("write 2026-05-01T12:00:00Z or seconds since 1970");
    match Option::<Written>::deserialize(from).map_err(|_| wrong())? {
        None => Ok(None),
        Some(Written::Seconds(seconds)) => Ok(Some(Time::from_seconds(seconds))),
        Some(Written::Text(text)) => instant(&text).map(Some).ok_or_else(wrong),
    }
}

/// RFC 3339, or seconds since 1970.
pub(super) fn instant(text: &str) -> Option<Time> {
    text.parse().map(Time::from_seconds).ok().or_else(|| text.parse().ok())
}

/// What a bootstrap token may do where nobody says so.
const SCOPES: [&str; 7] = [
    "admin:tokens:read",
    "admin:tokens:write",
    "workflows:read",
    "workflows:write",
    "workflows:execute",
    "vault:read",
    "vault:write",
];

/// Knows the one token.
pub struct Bootstrap {
    hash: [u8; 32],
    principal: Principal,
}

impl Bootstrap {
    /// Knows this token.
    ///
    /// # Errors
    /// In words for the operator: one that can be guessed, a scope that is none.
    pub fn new(spec: &BootstrapSpec) -> Result<Self, &'static str> {
        if spec.token.expose().len() < SHORTEST {
            return Err("the bootstrap token is shorter than 32 bytes");
        }
        let scopes = match spec.scopes.as_slice() {
            [] => SCOPES.map(str::to_owned).to_vec(),
            named => named.to_vec(),
        };
        if !scopes.iter().all(|scope| is_scope_name(scope)) {
            return Err("one of its scopes is no scope");
        }
        let identity = Identity {
            subject: "bootstrap".to_owned(),
            kind: IdentityType::Service,
            scopes: scopes.into_iter().collect(),
            workspaces: Workspaces::from_names(["*"]),
            role: Some("service".to_owned()),
            token_id: Some("bootstrap".to_owned()),
            ..Identity::default()
        };
        let principal = Principal {
            expires_at: spec.expires_at,
            ..Principal::new(identity, CredentialKind::ServiceToken)
        };
        Ok(Self { hash: sha256(spec.token.expose()), principal })
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

impl Provider for Bootstrap {
    fn name(&self) -> &'static str {
        "bootstrap"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, seen: Seen) -> BoxFuture<'a, Recognition> {
        let is_it = credential
            .token()
            .is_some_and(|token| verify_slices_are_equal(&sha256(token.expose()), &self.hash).is_ok());
        let found = match self.principal.expires_at {
            _ if !is_it => Ok(None),
            Some(end) if seen.now >= end => Err(Why::TokenExpired.into()),
            _ => Ok(Some(self.principal.clone())),
        };
        Box::pin(std::future::ready(found))
    }
}
