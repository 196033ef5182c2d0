//! Applications: OAuth 2.1 clients, what they may do, and how they prove who they are.
//!
//! Metadata are the members of RFC 7591, OpenID Connect registration and logout, and a few of ours,
//! stored as one JSON text. The secret of a client is random, so it is checked by its keyed hash.

mod authenticate;
mod command_line;
mod gateway;
pub mod manage;
pub mod of_org;
mod remote_keys;
mod sql;

use std::sync::Arc;

use doorward_proto::{
    id::{self, Id, Org},
    secret::{Kind, Opaque, TokenHash},
    time::Time,
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use authenticate::authenticate;
pub use command_line::{COMMAND_LINE, ensure_command_line};
pub use gateway::{GATEWAY, admit_gateway};
pub(crate) use manage::{is_name, is_unseen};
pub(crate) use remote_keys::{Remote as RemoteKeys, Turns, keys_at, keys_of_issuer};

use crate::{
    call::Call,
    outcome::{Code, Refusal, Result, refuse},
    principals::Status,
};

/// An application.
#[derive(Debug, Clone)]
pub struct Client {
    /// Our own key for it.
    pub id: Id<id::Client>,
    /// Its public name, `client_id` on the wire and `sub` of its own tokens.
    pub client_id: String,
    /// The organisation that owns it.
    pub org: Id<Org>,
    /// What people see.
    pub name: String,
    /// Whether it can keep a secret (RFC 6749 2.1).
    pub is_confidential: bool,
    /// Whether it is one of the operator's own, so that people need not consent.
    pub is_first_party: bool,
    /// Everything else.
    pub metadata: Metadata,
    /// Rises with every change; the entity tag.
    pub version: i64,
    /// Whether it may be used.
    pub status: Status,
    /// The principal's epoch.
    pub epoch: i64,
    /// When it was registered.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
    /// Live secrets.
    pub secrets: Vec<Secret>,
}

/// A secret of a client, as it is stored.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Its keyed hash.
    pub hash: TokenHash,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
}

/// How a client proves who it is (OpenID Connect Core 9, RFC 7591 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A public client: it proves nothing.
    None,
    /// Name and secret in the `Authorization` header.
    #[default]
    ClientSecretBasic,
    /// Name and secret in the body.
    ClientSecretPost,
    /// A signed assertion (RFC 7523).
    PrivateKeyJwt,
}

impl AuthMethod {
    /// Every method that works.
    pub const ALL: [Self; 4] =
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

/// When a client gets a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum RefreshPolicy {
    /// When `offline_access` was granted (OpenID Connect Core 11).
    #[default]
    OfflineAccess,
    /// With every code, for clients that never ask.
    Always,
}

/// Which organisation an authorization is for where its request names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Organizations {
    /// The active one of the session.
    #[default]
    Session,
    /// Whoever belongs to several chooses.
    Ask,
    /// A team: the active one, or the one that the person chooses.
    Team,
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

/// What a client is registered with. Absent members take the defaults of the specifications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Metadata {
    /// Where codes may be sent; compared exactly, but for the port of loopback addresses (RFC 8252).
    pub redirect_uris: Vec<String>,
    /// `authorization_code`, `refresh_token`, `client_credentials`.
    pub grant_types: Vec<String>,
    /// The scopes it may ask for; also its default scopes for client credentials.
    pub scopes: Vec<String>,
    /// How it proves who it is.
    pub token_endpoint_auth_method: AuthMethod,
    /// Its public keys (RFC 7517), for `private_key_jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Where it publishes them itself, in the place of `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Where people may be sent after signing out; compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens go (OpenID Connect Back-Channel Logout).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Whether it needs `sid` in logout tokens.
    pub backchannel_logout_session_required: bool,
    /// RS256 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    /// Whether refreshing makes a new ID token where `openid` was granted.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub id_token_on_refresh: bool,
    /// S256 for everybody; only a confidential client may be excused.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub require_pkce: bool,
    /// Whether its requests must be pushed (RFC 9126).
    pub require_pushed_authorization_requests: bool,
    /// Whether its access tokens must be bound by DPoP (RFC 9449 5.2).
    pub dpop_bound_access_tokens: bool,
    /// When it gets refresh tokens.
    pub refresh_policy: RefreshPolicy,
    /// Which organisation an authorization is for where its request names none.
    pub organizations: Organizations,
    /// The identity providers that people are offered for it, by name; all of them where it names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub providers: Option<Vec<String>>,
    /// From where it may prove who it is; anywhere when empty.
    pub allowed_addresses: Vec<IpNet>,
    /// `max_age` where the request names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// The audience where the request names none; else the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_api: Option<String>,
    /// The APIs it may ask for; empty means any API of its organisation.
    pub apis: Vec<String>,
    /// Lifetime of its access tokens in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_ttl: Option<u64>,
    /// Idle lifetime of its refresh tokens in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_ttl: Option<u64>,
    /// Shown on pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Shown on pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Shown on the consent page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Shown on the consent page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
}

impl Metadata {
    /// Whether the grant is registered.
    pub fn allows_grant(&self, grant: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant)
    }
}

impl Client {
    /// Whether it may be used now.
    pub const fn is_active(&self) -> bool {
        matches!(self.status, Status::Active)
    }

    /// Whether the secret is one of its live ones. The keyed hash makes the comparison's time say nothing.
    pub fn owns_secret(&self, call: &Call, secret: &Opaque) -> bool {
        let hash = call.realm.vault.hash(secret);
        self.secrets
            .iter()
            .any(|known| known.hash == hash && known.expires_at.is_none_or(|expiry| call.now < expiry))
    }
}

/// Looks an application up by its public name; warm look-ups do no I/O.
pub async fn find(call: &Call, client_id: &str) -> Result<Option<Arc<Client>>> {
    let realm = &call.realm;
    let changes = realm.db.changes();
    if let Some(client) = realm.caches.clients.get(client_id, changes) {
        return Ok(Some(client));
    }
    let found = realm
        .db
        .read("clients.find", client_id.to_owned(), |tx, client_id| {
            Box::pin(async move { sql::find_by_client_id(tx, client_id).await })
        })
        .await?
        .map(Arc::new);
    if let Some(client) = &found {
        realm.caches.clients.insert(client_id.to_owned(), changes, Arc::clone(client));
    }
    Ok(found)
}

/// Looks an application up that may be used now.
pub async fn get_active(call: &Call, client_id: &str) -> Result<Arc<Client>> {
    match find(call, client_id).await? {
        Some(client) if client.is_active() => Ok(client),
        _ => refuse(Code::ClientUnknown),
    }
}

/// Looks an application up by our own key.
pub async fn find_by_id(call: &Call, id: Id<id::Client>) -> Result<Option<Client>> {
    call.realm
        .db
        .read("clients.find_by_id", id, |tx, id| Box::pin(async move { sql::find(tx, *id).await }))
        .await
}

/// Proves a client by its secret.
pub fn check_secret(call: &Call, client: &Client, secret: &str) -> Result<()> {
    let is_owned =
        Opaque::parse(Kind::ClientSecret, secret).is_some_and(|secret| client.owns_secret(call, &secret));
    if is_owned { Ok(()) } else { Err(Refusal::new(Code::ClientAuthentication).into()) }
}
