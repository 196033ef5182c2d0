//! The end of an account: for good, with the address typed, and by whoever has just signed in.

use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::{Code, Refusal},
    users::{self, User},
};
use serde::Deserialize;

use super::{PATH, name, page, person, trail};
use crate::{
    pages::{
        console::{Administrator, Area, Shell, part::form::FormPage, said},
        form::Errors,
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    confirm: String,
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, user: &User, errors: &Errors) -> Shell<'a> {
    let title = frame.tv("users-delete-of", "name", &name(user));
    let mut shell = administrator.shell(frame, Area::Users, title, errors);
    shell.trail = vec![trail(administrator), (page(user), name(user))];
    shell
}

fn form<'a>(shell: &'a Shell<'a>, user: &User, errors: Errors) -> FormPage<'a> {
    let page = page(user);
    FormPage::new(shell, format!("{page}/delete"), page, errors)
        .what(shell.frame.t("users-delete-what"))
        .confirm(&name(user))
        .danger(shell.frame.t("users-delete"))
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    if let Err(elsewhere) = administrator.must_be_fresh(&format!("{PATH}/{id}/delete")) {
        return Ok(elsewhere);
    }
    let visit = &administrator.visit;
    let user = person(visit, &id).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, &user, &errors);
    Ok(administrator.show(&form(&shell, &user, errors)))
}

pub(super) async fn end(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{PATH}/{id}/delete");
    let (administrator, typed) = match Administrator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if let Err(elsewhere) = administrator.must_be_fresh(&path) {
        return Ok(elsewhere);
    }
    let visit = &administrator.visit;
    let user = person(visit, &id).await?;
    let (errors, refusal) = if typed.confirm.trim() == name(&user) {
        match users::end(&visit.call, user.id).await {
            Ok(()) => return Ok(said::at(visit, "did-user-ended", PATH)),
            Err(error) => {
                let refusal = refusal_of(error)?;
                let Some(errors) = Errors::of(visit.text, &refusal) else { return Err(refusal.into()) };
                (errors, refusal)
            }
        }
    } else {
        let wrong = Errors::one("confirm", visit.text.get("console-confirm-wrong"));
        (wrong, Refusal::new(Code::RequestInvalid).field("confirm"))
    };
    let frame = visit.frame();
    let shell = shell(&administrator, &frame, &user, &errors);
    Ok(visit.show_wrong(&form(&shell, &user, errors), &refusal))
}
