//! An application's secrets: another one beside the present ones, and the end of those that were replaced.

use std::time::Duration;

use axum::{extract::Path, response::Response};
use doorward_core::{
    clients::manage::WithSecret,
    credentials,
    outcome::{Code, Refusal, Result as Outcome},
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{AREA, At, Keeper, READ, Site, keep, page, snippets};
use crate::{
    pages::{
        console::{
            Operator, Shell,
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

/// How long the present secret goes on unless something else is typed, in minutes.
const OVERLAP: &str = "5";
const LONGEST: u64 = 30 * 24 * 60;

/// Where what came of a form is shown.
pub(super) fn shown(site: &Site) -> String {
    format!("{}/secret", site.list())
}

/// What is kept of a form's work.
pub(super) fn kept(made: Outcome<WithSecret>, is_new: bool) -> Outcome<Told> {
    let made = made?;
    let secret = made.secret.map(|secret| SecretText::from(secret.expose()));
    Ok(Told { id: made.client.id.to_string(), secret, is_new })
}

/// Shows what came of a form, to the browser that sent it and for a while.
pub(super) async fn look_made(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let site = Site::enter(&operator, AREA, (at.org.as_deref(), READ)).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = site.below(&operator, &frame, (frame.t("apps-paste"), &errors));
    let Some(told) = told(visit).await? else { return Ok(wait(&operator, &mut shell, &shown(&site))) };
    let client = keep::find(&visit.call, &site, &told.id).await?;
    let (what, page) = (if told.is_new { "apps-made" } else { "tokens-rotated-what" }, page(&site, &client));
    let what = visit.text.with(what, "name", &client.name);
    shell.trail.push((page.clone(), client.name.clone()));
    if told.secret.is_some() {
        shell.title = frame.t("tokens-secret");
    }
    let secret = told.secret.as_ref().map(SecretText::expose);
    let snippets = snippets::of(&frame, visit.call.realm.issuer.as_str(), &client, secret);
    Ok(operator.show(&SecretPage::new(&shell, what, told, snippets, page)))
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

fn shell<'f>(keeper: &Keeper<'_>, frame: &'f Frame, errors: &Errors) -> Shell<'f> {
    keeper.shell(frame, frame.tv("apps-rotate-of", "name", &keeper.client.name), errors)
}

fn form<'a>(
    shell: &'a Shell<'a>,
    page: String,
    (minutes, once): (&str, String),
    errors: Errors,
) -> FormPage<'a> {
    let frame = shell.frame;
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

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::changing(&operator, &at).await?;
    let visit = keeper.visit();
    let minutes = visit.typed("minutes").unwrap_or(OVERLAP);
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&keeper, &frame, &errors);
    Ok(operator.show(&form(&shell, keeper.page(), (minutes, once::word(visit)?), errors)))
}

pub(super) async fn rotate(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{}/rotate", at.page(AREA))) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::changing(&operator, &at).await?;
    let visit = keeper.visit();
    let (call, user) = (visit.call.clone(), operator.account.session.user);
    let (scope, client) = (keeper.site.org().cloned(), keeper.client.clone());
    let sent = typed.clone();
    let work = async move {
        let overlap = sent.read()?;
        credentials::confirm(&call, user, &sent.current_password).await?;
        kept(keep::rotate(&call, scope.as_ref(), (&client, overlap)).await, false)
    };
    let refusal = match once::send(visit, (&typed.once, &shown(&keeper.site)), work).await {
        Ok(onward) => return Ok(onward),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&keeper, &frame, &errors);
    let again = (typed.minutes.as_str(), once::word(visit)?);
    Ok(visit.show_wrong(&form(&shell, keeper.page(), again, errors), &refusal))
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
pub(super) async fn retire(Path(at): Path<At>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (operator, _) = match Operator::of(posted, &at.page(AREA)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::changing(&operator, &at).await?;
    keep::retire(&operator.visit.call, &keeper.site, &keeper.client).await?;
    Ok(said::at(&operator.visit, "did-app-retired", &keeper.page()))
}
