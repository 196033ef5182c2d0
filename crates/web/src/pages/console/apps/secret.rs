//! An application's secrets: another one beside the present ones, and the end of those that were replaced.

use std::time::Duration;

use axum::{extract::Path, response::Response};
use doorward_core::{
    clients::{
        Client,
        manage::{self, WithSecret},
    },
    credentials,
    outcome::{Code, Refusal, Result as Outcome},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{PATH, application, page, snippets, trail};
use crate::{
    pages::{
        console::{
            Administrator, Area, Shell,
            part::{
                form::FormPage,
                once::{self, Told},
                secret::{SecretPage, told, wait},
            },
            said,
            words::some,
        },
        form::{Errors, Field},
        frame::Frame,
        text::Text,
        visit::{Nothing, Posted, refusal_of},
    },
    surface::Failure,
};

/// Where what came of a form is shown.
pub(super) const SHOWN: &str = "/console/applications/secret";
/// How long the present secret goes on unless something else is typed, in minutes.
const OVERLAP: &str = "5";
const LONGEST: u64 = 30 * 24 * 60;

/// What is kept of a form's work.
pub(super) fn kept(made: Outcome<WithSecret>, is_new: bool) -> Outcome<Told> {
    let made = made?;
    let secret = made.secret.map(|secret| SecretText::from(secret.expose()));
    Ok(Told { id: made.client.id.to_string(), secret, is_new })
}

/// Shows what came of a form, to the browser that sent it and for a while.
pub(super) async fn look_made(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Applications, frame.t("apps-paste"), &errors);
    shell.trail = vec![trail(&administrator)];
    let Some(told) = told(visit).await? else { return Ok(wait(&administrator, &mut shell, SHOWN)) };
    let client = application(visit, &told.id).await?;
    let what = if told.is_new { "apps-made" } else { "tokens-rotated-what" };
    let what = visit.text.with(what, "name", &client.name);
    shell.trail.push((page(&client), client.name.clone()));
    if told.secret.is_some() {
        shell.title = frame.t("tokens-secret");
    }
    let secret = told.secret.as_ref().map(SecretText::expose);
    let snippets = snippets::of(&frame, visit.call.realm.issuer.as_str(), &client, secret);
    Ok(administrator.show(&SecretPage::new(&shell, what, told, snippets, page(&client))))
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    minutes: String,
    once: String,
    current_password: SecretText,
}

impl Form {
    fn read(&self) -> Outcome<Duration> {
        let wrong = || Refusal::new(Code::RequestInvalid).field("overlap_seconds");
        let minutes = some(&self.minutes).and_then(|minutes| minutes.parse::<u64>().ok());
        match minutes.filter(|minutes| *minutes <= LONGEST) {
            Some(minutes) => Ok(Duration::from_secs(minutes * 60)),
            // Nothing typed is no decision to end the present one at once.
            None => Err(wrong().into()),
        }
    }
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, client: &Client, errors: &Errors) -> Shell<'a> {
    let title = frame.tv("apps-rotate-of", "name", &client.name);
    let mut shell = administrator.shell(frame, Area::Applications, title, errors);
    shell.trail = vec![trail(administrator), (page(client), client.name.clone())];
    shell
}

fn form<'a>(
    shell: &'a Shell<'a>,
    client: &Client,
    (minutes, once): (&str, String),
    errors: Errors,
) -> FormPage<'a> {
    let (frame, page) = (shell.frame, page(client));
    let minutes = Field::new("minutes", "text", "off", frame.t("tokens-overlap"))
        .hint(frame.t("tokens-overlap-what"))
        .keyboard("numeric")
        .value(minutes)
        .longest(6);
    FormPage::new(shell, format!("{page}/rotate"), page, errors)
        .what(frame.t("apps-rotate-what"))
        .hidden("once", once)
        .field(minutes)
        .password()
        .button(frame.t("apps-rotate"))
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let client = application(visit, &id).await?;
    let minutes = visit.typed("minutes").unwrap_or(OVERLAP);
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, &client, &errors);
    Ok(administrator.show(&form(&shell, &client, (minutes, once::word(visit)?), errors)))
}

pub(super) async fn rotate(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, typed) = match Administrator::of(posted, &format!("{PATH}/{id}/rotate")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let client = application(visit, &id).await?;
    let (call, user, id) = (visit.call.clone(), administrator.account.session.user, client.id);
    let sent = typed.clone();
    let work = async move {
        let overlap = sent.read()?;
        credentials::confirm(&call, user, &sent.current_password).await?;
        kept(manage::rotate_secret(&call, id, overlap).await, false)
    };
    let refusal = match once::send(visit, (&typed.once, SHOWN), work).await {
        Ok(onward) => return Ok(onward),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&administrator, &frame, &client, &errors);
    let again = (typed.minutes.as_str(), once::word(visit)?);
    Ok(visit.show_wrong(&form(&shell, &client, again, errors), &refusal))
}

fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("overlap_seconds")) => ("minutes", "tokens-overlap-wrong"),
        (Code::Conflict, Some("token_endpoint_auth_method")) => ("", "apps-no-secret"),
        (Code::IdempotencyConflict, _) => ("", "tokens-sent-before"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}

/// Ends what was replaced and still works.
pub(super) async fn retire(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (administrator, _) = match Administrator::of(posted, &format!("{PATH}/{id}")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let client = application(visit, &id).await?;
    let client = manage::retire_secrets(&visit.call, client.id).await?;
    Ok(said::at(visit, "did-app-retired", &page(&client)))
}
