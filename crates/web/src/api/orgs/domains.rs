//! Domains of an organisation: `/api/v1/orgs/{org}/domains`.

use axum::extract::Path;
use doorward_core::{
    orgs::domains::{self, Domain},
    page::Page,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Second;
use crate::api::{
    answer::{Answer, created, done, found, page},
    body::Input,
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

const READ: &str = "org:domains:read";
const WRITE: &str = "org:domains:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/domains", list)
            .org(READ)
            .lists_all::<DomainView>()
            .says("Lists an organisation's domains, with the record that proves each"),
        Endpoint::post("/api/v1/orgs/{org}/domains", add)
            .org(WRITE)
            .takes::<NewDomain>()
            .status(StatusCode::CREATED)
            .answers::<DomainView>()
            .says("Adds a domain that is to be proven by a TXT record"),
        Endpoint::post("/api/v1/orgs/{org}/domains/{domain}/verify", verify)
            .org(WRITE)
            .answers::<DomainView>()
            .says("Looks whether the domain's DNS says that it is the organisation's"),
        Endpoint::delete("/api/v1/orgs/{org}/domains/{domain}", remove)
            .org(WRITE)
            .says("Takes a domain off; who belongs to the organisation stays"),
    ]
}

/// A domain to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDomain {
    /// Its name: `example.com`.
    domain: String,
}

/// A domain of an organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationDomain)]
struct DomainView {
    /// Its name.
    domain: String,
    /// Whether it is proven.
    verified: bool,
    /// The name of the TXT record that proves it.
    record: String,
    /// What the record has to say.
    value: String,
    /// When it was proven.
    #[schema(format = DateTime)]
    verified_at: Option<String>,
    /// When it was added.
    #[schema(format = DateTime)]
    created_at: String,
}

fn view(domain: &Domain) -> DomainView {
    DomainView {
        domain: domain.name.clone(),
        verified: domain.verified_at.is_some(),
        record: domain.record(),
        value: domain.value(),
        verified_at: domain.verified_at.map(|at| at.to_string()),
        created_at: domain.created_at.to_string(),
    }
}

async fn list(caller: Caller, Entered(scope): Entered) -> Answer {
    let items = domains::list(&caller.call, &scope).await?;
    page(&Page { items, next: None }, |domain| Ok(view(domain)))
}

async fn add(caller: Caller, Entered(scope): Entered, Input(body): Input<NewDomain>) -> Answer {
    let domain = domains::add(&caller.call, &scope, &body.domain).await?;
    created(&format!("/api/v1/orgs/{}/domains/{}", scope.id(), domain.name), &view(&domain), None)
}

async fn verify(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    found(&view(&domains::verify(&caller.call, &scope, &name).await?))
}

async fn remove(caller: Caller, Entered(scope): Entered, Path((_, name)): Second) -> Answer {
    domains::remove(&caller.call, &scope, &name).await?;
    done()
}
