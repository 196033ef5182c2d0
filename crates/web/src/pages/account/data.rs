//! One's own data: downloading all of it, and deleting the account, with the mail address typed and the password;
//! who has none proves in another way who they are.

use askama::Template;
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    credentials,
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
    password: Option<Field>,
}

impl<'a> Page<'a> {
    /// The page, for who has a password or has none.
    pub fn new(house: &'a House<'a>, has_password: bool, errors: Errors) -> Self {
        let frame = house.frame;
        let confirm = Field::new("confirm", "email", "off", frame.tv("data-confirm", "email", &house.email))
            .checked(&errors);
        let label = || frame.t("field-password");
        let field =
            || Field::password(frame, "current_password", "current-password", label()).checked(&errors);
        let password = has_password.then(field);
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

async fn look(resident: Resident) -> Result<Response, Failure> {
    let has_password = has_password(&resident).await?;
    let (frame, errors) = (resident.visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Data, &errors);
    Ok(resident.show(&Page::new(&house, has_password, errors)))
}

async fn has_password(resident: &Resident) -> Result<bool, Failure> {
    Ok(credentials::has_password(&resident.visit.call, resident.account.session.user).await?)
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
        return wrong(&resident, errors, &refusal).await;
    }
    if !has_password(&resident).await?
        && let Err(elsewhere) = must_be_fresh(visit, &resident.account, Room::Data.path())
    {
        return Ok(elsewhere);
    }
    let session = &resident.account.session;
    let deleted = users::delete(&visit.call, (session.user, Some(session.id)), &form.current_password).await;
    let refusal = match deleted {
        Ok(()) => {
            let response = visit.without(to(DELETED), Cookie::Browser);
            return Ok(visit.without(response, Cookie::Identifier));
        }
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    wrong(&resident, errors, &refusal).await
}

fn is_same(typed: &str, own: &str) -> bool {
    match (Email::parse(typed), Email::parse(own)) {
        (Ok(typed), Ok(own)) => typed.folded() == own.folded(),
        _ => false,
    }
}

async fn wrong(resident: &Resident, errors: Errors, refusal: &Refusal) -> Result<Response, Failure> {
    let has_password = has_password(resident).await?;
    let frame = resident.visit.frame();
    let house = resident.house(&frame, Room::Data, &errors);
    Ok(resident.visit.show_wrong(&Page::new(&house, has_password, errors), refusal))
}
