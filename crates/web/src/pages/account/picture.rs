//! A picture of oneself: handing one in, taking it away.

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    branding::Picture,
    call::Call,
    outcome::{Code, Result as Outcome},
    users::{self, PICTURE, PICTURES},
};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};

use super::{Done, Resident, Room, profile};
use crate::{
    app::App,
    pages::{
        form::Errors,
        upload::Upload,
        visit::{Nothing, Posted, refusal_of},
    },
    surface::Failure,
};

/// The field of the form, which is not the one of a picture's address.
pub const FIELD: &str = "upload";

/// The forms, and the pictures themselves.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/picture", post(save).get(Room::Profile.door()))
        .route("/account/picture/remove", post(remove).get(Room::Profile.door()))
        .route("/pictures/{file}", get(serve))
}

/// The path of a picture that was handed in here; none of one that is elsewhere.
pub fn path_of<'a>(picture: &'a str, issuer: &str) -> Option<&'a str> {
    picture.strip_prefix(issuer).filter(|path| path.starts_with(PICTURES))
}

async fn save(Upload { posted, file }: Upload<Nothing>) -> Result<Response, Failure> {
    let picture = Picture::within(&file.unwrap_or_default(), &PICTURE);
    let (resident, _) = match Resident::of(posted, Room::Profile).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    match change(&resident, picture.map(Some)).await {
        Ok(()) => Ok(Done::Profile.at(&resident.visit, Room::Profile.path())),
        Err(error) => {
            let refusal = refusal_of(error)?;
            if refusal.field.as_deref() != Some(PICTURE.field) {
                return Err(refusal.into());
            }
            let errors = Errors::one(FIELD, resident.visit.text.get("profile-upload-wrong"));
            profile::show_wrong(&resident, errors, &refusal).await
        }
    }
}

async fn remove(posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Profile).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    change(&resident, Ok(None)).await?;
    Ok(Done::Profile.at(&resident.visit, Room::Profile.path()))
}

async fn change(resident: &Resident, picture: Outcome<Option<Picture>>) -> Outcome<()> {
    let user = resident.account.session.user;
    users::set_picture(&resident.visit.call, user, picture?).await?;
    Ok(())
}

/// A picture is for whoever was told its address; it can be taken away, so nobody keeps it for long.
async fn serve(State(app): State<App>, Path(file): Path<String>) -> Result<Response, Failure> {
    let found = match file.split_once('.') {
        Some((name, end)) => users::picture(&Call::system(&app.realm), name)
            .await?
            .filter(|picture| picture.format.extension() == end),
        None => None,
    };
    let Some(picture) = found else { return Err(Code::NotFound.into()) };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(picture.format.media_type())),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // Opened by itself it is nothing but what it is.
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        // Applications show it on their own pages.
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    Ok(axum::response::IntoResponse::into_response((headers, picture.bytes)))
}
