//! Answering what an organisation asks of its people, before an application acts for it.

use askama::Template;
use axum::{Router, response::Response, routing::get};
use doorward_core::{
    authorize::{self, View},
    call::Actor,
    orgs::{
        self, Org,
        fields::{self, Answer},
    },
    outcome::Code,
    sessions::Account,
};

use super::{
    draft,
    form::{Errors, Field},
    frame::Frame,
    questions::{self, Typed},
    visit::{Posted, Visit, to},
};
use crate::{app::App, oauth, surface::Failure};

/// Where it is.
pub const PATH: &str = "/complete-profile";

/// The page and its form.
pub fn routes() -> Router<App> {
    Router::new().route(PATH, get(ask).post(say))
}

/// The page: a field for each thing that is asked.
#[derive(Template)]
#[template(path = "complete.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    client: String,
    org: String,
    action: String,
    fields: Vec<Field>,
    errors: Errors,
}

/// What is asked, by which organisation, of whom.
struct Asked {
    account: Account,
    client: String,
    org: Org,
    answers: Vec<Answer>,
}

/// What the authorization in progress waits for; none for who has to sign in first.
async fn asked(visit: &Visit) -> Result<Option<Asked>, Failure> {
    let view: &View = visit.asked.as_ref().ok_or(Code::DraftUnknown)?;
    let Some(account) = draft::account(visit, view).cloned() else { return Ok(None) };
    let org = authorize::acting_for(&visit.call, view, &account).await?;
    let answers = fields::own(&visit.call, org, account.session.user).await?;
    let org = orgs::get(&visit.call, org).await?;
    Ok(Some(Asked { account, client: view.client_name.clone(), org, answers }))
}

fn page<'a>(visit: &Visit, frame: &'a Frame, asked: &Asked, (typed, errors): (&Typed, Errors)) -> Page<'a> {
    Page {
        frame,
        client: asked.client.clone(),
        org: asked.org.name.clone(),
        action: visit.carry.on(PATH),
        fields: questions::shown(frame, &asked.answers, typed, &errors),
        errors,
    }
}

async fn ask(mut visit: Visit) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let Some(asked) = asked(&visit).await? else { return Ok(to(&visit.carry.on("/sign-in"))) };
    if !asked.answers.iter().any(Answer::is_missing) {
        return Ok(to(&visit.carry.onward()));
    }
    let typed = questions::typed(&visit, &asked.answers, None);
    let frame = visit.frame();
    Ok(visit.show(&page(&visit, &frame, &asked, (&typed, Errors::none()))))
}

async fn say(Posted { mut visit, form }: Posted<Typed>) -> Result<Response, Failure> {
    draft::read(&mut visit).await?;
    let draft = visit.carry.draft().ok_or(Code::DraftUnknown)?;
    let Some(asked) = asked(&visit).await? else { return Ok(to(&visit.carry.on("/sign-in"))) };
    let account = &asked.account;
    if form.iter().any(|(name, value)| name == "answer" && value == "deny") {
        let next = authorize::deny(&visit.call, draft, account.session.id, account).await?;
        return oauth::answer(&visit.app, &visit.call, visit.headers(), next);
    }
    let typed = questions::typed(&visit, &asked.answers, Some(&form));
    match questions::read(visit.text, &asked.answers, &typed)? {
        Ok(said) => {
            let (id, session) = (account.session.user, account.session.id);
            let call = visit.call.by(Actor::User { id, session });
            fields::answer(&call, asked.org.id, id, said).await?;
            Ok(to(&visit.carry.onward()))
        }
        Err(errors) => {
            let frame = visit.frame();
            let page = page(&visit, &frame, &asked, (&typed, errors));
            Ok(visit.show_wrong(&page, &questions::refusal()))
        }
    }
}
