//! Applications with access: what each may do, since when, and taking it back.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Router,
    extract::Path,
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    authorize::{self, Connected},
    outcome::Code,
};

use super::{Done, House, Resident, Room};
use crate::{
    app::App,
    pages::{
        consent::Wish,
        form::Errors,
        frame::{Frame, initials},
        visit::{Nothing, Posted, Visit},
        when::When,
    },
    surface::Failure,
};

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/applications", get(look))
        .route("/account/applications/{client}/revoke", post(revoke).get(Room::Applications.door()))
}

/// An application that the person has allowed something.
#[derive(Debug, Clone)]
pub struct Application {
    /// What forms send.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub wishes: Vec<Wish>,
    /// When it was allowed.
    pub since: When,
}

impl Application {
    fn initial(&self) -> String {
        initials(&self.name, 1)
    }
}

/// The page.
#[derive(Template)]
#[template(path = "account/applications.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    applications: Vec<Application>,
}

impl<'a> Page<'a> {
    /// The page; in the order of the names.
    pub fn new(house: &'a House<'a>, applications: Vec<Application>) -> Self {
        Self { frame: house.frame, house, applications }
    }
}

async fn look(resident: Resident) -> Result<Response, Failure> {
    let visit = &resident.visit;
    let connected = authorize::connected(&visit.call, resident.account.session.user).await?;
    let mut applications = Vec::new();
    for one in connected {
        let words = authorize::allowed_in_words(&visit.call, &one).await?;
        applications.push((one, words));
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Applications, &errors);
    Ok(resident.show(&Page::new(&house, by_client(visit, applications))))
}

/// Scopes, each with what it allows.
type Words = Vec<(String, String)>;

/// One entry for each application, whatever APIs and organisations it was allowed.
fn by_client(visit: &Visit, mut connected: Vec<(Connected, Words)>) -> Vec<Application> {
    connected
        .sort_by(|(a, _), (b, _)| (&a.name, a.client, a.granted_at).cmp(&(&b.name, b.client, b.granted_at)));
    let of_one = connected.chunk_by(|(a, _), (b, _)| a.client == b.client);
    let application = |all: &[(Connected, Words)]| {
        let (first, _) = all.first()?;
        let words: BTreeMap<&String, &String> =
            all.iter().flat_map(|(_, words)| words).map(|(scope, words)| (scope, words)).collect();
        Some(Application {
            id: first.client.to_string(),
            name: first.name.clone(),
            wishes: words.iter().map(|(scope, words)| Wish::of_scope(visit.text, scope, words)).collect(),
            since: When::new(visit.text, first.granted_at, visit.call.now),
        })
    };
    of_one.filter_map(application).collect()
}

async fn revoke(Path(client): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Applications).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let client = client.parse().map_err(|_| Failure::from(Code::NotFound))?;
    match authorize::revoke(&resident.visit.call, resident.account.session.user, client).await {
        // Taken back already, by a second click.
        Err(error) if error.code() == Some(Code::NotFound) => {}
        other => other?,
    }
    Ok(Done::Application.at(&resident.visit, Room::Applications.path()))
}
