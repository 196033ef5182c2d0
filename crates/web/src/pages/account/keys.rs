//! One's own keys: how each stands, making one, switching it off for good. A secret is shown to the browser that
//! sent the form, for a while; making one asks for the present password, and a form that is sent twice makes one.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Router,
    extract::Path,
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    api_keys::{self as core, ApiKey, ListAsk, NewKey, Permissions, State, Terms, Whose},
    outcome::{Code, Refusal, Result as Outcome},
    page::PageAsk,
};
use doorward_proto::{scope::ScopeSet, secret::SecretText};
use serde::Deserialize;

use super::{Done, House, Resident, Room};
use crate::{
    app::App,
    pages::{
        console::part::once::{self, Known, Told},
        form::{Errors, Field},
        frame::Frame,
        text::Text,
        visit::{Nothing, Posted, Visit, refusal_of},
        when::When,
    },
    surface::Failure,
};

const DAY: u64 = 24 * 60 * 60;
/// How long a key lives unless something else is typed.
const DAYS: u64 = 90;
/// Keys on the page at the most, the newest.
const MOST: u32 = 500;

/// The page and its forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account/keys", get(look).post(make))
        .route("/account/keys/{key}/revoke", post(revoke).get(Room::Keys.door()))
}

/// A key of the person's.
#[derive(Debug, Clone)]
pub struct Key {
    /// What forms send.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How its secret begins.
    pub start: String,
    /// How it stands, in one word.
    pub state: String,
    /// Whether it can be revoked.
    pub is_live: bool,
    /// What it may do.
    pub may: Vec<String>,
    /// When it was made.
    pub since: When,
    /// When it ends, or ended.
    pub until: When,
    /// When it was used last.
    pub used: Option<When>,
}

impl Key {
    fn of(visit: &Visit, key: &ApiKey) -> Self {
        let (text, now) = (visit.text, visit.call.now);
        let state = key.state(now);
        let scopes = key.terms.scopes.iter().map(str::to_owned);
        Self {
            id: key.id.to_string(),
            name: key.terms.name.clone(),
            start: key.shown.clone(),
            state: text.get(word(state)),
            is_live: !matches!(state, State::Revoked | State::Ended | State::Expired),
            may: scopes.chain(key.terms.permissions.names()).collect(),
            since: When::new(text, key.created_at, now),
            until: When::new(text, key.expires_at, now),
            used: key.last_used_at.map(|at| When::new(text, at, now)),
        }
    }
}

const fn word(state: State) -> &'static str {
    match state {
        State::Active => "keys-active",
        State::Disabled => "keys-disabled",
        State::Expired => "keys-expired",
        State::Ended => "keys-ended",
        State::Revoked => "keys-revoked",
    }
}

/// The page.
#[derive(Template)]
#[template(path = "account/keys.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    house: &'a House<'a>,
    errors: Errors,
    keys: Vec<Key>,
    /// Shown for a while.
    secret: Option<SecretText>,
    once: String,
    name: Field,
    scopes: Field,
    days: Field,
    password: Field,
}

impl<'a> Page<'a> {
    /// The page; `typed` is what was sent with the form, and `once` a word of its own.
    pub fn new(
        house: &'a House<'a>,
        keys: Vec<Key>,
        secret: Option<SecretText>,
        (typed, once, errors): (&KeyForm, String, Errors),
    ) -> Self {
        let frame = house.frame;
        let name =
            Field::new("name", "text", "off", frame.t("keys-name")).value(&typed.name).checked(&errors);
        let scopes = Field::new("scopes", "text", "off", frame.t("keys-scopes"))
            .hint(frame.t("keys-scopes-what"))
            .value(&typed.scopes)
            .optional()
            .checked(&errors);
        let days = Field::new("days", "text", "off", frame.t("keys-days"))
            .keyboard("numeric")
            .value(&typed.days)
            .checked(&errors);
        let label = frame.t("security-current");
        let password = Field::password(frame, "current_password", "current-password", label).checked(&errors);
        Self { frame, house, errors, keys, secret, once, name, scopes, days, password }
    }

    fn secret(&self) -> Option<&str> {
        self.secret.as_ref().map(SecretText::expose)
    }
}

/// A key to make, as it is typed.
#[derive(Debug, Clone, Deserialize)]
pub struct KeyForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scopes: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    once: String,
    #[serde(default)]
    current_password: SecretText,
}

impl Default for KeyForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            scopes: "me:read".to_owned(),
            days: DAYS.to_string(),
            once: String::new(),
            current_password: SecretText::default(),
        }
    }
}

impl KeyForm {
    fn read(&self, whose: Whose) -> Outcome<NewKey> {
        let wrong = |field: &'static str| Refusal::new(Code::RequestInvalid).field(field);
        let scopes = ScopeSet::from_names(self.scopes.split([' ', ',']).filter(|scope| !scope.is_empty()))
            .map_err(|_| wrong("scopes"))?;
        let days: u64 = self.days.trim().parse().map_err(|_| wrong("expires_in_seconds"))?;
        let terms = Terms {
            name: self.name.trim().to_owned(),
            scopes,
            permissions: Permissions::read(BTreeMap::new())?,
            is_enabled: true,
            ..Terms::default()
        };
        Ok(NewKey { whose, terms, expires_in: Some(days.saturating_mul(DAY)) })
    }
}

async fn keys(resident: &Resident) -> Outcome<Vec<Key>> {
    let visit = &resident.visit;
    let ask = ListAsk {
        user: Some(resident.account.session.user),
        page: PageAsk { limit: MOST, ..PageAsk::default() },
        ..ListAsk::default()
    };
    let found = core::list(&visit.call, ask).await?;
    Ok(found.items.iter().rev().map(|key| Key::of(visit, key)).collect())
}

async fn look(resident: Resident) -> Result<Response, Failure> {
    let visit = &resident.visit;
    let known = once::recall(visit).await?;
    let keys = keys(&resident).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let house = resident.house(&frame, Room::Keys, &errors);
    let form = (&KeyForm::default(), once::word(visit)?, errors);
    Ok(match known {
        Some(Known::UnderWay) => once::looks_again(resident.show(&Page::new(&house, keys, None, form))),
        Some(Known::Told(told)) => resident.show(&Page::new(&house, keys, told.secret, form)),
        Some(Known::Nothing) | None => resident.show(&Page::new(&house, keys, None, form)),
    })
}

async fn make(posted: Posted<KeyForm>) -> Result<Response, Failure> {
    let (resident, form) = match Resident::of(posted, Room::Keys).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, user) = (&resident.visit, resident.account.session.user);
    let (call, typed) = (visit.call.clone(), form.clone());
    let work = async move {
        let new = typed.read(Whose::Person(user, None))?;
        let made = core::create_own(&call, (user, &typed.current_password), new).await?;
        let secret = Some(SecretText::from(made.secret.expose()));
        Ok(Told { id: made.key.id.to_string(), secret, is_new: true })
    };
    let refusal = match once::send(visit, (&form.once, Room::Keys.path()), work).await {
        Ok(onward) => return Ok(onward),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let keys = keys(&resident).await?;
    let frame = visit.frame();
    let house = resident.house(&frame, Room::Keys, &errors);
    let page = Page::new(&house, keys, None, (&form, once::word(visit)?, errors));
    Ok(visit.show_wrong(&page, &refusal))
}

/// What a refusal means for the form.
fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("name")) => ("name", "keys-name-wrong"),
        (Code::RequestInvalid, Some("scopes")) => ("scopes", "keys-scopes-wrong"),
        (Code::ScopeMissing, _) => ("scopes", "keys-scopes-beyond"),
        (Code::IdempotencyConflict, _) => ("", "tokens-sent-before"),
        (Code::TokenLifetime, _) | (Code::RequestInvalid, Some("expires_in_seconds")) => {
            ("days", "keys-days-wrong")
        }
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}

async fn revoke(Path(key): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (resident, _) = match Resident::of(posted, Room::Keys).await {
        Ok(resident) => resident,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, user) = (&resident.visit, resident.account.session.user);
    let key = key.parse().map_err(|_| Failure::from(Code::NotFound))?;
    match core::revoke_own(&visit.call, user, key, "revoked on the account page".to_owned()).await {
        // Revoked already, by a second click.
        Err(error) if error.code() == Some(Code::Conflict) => {}
        other => drop(other?),
    }
    Ok(Done::Key.at(visit, Room::Keys.path()))
}
