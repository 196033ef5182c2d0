//! Keys as they are written on the wire.

use std::collections::BTreeMap;

use doorward_core::{
    addresses,
    api_keys::{ApiKey, Permissions, Terms},
    outcome::Result,
    service_tokens::workspaces,
};
use doorward_proto::scope::ScopeSet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::api::{answer::wrong, caller::Caller};

/// What can be changed of a key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApiKeyTerms)]
pub(super) struct TermsBody {
    /// What people call it, 1 to 64 letters.
    pub(super) name: String,
    /// What it may do, at this server and elsewhere; not more than the caller may.
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    /// What it may do elsewhere: resources, each with its actions, as `{"code":["execute"]}`.
    #[serde(default)]
    pub(super) permissions: BTreeMap<String, Vec<String>>,
    /// Where it may do it; `*` for everywhere.
    #[serde(default)]
    pub(super) workspace_ids: Vec<String>,
    /// Addresses and networks (CIDR) from which it may be used; anywhere when empty.
    #[serde(default)]
    pub(super) allowed_addresses: Vec<String>,
    /// Whatever you want to find again, 4096 bytes at the most.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(super) metadata: Map<String, Json>,
    /// How often it may be used, as `100/minute`, in place of the rate of a route that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rate_limit: Option<String>,
    /// Whether it is accepted; `true` unless set.
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

const fn yes() -> bool {
    true
}

/// A key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(super) struct KeyView {
    /// Its id.
    id: String,
    /// `personal` or `organization`.
    kind: &'static str,
    /// `active`, `disabled`, `expired`, `ended` (with what its person was) or `revoked`.
    status: &'static str,
    /// Told once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// How the secret begins, to tell keys apart.
    start: String,
    /// The organisation whose it is, or in which its person acts.
    org_id: String,
    /// The person whose it is.
    user_id: Option<String>,
    #[serde(flatten)]
    terms: TermsBody,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Who made it.
    created_by: String,
    /// When its life is over.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was last used, to the second or so.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// From where.
    last_used_address: Option<String>,
    /// How often it was used.
    use_count: i64,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// By whom.
    revoked_by: Option<String>,
    /// Why.
    revocation_reason: Option<String>,
}

impl TermsBody {
    pub(super) fn of(terms: &Terms) -> Result<Self> {
        Ok(Self {
            name: terms.name.clone(),
            scopes: terms.scopes.iter().map(str::to_owned).collect(),
            permissions: serde_json::from_value(serde_json::to_value(&terms.permissions)?)?,
            workspace_ids: terms.workspace_ids.clone(),
            allowed_addresses: terms.allowed_addresses.iter().map(ToString::to_string).collect(),
            metadata: terms.metadata.clone(),
            rate_limit: terms.rate_limit.clone(),
            enabled: terms.is_enabled,
        })
    }

    pub(super) fn into_terms(self) -> Result<Terms> {
        let scopes = ScopeSet::from_names(self.scopes.iter().map(String::as_str))
            .map_err(|_| wrong("scopes", "Scopes are words without spaces, 200 at the most"))?;
        Ok(Terms {
            name: self.name,
            scopes,
            permissions: Permissions::read(self.permissions)?,
            workspace_ids: workspaces(&self.workspace_ids)?,
            allowed_addresses: addresses::read(&self.allowed_addresses)?,
            metadata: self.metadata,
            rate_limit: self.rate_limit,
            is_enabled: self.enabled,
        })
    }
}

/// A key as it is told, with its secret when it was made just now.
pub(super) fn view(caller: &Caller, key: &ApiKey, secret: Option<String>) -> Result<KeyView> {
    let revocation = key.revocation.as_ref();
    Ok(KeyView {
        id: key.id.to_string(),
        kind: if key.user.is_some() { "personal" } else { "organization" },
        status: key.state(caller.call.now).name(),
        secret,
        start: key.shown.clone(),
        org_id: key.org.to_string(),
        user_id: key.user.map(|user| user.to_string()),
        terms: TermsBody::of(&key.terms)?,
        created_at: key.created_at.to_string(),
        created_by: key.created_by.clone(),
        expires_at: key.expires_at.to_string(),
        last_used_at: key.last_used_at.map(|time| time.to_string()),
        last_used_address: key.last_used_address.clone(),
        use_count: key.use_count,
        revoked_at: revocation.map(|revocation| revocation.at.to_string()),
        revoked_by: revocation.map(|revocation| revocation.by.clone()),
        revocation_reason: revocation.map(|revocation| revocation.reason.clone()),
    })
}
