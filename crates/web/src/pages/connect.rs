//! Signing in with what people have: to a provider, back from it, and linking it with an account.

mod turned;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use doorward_core::{
    authorize::View,
    credentials::{self, PasswordAsk},
    outcome::{Code, Error, Refusal},
    providers::{self, AWAY, Finished, Leaving, Linking, Offer, Returned},
    sessions::{Account, Session},
};
use doorward_proto::{
    form::Params,
    secret::{Kind, Opaque, SecretText},
};
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::{
    carry::Carry,
    draft,
    form::{Errors, Field},
    frame::Frame,
    sign_in::{Button, typed_before},
    visit::{Posted, Visit, refusal_of, to},
};
use crate::{app::App, body::whole, cookies::Cookie, csrf, edge::BODY_LIMIT, surface::Failure};

/// What a provider may send back, and nothing else is looked at.
const ANSWERS: [&str; 4] = ["state", "code", "error", "iss"];

/// To a provider and back.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/connect/link", get(ask_for_proof).post(link))
        .route("/connect/{provider}", get(leave))
        .route("/connect/{provider}/callback", get(come_back).post(come_back_by_form))
}

/// The page that asks for proof before two things are linked.
#[derive(Template)]
#[template(path = "link.html")]
pub struct LinkPage<'a> {
    frame: &'a Frame,
    what: String,
    email: String,
    errors: Errors,
    /// Nothing where the person has just signed in here.
    password: Option<Field>,
    not: String,
}

impl<'a> LinkPage<'a> {
    /// The page. Whoever has just signed in to the account needs no password; `not` leads on without linking.
    pub fn new(frame: &'a Frame, waiting: &Linking, is_signed_in: bool, errors: Errors) -> Self {
        let key = if is_signed_in { "link-what-signed-in" } else { "link-what" };
        let what = frame.text.with2(key, ("provider", &waiting.provider), ("email", &waiting.email));
        let field = || {
            Field::password(frame, "password", "current-password", frame.t("field-password"))
                .aside(frame.t("password-forgot"), "/forgot".to_owned())
                .focused()
                .checked_alone(&errors)
        };
        let password = (!is_signed_in).then(field);
        let not = Carry::of(waiting.next.as_deref()).on("/sign-in?other=yes");
        Self { frame, what, email: waiting.email.clone(), errors, password, not }
    }
}

pub(super) use turned::{Turned, turned};

/// For whom providers are offered, as far as the authorization in progress says.
fn offer(visit: &Visit) -> Offer {
    let of = |view: &View| Offer { organization: view.organization.clone(), only: view.providers.clone() };
    visit.asked.as_ref().map(of).unwrap_or_default()
}

fn button(visit: &Visit, one: providers::Button) -> Button {
    Button { to: visit.carry.on(&format!("/connect/{}", one.slug)), name: one.name }
}

/// The page between a form of ours and a provider: a browser lets no form lead to where its page did not say,
/// and nobody knows the provider before the form is sent.
#[derive(Template)]
#[template(path = "leave.html")]
pub struct LeavePage<'a> {
    frame: &'a Frame,
    title: String,
    name: String,
    to: String,
}

impl<'a> LeavePage<'a> {
    /// On the way to the provider of this name.
    pub fn new(frame: &'a Frame, name: String, to: String) -> Self {
        Self { frame, title: frame.tv("connect-going", "name", &name), name, to }
    }
}

/// What the address of a provider says where a form leads to it.
const BY_FORM: &str = "by=form";

/// The ways to sign in elsewhere that the sign-in page offers.
pub(super) async fn buttons(visit: &Visit) -> Result<Vec<Button>, Failure> {
    let all = providers::buttons(&visit.call, &offer(visit)).await?;
    Ok(all.into_iter().map(|one| button(visit, one)).collect())
}

/// Where people with an address like the one that was typed sign in, if an organisation says so.
pub(super) async fn of_address(visit: &Visit, typed: &str) -> Result<Option<Button>, Failure> {
    let found = providers::for_address(&visit.call, &offer(visit), typed).await?;
    Ok(found.map(|one| button(visit, one)))
}

/// The way of a form that leads there.
pub(super) async fn way_of_address(visit: &Visit, typed: &str) -> Result<Option<String>, Failure> {
    let found = providers::for_address(&visit.call, &offer(visit), typed).await?;
    Ok(found.map(|one| visit.carry.on(&format!("/connect/{}?{BY_FORM}", one.slug))))
}

/// To the provider that the application has named, where people may sign in there.
pub(super) async fn hinted(visit: &Visit, view: &View) -> Result<Option<Response>, Failure> {
    let Some(name) = &view.connection else { return Ok(None) };
    let is_offered = providers::is_offered(&visit.call, &offer(visit), name).await?;
    // Whoever has chosen an account has done so by a form.
    let way = if view.whom.session.is_some() { format!("?{BY_FORM}") } else { String::new() };
    Ok(is_offered.then(|| to(&visit.carry.on(&format!("/connect/{name}{way}")))))
}

async fn leave(Path(name): Path<String>, mut visit: Visit) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    if is_sent_by_another(&visit, &name).await? {
        return Ok(to(&visit.carry.on("/sign-in?other=yes")));
    }
    let asked = visit.asked.as_ref();
    // An organisation's provider was chosen by the address that was typed, as a rule.
    let typed = if name.contains('.') { typed_before(&visit) } else { None };
    let leaving = Leaving {
        next: visit.carry.asked(),
        login_hint: asked.and_then(|view| view.whom.login_hint.clone()).or(typed),
        ui_locales: asked.map(|view| view.ui_locales.clone()).unwrap_or_default(),
        is_again: asked.is_some_and(|view| view.is_again),
        registers: asked.and_then(|view| view.registers),
    };
    // One for the browser: several tabs may be away at the same time.
    let marker = match marker(&visit) {
        Some(marker) => marker,
        None => visit.call.secret(Kind::Link)?,
    };
    let address = match providers::begin(&visit.call, &name, &marker, leaving).await {
        Ok(address) => address,
        Err(error) => {
            let refusal = refusal_of(error)?;
            return if turned::is_about(&refusal) {
                Ok(turned::away(&visit, &visit.carry, &refusal))
            } else {
                Err(refusal.into())
            };
        }
    };
    let response = if visit.query().split('&').any(|pair| pair == BY_FORM) {
        let frame = visit.frame();
        let provider = providers::get(&visit.call, &name).await?;
        visit.show(&LeavePage::new(&frame, provider.settings.name, address))
    } else {
        Redirect::to(&address).into_response()
    };
    Ok(visit.with_cookie(response, Cookie::Connect, marker.expose(), Some(AWAY)))
}

/// Whether a page of another site has sent the browser to a provider: whoever is signed in there would be signed
/// in here without having wanted it, so people go there by a page of ours. An application may send them with its
/// request; to an organisation's provider only where nobody is signed in, since that one could sign in whom it
/// likes in the place of who is here.
async fn is_sent_by_another(visit: &Visit, name: &str) -> Result<bool, Failure> {
    if csrf::is_navigated_here(visit.headers()) {
        return Ok(false);
    }
    if visit.asked.is_none() {
        return Ok(true);
    }
    if visit.active().is_none() {
        return Ok(false);
    }
    let provider = providers::get(&visit.call, name).await?;
    Ok(provider.org != visit.call.realm.instance_org)
}

fn marker(visit: &Visit) -> Option<Opaque> {
    secret(visit, Cookie::Connect)
}

fn secret(visit: &Visit, cookie: Cookie) -> Option<Opaque> {
    visit.cookie_value(cookie).and_then(|text| Opaque::parse(Kind::Link, text))
}

async fn come_back(Path(slug): Path<String>, visit: Visit) -> Result<Response, Failure> {
    let params = Params::parse(visit.query().as_bytes(), BODY_LIMIT);
    let params = params.map_err(|_| Failure::from(Code::RequestInvalid))?;
    // RFC 6749 3.1: what is sent twice counts as nothing.
    let one = |name: &'static str| params.one(name).ok().flatten().map(str::to_owned);
    let returned =
        Returned { slug, state: one("state"), code: one("code"), error: one("error"), iss: one("iss") };
    let marker = marker(&visit);
    match providers::finish(&visit.call, returned, marker.as_ref(), visit.cookie.as_ref()).await? {
        Finished::SignedIn { signed_in, next } => {
            let carry = Carry::of(next.as_deref());
            draft::note_signed_in(&visit, carry.draft(), signed_in.session.id).await?;
            Ok(visit.with_browser(to(&carry.onward()), &signed_in.cookie))
        }
        Finished::Known { link } => {
            let response = to("/connect/link");
            Ok(visit.with_cookie(response, Cookie::Link, link.expose(), Some(AWAY)))
        }
        Finished::TurnedAway { refusal, next } => {
            Ok(turned::away(&visit, &Carry::of(next.as_deref()), &refusal))
        }
    }
}

/// A form that the provider's page sends (OAuth 2.0 Form Post Response Mode): it comes from another site, so
/// without our cookies, which the browser sends along with the GET that follows.
async fn come_back_by_form(
    State(_): State<App>,
    Path(slug): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let kind = request.headers().get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded")) {
        return Err(Code::MediaTypeUnsupported.into());
    }
    let body = whole(request.into_body()).await?;
    let params = Params::parse(&body, BODY_LIMIT).map_err(|_| Failure::from(Code::RequestInvalid))?;
    if !matches!(params.one("state"), Ok(Some(_))) {
        return Err(Code::ConnectState.into());
    }
    let mut query = Serializer::new(String::new());
    for name in ANSWERS {
        if let Ok(Some(value)) = params.one(name) {
            query.append_pair(name, value);
        }
    }
    let slug: String = url::form_urlencoded::byte_serialize(slug.as_bytes()).collect();
    Ok(to(&format!("/connect/{slug}/callback?{}", query.finish())))
}

#[derive(Deserialize)]
struct LinkForm {
    #[serde(default)]
    password: SecretText,
}

/// What waits at this browser, and the secrets that say so.
async fn waiting(visit: &Visit) -> Result<(Linking, Opaque, Opaque), Failure> {
    let (Some(link), Some(marker)) = (secret(visit, Cookie::Link), marker(visit)) else {
        return Err(Code::ConnectState.into());
    };
    let waiting = providers::linking(&visit.call, &link, &marker).await?;
    Ok((waiting, link, marker))
}

/// The account, where its owner has signed in to it at this browser a moment ago.
fn proven<'v>(visit: &'v Visit, waiting: &Linking) -> Option<&'v Account> {
    let accounts = &visit.signed.as_ref()?.accounts;
    let is_fresh = |session: &Session| visit.call.now.since(session.auth_time) <= AWAY;
    accounts.iter().find(|one| one.session.user == waiting.owner && is_fresh(&one.session))
}

async fn ask_for_proof(mut visit: Visit) -> Result<Response, Failure> {
    let (waiting, ..) = waiting(&visit).await?;
    visit.carry = Carry::of(waiting.next.as_deref());
    draft::read(&mut visit).await?;
    let frame = visit.frame();
    let is_signed_in = proven(&visit, &waiting).is_some();
    Ok(visit.show(&LinkPage::new(&frame, &waiting, is_signed_in, Errors::none())))
}

async fn link(Posted { mut visit, form }: Posted<LinkForm>) -> Result<Response, Failure> {
    let (waiting, link, marker) = waiting(&visit).await?;
    visit.carry = Carry::of(waiting.next.as_deref());
    let by_session = proven(&visit, &waiting).map(|account| account.session.clone());
    let (session, cookie) = match by_session {
        Some(session) => (session, None),
        None => match by_password(&visit, &waiting, form.password).await {
            Ok(signed_in) => (signed_in.session, Some(signed_in.cookie)),
            Err(error) => return wrong(visit, &waiting, refusal_of(error)?).await,
        },
    };
    providers::confirm_link(&visit.call, &link, &marker, &session).await?;
    draft::note_signed_in(&visit, visit.carry.draft(), session.id).await?;
    let response = visit.without(to(&visit.carry.onward()), Cookie::Link);
    Ok(match cookie {
        Some(cookie) => visit.with_browser(response, &cookie),
        None => response,
    })
}

async fn by_password(
    visit: &Visit,
    waiting: &Linking,
    password: SecretText,
) -> Result<credentials::SignedIn, Error> {
    let (identifier, cookie) = (waiting.email.clone(), visit.cookie.clone());
    credentials::sign_in(&visit.call, PasswordAsk { identifier, password, cookie }).await
}

async fn wrong(mut visit: Visit, waiting: &Linking, refusal: Refusal) -> Result<Response, Failure> {
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    draft::read(&mut visit).await?;
    let frame = visit.frame();
    Ok(visit.show_wrong(&LinkPage::new(&frame, waiting, false, errors), &refusal))
}
