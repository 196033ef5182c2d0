//! Applications by which people join an organisation: `/api/v1/orgs/{org}/join-clients`.

use axum::extract::Path;
use doorward_core::{
    orgs::joins::{self, JoinClient},
    page::Page,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Second;
use crate::api::{
    answer::{Answer, created, done, page},
    body::Input,
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/join-clients", list)
            .org("org:settings:read")
            .lists_all::<JoinClientView>()
            .says("Lists the applications by which people join an organisation"),
        Endpoint::post("/api/v1/orgs/{org}/join-clients", add)
            .org("org:settings:write")
            .takes::<NewJoinClient>()
            .status(StatusCode::CREATED)
            .answers::<JoinClientView>()
            .says("Makes whoever signs in to an application a member of the organisation, once"),
        Endpoint::delete("/api/v1/orgs/{org}/join-clients/{client}", remove)
            .org("org:settings:write")
            .says("Lets nobody join by an application any more; who has joined stays"),
    ]
}

/// An application by which people shall join.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewJoinClient {
    /// Its `client_id`, or our own key for it: one of the organisation's own, but for who administers the
    /// instance.
    client_id: String,
}

/// An application by which people join an organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationJoinClient)]
struct JoinClientView {
    /// Our own key for it.
    id: String,
    /// Its public name.
    client_id: String,
    /// What people see.
    name: String,
    /// Since when.
    #[schema(format = DateTime)]
    created_at: String,
}

fn view(one: &JoinClient) -> JoinClientView {
    JoinClientView {
        id: one.id.to_string(),
        client_id: one.client_id.clone(),
        name: one.name.clone(),
        created_at: one.created_at.to_string(),
    }
}

async fn list(caller: Caller, Entered(scope): Entered) -> Answer {
    let items = joins::list(&caller.call, &scope).await?;
    page(&Page { items, next: None }, |one| Ok(view(one)))
}

async fn add(caller: Caller, Entered(scope): Entered, Input(body): Input<NewJoinClient>) -> Answer {
    let one = joins::add(&caller.call, &scope, &body.client_id).await?;
    created(&format!("/api/v1/orgs/{}/join-clients/{}", scope.id(), one.id), &view(&one), None)
}

async fn remove(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    joins::remove(&caller.call, &scope, &name).await?;
    done()
}
