//! The claims of our access tokens (RFC 9068, RFC 8693 4.1, RFC 9396 9.1, RFC 9449 6, RFC 8705 3.1).
//!
//! What is absent is left out. Names that this type has cannot be taken by custom claims: see
//! [`RESERVED`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{authorization_details::AuthorizationDetails, scope::ScopeSet};

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The person, client, agent or service.
    pub sub: String,
    /// The one API this token is for.
    pub aud: String,
    /// End of life, in seconds since 1970.
    pub exp: i64,
    /// Issued, in seconds since 1970.
    pub iat: i64,
    /// Not valid before, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The token's own name.
    pub jti: String,
    /// The application it was issued to.
    pub client_id: String,
    /// What it allows.
    #[serde(default, skip_serializing_if = "ScopeSet::is_empty")]
    pub scope: ScopeSet,
    /// When the person signed in, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How strongly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By which means (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The active organisation; always set in tokens we issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The role in that organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_role: Option<String>,
    /// Roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Permissions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// The platform's word: `admin`, `user`, `agent` or `service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Workspaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspace_ids: Vec<String>,
    /// Whose token it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_use: Option<TokenUse>,
    /// The key it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// What it allows beyond scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<AuthorizationDetails>,
    /// Who acts for the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// Who may come to act for the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_act: Option<Actor>,
    /// The grant it was issued under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// Whether the person has no account yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_anonymous: bool,
    /// The transaction it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txn: Option<String>,
    /// Custom claims.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenUse {
    /// A person's, through an application.
    User,
    /// An application's own.
    Client,
    /// A service token's.
    Service,
    /// An agent's.
    Agent,
}

/// The key a token is bound to (RFC 7800).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confirmation {
    /// A DPoP key's thumbprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// A certificate's SHA-256 thumbprint.
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

/// One acting party, and the one it acts for in its turn (RFC 8693 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The acting party.
    pub sub: String,
    /// Its issuer, when it is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// The party before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}

/// Names that custom claims may not take, in any of our tokens.
pub const RESERVED: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "scope",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "tenant_id",
    "org_role",
    "roles",
    "permissions",
    "role",
    "workspace_ids",
    "token_use",
    "cnf",
    "authorization_details",
    "act",
    "may_act",
    "grant_id",
    "txn",
    "is_anonymous",
    "azp",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "events",
    "active",
    "username",
    "token_type",
    "allowed_addresses",
    "agent_type",
    "capabilities",
    "agent_limits",
    "organization_ids",
    "organization_names",
    "organizations_truncated",
    "tenant_profile",
    // OpenID Connect Core 5.1, 5.6.2, and its extensions.
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
    "_claim_names",
    "_claim_sources",
    "verified_claims",
    "sub_jwk",
    "sub_id",
    "client_metadata",
    // Of proofs and assertions, which a token must not pass for.
    "htm",
    "htu",
    "ath",
    "jwk",
    "jwks",
    "toe",
    "vot",
    "vtm",
    "status",
    "logout_token",
    // What gateways and SDKs read in tokens of other issuers.
    "scopes",
    "scp",
    "workspaces",
    "workspace_id",
    "workspace",
    "org_id",
    "type",
    "typ",
    "token_id",
    "identity_type",
    "__proto__",
];

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Whether a custom claim may have this name.
pub fn is_free_claim_name(name: &str) -> bool {
    // Some readers do not tell small letters from large ones.
    let is_reserved = RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
    !name.is_empty() && name.len() <= 128 && !name.chars().any(char::is_control) && !is_reserved
}

#[cfg(test)]
mod tests;
