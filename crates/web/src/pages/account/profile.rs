//! Name and mail address.

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use doorward_core::{
    outcome::Result as Outcome,
    users::{self, Change, Email, User},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{Done, House, Resident, Room};
use crate::{
    app::App,
    pages::{
        form::{Errors, Field},
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(look))
        .route("/account/profile", post(save))
        .route("/account/email", post(change_email))
}

/// The page.
#[derive(Template)]
#[template(path = "account/profile.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    is_verified: bool,
    name: Field,
    email: Field,
    password: Field,
}

impl<'a> Page<'a> {
    /// The page with the present name, or what was typed.
    pub fn new(house: &'a House<'a>, name: &str, typed: &str, is_verified: bool, errors: Errors) -> Self {
        let frame = house.frame;
        let name =
            Field::new("name", "text", "name", frame.t("field-name")).value(name).optional().checked(&errors);
        let label = frame.t("profile-new-address");
        let email = Field::new("email", "email", "email", label).value(typed).checked(&errors);
        let label = frame.t("security-current");
        let password = Field::password(frame, "current_password", "current-password", label).checked(&errors);
        Self { frame, house, errors, is_verified, name, email, password }
    }
}

#[derive(Deserialize)]
struct NameForm {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct EmailForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    current_password: SecretText,
}

async fn look(resident: Resident) -> Result<Response, Failure> {
    let user = users::get(&resident.visit.call, resident.account.session.user).await?;
    let (frame, errors) = (resident.visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Profile, &errors);
    let name = user.name.clone().unwrap_or_default();
    Ok(resident.show(&Page::new(&house, &name, "", is_verified(&user), errors)))
}

fn is_verified(user: &User) -> bool {
    user.email_verified_at.is_some()
}

async fn save(posted: Posted<NameForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Profile) {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let name = form.name.trim();
    let change =
        Change { name: Some(Some(name.to_owned()).filter(|name| !name.is_empty())), ..Change::default() };
    let user = resident.account.session.user;
    match users::update(&resident.visit.call, user, None, change).await {
        Ok(_) => Ok(Done::Profile.at(&resident.visit, Room::Profile.path())),
        Err(error) => wrong(&resident, Some(name), "", error).await,
    }
}

async fn change_email(posted: Posted<EmailForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Profile) {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    match ask(&resident, form.email.trim(), &form.current_password).await {
        Ok(()) => Ok(Done::AddressAsked.at(&resident.visit, Room::Profile.path())),
        Err(error) => wrong(&resident, None, form.email.trim(), error).await,
    }
}

async fn ask(resident: &Resident, email: &str, password: &SecretText) -> Outcome<()> {
    let email = Email::parse(email)?;
    users::change_email(&resident.visit.call, resident.account.session.user, password, email).await
}

async fn wrong(
    resident: &Resident,
    name: Option<&str>,
    email: &str,
    error: doorward_core::outcome::Error,
) -> Result<Response, Failure> {
    let visit = &resident.visit;
    let refusal = refusal_of(error)?;
    let Some(errors) = Errors::of(visit.text, &refusal) else {
        return Ok(Failure::from(refusal).into_response());
    };
    let user = users::get(&visit.call, resident.account.session.user).await?;
    let present = user.name.clone().unwrap_or_default();
    let frame = visit.frame();
    let house = resident.house(&frame, Room::Profile, &errors);
    let page = Page::new(&house, name.unwrap_or(&present), email, is_verified(&user), errors);
    Ok(visit.show_wrong(&page, &refusal))
}
