//! The use cases of the pages, for whose applications they show.

use std::time::Duration;

use doorward_core::{
    call::Call,
    clients::{
        Client,
        manage::{self, ListAsk, NewClient, Registration, WithSecret},
        of_org,
    },
    orgs::OrgScope,
    outcome::Result,
    page::{Page, PageAsk},
    principals::Status,
};
use doorward_proto::id::{Id, Org};

use super::Site;

/// Which ones a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Narrowed {
    /// Only this organisation's, in the list of all.
    pub(super) org: Option<Id<Org>>,
    pub(super) status: Option<Status>,
}

pub(super) async fn list(
    call: &Call,
    site: &Site,
    (page, narrowed): (PageAsk, Narrowed),
) -> Result<Page<Client>> {
    match site.org() {
        None => manage::list(call, ListAsk { page, org: narrowed.org, status: narrowed.status }).await,
        Some(scope) => of_org::list(call, scope, (page, narrowed.status)).await,
    }
}

/// The application of an address.
pub(super) async fn find(call: &Call, site: &Site, id: &str) -> Result<Client> {
    match site.org() {
        None => manage::get(call, id).await,
        Some(scope) => of_org::find(call, scope, id).await,
    }
}

/// Whether whoever is here decides over an application.
pub(super) async fn decides(call: &Call, site: &Site, client: &Client) -> Result<bool> {
    match site.org() {
        None => Ok(true),
        Some(scope) => Ok(site.may(of_org::WRITE) && of_org::decides(call, scope, client).await?),
    }
}

/// What is typed of a new one that only the instance's administrators choose.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen {
    pub(super) org: Option<Id<Org>>,
    pub(super) client_id: Option<String>,
}

pub(super) async fn register(
    call: &Call,
    org: Option<&OrgScope>,
    (registration, chosen): (Registration, Chosen),
) -> Result<WithSecret> {
    match org {
        None => {
            manage::register(call, NewClient { client_id: chosen.client_id, org: chosen.org, registration })
                .await
        }
        Some(scope) => of_org::register(call, scope, registration).await,
    }
}

pub(super) async fn update(
    call: &Call,
    site: &Site,
    (client, seen): (&Client, i64),
    registration: Registration,
) -> Result<Client> {
    match site.org() {
        None => manage::update(call, client.id, seen, registration).await,
        Some(scope) => of_org::update(call, scope, (&client.id.to_string(), seen), registration).await,
    }
}

pub(super) async fn rotate(
    call: &Call,
    org: Option<&OrgScope>,
    (client, overlap): (&Client, Duration),
) -> Result<WithSecret> {
    match org {
        None => manage::rotate_secret(call, client.id, overlap).await,
        Some(scope) => of_org::rotate_secret(call, scope, (&client.id.to_string(), overlap)).await,
    }
}

pub(super) async fn retire(call: &Call, site: &Site, client: &Client) -> Result<Client> {
    match site.org() {
        None => manage::retire_secrets(call, client.id).await,
        Some(scope) => of_org::retire_secrets(call, scope, &client.id.to_string()).await,
    }
}

pub(super) async fn set_status(call: &Call, site: &Site, client: &Client, status: Status) -> Result<Client> {
    match site.org() {
        None => manage::set_status(call, client.id, status).await,
        Some(scope) => of_org::set_status(call, scope, &client.id.to_string(), status).await,
    }
}
