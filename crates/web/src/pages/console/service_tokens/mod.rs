//! Service tokens in the console: what there is, making one, replacing its secret, ending it. Administrators keep
//! every one; whoever runs an organisation keeps its own by the same pages.

use axum::{Router, routing::get};
use doorward_core::{
    orgs,
    outcome::Result,
    service_tokens::{
        State, Token,
        of_org::{READ, WRITE},
        review_due,
    },
};

use super::{
    Area, Operator, Shell,
    site::{At, Site, address},
    words::{some, words},
};
use crate::{
    app::App,
    pages::{form::Errors, frame::Frame, text::Text, visit::Visit, when::When},
};

mod create;
mod keep;
mod list;
mod review;
mod revoke;
mod rotate;
mod secret;
mod show;

const AREA: Area = Area::ServiceTokens;

/// Every page of the area, and the same of one organisation. The address of a form also shows it: to whoever
/// reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    ["/console/service-tokens", "/console/organizations/{org}/service-tokens"]
        .into_iter()
        .fold(Router::new(), |router, list| router.merge(pages(list)))
        .route("/console/service-tokens/{id}/review", get(review::look).post(review::note))
}

fn pages(list: &str) -> Router<App> {
    Router::new()
        .route(list, get(list::look))
        .route(&format!("{list}.csv"), get(list::export))
        .route(&format!("{list}/new"), get(create::look).post(create::make))
        .route(&format!("{list}/secret"), get(secret::look))
        .route(&format!("{list}/{{id}}"), get(show::look))
        .route(&format!("{list}/{{id}}/rotate"), get(rotate::look).post(rotate::replace))
        .route(&format!("{list}/{{id}}/revoke"), get(revoke::look).post(revoke::end))
}

/// Who is at the page of a version.
struct Keeper<'a> {
    operator: &'a Operator,
    site: Site,
    token: Token,
    /// The name of the organisation that it belongs to: names of tokens are unique within one only.
    org: String,
}

impl<'a> Keeper<'a> {
    /// Whoever may see the version of an address.
    async fn seeing(operator: &'a Operator, at: &At) -> Result<Self> {
        Self::of(operator, at, READ).await
    }

    /// Whoever may replace and end it.
    async fn changing(operator: &'a Operator, at: &At) -> Result<Self> {
        Self::of(operator, at, WRITE).await
    }

    async fn of(operator: &'a Operator, at: &At, permission: &'static str) -> Result<Self> {
        let call = &operator.visit.call;
        let site = Site::enter(operator, AREA, (at.org.as_deref(), permission)).await?;
        let token = keep::find(call, &site, &at.id).await?;
        let org = orgs::get(call, token.org).await?.name;
        Ok(Self { operator, site, token, org })
    }

    fn visit(&self) -> &'a Visit {
        &self.operator.visit
    }

    /// The address of the version's page.
    fn page(&self) -> String {
        page(&self.site, &self.token)
    }

    /// What is around a page below the version's own; `key` is of its title, with the names of token and
    /// organisation.
    fn shell<'f>(&self, frame: &'f Frame, key: &str, errors: &Errors) -> Shell<'f> {
        let title = frame.text.with2(key, ("name", &self.token.name), ("org", &self.org));
        let mut shell = self.site.below(self.operator, frame, (title, errors));
        shell.trail.push((self.page(), self.token.name.clone()));
        shell
    }
}

/// How a version stands, in one word.
#[derive(Debug, Clone)]
struct Standing {
    word: String,
    colour: &'static str,
}

impl Standing {
    /// Of a state.
    fn of(text: Text, state: State) -> Self {
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
struct Row {
    /// The address of its page.
    page: String,
    /// Its name.
    name: String,
    /// Which version of the name.
    version: i64,
    /// The same in words.
    numbered: String,
    /// How it stands.
    standing: Standing,
    /// What it may do.
    scopes: Vec<String>,
    /// Who answers for it.
    owner: String,
    /// The organisation that it belongs to, where lists are of several.
    org: Option<String>,
    /// Whether somebody should look whether it is needed.
    is_due: bool,
    /// When it was made.
    since: When,
    /// When it ends, or ended.
    until: Option<When>,
    /// When it was used last.
    used: Option<When>,
}

impl Row {
    /// Of a version.
    fn of(visit: &Visit, site: &Site, token: &Token) -> Self {
        let (text, now) = (visit.text, visit.call.now);
        let until = token.revocation.as_ref().map(|revocation| revocation.at).or_else(|| token.end());
        Self {
            page: page(site, token),
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
fn page(site: &Site, token: &Token) -> String {
    format!("{}/{}", site.list(), token.id)
}
