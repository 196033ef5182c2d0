//! Asking somebody into an organisation; and, for administrators, making them a member without asking.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{
        OWNER, OrgScope,
        invitations::{self, NewInvitation},
        members,
    },
    outcome::{Code, Refusal},
    users::{self, Email},
};
use serde::Deserialize;

use super::{MEMBERS, PATH, enter, members::wrong, page, role_choice, trail_to};
use crate::{
    pages::{
        console::{Administrator, Area, Operator, part::form::FormPage, said},
        form::{Errors, Field},
        text::Text,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    email: String,
    role: String,
}

impl Default for Form {
    fn default() -> Self {
        Self { email: String::new(), role: "member".to_owned() }
    }
}

/// Where a form about a person and a role goes, and its words.
struct Words {
    at: &'static str,
    title: &'static str,
    what: &'static str,
}

const INVITE: Words = Words { at: "invitations/new", title: "orgs-invite", what: "orgs-invite-what" };
const ADD: Words = Words { at: "members/new", title: "orgs-add", what: "orgs-add-what" };

async fn show(
    operator: &Operator,
    (scope, words): (&OrgScope, &Words),
    (typed, wrong): (&Form, Option<(Errors, Refusal)>),
) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let mut shell = operator.shell(&frame, Area::Organizations, frame.t(words.title), &errors);
    shell.trail = trail_to(operator, scope.org());
    let back = page(scope.org());
    let form = FormPage::new(&shell, format!("{back}/{}", words.at), back, errors)
        .what(frame.t(words.what))
        .field(Field::new("email", "email", "off", frame.t("users-email")).value(&typed.email))
        .choice(role_choice(operator, (&frame, scope), &typed.role).await?)
        .button(frame.t(words.title));
    Ok(match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => operator.show(&form),
    })
}

fn kept(operator: &Operator) -> Form {
    let kept = |field, first: &str| operator.visit.typed(field).unwrap_or(first).to_owned();
    Form { email: kept("email", ""), role: kept("role", "member") }
}

pub(super) async fn look(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let scope = enter(&operator, &org, MEMBERS).await?;
    show(&operator, (&scope, &INVITE), (&kept(&operator), None)).await
}

pub(super) async fn invite(Path(org): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{PATH}/{org}/{}", INVITE.at)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let scope = enter(&operator, &org, MEMBERS).await?;
    if typed.role == OWNER
        && let Err(elsewhere) = operator.must_be_fresh(&format!("{PATH}/{org}/{}", INVITE.at))
    {
        return Ok(elsewhere);
    }
    let invited = async {
        let email = Email::parse(&typed.email)?;
        let new = NewInvitation { email, role: typed.role.clone(), is_mailed: true, locale: None };
        invitations::create(&visit.call, &scope, new).await
    };
    let refusal = match invited.await {
        Ok(_) => return Ok(said::at(visit, "did-invited", &page(scope.org()))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong_person(visit.text, &refusal) else { return Err(refusal.into()) };
    show(&operator, (&scope, &INVITE), (&typed, Some((errors, refusal)))).await
}

pub(super) async fn look_add(
    Path(org): Path<String>,
    administrator: Administrator,
) -> Result<Response, Failure> {
    let scope = enter(&administrator, &org, MEMBERS).await?;
    show(&administrator, (&scope, &ADD), (&kept(&administrator), None)).await
}

pub(super) async fn add(Path(org): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, typed) = match Administrator::of(posted, &format!("{PATH}/{org}/{}", ADD.at)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let scope = enter(&administrator, &org, MEMBERS).await?;
    if typed.role == OWNER
        && let Err(elsewhere) = administrator.must_be_fresh(&format!("{PATH}/{org}/{}", ADD.at))
    {
        return Ok(elsewhere);
    }
    let added = async {
        let person = users::find_by_email(&visit.call, &Email::parse(&typed.email)?).await?;
        let person = person.ok_or(Refusal::new(Code::NotFound))?;
        members::add(&visit.call, &scope, person.id, &typed.role).await
    };
    let refusal = match added.await {
        Ok(_) => return Ok(said::at(visit, "did-member-added", &page(scope.org()))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong_person(visit.text, &refusal) else { return Err(refusal.into()) };
    show(&administrator, (&scope, &ADD), (&typed, Some((errors, refusal)))).await
}

/// What a refusal means for a form about somebody who is no member yet.
fn wrong_person(text: Text, refusal: &Refusal) -> Option<Errors> {
    match refusal.code {
        Code::NotFound => Some(Errors::one("email", text.get("orgs-add-nobody"))),
        Code::Conflict => Some(Errors::one("email", text.get("orgs-add-again"))),
        _ => wrong(text, refusal),
    }
}
