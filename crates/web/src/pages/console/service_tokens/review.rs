//! A review: somebody has looked whether a token is needed, and says so.

use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::{Code, Refusal},
    service_tokens::{Key, review},
};
use serde::Deserialize;

use super::{page, some, version};
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
pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    Ok(to(&page(&version(&administrator.visit, &id).await?)))
}

pub(super) async fn note(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, form) = match Administrator::of(posted, &format!("{}/{id}", super::PATH)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let token = version(visit, &id).await?;
    match review(&visit.call, Key::Version(token.id), some(&form.note), administrator.rights()).await {
        Err(error) if error.code() == Some(Code::RequestInvalid) => {
            return Err(Refusal::new(Code::RequestInvalid).hint(visit.text.get("tokens-text-wrong")).into());
        }
        other => other?,
    };
    Ok(Done::ServiceTokenReview.at(visit, &page(&token)))
}
