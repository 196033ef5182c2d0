//! Changing an application: only while nobody else has changed it since the form was shown.

use axum::{extract::Path, response::Response};

use super::{AREA, At, Keeper, form::Form, keep, wrong::wrong};
use crate::{
    pages::{
        console::{Operator, Shell, part::form::FormPage, said, words::lines},
        form::Errors,
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

fn shell<'f>(keeper: &Keeper<'_>, frame: &'f Frame, errors: &Errors) -> Shell<'f> {
    keeper.shell(frame, frame.tv("console-edit-of", "name", &keeper.client.name), errors)
}

fn form<'a>(shell: &'a Shell<'a>, keeper: &Keeper<'_>, typed: &Form, errors: Errors) -> FormPage<'a> {
    let page = keeper.page();
    let form =
        FormPage::new(shell, format!("{page}/edit"), page, errors).what(shell.frame.t("apps-edit-what"));
    let form = typed.controls(form, shell.frame, (&keeper.client, keeper.site.org().is_none()));
    form.button(shell.frame.t("console-save"))
}

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::changing(&operator, &at).await?;
    let visit = keeper.visit();
    let mut typed = Form::of(&keeper.client);
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
    let shell = shell(&keeper, &frame, &errors);
    Ok(operator.show(&form(&shell, &keeper, &typed, errors)))
}

pub(super) async fn save(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{}/edit", at.page(AREA))) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::changing(&operator, &at).await?;
    let (visit, client) = (keeper.visit(), &keeper.client);
    let read = typed.read(client, keeper.site.org().is_none());
    let allowed = read.as_ref().map(|(_, after)| &after.metadata.allowed_addresses);
    if allowed.is_ok_and(|allowed| *allowed != client.metadata.allowed_addresses)
        && let Err(elsewhere) = operator.must_be_fresh(&format!("{}/edit", keeper.page()))
    {
        return Ok(elsewhere);
    }
    let saved = async {
        let (seen, registration) = read?;
        keep::update(&visit.call, &keeper.site, (client, seen), registration).await
    };
    let refusal = match saved.await {
        Ok(_) => return Ok(said::at(visit, "did-app-saved", &keeper.page())),
        Err(error) => refusal_of(error)?,
    };
    let (redirects, signed_out) = (lines(&typed.redirect_uris), lines(&typed.signed_out));
    let addresses: [(&str, &[String]); 2] = [("redirect_uris", &redirects), ("signed_out", &signed_out)];
    let Some(errors) = wrong(visit.text, &refusal, (&keeper.site, &addresses)) else {
        return Err(refusal.into());
    };
    let frame = visit.frame();
    let shell = shell(&keeper, &frame, &errors);
    let typed = typed.again(&refusal, client);
    Ok(visit.show_wrong(&form(&shell, &keeper, &typed, errors), &refusal))
}
