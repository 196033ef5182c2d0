//! A review: somebody has looked whether a token is needed, and says so.

use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::{Code, Refusal},
    service_tokens::{Key, review},
};
use serde::Deserialize;

use super::{AREA, At, Keeper, some};
use crate::{
    pages::{
        console::Administrator,
        done::Done,
        visit::{Posted, to},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(default)]
    note: String,
}

/// The form stands on the page of the version.
pub(super) async fn look(Path(at): Path<At>, administrator: Administrator) -> Result<Response, Failure> {
    Ok(to(&Keeper::seeing(&administrator, &at).await?.page()))
}

pub(super) async fn note(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, form) = match Administrator::of(posted, &at.page(AREA)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::changing(&administrator, &at).await?;
    let visit = keeper.visit();
    let key = Key::Version(keeper.token.id);
    match review(&visit.call, key, some(&form.note), administrator.rights()).await {
        Err(error) if error.code() == Some(Code::RequestInvalid) => {
            return Err(Refusal::new(Code::RequestInvalid).hint(visit.text.get("tokens-text-wrong")).into());
        }
        other => other?,
    };
    Ok(Done::ServiceTokenReview.at(visit, &keeper.page()))
}
