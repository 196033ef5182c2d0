//! Changing an application: only while nobody else has changed it since the form was shown.

use axum::{extract::Path, response::Response};
use doorward_core::clients::{Client, manage};

use super::{PATH, application, form::Form, page, trail, wrong::wrong};
use crate::{
    pages::{
        console::{Administrator, Area, Shell, part::form::FormPage, said, words::lines},
        form::Errors,
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, client: &Client, errors: &Errors) -> Shell<'a> {
    let title = frame.tv("console-edit-of", "name", &client.name);
    let mut shell = administrator.shell(frame, Area::Applications, title, errors);
    shell.trail = vec![trail(administrator), (page(client), client.name.clone())];
    shell
}

fn form<'a>(shell: &'a Shell<'a>, client: &Client, typed: &Form, errors: Errors) -> FormPage<'a> {
    let page = page(client);
    let form =
        FormPage::new(shell, format!("{page}/edit"), page, errors).what(shell.frame.t("apps-edit-what"));
    typed.controls(form, shell.frame, client).button(shell.frame.t("console-save"))
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let client = application(visit, &id).await?;
    let mut typed = Form::of(&client);
    for (name, place) in [
        ("redirect_uris", &mut typed.redirect_uris),
        ("signed_out", &mut typed.signed_out),
        ("addresses", &mut typed.addresses),
    ] {
        if let Some(value) = visit.typed(name) {
            value.clone_into(place);
        }
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, &client, &errors);
    Ok(administrator.show(&form(&shell, &client, &typed, errors)))
}

pub(super) async fn save(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{PATH}/{id}/edit");
    let (administrator, typed) = match Administrator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let client = application(visit, &id).await?;
    let read = typed.read(&client);
    let allowed = read.as_ref().map(|(_, after)| &after.metadata.allowed_addresses);
    if allowed.is_ok_and(|allowed| *allowed != client.metadata.allowed_addresses)
        && let Err(elsewhere) = administrator.must_be_fresh(&path)
    {
        return Ok(elsewhere);
    }
    let saved = async {
        let (seen, registration) = read?;
        manage::update(&visit.call, client.id, seen, registration).await
    };
    let refusal = match saved.await {
        Ok(client) => return Ok(said::at(visit, "did-app-saved", &page(&client))),
        Err(error) => refusal_of(error)?,
    };
    let (redirects, signed_out) = (lines(&typed.redirect_uris), lines(&typed.signed_out));
    let addresses: [(&str, &[String]); 2] = [("redirect_uris", &redirects), ("signed_out", &signed_out)];
    let Some(errors) = wrong(visit.text, &refusal, &addresses) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&administrator, &frame, &client, &errors);
    // Sent again, it is for the application as it stands now.
    let typed = typed.again(&client);
    Ok(visit.show_wrong(&form(&shell, &client, &typed, errors), &refusal))
}
