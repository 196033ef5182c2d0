//! Service tokens in the console: what there is, making one, replacing its secret, ending it.

use axum::{Router, routing::get};
use doorward_core::{
    orgs,
    outcome::{Code, Refusal, Result},
    service_tokens::{Key, State, Token, find, review_due},
};

use super::{
    Administrator, Area,
    words::{some, words},
};
use crate::{
    app::App,
    pages::{text::Text, visit::Visit, when::When},
};

pub mod create;
pub mod list;
mod review;
pub mod revoke;
pub mod rotate;
pub mod secret;
pub mod show;

const PATH: &str = Area::ServiceTokens.path();

/// Every page of the area. The address of a form also shows it: to whoever reloads, or comes back.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/service-tokens", get(list::look))
        .route("/console/service-tokens.csv", get(list::export))
        .route("/console/service-tokens/new", get(create::look).post(create::make))
        .route("/console/service-tokens/secret", get(secret::look))
        .route("/console/service-tokens/{id}", get(show::look))
        .route("/console/service-tokens/{id}/rotate", get(rotate::look).post(rotate::replace))
        .route("/console/service-tokens/{id}/review", get(review::look).post(review::note))
        .route("/console/service-tokens/{id}/revoke", get(revoke::look).post(revoke::end))
}

/// How a version stands, in one word.
#[derive(Debug, Clone)]
pub struct Standing {
    word: String,
    colour: &'static str,
}

impl Standing {
    /// Of a state.
    pub fn of(text: Text, state: State) -> Self {
        let (key, colour) = match state {
            State::Active => ("tokens-active", " good"),
            State::Rotated => ("tokens-rotated", " accent"),
            State::Expired => ("tokens-expired", ""),
            State::Revoked => ("tokens-revoked", " bad"),
        };
        Self { word: text.get(key), colour }
    }
}

/// A version as lists show it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The address of its page.
    pub page: String,
    /// Its name.
    pub name: String,
    /// Which version of the name.
    pub version: i64,
    /// The same in words.
    pub numbered: String,
    /// How it stands.
    pub standing: Standing,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Who answers for it.
    pub owner: String,
    /// The organisation that it belongs to, where lists are of several.
    pub org: Option<String>,
    /// Whether somebody should look whether it is needed.
    pub is_due: bool,
    /// When it was made.
    pub since: When,
    /// When it ends, or ended.
    pub until: Option<When>,
    /// When it was used last.
    pub used: Option<When>,
}

impl Row {
    /// Of a version.
    pub fn of(visit: &Visit, token: &Token) -> Self {
        let (text, now) = (visit.text, visit.call.now);
        let until = token.revocation.as_ref().map(|revocation| revocation.at).or_else(|| token.end());
        Self {
            page: page(token),
            name: token.name.clone(),
            version: token.version,
            numbered: text.with("tokens-version-of", "version", &token.version.to_string()),
            standing: Standing::of(text, token.state(now)),
            scopes: token.scopes.iter().map(str::to_owned).collect(),
            owner: token.notes.owner.clone().unwrap_or_default(),
            org: None,
            is_due: review_due(&visit.call, token).is_some_and(|due| due <= now),
            since: When::new(text, token.issued_at, now),
            until: until.map(|at| When::new(text, at, now)),
            used: token.last_used_at.map(|at| When::new(text, at, now)),
        }
    }
}

/// The address of a version's page.
fn page(token: &Token) -> String {
    format!("{PATH}/{}", token.id)
}

/// Finds the version of an address.
async fn version(visit: &Visit, id: &str) -> Result<Token> {
    let id = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    match find(&visit.call, Key::Version(id)).await {
        Err(error) if error.code() == Some(Code::TokenNotFound) => Err(Refusal::new(Code::NotFound).into()),
        other => other,
    }
}

/// The name of the organisation that a version belongs to: names of tokens are unique within one only.
async fn organisation(visit: &Visit, token: &Token) -> Result<String> {
    Ok(orgs::get(&visit.call, token.org).await?.name)
}

/// The area's own page, above every other one.
fn trail(administrator: &Administrator) -> (String, String) {
    (PATH.to_owned(), administrator.visit.text.get(Area::ServiceTokens.key()))
}
