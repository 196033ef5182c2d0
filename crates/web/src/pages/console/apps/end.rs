//! The end of an application: for good, with its name typed, and by whoever has just signed in.

use axum::{extract::Path, response::Response};
use doorward_core::{
    clients::{Client, manage},
    outcome::{Code, Refusal},
    principals::Status,
};
use serde::Deserialize;

use super::{PATH, application, page, trail};
use crate::{
    pages::{
        console::{Administrator, Area, Shell, part::form::FormPage, said},
        form::Errors,
        frame::Frame,
        visit::Posted,
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    confirm: String,
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, client: &Client, errors: &Errors) -> Shell<'a> {
    let title = frame.tv("apps-delete-of", "name", &client.name);
    let mut shell = administrator.shell(frame, Area::Applications, title, errors);
    shell.trail = vec![trail(administrator), (page(client), client.name.clone())];
    shell
}

fn form<'a>(shell: &'a Shell<'a>, client: &Client, errors: Errors) -> FormPage<'a> {
    let page = page(client);
    FormPage::new(shell, format!("{page}/delete"), page, errors)
        .what(shell.frame.t("apps-delete-what"))
        .confirm(&client.name)
        .danger(shell.frame.t("apps-delete"))
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    if let Err(elsewhere) = administrator.must_be_fresh(&format!("{PATH}/{id}/delete")) {
        return Ok(elsewhere);
    }
    let visit = &administrator.visit;
    let client = application(visit, &id).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, &client, &errors);
    Ok(administrator.show(&form(&shell, &client, errors)))
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
    let client = application(visit, &id).await?;
    if typed.confirm.trim() == client.name {
        manage::set_status(&visit.call, client.id, Status::Ended).await?;
        return Ok(said::at(visit, "did-app-ended", PATH));
    }
    let (frame, errors) = (visit.frame(), Errors::one("confirm", visit.text.get("console-confirm-wrong")));
    let shell = shell(&administrator, &frame, &client, &errors);
    let refusal = Refusal::new(Code::RequestInvalid).field("confirm");
    Ok(visit.show_wrong(&form(&shell, &client, errors), &refusal))
}
