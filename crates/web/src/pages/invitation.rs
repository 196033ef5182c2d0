//! Behind the link of an invitation: who invites, as what, for which address, and how this person joins.
//!
//! The link's token goes into a cookie at once and the browser to an address without it, so that it stands
//! in no history and no `Referer`; forms carry it themselves, so that two invitations do not mix.

use std::time::Duration;

use askama::Template;
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use doorward_core::{
    authorize,
    orgs::invitations::{self, By, Newcomer, Offer},
    outcome::{Code, Error, Refusal},
    sessions::Account,
    settings::SignUpMode,
    users::{self, Email},
};
use doorward_proto::secret::{Kind, Opaque, SecretText};
use http::{HeaderValue, header::SET_COOKIE};
use serde::Deserialize;
use url::form_urlencoded::parse;

use super::{
    account::{Done, Room},
    carry::Carry,
    draft,
    form::{Errors, Field},
    frame::{Frame, initials},
    sign_in::remember,
    sign_up::new_password,
    text::Text,
    visit::{Posted, Visit, refusal_of, to},
    when::When,
};
use crate::{app::App, cookies::Cookie, surface::Failure};

/// Where it is.
pub const PATH: &str = "/invitation";
/// As long as somebody needs to sign in, or to prove an address.
const LASTS: Duration = Duration::from_hours(1);

/// The page and its two forms.
pub fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(look).post(join))
        .route("/invitation/account", post(make_account).get(async || to(PATH)))
}

/// What is offered to whom.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The organisation's name.
    pub org: String,
    /// Who invites, where that is a person.
    pub inviter: Option<String>,
    /// As what.
    pub role: String,
    /// Whom it is for.
    pub email: String,
    /// Until when it is open.
    pub until: When,
}

/// How the person at this browser can join.
#[derive(Debug, Clone, Default)]
pub struct Ways {
    /// With the account in use.
    pub joins: bool,
    /// The account in use, where the invitation is for another address.
    pub other: Option<String>,
    /// To another account of this browser.
    pub switch: Option<String>,
    /// To signing in.
    pub sign_in: Option<String>,
    /// To creating an account, whose address is proven by mail.
    pub sign_up: Option<String>,
    /// By a new account, made here: the fewest letters of its password.
    pub new: Option<usize>,
}

/// The page.
#[derive(Template)]
#[template(path = "invitation.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    carry: Carry,
    token: &'a str,
    invited: Invited,
    ways: Ways,
    errors: Errors,
    fields: Option<[Field; 2]>,
}

impl<'a> Page<'a> {
    /// The page; `name` is what was typed into the form of a new account.
    pub fn new(
        frame: &'a Frame,
        (token, carry): (&'a str, Carry),
        invited: Invited,
        ways: Ways,
        (name, errors): (&str, Errors),
    ) -> Self {
        let fields = ways.new.map(|shortest| {
            let name = Field::new("name", "text", "name", frame.t("field-name")).value(name);
            [name.checked(&errors), new_password(frame, shortest).checked(&errors)]
        });
        Self { frame, carry, token, invited, ways, errors, fields }
    }

    fn title(&self) -> String {
        self.frame.tv("invitation-title", "org", &self.invited.org)
    }

    fn other(&self) -> Option<String> {
        let mine = self.ways.other.as_deref()?;
        Some(self.frame.text.with2("invitation-other", ("mine", mine), ("email", &self.invited.email)))
    }

    fn initial(&self) -> String {
        initials(&self.invited.org, 1)
    }
}

/// A role in words; the organisation's own are called what it calls them.
pub fn role(text: Text, role: &str) -> String {
    match role {
        "owner" => text.get("role-owner"),
        "admin" => text.get("role-admin"),
        "member" => text.get("role-member"),
        own => own.to_owned(),
    }
}

#[derive(Deserialize)]
struct JoinForm {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
struct AccountForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    new_password: SecretText,
}

fn link_of(text: &str) -> Result<Opaque, Failure> {
    Opaque::parse(Kind::Link, text).ok_or_else(|| Code::LinkInvalid.into())
}

async fn look(mut visit: Visit) -> Result<Response, Failure> {
    let token = parse(visit.query().as_bytes()).find(|(name, _)| name == "token");
    if let Some((_, token)) = token {
        let link = link_of(&token)?;
        invitations::look(&visit.call, &link).await?;
        return Ok(kept(&visit, to(&visit.carry.on(PATH)), &link));
    }
    let link = link_of(visit.cookie_value(Cookie::Invitation).unwrap_or_default())?;
    let offer = invitations::look(&visit.call, &link).await?;
    draft::read(&mut visit).await?;
    let frame = visit.frame();
    let name = visit.typed("name").unwrap_or_default();
    let by = inviter(&visit, &offer).await?;
    let response = visit.show(&page(&visit, &frame, &link, (&offer, by), (name, Errors::none())));
    if visit.active().is_some() {
        return Ok(response);
    }
    Ok(remember(&visit, response, &offer.invitation.email))
}

/// The cookie that keeps the token for the way through signing in.
pub fn cookie(app: &App, link: &Opaque) -> Option<HeaderValue> {
    Cookie::Invitation.set(app.is_https(), link.expose(), Some(LASTS))
}

fn kept(visit: &Visit, mut response: Response, link: &Opaque) -> Response {
    if let Some(cookie) = cookie(&visit.app, link) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Who invites, as the mail names them: a name, or the address.
async fn inviter(visit: &Visit, offer: &Offer) -> Result<Option<String>, Failure> {
    let Ok(id) = offer.invitation.invited_by.parse() else { return Ok(None) };
    let person = users::find(&visit.call, id).await?;
    Ok(person.and_then(|person| person.name.or(person.email)))
}

fn page<'a>(
    visit: &Visit,
    frame: &'a Frame,
    link: &'a Opaque,
    (offer, inviter): (&Offer, Option<String>),
    wrong: (&str, Errors),
) -> Page<'a> {
    let invitation = &offer.invitation;
    let invited = Invited {
        org: offer.org.name.clone(),
        inviter,
        role: role(visit.text, &invitation.role),
        email: invitation.email.clone(),
        until: When::new(visit.text, invitation.expires_at, visit.call.now),
    };
    Page::new(frame, (link.expose(), visit.carry.clone()), invited, ways(visit, offer), wrong)
}

fn ways(visit: &Visit, offer: &Offer) -> Ways {
    let invitation = &offer.invitation;
    let back = if visit.carry.draft().is_some() { visit.carry.clone() } else { Carry::back_to(PATH) };
    let active = visit.active();
    if active.is_some_and(|account| is_for(account, &invitation.email)) {
        return Ways { joins: true, ..Ways::default() };
    }
    let mode = visit.call.realm.settings.sign_up.mode;
    let may_be_new = invitation.is_mailed && !offer.has_account && mode != SignUpMode::Closed;
    let accounts = visit.signed.as_ref().map_or(0, |signed| signed.accounts.len());
    let sign_in = if active.is_some() { "/sign-in?other=yes" } else { "/sign-in" };
    let signs_up = !invitation.is_mailed && mode == SignUpMode::Open;
    Ways {
        joins: false,
        other: active.map(|account| account.email.clone().unwrap_or_default()),
        switch: (accounts > 1).then(|| back.on("/choose-account")),
        sign_in: (!may_be_new).then(|| back.on(sign_in)),
        sign_up: signs_up.then(|| back.on("/sign-up")),
        new: may_be_new.then_some(visit.call.realm.settings.password.min_length),
    }
}

fn is_for(account: &Account, invited: &str) -> bool {
    let own = account.email.as_deref().and_then(|own| Email::parse(own).ok());
    own.zip(Email::parse(invited).ok()).is_some_and(|(own, invited)| own.folded() == invited.folded())
}

async fn join(Posted { visit, form }: Posted<JoinForm>) -> Result<Response, Failure> {
    let link = link_of(&form.token)?;
    let Some(account) = visit.active().cloned() else {
        return Ok(kept(&visit, to(&visit.carry.on(PATH)), &link));
    };
    match invitations::accept(&visit.call, By::Link(link.clone()), account.session.user).await {
        Ok(_) => {
            if let Some(draft) = visit.carry.draft() {
                // The account that has joined is the one that goes on.
                on_time(authorize::chose_account(&visit.call, draft, account.session.id).await)?;
            }
            Ok(joined(&visit))
        }
        Err(error) => {
            let refusal = refusal_of(error)?;
            if refusal.code != Code::InvitationAddress {
                return Err(refusal.into());
            }
            let errors = Errors::one("", visit.text.get("invitation-unproven"));
            again(visit, &link, ("", errors), &refusal).await
        }
    }
}

/// An authorization that took too long says so when the browser comes back to it.
fn on_time(marked: Result<(), Error>) -> Result<(), Failure> {
    match marked {
        Err(error) if error.code() != Some(Code::DraftUnknown) => Err(error.into()),
        _ => Ok(()),
    }
}

fn joined(visit: &Visit) -> Response {
    let response = match visit.carry.asked() {
        Some(onward) => to(&onward),
        None => Done::Joined.at(visit, Room::Organizations.path()),
    };
    visit.without(response, Cookie::Invitation)
}

async fn make_account(Posted { visit, form }: Posted<AccountForm>) -> Result<Response, Failure> {
    let link = link_of(&form.token)?;
    let name = form.name.trim();
    let newcomer = Newcomer {
        password: form.new_password,
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        locale: Some(visit.text.tag().to_owned()),
    };
    let made = invitations::accept_new(&visit.call, &link, newcomer, visit.cookie.as_ref()).await;
    let refusal = match made {
        Ok((signed_in, _)) => {
            draft::note_signed_in(&visit, visit.carry.draft(), signed_in.session.id).await?;
            return Ok(visit.with_browser(joined(&visit), &signed_in.cookie));
        }
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    again(visit, &link, (name, errors), &refusal).await
}

/// The page with what is wrong.
async fn again(
    mut visit: Visit,
    link: &Opaque,
    wrong: (&str, Errors),
    refusal: &Refusal,
) -> Result<Response, Failure> {
    let offer = invitations::look(&visit.call, link).await?;
    on_time(draft::read(&mut visit).await)?;
    let by = inviter(&visit, &offer).await?;
    let frame = visit.frame();
    Ok(visit.show_wrong(&page(&visit, &frame, link, (&offer, by), wrong), refusal))
}
