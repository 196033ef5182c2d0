//! Proving once more who one is without a password: a link by mail, for who is signed in at this browser. What
//! is behind the link is a button first, because mail scanners open links.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use doorward_core::{
    credentials,
    outcome::{Code, Refusal},
    sessions::Account,
};
use doorward_proto::secret::{Kind, Opaque};
use serde::Deserialize;

use super::{
    carry::Carry,
    draft,
    frame::Frame,
    sign_in::typed_before,
    verify::Link,
    visit::{Nothing, Posted, Visit, to},
};
use crate::{app::App, surface::Failure};

const ASK: &str = "/sign-in/mail";
const SENT: &str = "/sign-in/mail/sent";
const LINK: &str = "/sign-in/mailed";

/// The form, what comes after it, and what is behind the link.
pub fn routes() -> Router<App> {
    Router::new().route(ASK, get(form).post(send)).route(SENT, get(sent)).route(LINK, get(ask).post(prove))
}

/// A form with one button.
#[derive(Debug, Clone)]
pub struct Way {
    /// Where it is sent.
    pub action: String,
    /// The link's secret, behind the link.
    pub token: Option<String>,
    /// What the button says.
    pub label: &'static str,
}

/// The page, in each of its three states.
#[derive(Template)]
#[template(path = "prove.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    what: String,
    email: String,
    way: Option<Way>,
    forgot: Option<String>,
}

impl<'a> Page<'a> {
    /// Before the mail; `forgot` leads to a password instead.
    pub fn before(frame: &'a Frame, email: String, action: String, forgot: String) -> Self {
        let way = Some(Way { action, token: None, label: "prove-send" });
        Self { frame, what: frame.t("prove-what"), email, way, forgot: Some(forgot) }
    }

    /// When it is on its way, for so many minutes.
    pub fn sent(frame: &'a Frame, email: String, minutes: u64) -> Self {
        Self { frame, what: frame.text.count("prove-sent", minutes), email, way: None, forgot: None }
    }

    /// Behind the link.
    pub fn behind(frame: &'a Frame, email: String, token: String) -> Self {
        let way = Some(Way { action: LINK.to_owned(), token: Some(token), label: "prove-do" });
        Self { frame, what: frame.t("prove-behind"), email, way, forgot: None }
    }
}

/// The way to a link by mail, where the account that is to be proven again has no password to ask for.
pub(super) async fn instead(visit: &Visit) -> Result<Option<String>, Failure> {
    let Some(account) = account(visit) else { return Ok(None) };
    let mailable = credentials::mailable(&visit.call, account.session.user).await?;
    Ok(mailable.map(|_| visit.carry.on(ASK)))
}

/// The account that was named on the page before, as far as this browser is signed in to it.
fn account(visit: &Visit) -> Option<&Account> {
    let typed = typed_before(visit)?;
    visit.signed.iter().flat_map(|signed| &signed.accounts).find(|account| account.is_called(&typed))
}

/// The same with where the link goes; who has a password is asked for it.
async fn asked(visit: &Visit) -> Result<Option<(&Account, String)>, Failure> {
    let Some(account) = account(visit) else { return Ok(None) };
    let email = credentials::mailable(&visit.call, account.session.user).await?;
    Ok(email.map(|email| (account, email)))
}

async fn form(mut visit: Visit) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let Some((_, email)) = asked(&visit).await? else { return Ok(to(&visit.carry.on("/sign-in"))) };
    let frame = visit.frame();
    let page = Page::before(&frame, email, visit.carry.on(ASK), visit.carry.on("/forgot"));
    Ok(visit.show(&page))
}

async fn send(Posted { visit, .. }: Posted<Nothing>) -> Result<Response, Failure> {
    let Some((account, _)) = asked(&visit).await? else { return Ok(to(&visit.carry.on("/sign-in"))) };
    credentials::mail_proof(&visit.call, account, visit.carry.asked()).await?;
    Ok(to(&visit.carry.on(SENT)))
}

async fn sent(mut visit: Visit) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let Some((_, email)) = asked(&visit).await? else { return Ok(to(&visit.carry.on("/sign-in"))) };
    let frame = visit.frame();
    let minutes = visit.call.realm.settings.mail.link_ttl.as_secs().div_ceil(60);
    Ok(visit.show(&Page::sent(&frame, email, minutes)))
}

async fn ask(visit: Visit, Link(link): Link) -> Result<Response, Failure> {
    let email = credentials::check_proof(&visit.call, &link, visit.signed.as_ref()).await?;
    let frame = visit.frame();
    Ok(visit.show(&Page::behind(&frame, email, link.expose().to_owned())))
}

#[derive(Deserialize)]
struct ProveForm {
    #[serde(default)]
    token: String,
}

async fn prove(Posted { visit, form }: Posted<ProveForm>) -> Result<Response, Failure> {
    let link = Opaque::parse(Kind::Link, &form.token);
    let link = link.ok_or_else(|| Failure::from(Refusal::new(Code::LinkInvalid)))?;
    let (signed, cookie) = (visit.signed.as_ref(), visit.cookie.as_ref());
    let (signed_in, next) = credentials::prove(&visit.call, &link, signed, cookie).await?;
    let carry = Carry::of(next.as_deref());
    draft::note_signed_in(&visit, carry.draft(), signed_in.session.id).await?;
    Ok(visit.with_browser(to(&carry.onward()), &signed_in.cookie))
}
