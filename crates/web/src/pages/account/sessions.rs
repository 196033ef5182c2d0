//! Where the person is signed in: list, end one, end all others.

use askama::Template;
use axum::{
    Router,
    extract::Path,
    response::Response,
    routing::{get, post},
};
use doorward_core::{outcome::Code, sessions as core};

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
}

impl<'a> Page<'a> {
    /// The page; this session first, then last used first.
    pub fn new(house: &'a House<'a>, sessions: Vec<Session>) -> Self {
        Self { frame: house.frame, house, sessions }
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
    let (frame, errors) = (visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Sessions, &errors);
    Ok(resident.show(&Page::new(&house, sessions)))
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
