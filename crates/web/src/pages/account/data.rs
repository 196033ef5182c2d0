//! One's own data: downloading all of it, and deleting the account, with the password and with the mail address
//! typed.

use askama::Template;
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    outcome::{Code, Refusal},
    users::{self, Email},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{House, Resident, Room};
use crate::{
    api::own_data,
    app::App,
    cookies::Cookie,
    pages::{
        form::{Errors, Field},
        frame::Frame,
        sign_in::must_be_fresh,
        sign_out::DELETED,
        visit::{Nothing, Posted, refusal_of, to},
    },
    surface::Failure,
};

/// The page and its form.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/data", get(look))
        .route("/account/data/download", post(download).get(Room::Data.door()))
        .route("/account/delete", post(delete).get(Room::Data.door()))
}

/// The page.
#[derive(Template)]
#[template(path = "account/data.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    confirm: Field,
    password: Field,
}

impl<'a> Page<'a> {
    /// The page.
    pub fn new(house: &'a House<'a>, errors: Errors) -> Self {
        let frame = house.frame;
        let confirm = Field::new("confirm", "email", "off", frame.tv("data-confirm", "email", &house.email))
            .checked(&errors);
        let label = frame.t("field-password");
        let password = Field::password(frame, "current_password", "current-password", label).checked(&errors);
        Self { frame, house, errors, confirm, password }
    }
}

#[derive(Deserialize)]
struct DeleteForm {
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    current_password: SecretText,
}

async fn look(resident: Resident) -> Response {
    let (frame, errors) = (resident.visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Data, &errors);
    resident.show(&Page::new(&house, errors))
}

async fn download(posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Data).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if let Err(elsewhere) = must_be_fresh(&resident.visit, &resident.account, Room::Data.path()) {
        return Ok(elsewhere);
    }
    own_data::file(&resident.visit.call).await
}

async fn delete(posted: Posted<DeleteForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Data).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &resident.visit;
    let own = resident.account.email.as_deref().unwrap_or_default();
    if !is_same(&form.confirm, own) {
        let refusal = Refusal::new(Code::RequestInvalid);
        let errors = Errors::one("confirm", visit.text.get("data-confirm-wrong"));
        return Ok(wrong(&resident, errors, &refusal));
    }
    let deleted = users::delete(&visit.call, resident.account.session.user, &form.current_password).await;
    let refusal = match deleted {
        Ok(()) => {
            let response = visit.without(to(DELETED), Cookie::Browser);
            return Ok(visit.without(response, Cookie::Identifier));
        }
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    Ok(wrong(&resident, errors, &refusal))
}

fn is_same(typed: &str, own: &str) -> bool {
    match (Email::parse(typed), Email::parse(own)) {
        (Ok(typed), Ok(own)) => typed.folded() == own.folded(),
        _ => false,
    }
}

fn wrong(resident: &Resident, errors: Errors, refusal: &Refusal) -> Response {
    let frame = resident.visit.frame();
    let house = resident.house(&frame, Room::Data, &errors);
    resident.visit.show_wrong(&Page::new(&house, errors), refusal)
}
