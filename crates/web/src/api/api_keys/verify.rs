//! Whether a key is good, for a service that somebody presented it to: `POST /api/v1/api-keys/verify`, and
//! `/api/api-key/verify` in the words of Better Auth.
//!
//! The answer is for whoever holds the right to ask: to a stranger it would say which keys exist, and where a
//! stolen one still works. What must not be known looks like garbage.

use std::collections::BTreeMap;

use doorward_core::{
    api_keys::{Checked, LiveKey, Permissions, check},
    outcome::Result,
};
use doorward_proto::{
    id::{Id, Org},
    secret::SecretText,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use crate::api::{
    answer::{Answer, found},
    body::Input,
    caller::Caller,
    endpoint::Endpoint,
};

const VERIFY: &str = "admin:api-keys:verify";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/api-keys/verify", verify)
            .scope(VERIFY)
            .takes::<VerifyBody>()
            .answers::<Verified>()
            .says("Says whether a key is good, and what it may do"),
        Endpoint::post("/api/api-key/verify", verify_compatible)
            .scope(VERIFY)
            .takes::<VerifyBody>()
            .answers::<VerifiedCompatible>()
            .says("Says whether a key is good, in the words of Better Auth"),
    ]
}

/// A key to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VerifyApiKey)]
struct VerifyBody {
    /// The secret that was presented.
    #[schema(value_type = String, format = Password)]
    key: SecretText,
    /// What it has to be allowed: resources, each with actions.
    #[serde(default)]
    permissions: BTreeMap<String, Vec<String>>,
}

/// Whether a key is good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerifiedApiKey)]
struct Verified {
    /// Whether it is.
    valid: bool,
    /// What it is, when it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<VerifiedKey>,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Wrong>,
}

/// A good key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerifiedKey)]
struct VerifiedKey {
    /// Its id.
    id: String,
    /// What people call it.
    name: String,
    /// The person whose it is.
    user_id: Option<String>,
    /// The organisation whose it is, or in which its person acts.
    org_id: String,
    /// Who acts by it: the person, or the key itself.
    subject: String,
    /// Always `true`.
    enabled: bool,
    /// When its life is over.
    #[schema(format = DateTime)]
    expires_at: String,
    /// What whoever made it wanted to find again.
    #[schema(value_type = Object)]
    metadata: Map<String, Json>,
    /// What it may do now, resource by resource.
    #[schema(value_type = Object)]
    permissions: Permissions,
    /// What it may do now, by scope.
    scopes: Vec<String>,
    /// Where it may do it; `*` for everywhere.
    workspace_ids: Vec<String>,
    /// The addresses from which it may be used, which whoever asks has to heed; anywhere when empty.
    allowed_addresses: Vec<String>,
    /// How often it may be used.
    rate_limit: Option<String>,
}

/// Why a key is not good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WrongApiKey)]
struct Wrong {
    /// `INVALID_API_KEY`, `EXPIRED_API_KEY`, `DISABLED_API_KEY` or `INSUFFICIENT_PERMISSIONS`.
    code: &'static str,
    /// The same in words.
    message: &'static str,
}

/// Whether a key is good, in the words of Better Auth: `valid`, and `key` or `error`.
#[derive(Debug, Serialize, ToSchema)]
struct VerifiedCompatible {
    /// Whether it is.
    valid: bool,
    /// `id`, `name`, `userId`, `enabled`, `expiresAt`, `metadata`, `permissions`.
    #[schema(value_type = Object)]
    key: Option<Json>,
    /// Why it is not.
    error: Option<Wrong>,
}

/// On whose behalf the caller asks; the server's own operator speaks for the instance.
fn org(caller: &Caller) -> Id<Org> {
    let own = caller.who.tenant_id.as_ref().and_then(|org| org.parse().ok());
    own.unwrap_or(caller.call.realm.instance_org)
}

async fn checked(caller: &Caller, body: VerifyBody) -> Result<Checked> {
    let wanted = Permissions::read(body.permissions)?;
    check(&caller.call, org(caller), body.key.expose(), &wanted).await
}

const fn wrong(checked: &Checked) -> Wrong {
    let (code, message) = match checked {
        Checked::Expired => ("EXPIRED_API_KEY", "The key has expired"),
        Checked::Disabled => ("DISABLED_API_KEY", "The key is switched off"),
        Checked::Insufficient => ("INSUFFICIENT_PERMISSIONS", "The key may not do this"),
        Checked::Valid(_) | Checked::Invalid => ("INVALID_API_KEY", "There is no such key"),
    };
    Wrong { code, message }
}

async fn verify(caller: Caller, Input(body): Input<VerifyBody>) -> Answer {
    found(&match checked(&caller, body).await? {
        Checked::Valid(live) => Verified { valid: true, key: Some(shown(&live)), error: None },
        other => Verified { valid: false, key: None, error: Some(wrong(&other)) },
    })
}

fn shown(live: &LiveKey) -> VerifiedKey {
    let (key, terms) = (&live.key, &live.key.terms);
    VerifiedKey {
        id: key.id.to_string(),
        name: terms.name.clone(),
        user_id: key.user.map(|user| user.to_string()),
        org_id: key.org.to_string(),
        subject: key.subject(),
        enabled: true,
        expires_at: key.expires_at.to_string(),
        metadata: terms.metadata.clone(),
        permissions: live.permissions.clone(),
        scopes: live.scopes.clone(),
        workspace_ids: terms.workspace_ids.clone(),
        allowed_addresses: live.allowed_addresses().iter().flatten().map(ToString::to_string).collect(),
        rate_limit: terms.rate_limit.clone(),
    }
}

async fn verify_compatible(caller: Caller, Input(body): Input<VerifyBody>) -> Answer {
    found(&match checked(&caller, body).await? {
        Checked::Valid(live) => {
            let key = shown(&live);
            let key = json!({
                "id": key.id, "name": key.name, "userId": key.user_id, "enabled": key.enabled,
                "expiresAt": key.expires_at, "metadata": key.metadata, "permissions": key.permissions,
            });
            VerifiedCompatible { valid: true, key: Some(key), error: None }
        }
        other => VerifiedCompatible { valid: false, key: None, error: Some(wrong(&other)) },
    })
}
