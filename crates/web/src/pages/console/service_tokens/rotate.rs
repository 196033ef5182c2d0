//! The next version of a token: another secret under the same name. The present one goes on for a while.

use axum::{extract::Path, response::Response};
use doorward_core::{
    credentials,
    outcome::{Code, Refusal, Result as Outcome},
    service_tokens::RotateAsk,
};
use doorward_proto::secret::SecretText;
use serde::Deserialize;

use super::{
    AREA, At, Keeper,
    create::{days, lifetime, wrong},
    keep,
    secret::{kept, shown},
    some, words,
};
use crate::{
    pages::{
        console::{
            Operator, Shell,
            part::{form::FormPage, once},
        },
        form::{Errors, Field},
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Form {
    #[serde(default)]
    minutes: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    scopes: String,
    #[serde(default)]
    once: String,
    #[serde(default)]
    current_password: SecretText,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            minutes: (RotateAsk::default().overlap / 60).to_string(),
            days: String::new(),
            scopes: String::new(),
            once: String::new(),
            current_password: SecretText::default(),
        }
    }
}

impl Form {
    fn read(&self) -> Outcome<RotateAsk> {
        let wrong = || Refusal::new(Code::RequestInvalid).field("overlap_seconds");
        let minutes: u64 = match some(&self.minutes) {
            Some(minutes) => minutes.parse().map_err(|_| wrong())?,
            // Nothing typed is no decision to end the present one at once.
            None => return Err(wrong().into()),
        };
        Ok(RotateAsk {
            overlap: minutes.saturating_mul(60),
            expires_in: lifetime(&self.days)?,
            scopes: words(&self.scopes),
        })
    }
}

fn form<'a>(
    shell: &'a Shell<'a>,
    page: String,
    (typed, once): (&Form, String),
    errors: Errors,
) -> FormPage<'a> {
    let frame = shell.frame;
    let field = |id, label: &str, hint: &str, value: &str| {
        Field::new(id, "text", "off", frame.t(label)).hint(frame.t(hint)).value(value).longest(4000)
    };
    let minutes = field("minutes", "tokens-overlap", "tokens-overlap-what", &typed.minutes);
    FormPage::new(shell, format!("{page}/rotate"), page, errors)
        .what(frame.t("tokens-rotate-what"))
        .hidden("once", once)
        .field(minutes.keyboard("numeric"))
        .field(days("tokens-days-again", &typed.days, frame))
        .field(field("scopes", "tokens-scopes-more", "tokens-scopes-more-what", &typed.scopes).optional())
        .password()
        .button(frame.t("tokens-rotate-do"))
}

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::changing(&operator, &at).await?;
    let visit = keeper.visit();
    let mut typed = Form::default();
    let fields = [("minutes", &mut typed.minutes), ("days", &mut typed.days), ("scopes", &mut typed.scopes)];
    for (name, field) in fields {
        if let Some(value) = visit.typed(name) {
            value.clone_into(field);
        }
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = keeper.shell(&frame, "tokens-rotate-of", &errors);
    Ok(operator.show(&form(&shell, keeper.page(), (&typed, once::word(visit)?), errors)))
}

pub(super) async fn replace(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{}/rotate", at.page(AREA))) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::changing(&operator, &at).await?;
    let visit = keeper.visit();
    let (call, rights, id) = (visit.call.clone(), operator.rights(), keeper.token.id);
    let (user, sent, scope) = (operator.account.session.user, typed.clone(), keeper.site.org().cloned());
    let work = async move {
        let ask = sent.read()?;
        credentials::confirm(&call, user, &sent.current_password).await?;
        // This version and no other: sent from two pages, the form replaces it once.
        kept(keep::rotate(&call, scope.as_ref(), (id, ask, rights)).await, false)
    };
    let refusal = match once::send(visit, (&typed.once, &shown(&keeper.site)), work).await {
        Ok(onward) => return Ok(onward),
        Err(error) => refusal_of(error)?,
    };
    let errors = match refusal.code {
        Code::TokenEnded => Some(Errors::one("", visit.text.get("tokens-ended"))),
        _ => wrong(visit.text, &refusal, &keeper.site),
    };
    let Some(errors) = errors else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = keeper.shell(&frame, "tokens-rotate-of", &errors);
    Ok(visit.show_wrong(&form(&shell, keeper.page(), (&typed, once::word(visit)?), errors), &refusal))
}
