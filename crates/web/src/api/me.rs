//! One's own account: `/api/v1/me/…`, for a signed-in browser or an application that the person lets.
//!
//! What would lock the person out or hand the account over asks for the present password again.

use axum::extract::Path;
use doorward_core::{
    authorize::{self, Connected},
    branding::Picture,
    credentials,
    outcome::{Code, Refusal, Result},
    page::Page,
    providers::{self, Connection},
    sessions,
    users::{self, Email, PICTURE},
};
use doorward_proto::secret::SecretText;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, IfMatch, TRIES, done, page, versioned, wrong},
    body::{Input, Members, patched},
    branding::base64,
    caller::Caller,
    endpoint::Endpoint,
    own_data,
    sessions::{SessionView, session_view},
    users::{UserBody, UserView, body_of, change_between, view},
};

const READ: &str = "me:read";
const WRITE: &str = "me:write";
/// What a person may change of the own account here; the address has a way of its own.
const OWN: [&str; 5] = ["name", "username", "profile", "locale", "zoneinfo"];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/me", show).account(READ).answers::<UserView>().says("Shows one's own account"),
        Endpoint::patch("/api/v1/me", change)
            .account(WRITE)
            .takes::<UserBody>()
            .answers::<UserView>()
            .says("Changes name, user name, profile, language and time zone"),
        Endpoint::post("/api/v1/me/password", change_password)
            .account(WRITE)
            .takes::<OwnPassword>()
            .status(StatusCode::NO_CONTENT)
            .says("Changes the password; other sessions and their tokens end"),
        Endpoint::post("/api/v1/me/email", change_email)
            .account(WRITE)
            .takes::<OwnEmail>()
            .status(StatusCode::NO_CONTENT)
            .says("Sends a link to a new address, which replaces the present one once it is opened"),
        Endpoint::post("/api/v1/me/delete", delete)
            .account(WRITE)
            .takes::<Confirmation>()
            .status(StatusCode::NO_CONTENT)
            .says("Deletes the account for good"),
        Endpoint::post("/api/v1/me/picture", set_picture)
            .account(WRITE)
            .takes::<OwnPicture>()
            .answers::<UserView>()
            .says("Uploads a picture; `profile.picture` is its address from then on"),
        Endpoint::delete("/api/v1/me/picture", remove_picture).account(WRITE).says("Removes the picture"),
        Endpoint::get("/api/v1/me/export", export)
            .account(READ)
            .grave()
            .answers::<OwnData>()
            .says("Downloads everything that is held of one"),
        Endpoint::get("/api/v1/me/sessions", list_sessions)
            .account(READ)
            .lists_all::<SessionView>()
            .says("Lists where one is signed in"),
        Endpoint::delete("/api/v1/me/sessions", end_others).account(WRITE).says("Ends every other session"),
        Endpoint::delete("/api/v1/me/sessions/{id}", end_session)
            .account(WRITE)
            .says("Ends one of one's sessions"),
        Endpoint::get("/api/v1/me/applications", list_applications)
            .account(READ)
            .lists_all::<Application>()
            .says("Lists applications that may act for one"),
        Endpoint::delete("/api/v1/me/applications/{id}", disconnect)
            .account(WRITE)
            .says("Takes back what was allowed an application; its tokens end"),
        Endpoint::get("/api/v1/me/connections", list_connections)
            .account(READ)
            .lists_all::<ConnectionView>()
            .says("Lists where one can sign in to the own account from"),
        Endpoint::delete("/api/v1/me/connections/{id}", unlink)
            .account(WRITE)
            .says("Unlinks a provider; the last way to sign in stays"),
    ]
}

/// Another password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnPassword {
    /// The present one.
    #[schema(value_type = String, format = Password)]
    current_password: SecretText,
    /// The new one.
    #[schema(value_type = String, format = Password)]
    password: SecretText,
}

/// Another mail address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnEmail {
    /// The present password.
    #[schema(value_type = String, format = Password)]
    current_password: SecretText,
    /// The new address.
    email: String,
}

/// The present password, for what cannot be undone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// The present password. Who has none leaves it out, in a signed-in browser where they have just
    /// proven who they are.
    #[serde(default)]
    #[schema(value_type = String, format = Password)]
    current_password: SecretText,
}

/// A picture of oneself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnPicture {
    /// A PNG, JPEG or WebP picture in base64: 160 KiB and 2048 pixels a side at most. What is not the picture
    /// (where it was taken, and the like) is left out.
    picture: String,
}

/// What is held of one: beside these, a list for each kind of thing (`docs/your-data.md`).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written piece by piece")]
struct OwnData {
    /// `doorward-own-data/1`.
    format: String,
    /// Which server.
    issuer: String,
    /// When.
    #[schema(format = DateTime)]
    exported_at: String,
}

/// An application that may act for one.
#[derive(Debug, Serialize, ToSchema)]
struct Application {
    /// Our own key for it.
    id: String,
    /// Its public name.
    client_id: String,
    /// What people see.
    name: String,
    /// In which organisation.
    org_id: String,
    /// For which API; empty for this server itself.
    resource: String,
    /// What it may do.
    scopes: Vec<String>,
    /// Since when.
    #[schema(format = DateTime)]
    granted_at: String,
}

/// A linked sign-in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
struct ConnectionView {
    /// The provider's id.
    id: String,
    /// Its name in addresses.
    slug: String,
    /// What people call it.
    name: String,
    /// The mail address that it named last.
    email: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    linked_at: String,
    /// When it was used last.
    #[schema(format = DateTime)]
    last_used_at: String,
}

async fn show(caller: Caller) -> Answer {
    let user = users::get(&caller.call, caller.user()?).await?;
    versioned(&view(&user)?, user.version)
}

async fn change(caller: Caller, seen: IfMatch, Members(patch): Members) -> Answer {
    let id = caller.user()?;
    if let Some(name) = patch.keys().find(|name| !OWN.contains(&name.as_str())) {
        return Err(wrong(name.clone(), "This cannot be changed here").into());
    }
    for _ in 0..TRIES {
        let user = users::get(&caller.call, id).await?;
        seen.check(user.version)?;
        let before = body_of(&user)?;
        let mut change = change_between(&before, patched(&before, &patch)?)?;
        keep_proofs(change.profile.as_mut())?;
        match users::update(&caller.call, id, Some(user.version), change).await {
            Ok(user) => return versioned(&view(&user)?, user.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

/// Nobody proves a telephone number by saying so, and a new number is not proven.
fn keep_proofs(profile: Option<&mut Map<String, Json>>) -> Result<()> {
    let Some(profile) = profile else { return Ok(()) };
    if profile.get("phone_number_verified").is_some_and(|value| *value == Json::Bool(true)) {
        return Err(wrong("profile.phone_number_verified", "This cannot be changed here").into());
    }
    if profile.contains_key("phone_number") {
        profile.insert("phone_number_verified".to_owned(), Json::Null);
    }
    Ok(())
}

async fn change_password(caller: Caller, Input(body): Input<OwnPassword>) -> Answer {
    credentials::change(&caller.call, caller.person()?, &body.current_password, &body.password).await?;
    done()
}

async fn change_email(caller: Caller, Input(body): Input<OwnEmail>) -> Answer {
    let (id, _) = caller.person()?;
    users::change_email(&caller.call, id, &body.current_password, Email::parse(&body.email)?).await?;
    done()
}

async fn delete(caller: Caller, Input(body): Input<Confirmation>) -> Answer {
    let (user, session) = caller.person()?;
    let browser = caller.is_browser.then_some(session);
    users::delete(&caller.call, (user, browser), &body.current_password).await?;
    done()
}

async fn set_picture(caller: Caller, Input(body): Input<OwnPicture>) -> Answer {
    let picture = Picture::within(&base64(PICTURE.field, &body.picture)?, &PICTURE)?;
    let user = users::set_picture(&caller.call, caller.user()?, Some(picture)).await?;
    versioned(&view(&user)?, user.version)
}

async fn remove_picture(caller: Caller) -> Answer {
    users::set_picture(&caller.call, caller.user()?, None).await?;
    done()
}

async fn export(caller: Caller) -> Answer {
    own_data::file(&caller.call).await
}

async fn list_sessions(caller: Caller) -> Answer {
    let live = sessions::list(&caller.call, caller.user()?).await?;
    page(&Page { items: live, next: None }, |session| Ok(session_view(session)))
}

async fn end_others(caller: Caller) -> Answer {
    let (id, session) = caller.person()?;
    sessions::end_others(&caller.call, id, Some(session)).await?;
    done()
}

async fn end_session(caller: Caller, Path(id): Path<String>) -> Answer {
    let session = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    sessions::end(&caller.call, Some(caller.person()?.0), session).await?;
    done()
}

async fn list_applications(caller: Caller) -> Answer {
    let connected = authorize::connected(&caller.call, caller.user()?).await?;
    page(&Page { items: connected, next: None }, |one: &Connected| {
        Ok(Application {
            id: one.client.to_string(),
            client_id: one.client_id.clone(),
            name: one.name.clone(),
            org_id: one.org.to_string(),
            resource: one.resource.clone(),
            scopes: one.scope.iter().map(str::to_owned).collect(),
            granted_at: one.granted_at.to_string(),
        })
    })
}

async fn disconnect(caller: Caller, Path(id): Path<String>) -> Answer {
    let client = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    authorize::revoke(&caller.call, caller.person()?.0, client).await?;
    done()
}

async fn list_connections(caller: Caller) -> Answer {
    let linked = providers::connections(&caller.call, caller.user()?).await?;
    page(&Page { items: linked, next: None }, |one: &Connection| {
        Ok(ConnectionView {
            id: one.provider.to_string(),
            slug: one.slug.clone(),
            name: one.name.clone(),
            email: one.email.clone(),
            linked_at: one.linked_at.to_string(),
            last_used_at: one.last_used_at.to_string(),
        })
    })
}

async fn unlink(caller: Caller, Path(id): Path<String>) -> Answer {
    let provider = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    providers::disconnect(&caller.call, caller.person()?.0, provider).await?;
    done()
}
