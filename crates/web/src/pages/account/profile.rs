//! Name, mail address, and whether the person wants news by mail.

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use doorward_core::{
    outcome::{Code, Refusal, Result as Outcome},
    users::{self, Change, Email, PICTURE, User},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{Done, House, Resident, Room, picture};
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

/// What a person says of themselves.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The whole name.
    pub name: String,
    /// First name or names.
    pub given_name: String,
    /// Last name or names.
    pub family_name: String,
    /// The address of a picture.
    pub picture: String,
    /// A telephone number.
    pub phone_number: String,
    /// The language (BCP 47).
    pub locale: String,
    /// The time zone (IANA).
    pub zone: String,
}

impl Typed {
    fn of(user: &User) -> Self {
        let text = |of: &Option<String>| of.clone().unwrap_or_default();
        Self {
            name: text(&user.name),
            given_name: text(&user.profile.given_name),
            family_name: text(&user.profile.family_name),
            picture: text(&user.profile.picture),
            phone_number: text(&user.profile.phone_number),
            locale: text(&user.locale),
            zone: text(&user.zone),
        }
    }

    /// The same with what was sent in its place.
    fn with(mut self, form: &ProfileForm) -> Self {
        let places = [
            (&mut self.name, &form.name),
            (&mut self.given_name, &form.given_name),
            (&mut self.family_name, &form.family_name),
            (&mut self.picture, &form.picture),
            (&mut self.phone_number, &form.phone_number),
            (&mut self.locale, &form.locale),
            (&mut self.zone, &form.zone),
        ];
        for (place, sent) in places {
            if let Some(sent) = sent {
                sent.trim().clone_into(place);
            }
        }
        self
    }
}

/// What stands now.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What the form holds; each may be empty.
    pub typed: Typed,
    /// Whether the mail address is confirmed.
    pub is_verified: bool,
    /// Since when the person wants news, if so.
    pub news_since: Option<When>,
    /// Where the picture is that was handed in here.
    pub picture: Option<String>,
}

impl Facts {
    fn of(visit: &Visit, user: &User) -> Self {
        Self {
            typed: Typed::of(user),
            is_verified: user.email_verified_at.is_some(),
            picture: picture_of(visit, user),
            news_since: user.marketing_consent_at.map(|at| When::new(visit.text, at, visit.call.now)),
        }
    }
}

fn picture_of(visit: &Visit, user: &User) -> Option<String> {
    let address = user.profile.picture.as_deref()?;
    picture::path_of(address, &visit.call.realm.issuer).map(str::to_owned)
}

/// The page.
#[derive(Template)]
#[template(path = "account/profile.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    facts: Facts,
    about: [Field; 7],
    email: Field,
    password: Field,
    news: Tick,
    upload_wrong: Option<String>,
    upload_most: usize,
}

impl<'a> Page<'a> {
    /// The page; `typed` is a new mail address as typed before.
    pub fn new(house: &'a House<'a>, facts: Facts, typed: &str, errors: Errors) -> Self {
        let frame = house.frame;
        let about = about(frame, &facts.typed, &errors);
        let label = frame.t("profile-new-address");
        let email = Field::new("email", "email", "email", label).value(typed).checked(&errors);
        let label = frame.t("security-current");
        let password = Field::password(frame, "current_password", "current-password", label).checked(&errors);
        let news = news::tick(frame, facts.news_since.is_some());
        let upload_wrong = errors.about(picture::FIELD).map(str::to_owned);
        let upload_most = PICTURE.bytes;
        Self { frame, house, errors, facts, about, email, password, news, upload_wrong, upload_most }
    }
}

/// The fields about the person.
fn about(frame: &Frame, typed: &Typed, errors: &Errors) -> [Field; 7] {
    let text = |id, autocomplete, key: &str, value: &String| {
        Field::new(id, "text", autocomplete, frame.t(key)).value(value).optional().checked(errors)
    };
    [
        text("name", "name", "field-name", &typed.name),
        text("given_name", "given-name", "profile-given-name", &typed.given_name),
        text("family_name", "family-name", "profile-family-name", &typed.family_name),
        Field::new("picture", "url", "photo", frame.t("profile-picture"))
            .value(&typed.picture)
            .hint(frame.t("profile-picture-hint"))
            .optional()
            .checked(errors),
        Field::new("phone_number", "tel", "tel", frame.t("profile-phone"))
            .value(&typed.phone_number)
            .optional()
            .checked(errors),
        text("locale", "language", "profile-locale", &typed.locale).hint(frame.t("profile-locale-hint")),
        text("zone", "off", "profile-zone", &typed.zone).hint(frame.t("profile-zone-hint")),
    ]
}

/// What is not sent stays as it is; what is sent empty goes.
#[derive(Default, Deserialize)]
struct ProfileForm {
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    picture: Option<String>,
    phone_number: Option<String>,
    locale: Option<String>,
    zone: Option<String>,
}

/// What was sent: nothing where it is empty.
fn said(sent: &str) -> Option<String> {
    Some(sent.trim().to_owned()).filter(|text| !text.is_empty())
}

impl ProfileForm {
    fn change(&self) -> Change {
        let claims = [
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("picture", &self.picture),
            ("phone_number", &self.phone_number),
        ];
        let mut patch = Map::new();
        for (member, sent) in claims {
            if let Some(sent) = sent {
                patch.insert(member.to_owned(), said(sent).map_or(Json::Null, Json::String));
            }
        }
        Change {
            name: self.name.as_deref().map(said),
            locale: self.locale.as_deref().map(said),
            zone: self.zone.as_deref().map(said),
            profile: (!patch.is_empty()).then_some(patch),
            ..Change::default()
        }
    }
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
        name.clone_into(&mut facts.typed.name);
    }
    let typed = resident.visit.typed("email").unwrap_or_default();
    Ok(resident.show(&Page::new(&house, facts, typed, errors)))
}

async fn save(posted: Posted<ProfileForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Profile).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let user = resident.account.session.user;
    match users::update(&resident.visit.call, user, None, form.change()).await {
        Ok(_) => Ok(Done::Profile.at(&resident.visit, Room::Profile.path())),
        Err(error) => wrong(&resident, &form, "", error).await,
    }
}

async fn change_email(posted: Posted<EmailForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Profile).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    match ask(&resident, form.email.trim(), &form.current_password).await {
        Ok(()) => Ok(Done::AddressAsked.at(&resident.visit, Room::Profile.path())),
        Err(error) => wrong(&resident, &ProfileForm::default(), form.email.trim(), error).await,
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

/// What is wrong with one of the fields about the person.
fn about_the_person(visit: &Visit, refusal: &Refusal) -> Option<Errors> {
    let of = [
        ("name", "profile-name-wrong"),
        ("picture", "profile-picture-wrong"),
        ("phone_number", "profile-phone-wrong"),
        ("locale", "profile-locale-wrong"),
        ("zone", "profile-zone-wrong"),
    ];
    let named = refusal.field.as_deref().filter(|_| refusal.code == Code::RequestInvalid)?;
    let (field, key) = of.into_iter().find(|(field, _)| *field == named)?;
    Some(Errors::one(field, visit.text.get(key)))
}

async fn wrong(
    resident: &Resident,
    form: &ProfileForm,
    email: &str,
    error: doorward_core::outcome::Error,
) -> Result<Response, Failure> {
    let visit = &resident.visit;
    let refusal = refusal_of(error)?;
    let Some(errors) = about_the_person(visit, &refusal).or_else(|| Errors::of(visit.text, &refusal)) else {
        return Ok(Failure::from(refusal).into_response());
    };
    again(resident, (form, email), errors, &refusal).await
}

/// The page again with what is wrong with a picture.
///
/// # Errors
/// Faults.
pub(super) async fn show_wrong(
    resident: &Resident,
    errors: Errors,
    refusal: &Refusal,
) -> Result<Response, Failure> {
    again(resident, (&ProfileForm::default(), ""), errors, refusal).await
}

async fn again(
    resident: &Resident,
    (form, email): (&ProfileForm, &str),
    errors: Errors,
    refusal: &Refusal,
) -> Result<Response, Failure> {
    let visit = &resident.visit;
    let user = users::get(&visit.call, resident.account.session.user).await?;
    let mut facts = Facts::of(visit, &user);
    facts.typed = facts.typed.with(form);
    let frame = visit.frame();
    let house = resident.house(&frame, Room::Profile, &errors);
    Ok(visit.show_wrong(&Page::new(&house, facts, email, errors), refusal))
}
