//! The password.

use askama::Template;
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use doorward_core::credentials;
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{Done, House, Resident, Room};
use crate::{
    app::App,
    pages::{
        form::{Errors, Field},
        frame::Frame,
        sign_up::new_password,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// The page and its form.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/security", get(look))
        .route("/account/security/password", post(change).get(Room::Security.door()))
}

/// The page.
#[derive(Template)]
#[template(path = "account/security.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    current: Field,
    new: Field,
}

impl<'a> Page<'a> {
    /// The page; `shortest` is the fewest letters of a password.
    pub fn new(house: &'a House<'a>, errors: Errors, shortest: usize) -> Self {
        let frame = house.frame;
        let label = frame.t("security-current");
        let current = Field::password(frame, "current_password", "current-password", label).checked(&errors);
        let new = new_password(frame, shortest).checked(&errors);
        Self { frame, house, errors, current, new }
    }
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    current_password: SecretText,
    #[serde(default)]
    new_password: SecretText,
}

async fn look(resident: Resident) -> Response {
    let (frame, errors) = (resident.visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Security, &errors);
    let shortest = resident.visit.call.realm.settings.password.min_length;
    resident.show(&Page::new(&house, errors, shortest))
}

async fn change(posted: Posted<PasswordForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Security).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, session) = (&resident.visit, &resident.account.session);
    let whose = (session.user, session.id);
    let changed = credentials::change(&visit.call, whose, &form.current_password, &form.new_password).await;
    let refusal = match changed {
        Ok(()) => return Ok(Done::Password.at(visit, Room::Security.path())),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let house = resident.house(&frame, Room::Security, &errors);
    let shortest = visit.call.realm.settings.password.min_length;
    Ok(visit.show_wrong(&Page::new(&house, errors, shortest), &refusal))
}
