//! What fits, as a file.

use axum::{extract::Path, response::Response};
use doorward_core::audit::Entry;
use serde_json::Value as Json;

use super::{Place, which, word};
use crate::{
    api::audit::view,
    pages::console::{
        Administrator, Operator,
        part::sheet::{Sheet, whole},
    },
    surface::Failure,
};

const COLUMNS: [&str; 11] =
    ["seq", "id", "at", "code", "outcome", "actor", "subject", "client_id", "org_id", "request_id", "facts"];

fn line(entry: &Entry) -> Vec<String> {
    vec![
        entry.seq.map_or_else(String::new, |seq| seq.to_string()),
        entry.id.clone(),
        entry.at.to_string(),
        entry.code.clone(),
        word(entry.outcome).to_owned(),
        entry.actor.clone(),
        entry.subject.clone(),
        entry.client.clone(),
        entry.org.clone(),
        entry.request_id.clone(),
        Json::Object(entry.facts.clone()).to_string(),
    ]
}

pub(super) async fn csv(administrator: Administrator) -> Result<Response, Failure> {
    as_csv(&administrator, &Place::server()).await
}

pub(super) async fn csv_of(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    as_csv(&operator, &Place::of(&operator, &org).await?).await
}

pub(super) async fn json(administrator: Administrator) -> Result<Response, Failure> {
    as_json(&administrator, &Place::server()).await
}

pub(super) async fn json_of(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    as_json(&operator, &Place::of(&operator, &org).await?).await
}

async fn as_csv(operator: &Operator, place: &Place) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let asked = place.asked(visit)?;
    let wanted = which(&asked)?;
    let read = async |ask| place.list(visit, wanted.clone(), &ask).await;
    Ok(Sheet::new(&COLUMNS).fill(&asked, read, line).await?.answer("audit"))
}

async fn as_json(operator: &Operator, place: &Place) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let asked = place.asked(visit)?;
    let wanted = which(&asked)?;
    let read = async |ask| place.list(visit, wanted.clone(), &ask).await;
    Ok(whole(&asked, read, view, "audit").await?)
}
