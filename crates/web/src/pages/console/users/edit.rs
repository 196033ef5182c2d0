//! Changing a person: only while nobody else has changed them since the form was shown.

use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::{Code, Refusal, Result as Outcome},
    users::{self, Change, Email, User},
};
use serde::Deserialize;

use super::{PATH, name, page, person, role_choice, role_of, trail};
use crate::{
    pages::{
        console::{
            Administrator, Area, Shell,
            part::form::{FormPage, version_after},
            said,
            words::{some, words},
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
    email: String,
    name: String,
    username: String,
    role: String,
    roles: String,
    locale: String,
    zone: String,
    proven: String,
    version: String,
}

impl Form {
    fn of(user: &User) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            email: text(&user.email),
            name: text(&user.name),
            username: text(&user.username),
            role: user.platform_role.name().to_owned(),
            roles: user.roles.join(" "),
            locale: text(&user.locale),
            zone: text(&user.zone),
            proven: user.email_verified_at.map_or_else(String::new, |_| "yes".to_owned()),
            version: user.version.to_string(),
        }
    }

    fn changes_role(&self, user: &User) -> bool {
        self.role != user.platform_role.name()
    }

    /// A role reaches further, and whoever reads the mail of an address can choose its password anew.
    fn gives_a_way_in(&self, user: &User) -> bool {
        let is_proven_now = user.email_verified_at.is_none() && !self.proven.is_empty();
        self.changes_role(user) || is_proven_now || user.email.as_deref() != Some(self.email.trim())
    }

    /// What has to change; what was proven stays proven, and a new address is not because the old one was.
    fn read(&self, user: &User) -> Outcome<(i64, Change)> {
        let wrong = || Refusal::new(Code::RequestInvalid).field("version");
        let seen = self.version.parse().map_err(|_| wrong())?;
        let changed = |text: &str, before: &Option<String>| {
            let after = some(text);
            (after != *before).then_some(after)
        };
        let typed = Email::parse(&self.email)?;
        let has_new_email = user.email.as_deref() != Some(typed.address());
        let was_proven = user.email_verified_at.is_some();
        let is_of_another = has_new_email && was_proven;
        let is_proven = !self.proven.is_empty() && !is_of_another;
        let roles = words(&self.roles);
        let change = Change {
            email: (has_new_email || is_proven && !was_proven).then_some((typed, is_proven)),
            name: changed(&self.name, &user.name),
            username: changed(&self.username, &user.username),
            platform_role: if self.changes_role(user) { Some(role_of(&self.role)?) } else { None },
            roles: (roles != user.roles).then_some(roles),
            locale: changed(&self.locale, &user.locale),
            zone: changed(&self.zone, &user.zone),
            ..Change::default()
        };
        Ok((seen, change))
    }
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, user: &User, errors: &Errors) -> Shell<'a> {
    let title = frame.tv("console-edit-of", "name", &name(user));
    let mut shell = administrator.shell(frame, Area::Users, title, errors);
    shell.trail = vec![trail(administrator), (page(user), name(user))];
    shell
}

fn form<'a>(shell: &'a Shell<'a>, user: &User, typed: &Form, errors: Errors) -> FormPage<'a> {
    let frame = shell.frame;
    let field =
        |id, label: &str, value: &str| Field::new(id, "text", "off", frame.t(label)).value(value).optional();
    let page = page(user);
    let mut form = FormPage::new(shell, format!("{page}/edit"), page, errors)
        .hidden("version", typed.version.clone())
        .field(
            Field::new("email", "email", "off", frame.t("users-email"))
                .hint(frame.t("users-email-what"))
                .value(&typed.email),
        );
    if user.email_verified_at.is_none() {
        form = form.tick("proven", frame.t("users-proven-do"), !typed.proven.is_empty());
    }
    form.field(field("name", "users-name", &typed.name))
        .field(
            field("username", "users-username", &typed.username)
                .hint(frame.t("users-username-what"))
                .longest(64),
        )
        .choice(role_choice(frame, &typed.role))
        .field(field("roles", "users-roles", &typed.roles).hint(frame.t("users-roles-what")).longest(4000))
        .field(field("locale", "users-locale", &typed.locale).hint(frame.t("users-locale-what")).longest(64))
        .field(field("zone", "users-zone", &typed.zone).hint(frame.t("users-zone-what")).longest(64))
        .button(frame.t("console-save"))
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let user = person(visit, &id).await?;
    let mut typed = Form::of(&user);
    let places = [
        ("email", &mut typed.email),
        ("name", &mut typed.name),
        ("username", &mut typed.username),
        ("role", &mut typed.role),
        ("roles", &mut typed.roles),
        ("locale", &mut typed.locale),
        ("zone", &mut typed.zone),
    ];
    for (name, place) in places {
        if let Some(value) = visit.typed(name) {
            value.clone_into(place);
        }
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, &user, &errors);
    Ok(administrator.show(&form(&shell, &user, &typed, errors)))
}

pub(super) async fn save(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{PATH}/{id}/edit");
    let (administrator, typed) = match Administrator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let user = person(visit, &id).await?;
    if typed.gives_a_way_in(&user)
        && let Err(elsewhere) = administrator.must_be_fresh(&path)
    {
        return Ok(elsewhere);
    }
    let saved = async {
        let (seen, change) = typed.read(&user)?;
        users::update(&visit.call, user.id, Some(seen), change).await
    };
    let refusal = match saved.await {
        Ok(user) => return Ok(said::at(visit, "did-user-saved", &page(&user))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&administrator, &frame, &user, &errors);
    let version = version_after(&refusal, typed.version, user.version);
    let typed = Form { version, ..typed };
    Ok(visit.show_wrong(&form(&shell, &user, &typed, errors), &refusal))
}

/// What a refusal means for a form about a person.
pub(super) fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("name")) => ("name", "users-name-wrong"),
        (Code::RequestInvalid, Some("username")) => ("username", "users-username-wrong"),
        (Code::Conflict, Some("username")) => ("username", "users-username-taken"),
        (Code::RequestInvalid, Some("role")) => ("role", "users-role-wrong"),
        (Code::RequestInvalid, Some("roles")) => ("roles", "users-roles-wrong"),
        (Code::RequestInvalid, Some("locale")) => ("locale", "users-locale-wrong"),
        (Code::RequestInvalid, Some("zone")) => ("zone", "users-zone-wrong"),
        (Code::VersionMismatch, _) => ("", "console-changed-meanwhile"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}
