//! What an application looks like on the wire: as it is registered and changed, and as it stands.

use doorward_core::{
    addresses,
    clients::{AuthMethod, Client, Metadata, manage::Registration},
    outcome::Result,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::api::body::typed;

/// Whether an application can keep a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum ClientType {
    /// It can.
    Confidential,
    /// It cannot: a browser or native application.
    Public,
}

/// An application as it is registered and changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Client)]
pub(in crate::api) struct ClientBody {
    /// The public name: `[A-Za-z0-9._-]{3,64}`, or one of ours. Cannot be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) client_id: Option<String>,
    /// What people see.
    name: String,
    /// `confidential` unless set. Cannot be changed.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(in crate::api) kind: Option<ClientType>,
    /// The organisation that owns it; the instance's unless set. Cannot be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) org_id: Option<String>,
    /// Whether people need not consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_party: Option<bool>,
    /// Where codes may be sent; compared exactly, but for the port of loopback addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uris: Option<Vec<String>>,
    /// `authorization_code`, `refresh_token`, `client_credentials`; follows from the rest unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_types: Option<Vec<String>>,
    /// The scopes it may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// `none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_method: Option<String>,
    /// Its public keys (RFC 7517), for `private_key_jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Json>,
    /// Where it publishes them itself, in the place of `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    /// Where people may be sent after signing out; compared exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    post_logout_redirect_uris: Option<Vec<String>>,
    /// Where logout tokens go.
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_logout_uri: Option<String>,
    /// Whether it needs `sid` in logout tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_logout_session_required: Option<bool>,
    /// `RS256` unless set; `ES256` or `EdDSA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_signed_response_alg: Option<String>,
    /// Whether refreshing makes a new ID token where `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token_on_refresh: Option<bool>,
    /// Only a confidential client may be excused from PKCE.
    #[serde(skip_serializing_if = "Option::is_none")]
    require_pkce: Option<bool>,
    /// Whether its authorization requests must be pushed (RFC 9126).
    #[serde(skip_serializing_if = "Option::is_none")]
    require_pushed_authorization_requests: Option<bool>,
    /// Whether its access tokens must be bound by DPoP (RFC 9449).
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_bound_access_tokens: Option<bool>,
    /// `offline_access` or `always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_policy: Option<String>,
    /// Where the request names no organisation: `session`, `ask` (whoever has several chooses) or `team`.
    #[serde(skip_serializing_if = "Option::is_none")]
    organizations: Option<String>,
    /// The identity providers that people are offered for it, by name; unset means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    providers: Option<Vec<String>>,
    /// From where it may prove who it is: addresses and networks (CIDR), 100 at the most; none named means
    /// anywhere. A browser has to have signed in only just now to set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_addresses: Option<Vec<String>>,
    /// `max_age` in seconds where the request names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_max_age: Option<u64>,
    /// The audience where the request names none; else the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_api: Option<String>,
    /// The APIs it may ask for; none named means any of its organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    apis: Option<Vec<String>>,
    /// Lifetime of its access tokens in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_ttl: Option<u64>,
    /// Idle lifetime of its refresh tokens in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_ttl: Option<u64>,
    /// Shown on pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    /// Shown on pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<String>,
    /// Shown on the consent page.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_uri: Option<String>,
    /// Shown on the consent page.
    #[serde(skip_serializing_if = "Option::is_none")]
    tos_uri: Option<String>,
}

/// An application as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredClient)]
pub(in crate::api) struct ClientView {
    /// Our own key for it.
    id: String,
    /// `active` or `suspended`.
    status: &'static str,
    /// Told once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(flatten)]
    body: ClientBody,
    /// When it was registered.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// How a secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct RotateBody {
    /// How many seconds the present secret goes on working; 300 unless set, 0 ends it at once.
    pub(super) overlap_seconds: Option<u64>,
}

/// Members that are not metadata, or are written in more than one way.
const OWN: [&str; 6] = ["client_id", "name", "type", "org_id", "first_party", "allowed_addresses"];

impl ClientBody {
    pub(in crate::api) fn of(client: &Client) -> Result<Self> {
        let mut value = serde_json::to_value(&client.metadata)?;
        let kind = if client.is_confidential { "confidential" } else { "public" };
        if let Some(members) = value.as_object_mut() {
            members.insert("name".to_owned(), client.name.clone().into());
            members.insert("type".to_owned(), kind.into());
        }
        let body = Self {
            client_id: Some(client.client_id.clone()),
            org_id: Some(client.org.to_string()),
            first_party: Some(client.is_first_party),
            require_pkce: Some(client.metadata.require_pkce),
            id_token_on_refresh: Some(client.metadata.id_token_on_refresh),
            ..serde_json::from_value(value)?
        };
        Ok(body)
    }

    pub(in crate::api) fn into_registration(self) -> Result<Registration> {
        let is_confidential = self.kind != Some(ClientType::Public);
        let (has_method, has_grants) =
            (self.token_endpoint_auth_method.is_some(), self.grant_types.is_some());
        let mut value = serde_json::to_value(&self)?;
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| !OWN.contains(&name.as_str()));
        }
        let mut metadata: Metadata = typed(value)?;
        metadata.allowed_addresses = addresses::read(&self.allowed_addresses.unwrap_or_default())?;
        if !has_method && !is_confidential {
            metadata.token_endpoint_auth_method = AuthMethod::None;
        }
        if !has_grants {
            let grants: &[&str] = match (metadata.redirect_uris.is_empty(), is_confidential) {
                (false, _) => &["authorization_code", "refresh_token"],
                (true, true) => &["client_credentials"],
                (true, false) => &[],
            };
            metadata.grant_types = grants.iter().map(ToString::to_string).collect();
        }
        let (name, is_first_party) = (self.name, self.first_party == Some(true));
        Ok(Registration { name, is_confidential, is_first_party, metadata })
    }
}

/// As the API shows it.
pub(in crate::api) fn view(client: &Client, secret: Option<String>) -> Result<ClientView> {
    Ok(ClientView {
        id: client.id.to_string(),
        status: client.status.name(),
        client_secret: secret,
        body: ClientBody::of(client)?,
        created_at: client.created_at.to_string(),
        updated_at: client.updated_at.to_string(),
    })
}

/// Metadata as they are where nothing is said: S256, and an ID token on refresh.
pub(in crate::api) fn defaults() -> Metadata {
    Metadata { require_pkce: true, id_token_on_refresh: true, ..Metadata::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The API describes every member that core stores, and nothing that core would refuse.
    #[test]
    fn the_body_names_every_metadata_member() {
        let full = Metadata {
            jwks: Some(serde_json::json!({})),
            jwks_uri: Some(String::new()),
            backchannel_logout_uri: Some(String::new()),
            id_token_signed_response_alg: Some(String::new()),
            id_token_on_refresh: false,
            require_pkce: false,
            default_max_age: Some(1),
            default_api: Some(String::new()),
            access_ttl: Some(1),
            refresh_ttl: Some(1),
            logo_uri: Some(String::new()),
            client_uri: Some(String::new()),
            policy_uri: Some(String::new()),
            tos_uri: Some(String::new()),
            ..Metadata::default()
        };
        let mut value = serde_json::to_value(&full).unwrap();
        let stored: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        value["name"] = "x".into();
        let body: ClientBody = serde_json::from_value(value).unwrap();
        let shown = serde_json::to_value(&body).unwrap();
        for name in &stored {
            assert!(shown.get(name).is_some(), "{name}");
        }
        assert_eq!(shown.as_object().unwrap().len(), stored.len() + 1);
    }
}
