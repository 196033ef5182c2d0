//! A new organisation, and another name for one.

use axum::{extract::Path, response::Response};
use doorward_core::{
    addresses,
    orgs::{
        Kind, Org,
        manage::{self, Change, NewOrg},
    },
    outcome::{Code, Refusal, Result as Outcome},
    users::{self, Email},
};
use serde::Deserialize;

use super::{PATH, SETTINGS, enter, page, trail, trail_to};
use crate::{
    pages::{
        console::{
            Administrator, Area, Operator, Shell,
            part::form::{FormPage, version_after},
            said,
            words::{joined, some, words},
        },
        form::{Errors, Field},
        frame::Frame,
        text::Text,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    name: String,
    slug: String,
    owner: String,
    addresses: String,
    force: String,
    version: String,
}

fn named<'a>(form: FormPage<'a>, frame: &Frame, typed: &Form, has_slug: bool) -> FormPage<'a> {
    let field = |id, label: &str, value: &str| Field::new(id, "text", "off", frame.t(label)).value(value);
    let form = form.field(field("name", "orgs-name", &typed.name).longest(100));
    if !has_slug {
        return form;
    }
    let slug = field("slug", "orgs-slug", &typed.slug).hint(frame.t("orgs-slug-what"));
    form.field(slug.longest(48).optional())
}

fn shell_new<'a>(operator: &Operator, frame: &'a Frame, errors: &Errors) -> Shell<'a> {
    let mut shell = operator.shell(frame, Area::Organizations, frame.t("orgs-new"), errors);
    shell.trail = vec![trail(operator)];
    shell
}

fn form_new<'a>(shell: &'a Shell<'a>, typed: &Form, errors: Errors) -> FormPage<'a> {
    let frame = shell.frame;
    let owner = Field::new("owner", "email", "off", frame.t("orgs-owner")).hint(frame.t("orgs-owner-what"));
    named(FormPage::new(shell, format!("{PATH}/new"), PATH.to_owned(), errors), frame, typed, true)
        .field(owner.value(&typed.owner).optional())
        .button(frame.t("orgs-make"))
}

pub(super) async fn look_new(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let kept = |field| visit.typed(field).unwrap_or_default().to_owned();
    let typed = Form { name: kept("name"), slug: kept("slug"), owner: kept("owner"), ..Form::default() };
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell_new(&administrator, &frame, &errors);
    Ok(administrator.show(&form_new(&shell, &typed, errors)))
}

pub(super) async fn make(posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, typed) = match Administrator::of(posted, &format!("{PATH}/new")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let refusal = match made(&administrator, &typed).await {
        Ok(org) => return Ok(said::at(visit, "did-org-made", &page(&org))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell_new(&administrator, &frame, &errors);
    Ok(visit.show_wrong(&form_new(&shell, &typed, errors), &refusal))
}

async fn made(operator: &Operator, typed: &Form) -> Outcome<Org> {
    let call = &operator.visit.call;
    let owner = match some(&typed.owner) {
        Some(email) => {
            let nobody = || Refusal::new(Code::RequestInvalid).field("owner");
            let email = Email::parse(&email).map_err(|_| nobody())?;
            Some(users::find_by_email(call, &email).await?.ok_or_else(nobody)?.id)
        }
        None => None,
    };
    manage::create(call, NewOrg { name: typed.name.clone(), slug: some(&typed.slug), owner }).await
}

fn shell<'a>(operator: &Operator, frame: &'a Frame, org: &Org, errors: &Errors) -> Shell<'a> {
    let title = frame.tv("console-edit-of", "name", &org.name);
    let mut shell = operator.shell(frame, Area::Organizations, title, errors);
    shell.trail = trail_to(operator, org);
    shell
}

fn form<'a>(shell: &'a Shell<'a>, org: &Org, typed: &Form, errors: Errors) -> FormPage<'a> {
    let (frame, page) = (shell.frame, page(org));
    let form = FormPage::new(shell, format!("{page}/edit"), page, errors);
    let is_shared = org.kind != Kind::Personal;
    let mut form = named(form.hidden("version", typed.version.clone()), frame, typed, is_shared);
    if is_shared {
        let addresses =
            Field::new("addresses", "text", "off", frame.t("orgs-addresses")).value(&typed.addresses);
        let addresses = addresses.hint(frame.t("orgs-addresses-what")).rows(3).longest(8000).optional();
        form = form.field(addresses).tick("force", frame.t("orgs-addresses-force"), !typed.force.is_empty());
    }
    form.button(frame.t("console-save"))
}

pub(super) async fn look(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = enter(&operator, &org, SETTINGS).await?;
    let org = scope.org();
    let kept = |field, now: &str| visit.typed(field).unwrap_or(now).to_owned();
    let typed = Form {
        name: kept("name", &org.name),
        slug: kept("slug", org.slug.as_deref().unwrap_or_default()),
        addresses: kept("addresses", &joined(&org.allowed_addresses)),
        version: org.version.to_string(),
        ..Form::default()
    };
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&operator, &frame, org, &errors);
    Ok(operator.show(&form(&shell, org, &typed, errors)))
}

pub(super) async fn save(Path(org): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{PATH}/{org}/edit");
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let scope = enter(&operator, &org, SETTINGS).await?;
    let allowed = addresses::read(&words(&typed.addresses));
    if allowed.as_ref().is_ok_and(|allowed| *allowed != scope.org().allowed_addresses)
        && let Err(elsewhere) = operator.must_be_fresh(&path)
    {
        return Ok(elsewhere);
    }
    let saved = async {
        let seen = typed.version.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("version"))?;
        let slug = Some(some(&typed.slug));
        let (name, force) = (Some(typed.name.clone()), !typed.force.is_empty());
        let change = Change { name, slug, allowed_addresses: Some(allowed?), force, ..Change::default() };
        manage::update(&visit.call, &scope, seen, change).await
    };
    let refusal = match saved.await {
        Ok(org) => return Ok(said::at(visit, "did-org-saved", &page(&org))),
        Err(error) => refusal_of(error)?,
    };
    let errors = wrong_addresses(visit.text, &refusal, &typed).or_else(|| wrong(visit.text, &refusal));
    let Some(errors) = errors else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&operator, &frame, scope.org(), &errors);
    let version = version_after(&refusal, typed.version, scope.org().version);
    let typed = Form { version, ..typed };
    Ok(visit.show_wrong(&form(&shell, scope.org(), &typed, errors), &refusal))
}

/// Addresses that are none, or that leave out whoever typed them.
fn wrong_addresses(text: Text, refusal: &Refusal, typed: &Form) -> Option<Errors> {
    (refusal.field.as_deref() == Some("allowed_addresses")).then(|| {
        let are_some = addresses::read(&words(&typed.addresses)).is_ok();
        let key = if are_some { "orgs-addresses-yours" } else { "tokens-addresses-wrong" };
        Errors::one("addresses", text.get(key))
    })
}

fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("name")) => ("name", "orgs-name-wrong"),
        (Code::RequestInvalid, Some("slug")) => ("slug", "orgs-slug-wrong"),
        (Code::Conflict, Some("slug")) => ("slug", "orgs-slug-taken"),
        (Code::RequestInvalid, Some("owner")) => ("owner", "orgs-owner-wrong"),
        (Code::VersionMismatch, _) => ("", "console-changed-meanwhile"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}
