//! Consent: who asks, for what, on whose behalf, for how long, and where the browser goes afterwards.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use doorward_core::{
    authorize::{self, Consented, View},
    outcome::Code,
    sessions::Account,
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
}

impl Wish {
    /// A scope in words: the standard ones from the catalogue, an API's own with its description, and
    /// one that nobody described by its name.
    pub fn of_scope(text: Text, scope: &str, description: &str) -> Self {
        let key = match scope {
            "openid" => "scope-openid",
            "profile" => "scope-profile",
            "email" => "scope-email",
            "phone" => "scope-phone",
            "address" => "scope-address",
            "offline_access" => "scope-offline",
            _ => {
                let (title, detail) = if description.is_empty() { (scope, "") } else { (description, scope) };
                return Self { title: title.to_owned(), detail: detail.to_owned() };
            }
        };
        Self { title: text.get(key), detail: String::new() }
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
    let organisation = authorize::on_behalf_of(&visit.call, view, account).await?;
    let frame = visit.frame();
    Ok(visit.show(&Page { organisation, ..page(&visit, &frame, view, account) }))
}

fn page<'a>(visit: &Visit, frame: &'a Frame, view: &View, account: &Account) -> Page<'a> {
    let wishes = view.scopes.iter().map(|(scope, words)| Wish::of_scope(visit.text, scope, words));
    Page {
        frame,
        asker: draft::asker(view),
        is_verified: view.is_first_party,
        action: visit.carry.on("/consent"),
        session: account.session.id.to_string(),
        email: account.email.clone().unwrap_or_default(),
        organisation: None,
        wishes: wishes.collect(),
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
