//! Where the person is signed in: list, end one, end all others.

use askama::Template;
use axum::{
    Router,
    extract::Path,
    response::Response,
    routing::{get, post},
};
use doorward_core::{grants::devices, outcome::Code, sessions as core};

use super::{Done, House, Resident, Room};
use crate::{
    app::App,
    pages::{
        form::Errors,
        frame::Frame,
        visit::{Nothing, Posted, Visit},
        when::When,
    },
    surface::Failure,
};

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/sessions", get(look))
        .route("/account/sessions/{session}/end", post(end).get(Room::Sessions.door()))
        .route("/account/sessions/end-others", post(end_others).get(Room::Sessions.door()))
        .route("/account/devices/{grant}/end", post(end_device).get(Room::Sessions.door()))
}

/// A signed-in session.
#[derive(Debug, Clone)]
pub struct Session {
    /// What forms send.
    pub id: String,
    /// Browser and system, as far as they say.
    pub device: Device,
    /// The address it was last seen from.
    pub address: String,
    /// When it was last used.
    pub seen: When,
    /// When it began.
    pub since: When,
    /// Whether it is the one that shows this page.
    pub is_this: bool,
}

/// An application that comes back without a browser.
#[derive(Debug, Clone)]
pub struct Application {
    /// What forms send.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it runs on; empty where it does not say.
    pub device: String,
    /// When it last asked for tokens.
    pub seen: When,
    /// When it began.
    pub since: When,
}

impl Application {
    /// What the button does, for who does not see where it is.
    fn end_label(&self, frame: &Frame) -> String {
        frame.text.with2("devices-end-of", ("name", &self.name), ("device", &self.device))
    }
}

/// A browser and its system, by the names people know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The browser; empty when unknown.
    pub browser: &'static str,
    /// The system; empty when unknown.
    pub system: &'static str,
}

/// The first mark that occurs decides: later ones are also claimed by the browsers above them.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

impl Device {
    /// Reads a `User-Agent`.
    pub fn of(user_agent: &str) -> Self {
        let known = |marks: &[(&str, &'static str)]| {
            marks.iter().find_map(|(mark, name)| user_agent.contains(mark).then_some(*name))
        };
        Self { browser: known(BROWSERS).unwrap_or_default(), system: known(SYSTEMS).unwrap_or_default() }
    }

    /// Both in a few words.
    pub fn title(self, frame: &Frame) -> String {
        match (self.browser, self.system) {
            ("", "") => frame.t("sessions-unknown"),
            (name, "") | ("", name) => name.to_owned(),
            (browser, system) => frame.text.with2("sessions-on", ("browser", browser), ("system", system)),
        }
    }
}

/// The page.
#[derive(Template)]
#[template(path = "account/sessions.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    sessions: Vec<Session>,
    applications: Vec<Application>,
}

impl<'a> Page<'a> {
    /// The page; this session first, then last used first.
    pub fn new(house: &'a House<'a>, sessions: Vec<Session>, applications: Vec<Application>) -> Self {
        Self { frame: house.frame, house, sessions, applications }
    }
}

async fn look(resident: Resident) -> Result<Response, Failure> {
    let visit = &resident.visit;
    let mut sessions: Vec<Session> = core::list(&visit.call, resident.account.session.user)
        .await?
        .into_iter()
        .map(|session| shown(visit, &resident, session))
        .collect();
    sessions.sort_by_key(|session| !session.is_this);
    let applications = devices::list(&visit.call, resident.account.session.user).await?;
    let applications = applications.into_iter().map(|device| on_device(visit, device)).collect();
    let (frame, errors) = (visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Sessions, &errors);
    Ok(resident.show(&Page::new(&house, sessions, applications)))
}

fn shown(visit: &Visit, resident: &Resident, session: core::Session) -> Session {
    Session {
        id: session.id.to_string(),
        device: Device::of(session.user_agent.as_deref().unwrap_or_default()),
        address: session.address,
        seen: When::new(visit.text, session.seen_at, visit.call.now),
        since: When::new(visit.text, session.auth_time, visit.call.now),
        is_this: session.id == resident.account.session.id,
    }
}

fn on_device(visit: &Visit, device: devices::Device) -> Application {
    Application {
        id: device.grant.to_string(),
        name: device.client_name,
        device: device.device.unwrap_or_default(),
        seen: When::new(visit.text, device.seen, visit.call.now),
        since: When::new(visit.text, device.since, visit.call.now),
    }
}

async fn end_device(Path(grant): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Sessions).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let grant = grant.parse().map_err(|_| Failure::from(Code::NotFound))?;
    match devices::end(&resident.visit.call, resident.account.session.user, grant).await {
        Err(error) if error.code() == Some(Code::NotFound) => {}
        other => other?,
    }
    Ok(Done::Session.at(&resident.visit, Room::Sessions.path()))
}

async fn end(Path(session): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Sessions).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let session = session.parse().map_err(|_| Failure::from(Code::NotFound))?;
    match core::end(&resident.visit.call, Some(resident.account.session.user), session).await {
        // Ended already: by a second click, or from the device itself.
        Err(error) if error.code() == Some(Code::NotFound) => {}
        other => other?,
    }
    Ok(Done::Session.at(&resident.visit, Room::Sessions.path()))
}

async fn end_others(posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Sessions).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let session = &resident.account.session;
    core::end_others(&resident.visit.call, session.user, Some(session.id)).await?;
    Ok(Done::Sessions.at(&resident.visit, Room::Sessions.path()))
}

#[cfg(test)]
mod tests;
