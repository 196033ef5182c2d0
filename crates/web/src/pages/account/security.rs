//! The password, and sign-ins elsewhere that are linked.

use askama::Template;
use axum::{
    Router,
    extract::Path,
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    credentials,
    outcome::{Code, Refusal},
    providers,
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{Done, House, Resident, Room};
use crate::{
    app::App,
    pages::{
        form::{Errors, Field},
        frame::{Frame, initials},
        sign_up::new_password,
        visit::{Nothing, Posted, refusal_of},
        when::When,
    },
    surface::Failure,
};

/// The page and its form.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/security", get(look))
        .route("/account/security/password", post(change).get(Room::Security.door()))
        .route("/account/security/connections/{provider}", post(unlink).get(Room::Security.door()))
}

/// The page.
#[derive(Template)]
#[template(path = "account/security.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    current: Field,
    new: Field,
    linked: Vec<Linked>,
}

/// A sign-in elsewhere.
#[derive(Debug, Clone)]
pub struct Linked {
    /// What forms send.
    pub id: String,
    /// What people call the provider.
    pub name: String,
    /// The mail address there.
    pub email: Option<String>,
    /// When it was linked.
    pub since: When,
    /// When it was used last.
    pub last_used: When,
}

impl Linked {
    fn initial(&self) -> String {
        initials(&self.name, 1)
    }
}

impl<'a> Page<'a> {
    /// The page; `shortest` is the fewest letters of a password.
    pub fn new(house: &'a House<'a>, errors: Errors, shortest: usize) -> Self {
        let frame = house.frame;
        let label = frame.t("security-current");
        let current = Field::password(frame, "current_password", "current-password", label).checked(&errors);
        let new = new_password(frame, shortest).checked(&errors);
        Self { frame, house, errors, current, new, linked: Vec::new() }
    }

    /// With the sign-ins elsewhere.
    #[must_use]
    pub fn linked(mut self, linked: Vec<Linked>) -> Self {
        self.linked = linked;
        self
    }
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    current_password: SecretText,
    #[serde(default)]
    new_password: SecretText,
}

async fn linked(resident: &Resident) -> Result<Vec<Linked>, Failure> {
    let visit = &resident.visit;
    let all = providers::connections(&visit.call, resident.account.session.user).await?;
    let when = |time| When::new(visit.text, time, visit.call.now);
    Ok(all
        .into_iter()
        .map(|one| Linked {
            id: one.provider.to_string(),
            name: one.name,
            email: one.email,
            since: when(one.linked_at),
            last_used: when(one.last_used_at),
        })
        .collect())
}

async fn look(resident: Resident) -> Result<Response, Failure> {
    let linked = linked(&resident).await?;
    let (frame, errors) = (resident.visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Security, &errors);
    let shortest = resident.visit.call.realm.settings.password.min_length;
    Ok(resident.show(&Page::new(&house, errors, shortest).linked(linked)))
}

async fn change(posted: Posted<PasswordForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Security).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, session) = (&resident.visit, &resident.account.session);
    let whose = (session.user, session.id);
    let changed = credentials::change(&visit.call, whose, &form.current_password, &form.new_password).await;
    let refusal = match changed {
        Ok(()) => return Ok(Done::Password.at(visit, Room::Security.path())),
        Err(error) => refusal_of(error)?,
    };
    wrong(&resident, &refusal).await
}

/// The page again, with what is wrong.
async fn wrong(resident: &Resident, refusal: &Refusal) -> Result<Response, Failure> {
    let visit = &resident.visit;
    let Some(errors) = Errors::of(visit.text, refusal) else { return Err(refusal.clone().into()) };
    let linked = linked(resident).await?;
    let frame = visit.frame();
    let house = resident.house(&frame, Room::Security, &errors);
    let shortest = visit.call.realm.settings.password.min_length;
    Ok(visit.show_wrong(&Page::new(&house, errors, shortest).linked(linked), refusal))
}

async fn unlink(Path(provider): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Security).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let provider = provider.parse().map_err(|_| Failure::from(Code::NotFound))?;
    match providers::disconnect(&resident.visit.call, resident.account.session.user, provider).await {
        Ok(()) => {}
        // Unlinked already, by a second click.
        Err(error) if error.code() == Some(Code::NotFound) => {}
        Err(error) => return wrong(&resident, &refusal_of(error)?).await,
    }
    Ok(Done::Disconnected.at(&resident.visit, Room::Security.path()))
}
