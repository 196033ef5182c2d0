//! The end of a token before its time: with a reason, and with its name typed.

use axum::{extract::Path, response::Response};
use doorward_core::outcome::{Code, Refusal, Result as Outcome};
use serde::Deserialize;

use super::{AREA, At, Keeper, keep, some};
use crate::{
    pages::{
        console::{Operator, Shell, part::form::FormPage},
        done::Done,
        form::{Errors, Field},
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    reason: String,
    confirm: String,
    /// Whether only the version of this page ends.
    only: String,
}

fn form<'a>(shell: &'a Shell<'a>, keeper: &Keeper<'_>, typed: &Form, errors: Errors) -> FormPage<'a> {
    let (frame, page, token) = (shell.frame, keeper.page(), &keeper.token);
    let reason = Field::new("reason", "text", "off", frame.t("tokens-reason"))
        .hint(frame.t("tokens-reason-what"))
        .longest(500)
        .value(&typed.reason);
    let only = frame.tv("tokens-only", "version", &token.version.to_string());
    FormPage::new(shell, format!("{page}/revoke"), page, errors)
        .what(frame.t("tokens-revoke-what"))
        .what(format!("{} {}", frame.t("tokens-org"), token.org))
        .field(reason)
        .tick("only", only, !typed.only.is_empty())
        .confirm(&token.name)
        .danger(frame.t("tokens-revoke-do"))
}

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::changing(&operator, &at).await?;
    let visit = keeper.visit();
    let kept = |field| visit.typed(field).unwrap_or_default().to_owned();
    // The name is typed again: what cannot be undone is confirmed by whoever is signed in now.
    let typed = Form { reason: kept("reason"), confirm: String::new(), only: kept("only") };
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = keeper.shell(&frame, "tokens-revoke-of", &errors);
    Ok(operator.show(&form(&shell, &keeper, &typed, errors)))
}

pub(super) async fn end(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{}/revoke", at.page(AREA))) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::changing(&operator, &at).await?;
    let visit = keeper.visit();
    let refusal = match ended(&keeper, &typed).await {
        Ok(()) => return Ok(Done::ServiceToken.at(visit, &keeper.page())),
        Err(error) => refusal_of(error)?,
    };
    let errors = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("confirm")) => {
            Errors::one("confirm", visit.text.get("tokens-confirm-wrong"))
        }
        (Code::RequestInvalid, Some("reason")) => {
            Errors::one("reason", visit.text.get("tokens-reason-wrong"))
        }
        (Code::ScopeMissing, _) => Errors::one("", visit.text.with("words-wrong", "why", &refusal.hint)),
        _ => return Err(refusal.into()),
    };
    let frame = visit.frame();
    let shell = keeper.shell(&frame, "tokens-revoke-of", &errors);
    Ok(visit.show_wrong(&form(&shell, &keeper, &typed, errors), &refusal))
}

async fn ended(keeper: &Keeper<'_>, typed: &Form) -> Outcome<()> {
    let wrong = |field: &'static str| Refusal::new(Code::RequestInvalid).field(field);
    let reason = some(&typed.reason).ok_or_else(|| wrong("reason"))?;
    if typed.confirm.trim() != keeper.token.name {
        return Err(wrong("confirm").into());
    }
    let (call, rights) = (&keeper.visit().call, keeper.operator.rights());
    let which = (&keeper.token, !typed.only.is_empty());
    match keep::revoke(call, &keeper.site, which, (reason, rights)).await {
        // By a second click, or by somebody else: it is over either way.
        Err(error) if error.code() == Some(Code::TokenEnded) => Ok(()),
        other => other.map(drop),
    }
}
