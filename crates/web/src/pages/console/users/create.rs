//! A new person. Without a password: they choose one behind a link that is mailed to them.

use axum::response::Response;
use doorward_core::{
    credentials,
    outcome::Result as Outcome,
    users::{self, Email, NewUser, PlatformRole, User},
};
use serde::Deserialize;

use super::{PATH, edit::wrong, page, role_choice, role_of, trail};
use crate::{
    pages::{
        console::{
            Administrator, Area, Shell,
            part::form::FormPage,
            said,
            words::{some, words},
        },
        form::{Errors, Field},
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    email: String,
    name: String,
    username: String,
    role: String,
    roles: String,
    proven: String,
    mailed: String,
}

impl Form {
    fn read(&self) -> Outcome<NewUser> {
        let email = Email::parse(&self.email)?;
        Ok(NewUser {
            email_verified: !self.proven.is_empty(),
            name: some(&self.name),
            username: some(&self.username),
            platform_role: role_of(&self.role)?,
            roles: words(&self.roles),
            ..NewUser::new(email)
        })
    }
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, errors: &Errors) -> Shell<'a> {
    let mut shell = administrator.shell(frame, Area::Users, frame.t("users-new"), errors);
    shell.trail = vec![trail(administrator)];
    shell
}

fn form<'a>(shell: &'a Shell<'a>, typed: &Form, errors: Errors) -> FormPage<'a> {
    let frame = shell.frame;
    let field = |id, label: &str, value: &str| Field::new(id, "text", "off", frame.t(label)).value(value);
    FormPage::new(shell, format!("{PATH}/new"), PATH.to_owned(), errors)
        .field(Field::new("email", "email", "off", frame.t("users-email")).value(&typed.email))
        .tick("proven", frame.t("users-proven-do"), !typed.proven.is_empty())
        .field(field("name", "users-name", &typed.name).optional())
        .field(
            field("username", "users-username", &typed.username)
                .hint(frame.t("users-username-what"))
                .longest(64)
                .optional(),
        )
        .choice(role_choice(frame, &typed.role))
        .field(
            field("roles", "users-roles", &typed.roles)
                .hint(frame.t("users-roles-what"))
                .longest(4000)
                .optional(),
        )
        .tick("mailed", frame.t("users-mailed"), !typed.mailed.is_empty())
        .button(frame.t("users-make"))
}

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let kept = |field| visit.typed(field).unwrap_or_default().to_owned();
    let typed = Form {
        email: kept("email"),
        name: kept("name"),
        username: kept("username"),
        role: visit.typed("role").unwrap_or(PlatformRole::User.name()).to_owned(),
        roles: kept("roles"),
        proven: String::new(),
        mailed: "yes".to_owned(),
    };
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, &errors);
    Ok(administrator.show(&form(&shell, &typed, errors)))
}

pub(super) async fn make(posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{PATH}/new");
    let (administrator, typed) = match Administrator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    if typed.role == PlatformRole::Administrator.name()
        && let Err(elsewhere) = administrator.must_be_fresh(&path)
    {
        return Ok(elsewhere);
    }
    let made = async { users::create(&visit.call, typed.read()?).await }.await;
    let refusal = match made {
        Ok(user) => return told(&administrator, &user, !typed.mailed.is_empty()).await,
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&administrator, &frame, &errors);
    Ok(visit.show_wrong(&form(&shell, &typed, errors), &refusal))
}

/// The person is made, whatever becomes of the mail.
async fn told(administrator: &Administrator, user: &User, is_mailed: bool) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let email = user.email.as_deref().filter(|_| is_mailed);
    let Some(email) = email else { return Ok(said::at(visit, "did-user-made", &page(user))) };
    let sent = credentials::welcome(&visit.call, Email::parse(email)?, user.locale.as_deref()).await;
    let key = match sent.map_err(refusal_of) {
        Ok(()) => "did-user-made-mailed",
        Err(Ok(_)) => "did-user-made",
        Err(Err(fault)) => return Err(fault),
    };
    Ok(said::at(visit, key, &page(user)))
}
