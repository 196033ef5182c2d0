//! People: `/api/v1/users`.
//!
//! Whoever may manage people may not thereby become an administrator: an administrator's account is
//! made and touched only by callers that hold `admin:*`.

use axum::extract::Path;
use doorward_core::{
    credentials::{self, Hashed},
    outcome::{Code, Refusal, Result},
    principals::Status,
    sessions,
    users::{self, Change, Email, NewUser, PlatformRole, Profile, User},
};
use doorward_proto::secret::SecretText;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, Listing, TRIES, created, done, page, versioned, wrong},
    body::{Input, Members, patched},
    caller::Caller,
    endpoint::Endpoint,
    sessions::{SessionView, session_view},
};

const READ: &str = "admin:users:read";
const WRITE: &str = "admin:users:write";
const IMPORT: &str = "admin:users:import";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/users", list).scope(READ).lists::<UserView>(&[]).says("Lists people"),
        Endpoint::post("/api/v1/users", create)
            .scope(WRITE)
            .takes::<NewUserBody>()
            .status(StatusCode::CREATED)
            .answers::<UserView>()
            .says("Creates a person"),
        Endpoint::get("/api/v1/users/{id}", show)
            .scope(READ)
            .answers::<UserView>()
            .says("Shows a person, by id or mail address"),
        Endpoint::patch("/api/v1/users/{id}", change)
            .scope(WRITE)
            .takes::<UserBody>()
            .answers::<UserView>()
            .says("Changes a person"),
        Endpoint::delete("/api/v1/users/{id}", end)
            .scope(WRITE)
            .says("Deletes a person's account and what is personal in it"),
        Endpoint::post("/api/v1/users/{id}/suspend", suspend)
            .scope(WRITE)
            .answers::<UserView>()
            .says("Suspends a person: every session and token ends"),
        Endpoint::post("/api/v1/users/{id}/resume", resume)
            .scope(WRITE)
            .answers::<UserView>()
            .says("Lets a suspended person in again"),
        Endpoint::post("/api/v1/users/{id}/password", set_password)
            .scope(WRITE)
            .takes::<PasswordBody>()
            .status(StatusCode::NO_CONTENT)
            .says("Sets a person's password; every session and token ends"),
        Endpoint::get("/api/v1/users/{id}/sessions", list_sessions)
            .scope("admin:sessions:read")
            .lists::<SessionView>(&[])
            .says("Lists a person's sessions"),
        Endpoint::delete("/api/v1/users/{id}/sessions", end_sessions)
            .scope("admin:sessions:write")
            .says("Ends all of a person's sessions"),
    ]
}

/// What a person may do to the server itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Role {
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
pub(super) struct UserBody {
    /// The mail address.
    email: Option<String>,
    /// Whether the address counts as proven.
    email_verified: Option<bool>,
    /// The full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// A name to sign in with besides the mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// `user` unless set; only who holds `admin:*` makes administrators.
    role: Option<Role>,
    /// Names of roles, as they appear in tokens.
    roles: Option<Vec<String>>,
    /// The other standard claims: `given_name`, `family_name`, `picture`, `phone_number`, `address` ….
    #[schema(value_type = Option<Object>)]
    profile: Option<Json>,
    /// The language (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    /// The time zone (IANA).
    #[serde(skip_serializing_if = "Option::is_none")]
    zoneinfo: Option<String>,
}

/// A person to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
struct NewUserBody {
    /// The mail address.
    email: String,
    /// A password; without one the person sets it by a link.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
    /// A hash from elsewhere: PHC text or `$2b$…`. Needs the scope `admin:users:import`.
    #[schema(value_type = Option<String>, format = Password)]
    password_hash: Option<SecretText>,
    /// Whether the address counts as proven.
    #[serde(default)]
    email_verified: bool,
    /// The full name.
    name: Option<String>,
    /// A name to sign in with besides the mail address.
    username: Option<String>,
    /// `user` unless set; only who holds `admin:*` makes administrators.
    role: Option<Role>,
    /// Names of roles, as they appear in tokens.
    #[serde(default)]
    roles: Vec<String>,
    /// The other standard claims: `given_name`, `family_name`, `picture`, `phone_number`, `address` ….
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    profile: Profile,
    /// The language (BCP 47).
    locale: Option<String>,
    /// The time zone (IANA).
    zoneinfo: Option<String>,
}

/// A person as they stand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredUser)]
pub(super) struct UserView {
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
struct PasswordBody {
    /// The new password.
    #[schema(value_type = String, format = Password)]
    password: SecretText,
}

pub(super) fn body_of(user: &User) -> Result<UserBody> {
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

pub(super) fn view(user: &User) -> Result<UserView> {
    Ok(UserView {
        id: user.id.to_string(),
        status: user.status.name(),
        body: body_of(user)?,
        marketing_consent_at: user.marketing_consent_at.map(|at| at.to_string()),
        marketing_consent_text: user.marketing_consent_text.clone(),
        created_at: user.created_at.to_string(),
        updated_at: user.updated_at.to_string(),
    })
}

/// A person by id or mail address; one whose account was deleted is not found.
async fn get(caller: &Caller, name: &str) -> Result<User> {
    let user = match name.parse() {
        Ok(id) => users::find(&caller.call, id).await?,
        Err(_) => match Email::parse(name) {
            Ok(email) => users::find_by_email(&caller.call, &email).await?,
            Err(_) => None,
        },
    };
    let user = user.filter(|user| user.status != Status::Ended);
    user.ok_or_else(|| Refusal::new(Code::NotFound).into())
}

/// The same, for a change: administrators only change one another.
async fn get_for_change(caller: &Caller, name: &str) -> Result<User> {
    let user = get(caller, name).await?;
    may_touch(caller, &user)?;
    Ok(user)
}

/// Refuses to let a caller without full rights act on an administrator.
pub(super) fn may_touch(caller: &Caller, user: &User) -> Result<()> {
    if user.platform_role == PlatformRole::Administrator { caller.must_have("admin:*") } else { Ok(()) }
}

async fn list(caller: Caller, listing: Listing) -> Answer {
    let people = users::list(&caller.call, listing.ask()?).await?;
    page(&people, view)
}

async fn create(caller: Caller, Input(body): Input<NewUserBody>) -> Answer {
    if body.role == Some(Role::Admin) {
        caller.must_have("admin:*")?;
    }
    let email = Email::parse(&body.email)?;
    let password = match (&body.password, &body.password_hash) {
        (Some(_), Some(_)) => {
            return Err(wrong("password_hash", "Either a password or the hash of one").into());
        }
        (None, Some(hash)) => {
            caller.must_have(IMPORT)?;
            Some(Hashed::parse(hash.expose())?)
        }
        (Some(password), None) => {
            let about = [email.address(), body.name.as_deref().unwrap_or_default()];
            credentials::check(&caller.call, password, &about).await?;
            Some(caller.call.realm.passwords.make(password).await?)
        }
        (None, None) => None,
    };
    let ask = NewUser {
        email_verified: body.email_verified,
        name: body.name,
        username: body.username,
        platform_role: body.role.map_or(PlatformRole::User, PlatformRole::from),
        roles: body.roles,
        profile: body.profile,
        locale: body.locale,
        zone: body.zoneinfo,
        password,
        ..NewUser::new(email)
    };
    let user = users::create(&caller.call, ask).await?;
    created(&format!("/api/v1/users/{}", user.id), &view(&user)?, Some(user.version))
}

async fn show(caller: Caller, Path(name): Path<String>) -> Answer {
    let user = get(&caller, &name).await?;
    versioned(&view(&user)?, user.version)
}

async fn change(caller: Caller, Path(name): Path<String>, seen: IfMatch, Members(patch): Members) -> Answer {
    for _ in 0..TRIES {
        let user = get_for_change(&caller, &name).await?;
        seen.check(user.version)?;
        let before = body_of(&user)?;
        let change = change_between(&before, patched(&before, &patch)?)?;
        if change.platform_role == Some(PlatformRole::Administrator) {
            caller.must_have("admin:*")?;
        }
        match users::update(&caller.call, user.id, Some(user.version), change).await {
            Ok(user) => return versioned(&view(&user)?, user.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

/// What has to change for one to become the other.
pub(super) fn change_between(before: &UserBody, after: UserBody) -> Result<Change> {
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

/// The merge patch that makes one profile of the other.
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

async fn end(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    seen.check(user.version)?;
    users::end(&caller.call, user.id).await?;
    done()
}

async fn suspend(caller: Caller, Path(name): Path<String>) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    let user = users::suspend(&caller.call, user.id).await?;
    versioned(&view(&user)?, user.version)
}

async fn resume(caller: Caller, Path(name): Path<String>) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    let user = users::resume(&caller.call, user.id).await?;
    versioned(&view(&user)?, user.version)
}

async fn set_password(caller: Caller, Path(name): Path<String>, Input(body): Input<PasswordBody>) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    credentials::set(&caller.call, user.id, &body.password).await?;
    done()
}

async fn list_sessions(caller: Caller, Path(name): Path<String>, listing: Listing) -> Answer {
    let user = get(&caller, &name).await?;
    let live = sessions::list_all(&caller.call, Some(user.id), listing.ask()?).await?;
    page(&live, |session| Ok(session_view(session)))
}

async fn end_sessions(caller: Caller, Path(name): Path<String>) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    sessions::end_others(&caller.call, user.id, None).await?;
    done()
}
