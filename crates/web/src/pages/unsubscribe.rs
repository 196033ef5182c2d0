//! Being written to no more (RFC 8058): a mail program posts to the address in `List-Unsubscribe`, a person opens it
//! and presses a button there. Opening it changes nothing: mail scanners open every link.
//!
//! No session, no cookie and no form token are needed: the link is from the reader's own mail, and does this one
//! thing only, as often as it is asked.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use doorward_core::{
    announcements,
    outcome::{Code, Refusal},
};
use doorward_proto::form::Params;

use super::{frame::Frame, visit::Visit};
use crate::{app::App, edge::BODY_LIMIT, surface::Failure};

/// The page and its button.
pub fn routes() -> Router<App> {
    Router::new().route("/unsubscribe", get(ask).post(leave))
}

/// The page, before and after.
#[derive(Template)]
#[template(path = "unsubscribe.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    title: String,
    what: String,
    /// Where the button posts; nothing afterwards.
    action: Option<String>,
}

impl<'a> Page<'a> {
    /// The page for a sender, which is the server unless it has a name.
    pub fn new(frame: &'a Frame, sender: Option<&str>, action: Option<String>) -> Self {
        let (title, what, what_org) = match action {
            Some(_) => ("unsubscribe-title", "unsubscribe-what", "unsubscribe-what-org"),
            None => ("unsubscribed-title", "unsubscribed-what", "unsubscribed-what-org"),
        };
        let what = match sender {
            Some(name) => frame.tv(what_org, "name", name),
            None => frame.tv(what, "name", &frame.name),
        };
        Self { frame, title: frame.t(title), what, action }
    }
}

/// The token of the address.
fn token(visit: &Visit) -> Result<String, Failure> {
    let params = Params::parse(visit.query().as_bytes(), BODY_LIMIT);
    let token = params.ok().and_then(|params| params.one("token").ok().flatten().map(str::to_owned));
    token.ok_or_else(|| Failure::from(Refusal::new(Code::LinkInvalid)))
}

async fn ask(visit: Visit) -> Result<Response, Failure> {
    let token = token(&visit)?;
    let sender = announcements::look(&visit.call, &token).await?;
    let frame = visit.frame();
    let action = format!("/unsubscribe?token={token}");
    Ok(visit.show(&Page::new(&frame, sender.as_deref(), Some(action))))
}

async fn leave(visit: Visit) -> Result<Response, Failure> {
    let token = token(&visit)?;
    let sender = announcements::look(&visit.call, &token).await?;
    announcements::unsubscribe(&visit.call, &token).await?;
    let frame = visit.frame();
    Ok(visit.show(&Page::new(&frame, sender.as_deref(), None)))
}
