//! Name, mail address, and whether the person wants news by mail.

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use doorward_core::{
    outcome::Result as Outcome,
    users::{self, Change, Email, User},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{Done, House, Resident, Room};
use crate::{
    app::App,
    pages::{
        form::{Errors, Field, Tick},
        frame::Frame,
        news,
        visit::{Posted, Visit, refusal_of},
        when::When,
    },
    surface::Failure,
};

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(look))
        .route("/account/profile", post(save).get(Room::Profile.door()))
        .route("/account/email", post(change_email).get(Room::Profile.door()))
        .route("/account/news", post(choose_news).get(Room::Profile.door()))
}

/// What stands now.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The name; may be empty.
    pub name: String,
    /// Whether the mail address is confirmed.
    pub is_verified: bool,
    /// Since when the person wants news, if so.
    pub news_since: Option<When>,
}

impl Facts {
    fn of(visit: &Visit, user: &User) -> Self {
        Self {
            name: user.name.clone().unwrap_or_default(),
            is_verified: user.email_verified_at.is_some(),
            news_since: user.marketing_consent_at.map(|at| When::new(visit.text, at, visit.call.now)),
        }
    }
}

/// The page.
#[derive(Template)]
#[template(path = "account/profile.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    facts: Facts,
    name: Field,
    email: Field,
    password: Field,
    news: Tick,
}

impl<'a> Page<'a> {
    /// The page; `typed` is a new mail address as typed before.
    pub fn new(house: &'a House<'a>, facts: Facts, typed: &str, errors: Errors) -> Self {
        let frame = house.frame;
        let name = Field::new("name", "text", "name", frame.t("field-name"))
            .value(&facts.name)
            .optional()
            .checked(&errors);
        let label = frame.t("profile-new-address");
        let email = Field::new("email", "email", "email", label).value(typed).checked(&errors);
        let label = frame.t("security-current");
        let password = Field::password(frame, "current_password", "current-password", label).checked(&errors);
        let news = news::tick(frame, facts.news_since.is_some());
        Self { frame, house, errors, facts, name, email, password, news }
    }
}

#[derive(Deserialize)]
struct NameForm {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct EmailForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    current_password: SecretText,
}

#[derive(Deserialize)]
struct NewsForm {
    news: Option<String>,
}

async fn look(resident: Resident) -> Result<Response, Failure> {
    let user = users::get(&resident.visit.call, resident.account.session.user).await?;
    let (frame, errors) = (resident.visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Profile, &errors);
    let mut facts = Facts::of(&resident.visit, &user);
    if let Some(name) = resident.visit.typed("name") {
        name.clone_into(&mut facts.name);
    }
    let typed = resident.visit.typed("email").unwrap_or_default();
    Ok(resident.show(&Page::new(&house, facts, typed, errors)))
}

async fn save(posted: Posted<NameForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Profile).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let name = form.name.trim();
    let change =
        Change { name: Some(Some(name.to_owned()).filter(|name| !name.is_empty())), ..Change::default() };
    let user = resident.account.session.user;
    match users::update(&resident.visit.call, user, None, change).await {
        Ok(_) => Ok(Done::Profile.at(&resident.visit, Room::Profile.path())),
        Err(error) => wrong(&resident, Some(name), "", error).await,
    }
}

async fn change_email(posted: Posted<EmailForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Profile).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    match ask(&resident, form.email.trim(), &form.current_password).await {
        Ok(()) => Ok(Done::AddressAsked.at(&resident.visit, Room::Profile.path())),
        Err(error) => wrong(&resident, None, form.email.trim(), error).await,
    }
}

async fn ask(resident: &Resident, email: &str, password: &SecretText) -> Outcome<()> {
    let email = Email::parse(email)?;
    users::change_email(&resident.visit.call, resident.account.session.user, password, email).await
}

/// Saying the same again changes nothing: the time of the consent stays.
async fn choose_news(posted: Posted<NewsForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Profile).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, user) = (&resident.visit, resident.account.session.user);
    let before = users::get(&visit.call, user).await?.marketing_consent_at.is_some();
    if before != form.news.is_some() {
        let consent = form.news.map(|_| news::agreed(visit.text));
        let change = Change { marketing_consent: Some(consent), ..Change::default() };
        users::update(&visit.call, user, None, change).await?;
    }
    Ok(Done::News.at(visit, Room::Profile.path()))
}

async fn wrong(
    resident: &Resident,
    name: Option<&str>,
    email: &str,
    error: doorward_core::outcome::Error,
) -> Result<Response, Failure> {
    let visit = &resident.visit;
    let refusal = refusal_of(error)?;
    let Some(errors) = Errors::of(visit.text, &refusal) else {
        return Ok(Failure::from(refusal).into_response());
    };
    let user = users::get(&visit.call, resident.account.session.user).await?;
    let mut facts = Facts::of(visit, &user);
    if let Some(name) = name {
        name.clone_into(&mut facts.name);
    }
    let frame = visit.frame();
    let house = resident.house(&frame, Room::Profile, &errors);
    Ok(visit.show_wrong(&Page::new(&house, facts, email, errors), &refusal))
}
