//! Signing in, identifier first: who are you, then what only you can do.
//!
//! Both steps look the same for every identifier, known or not.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use data_encoding::BASE64URL_NOPAD;
use doorward_core::{
    credentials::{self, PasswordAsk},
    outcome::{Code, Refusal},
    sessions::Account,
    settings::SignUpMode,
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    carry::Carry,
    connect::{self, Turned},
    draft,
    form::{Errors, Field},
    frame::{Frame, initials},
    prove, sign_up,
    visit::{Posted, Visit, refusal_of, to},
};
use crate::{app::App, cookies::Cookie, surface::Failure};

/// A cookie holds no more.
const LONGEST_IDENTIFIER: usize = 320;

/// Both steps.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in", get(identifier).post(identify))
        .route("/sign-in/password", get(password).post(sign_in))
}

/// Sends whoever signed in too long ago for what `page` does to prove again who they are; what they typed
/// waits.
///
/// # Errors
/// The way to sign in.
#[expect(clippy::result_large_err, reason = "the error is the answer that is sent at once")]
pub fn must_be_fresh(visit: &Visit, account: &Account, page: &str) -> Result<(), Response> {
    if account.session.is_fresh(visit.call.now) {
        return Ok(());
    }
    let again = to(&Carry::back_to(page).on("/sign-in/password"));
    let name = account.email.as_deref().or(account.username.as_deref());
    Err(visit.sent.put_some(visit, remember(visit, again, name.unwrap_or_default())))
}

/// First step: the identifier.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct IdentifierPage<'a> {
    frame: &'a Frame,
    action: String,
    errors: Errors,
    identifier: Field,
    sign_up: Option<String>,
    skip: Option<String>,
    buttons: Vec<Button>,
    turned: Option<Turned>,
}

/// A way to sign in elsewhere.
#[derive(Debug, Clone)]
pub struct Button {
    /// Where it leads.
    pub to: String,
    /// What people call the provider.
    pub name: String,
}

impl<'a> IdentifierPage<'a> {
    /// The step with what was typed before. `action` carries the draft.
    pub fn new(frame: &'a Frame, action: String, typed: &str, errors: Errors) -> Self {
        // A text and not an address: people sign in with a user name, too.
        let identifier = Field::new("identifier", "text", "username webauthn", frame.t("field-email"))
            .keyboard("email")
            .value(typed)
            .focused()
            .checked_alone(&errors);
        Self {
            frame,
            action,
            errors,
            identifier,
            sign_up: None,
            skip: None,
            buttons: Vec::new(),
            turned: None,
        }
    }

    /// Says why nobody was signed in elsewhere.
    #[must_use]
    pub(super) fn turned(mut self, turned: Option<Turned>) -> Self {
        if let Some(turned) = &turned {
            self.errors = Errors::one("", turned.sentence.clone());
            self.identifier = self.identifier.checked(&self.errors);
        }
        self.turned = turned;
        self
    }

    /// Offers to sign in elsewhere.
    #[must_use]
    pub fn elsewhere(mut self, buttons: Vec<Button>) -> Self {
        self.buttons = buttons;
        self
    }

    /// Offers to go on without an account.
    #[must_use]
    pub fn skip(mut self, to: Option<String>) -> Self {
        self.skip = to;
        self
    }

    /// Offers to create an account.
    #[must_use]
    pub fn sign_up(mut self, to: String) -> Self {
        self.sign_up = Some(to);
        self
    }
}

/// Who the password step is about.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The identifier as typed, or the remembered account's.
    pub identifier: String,
    /// The name, only where this browser was signed in to the account before.
    pub name: Option<String>,
}

impl Identity {
    fn initials(&self) -> String {
        initials(self.name.as_deref().unwrap_or(&self.identifier), 2)
    }
}

/// Second step: the password.
#[derive(Template)]
#[template(path = "password.html")]
pub struct PasswordPage<'a> {
    frame: &'a Frame,
    action: String,
    identity: Identity,
    errors: Errors,
    password: Field,
    other: String,
    elsewhere: Option<Button>,
}

/// Where the links of the password step lead.
#[derive(Debug, Clone)]
pub struct PasswordLinks {
    /// Where the form goes.
    pub action: String,
    /// To another account.
    pub other: String,
    /// To a new password.
    pub forgot: String,
}

impl<'a> PasswordPage<'a> {
    /// The step for one identity.
    pub fn new(frame: &'a Frame, links: PasswordLinks, identity: Identity, errors: Errors) -> Self {
        let password = Field::password(frame, "password", "current-password", frame.t("field-password"))
            .aside(frame.t("password-forgot"), links.forgot)
            .focused()
            .checked_alone(&errors);
        let (action, other) = (links.action, links.other);
        Self { frame, action, identity, errors, password, other, elsewhere: None }
    }

    /// Offers to sign in where the organisation of the address does.
    #[must_use]
    pub fn elsewhere(mut self, button: Option<Button>) -> Self {
        self.elsewhere = button;
        self
    }
}

#[derive(Deserialize)]
struct IdentifierForm {
    #[serde(default)]
    identifier: String,
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    identifier: String,
    #[serde(default)]
    password: SecretText,
}

async fn identifier(mut visit: Visit) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let mut typed = visit.typed("identifier").map(str::to_owned).or_else(|| typed_before(&visit));
    if visit.carry.wants_other() {
        typed = None;
    } else if let Some(view) = &visit.asked {
        // The application has chosen where; whoever comes back from there may choose another way.
        if let Some(to) = connect::hinted(&visit, view).await? {
            return Ok(to);
        }
        // Whoever is to prove again who they are is asked for the password at once.
        if let Some(email) = draft::account(&visit, view).and_then(|account| account.email.as_deref()) {
            return Ok(remember(&visit, to(&visit.carry.on("/sign-in/password")), email));
        }
        let guess = typed.filter(|_| view.whom.subject.is_none());
        typed = view.whom.login_hint.clone().or(guess);
    } else if visit.active().is_some() {
        return Ok(to(&visit.carry.onward()));
    }
    let buttons = connect::buttons(&visit).await?;
    let frame = visit.frame();
    let page = identifier_page(&visit, &frame, &typed.unwrap_or_default(), Errors::none());
    let turned = connect::turned(&visit);
    let is_said = turned.is_some();
    let response = visit.show(&page.elsewhere(buttons).turned(turned));
    Ok(if is_said { visit.without(response, Cookie::Done) } else { response })
}

fn identifier_page<'a>(visit: &Visit, frame: &'a Frame, typed: &str, errors: Errors) -> IdentifierPage<'a> {
    let form = if visit.carry.wants_other() { "/sign-in?other=yes" } else { "/sign-in" };
    let page = IdentifierPage::new(frame, visit.carry.on(form), typed, errors);
    let page = page.skip(sign_up::way_past(visit));
    if visit.call.realm.settings.sign_up.mode == SignUpMode::Open {
        page.sign_up(visit.carry.on("/sign-up"))
    } else {
        page
    }
}

async fn identify(Posted { mut visit, form }: Posted<IdentifierForm>) -> Result<Response, Failure> {
    let typed = form.identifier.trim();
    draft::read(&mut visit).await?;
    if typed.is_empty() || typed.len() > LONGEST_IDENTIFIER {
        let frame = visit.frame();
        let errors = Errors::one("identifier", frame.t("email-invalid"));
        let page = identifier_page(&visit, &frame, "", errors).elsewhere(connect::buttons(&visit).await?);
        return Ok(visit.show_wrong(&page, &Refusal::new(Code::EmailInvalid)));
    }
    // Whoever has come back from there, or wants another account, goes on with a password.
    let elsewhere =
        if visit.carry.wants_other() { None } else { connect::way_of_address(&visit, typed).await? };
    let path = elsewhere.unwrap_or_else(|| visit.carry.on("/sign-in/password"));
    Ok(remember(&visit, to(&path), typed))
}

/// Keeps what was typed for the next page, out of its address.
pub(super) fn remember(visit: &Visit, response: Response, typed: &str) -> Response {
    visit.with_cookie(response, Cookie::Identifier, &BASE64URL_NOPAD.encode(typed.as_bytes()), None)
}

/// What was typed on the page before.
pub(super) fn typed_before(visit: &Visit) -> Option<String> {
    let value = visit.cookie_value(Cookie::Identifier)?;
    let text = String::from_utf8(BASE64URL_NOPAD.decode(value.as_bytes()).ok()?).ok()?;
    (text.len() <= LONGEST_IDENTIFIER && !text.chars().any(char::is_control)).then_some(text)
}

async fn password(mut visit: Visit) -> Result<Response, Failure> {
    let Some(typed) = typed_before(&visit) else { return Ok(to(&visit.carry.on("/sign-in"))) };
    draft::read(&mut visit).await?;
    if let Some(by_mail) = prove::instead(&visit).await? {
        return Ok(to(&by_mail));
    }
    let elsewhere = connect::of_address(&visit, &typed).await?;
    let frame = visit.frame();
    let page = PasswordPage::new(&frame, links(&visit), identity(&visit, typed), Errors::none());
    Ok(visit.show(&page.elsewhere(elsewhere)))
}

fn links(visit: &Visit) -> PasswordLinks {
    PasswordLinks {
        action: visit.carry.on("/sign-in/password"),
        other: visit.carry.on("/sign-in?other=yes"),
        forgot: visit.carry.on("/forgot"),
    }
}

/// The name is shown only where this browser is signed in to the account: it says nothing new.
fn identity(visit: &Visit, identifier: String) -> Identity {
    let mut accounts = visit.signed.iter().flat_map(|signed| &signed.accounts);
    let known = accounts.find(|account| account.is_called(&identifier));
    Identity { name: known.and_then(|account| account.name.clone()), identifier }
}

async fn sign_in(Posted { mut visit, form }: Posted<PasswordForm>) -> Result<Response, Failure> {
    let (identifier, cookie) = (form.identifier.clone(), visit.cookie.clone());
    let ask = PasswordAsk { identifier, password: form.password, cookie };
    let refusal = match credentials::sign_in(&visit.call, ask).await {
        Ok(signed_in) => {
            draft::note_signed_in(&visit, visit.carry.draft(), signed_in.session.id).await?;
            let response = visit.with_browser(to(&visit.carry.onward()), &signed_in.cookie);
            return Ok(remember(&visit, response, &form.identifier));
        }
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
    draft::read(&mut visit).await?;
    let elsewhere = connect::of_address(&visit, &form.identifier).await?;
    let frame = visit.frame();
    let page = PasswordPage::new(&frame, links(&visit), identity(&visit, form.identifier), errors);
    Ok(visit.show_wrong(&page.elsewhere(elsewhere), &refusal))
}
