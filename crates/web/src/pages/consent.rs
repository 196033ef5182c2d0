//! Consent: who asks, for what, on whose behalf, for how long, and where the browser goes afterwards.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use doorward_core::{
    authorize::{self, Consented, View},
    clients::{self, COMMAND_LINE},
    orgs::Kind,
    outcome::{Code, Error},
    sessions::Account,
    users,
};
use serde::Deserialize;
use url::{Host, Url};

use super::{
    draft,
    form::Tick,
    frame::{Asker, Frame, initials},
    text::Text,
    visit::{Posted, Visit, to},
};
use crate::{app::App, oauth, surface::Failure};

/// The question and its answer.
pub fn routes() -> Router<App> {
    Router::new().route("/consent", get(ask).post(answer))
}

/// One thing that the application may do.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What it means for the person.
    pub title: String,
    /// More about it; may be empty.
    pub detail: String,
    /// Whether it is everything on this server.
    pub is_whole: bool,
}

impl Wish {
    /// A scope in words: the standard ones from the catalogue, an API's own with its description, and
    /// one that nobody described by its name.
    pub fn of_scope(text: Text, scope: &str, description: &str) -> Self {
        let is_whole = scope == "admin:*";
        let key = match scope {
            // No API describes what is above all of them.
            "admin:*" => "scope-whole",
            "openid" => "scope-openid",
            "profile" => "scope-profile",
            "email" => "scope-email",
            "phone" => "scope-phone",
            "address" => "scope-address",
            "offline_access" => "scope-offline",
            _ => {
                let (title, detail) = if description.is_empty() { (scope, "") } else { (description, scope) };
                return Self { title: title.to_owned(), detail: detail.to_owned(), is_whole };
            }
        };
        let detail = if is_whole { scope } else { "" };
        Self { title: text.get(key), detail: detail.to_owned(), is_whole }
    }
}

/// The question.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct Page<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Who asks.
    pub asker: Asker,
    /// Whether an administrator of this server vouches for the application.
    pub is_verified: bool,
    /// Where the form goes; carries the draft.
    pub action: String,
    /// The session that is asked.
    pub session: String,
    /// The person's mail address.
    pub email: String,
    /// The organisation on whose behalf, where it is not the person's own.
    pub organisation: Option<String>,
    /// The organisations that a yes makes the person a member of, by name.
    pub joins: Vec<String>,
    /// What it asks for.
    pub wishes: Vec<Wish>,
    /// The APIs it wants to reach, by name.
    pub apis: Vec<String>,
    /// Whether its access outlives the session.
    pub is_offline: bool,
    /// What the application says about itself elsewhere: the key of a word, and where it leads.
    pub links: Vec<(&'static str, String)>,
    /// Where the browser goes next: the redirect URI's host or scheme.
    pub returns_to: String,
    /// To another account.
    pub other: String,
}

impl Page<'_> {
    fn once(&self) -> Tick {
        Tick { id: "once", label: self.frame.t("consent-once"), is_ticked: false }
    }
    fn initials(&self) -> String {
        initials(&self.email, 1)
    }
}

#[derive(Deserialize)]
struct ConsentForm {
    #[serde(default)]
    answer: String,
    #[serde(default)]
    session: String,
    once: Option<String>,
}

async fn ask(mut visit: Visit) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let Some(view) = &visit.asked else { return Err(Code::DraftUnknown.into()) };
    let Some(account) = draft::account(&visit, view) else { return Ok(to(&visit.carry.on("/sign-in"))) };
    let organisation = match authorize::on_behalf_of(&visit.call, view, account).await? {
        Some(team) => Some(team),
        None => own_of_several(&visit, account).await?,
    };
    let is_verified = view.is_first_party || is_built_in(&visit, view).await?;
    let joins = authorize::would_join(&visit.call, view, account).await?;
    let frame = visit.frame();
    Ok(visit.show(&Page { is_verified, organisation, joins, ..page(&visit, &frame, view, account) }))
}

/// The person's own organisation, where they have others that it could be mistaken for. Everybody belongs to the
/// server's.
async fn own_of_several(visit: &Visit, account: &Account) -> Result<Option<String>, Failure> {
    let facts = users::facts(&visit.call, account.session.user).await?;
    let orgs = facts.map(|facts| facts.orgs).unwrap_or_default();
    if orgs.iter().all(|one| one.kind != Kind::Team) {
        return Ok(None);
    }
    Ok(orgs.into_iter().find(|one| one.kind == Kind::Personal).map(|one| one.name))
}

/// Whether it is the command line that this server has brought along: nobody else has to vouch for it.
async fn is_built_in(visit: &Visit, view: &View) -> Result<bool, Failure> {
    match clients::get_active(&visit.call, COMMAND_LINE).await {
        Ok(client) => Ok(client.id == view.client),
        Err(Error::Refused(_)) => Ok(false),
        Err(fault) => Err(fault.into()),
    }
}

fn page<'a>(visit: &Visit, frame: &'a Frame, view: &View, account: &Account) -> Page<'a> {
    let wishes = view.scopes.iter().map(|(scope, words)| Wish::of_scope(visit.text, scope, words));
    let mut wishes: Vec<Wish> = wishes.collect();
    wishes.sort_by_key(|wish| !wish.is_whole);
    Page {
        frame,
        asker: draft::asker(view),
        is_verified: view.is_first_party,
        action: visit.carry.on("/consent"),
        session: account.session.id.to_string(),
        email: account.email.clone().unwrap_or_default(),
        organisation: None,
        joins: Vec::new(),
        wishes,
        apis: view.apis.clone(),
        is_offline: view.is_offline,
        links: links(view),
        returns_to: returns_to(visit.text, &view.redirect_uri),
        other: visit.carry.on("/choose-account"),
    }
}

/// Only addresses that a browser may open; the application chose them.
fn links(view: &View) -> Vec<(&'static str, String)> {
    let all = [
        ("consent-policy", &view.policy_uri),
        ("consent-terms", &view.tos_uri),
        ("consent-website", &view.client_uri),
    ];
    let is_open = |uri: &&String| uri.starts_with("https://") || uri.starts_with("http://");
    all.into_iter().filter_map(|(key, uri)| Some((key, uri.as_ref().filter(is_open)?.clone()))).collect()
}

/// The redirect URI as far as a person can judge it: the host, this device, or an installed application.
fn returns_to(text: Text, uri: &str) -> String {
    let Ok(uri) = Url::parse(uri) else { return uri.to_owned() };
    let is_here = match uri.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match uri.host_str() {
        Some(host) if is_here => text.with("consent-this-device", "host", host),
        Some(host) if matches!(uri.scheme(), "https" | "http") => host.to_owned(),
        _ => text.with("consent-installed", "scheme", uri.scheme()),
    }
}

async fn answer(Posted { visit, form }: Posted<ConsentForm>) -> Result<Response, Failure> {
    let Some(draft) = visit.carry.draft() else { return Err(Code::DraftUnknown.into()) };
    let session = form.session.parse().map_err(|_| Failure::from(Code::RequestInvalid))?;
    let accounts = visit.signed.iter().flat_map(|signed| &signed.accounts);
    let Some(account) = accounts.into_iter().find(|account| account.session.id == session) else {
        return Ok(to(&visit.carry.on("/sign-in")));
    };
    if form.answer != "allow" {
        let next = authorize::deny(&visit.call, draft, session, account).await?;
        return oauth::answer(&visit.app, &visit.call, visit.headers(), next);
    }
    authorize::approve(&visit.call, &Consented { draft, session, only_once: form.once.is_some() }, account)
        .await?;
    Ok(to(&visit.carry.onward()))
}

#[cfg(test)]
mod tests;
