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
    users::{self, Email, ListAsk, NewUser, PlatformRole, User},
};
use http::StatusCode;
use serde_json::{Map, Value as Json};

mod forms;

use self::forms::{NewUserBody, PasswordBody, Role};
pub(super) use self::forms::{UserBody, UserView, body_of, change_between, view};
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
        Endpoint::get("/api/v1/users", list)
            .scope(READ)
            .lists::<UserView>(&["status", "role", "email"])
            .says("Lists people"),
        Endpoint::post("/api/v1/users", create)
            .scope(WRITE)
            .takes::<NewUserBody>()
            .confirmed_where(makes_a_way_in)
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
            .confirmed_where(opens_a_way_in)
            .answers::<UserView>()
            .says("Changes a person"),
        Endpoint::delete("/api/v1/users/{id}", end)
            .grave()
            .scope(WRITE)
            .says("Deletes a person's account and what is personal in it"),
        Endpoint::post("/api/v1/users/{id}/suspend", suspend)
            .scope(WRITE)
            .guarded()
            .answers::<UserView>()
            .says("Suspends a person: every session and token ends"),
        Endpoint::post("/api/v1/users/{id}/resume", resume)
            .scope(WRITE)
            .guarded()
            .answers::<UserView>()
            .says("Lets a suspended person in again"),
        Endpoint::post("/api/v1/users/{id}/password", set_password)
            .scope(WRITE)
            .guarded()
            .takes::<PasswordBody>()
            .confirmed()
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

/// A role reaches further, and a password signs in.
fn makes_a_way_in(members: &Map<String, Json>) -> bool {
    raises(members) || ["password", "password_hash"].iter().any(|member| members.contains_key(*member))
}

/// A role reaches further, and whoever reads the mail of a person's address can choose the password anew.
fn opens_a_way_in(members: &Map<String, Json>) -> bool {
    raises(members) || ["email", "email_verified"].iter().any(|member| members.contains_key(*member))
}

fn raises(members: &Map<String, Json>) -> bool {
    members.get("role").is_some_and(|role| role != "user")
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

async fn list(caller: Caller, mut listing: Listing) -> Answer {
    let status = listing.one_of("status", [Status::Active, Status::Suspended], Status::name)?;
    let roles = [PlatformRole::User, PlatformRole::Administrator];
    let platform_role = listing.one_of("role", roles, PlatformRole::name)?;
    let email = listing.filter("email").map(|text| Email::parse(&text)).transpose()?;
    let ask = ListAsk { page: listing.ask()?, status, platform_role, email };
    let people = users::list(&caller.call, ask).await?;
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

async fn end(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    seen.check(user.version)?;
    users::end(&caller.call, user.id).await?;
    done()
}

async fn suspend(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    seen.check(user.version)?;
    let user = users::suspend(&caller.call, user.id).await?;
    versioned(&view(&user)?, user.version)
}

async fn resume(caller: Caller, Path(name): Path<String>, seen: IfMatch) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    seen.check(user.version)?;
    let user = users::resume(&caller.call, user.id).await?;
    versioned(&view(&user)?, user.version)
}

async fn set_password(
    caller: Caller,
    Path(name): Path<String>,
    seen: IfMatch,
    Input(body): Input<PasswordBody>,
) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    seen.check(user.version)?;
    credentials::set(&caller.call, user.id, &body.password).await?;
    done()
}

async fn list_sessions(caller: Caller, Path(name): Path<String>, listing: Listing) -> Answer {
    let user = get(&caller, &name).await?;
    let live = sessions::list_all(&caller.call, Some(user.id), listing.ask()?).await?;
    page(&live, |one| Ok(session_view(&one.session)))
}

async fn end_sessions(caller: Caller, Path(name): Path<String>) -> Answer {
    let user = get_for_change(&caller, &name).await?;
    sessions::end_others(&caller.call, user.id, None).await?;
    done()
}
