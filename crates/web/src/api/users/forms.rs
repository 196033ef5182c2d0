//! How people look on the wire, and what a change of that means.

use doorward_core::{
    outcome::Result,
    users::{Change, Email, PlatformRole, Profile, User},
};
use doorward_proto::secret::SecretText;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::api::answer::wrong;

/// What a person may do to the server itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// Nothing beyond the own account.
    User,
    /// Everything.
    Admin,
}

impl From<Role> for PlatformRole {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::Admin => Self::Administrator,
        }
    }
}

/// A person, as changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = User)]
pub(in crate::api) struct UserBody {
    /// The mail address.
    pub(super) email: Option<String>,
    /// Whether the address counts as proven.
    pub(super) email_verified: Option<bool>,
    /// The full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// A name to sign in with besides the mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    /// `user` unless set; only who holds `admin:*` makes administrators.
    pub(super) role: Option<Role>,
    /// Names of roles, as they appear in tokens.
    pub(super) roles: Option<Vec<String>>,
    /// The other standard claims: `given_name`, `family_name`, `picture`, `phone_number`, `address` ….
    #[schema(value_type = Option<Object>)]
    pub(super) profile: Option<Json>,
    /// The language (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) locale: Option<String>,
    /// The time zone (IANA).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) zoneinfo: Option<String>,
}

/// A person to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(super) struct NewUserBody {
    /// The mail address.
    pub(super) email: String,
    /// A password; without one the person sets it by a link.
    #[schema(value_type = Option<String>, format = Password)]
    pub(super) password: Option<SecretText>,
    /// A hash from elsewhere: PHC text or `$2b$…`. Needs the scope `admin:users:import`.
    #[schema(value_type = Option<String>, format = Password)]
    pub(super) password_hash: Option<SecretText>,
    /// Whether the address counts as proven.
    #[serde(default)]
    pub(super) email_verified: bool,
    /// The full name.
    pub(super) name: Option<String>,
    /// A name to sign in with besides the mail address.
    pub(super) username: Option<String>,
    /// `user` unless set; only who holds `admin:*` makes administrators.
    pub(super) role: Option<Role>,
    /// Names of roles, as they appear in tokens.
    #[serde(default)]
    pub(super) roles: Vec<String>,
    /// The other standard claims: `given_name`, `family_name`, `picture`, `phone_number`, `address` ….
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) profile: Profile,
    /// The language (BCP 47).
    pub(super) locale: Option<String>,
    /// The time zone (IANA).
    pub(super) zoneinfo: Option<String>,
}

/// A person as they stand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredUser)]
pub(in crate::api) struct UserView {
    /// The subject of tokens.
    id: String,
    /// `active` or `suspended`.
    status: &'static str,
    #[serde(flatten)]
    body: UserBody,
    /// When the person agreed to be written to about other things than the account; absent if not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    marketing_consent_at: Option<String>,
    /// The words that were agreed to, by name and language.
    #[serde(skip_serializing_if = "Option::is_none")]
    marketing_consent_text: Option<String>,
    /// Whether there is no account yet: an application began for somebody whom nobody knows.
    is_anonymous: bool,
    /// When the account was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A password to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    /// The new password.
    #[schema(value_type = String, format = Password)]
    pub(super) password: SecretText,
}

pub(in crate::api) fn body_of(user: &User) -> Result<UserBody> {
    let role = match user.platform_role {
        PlatformRole::User => Role::User,
        PlatformRole::Administrator => Role::Admin,
    };
    Ok(UserBody {
        email: user.email.clone(),
        email_verified: Some(user.email_verified_at.is_some()),
        name: user.name.clone(),
        username: user.username.clone(),
        role: Some(role),
        roles: Some(user.roles.clone()),
        profile: Some(serde_json::to_value(&user.profile)?),
        locale: user.locale.clone(),
        zoneinfo: user.zone.clone(),
    })
}

pub(in crate::api) fn view(user: &User) -> Result<UserView> {
    Ok(UserView {
        id: user.id.to_string(),
        status: user.status.name(),
        body: body_of(user)?,
        marketing_consent_at: user.marketing_consent_at.map(|at| at.to_string()),
        marketing_consent_text: user.marketing_consent_text.clone(),
        is_anonymous: user.is_anonymous,
        created_at: user.created_at.to_string(),
        updated_at: user.updated_at.to_string(),
    })
}

/// What has to change for one to become the other.
pub(in crate::api) fn change_between(before: &UserBody, after: UserBody) -> Result<Change> {
    let (was_proven, is_proven) = (before.email_verified == Some(true), after.email_verified == Some(true));
    let has_new_email = after.email != before.email;
    let email = match &after.email {
        None if before.email.is_some() => {
            return Err(wrong("email", "A person keeps a mail address").into());
        }
        Some(email) if has_new_email || (is_proven && !was_proven) => {
            // A new address is not proven because the old one was, but only where the patch says so.
            Some((Email::parse(email)?, is_proven && !(has_new_email && was_proven)))
        }
        _ if was_proven && !is_proven => {
            return Err(wrong("email_verified", "What was proven stays proven").into());
        }
        _ => None,
    };
    let change = Change {
        email,
        name: (before.name != after.name).then_some(after.name),
        username: (before.username != after.username).then_some(after.username),
        platform_role: (before.role != after.role)
            .then(|| after.role.map_or(PlatformRole::User, PlatformRole::from)),
        roles: (before.roles != after.roles).then(|| after.roles.unwrap_or_default()),
        profile: profile_patch(before.profile.as_ref(), after.profile.as_ref())?,
        locale: (before.locale != after.locale).then_some(after.locale),
        zone: (before.zoneinfo != after.zoneinfo).then_some(after.zoneinfo),
        marketing_consent: None,
    };
    Ok(change)
}

fn profile_patch(before: Option<&Json>, after: Option<&Json>) -> Result<Option<Map<String, Json>>> {
    if before == after {
        return Ok(None);
    }
    let empty = Map::new();
    let Some(after) = after.map_or(Some(&empty), Json::as_object) else {
        return Err(wrong("profile", "The profile is an object of standard claims").into());
    };
    let before = before.and_then(Json::as_object).unwrap_or(&empty);
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), Json::Null));
    // A member that is an object is replaced as a whole: its missing members have been taken out above.
    let mut patch: Map<String, Json> = gone.collect();
    for (name, value) in after.iter().filter(|(name, value)| before.get(*name) != Some(*value)) {
        let mut value = value.clone();
        if let (Some(new), Some(old)) = (value.as_object_mut(), before.get(name).and_then(Json::as_object)) {
            for member in old.keys() {
                new.entry(member.clone()).or_insert(Json::Null);
            }
        }
        patch.insert(name.clone(), value);
    }
    Ok(Some(patch))
}
