//! A new role of an organisation, and another shape for one: what it may do to the organisation as boxes, what
//! applications read as words.

use axum::{extract::Path, response::Response};
use doorward_core::{
    apis::catalog,
    orgs::{
        Kind, OrgScope, permissions,
        roles::{self, Role, Terms},
    },
    outcome::{Code, Refusal, Result as Outcome},
};

use super::{Named, WRITE, in_words, page, place, role, trail_to};
use crate::{
    pages::{
        console::{
            Area, Operator, Shell, orgs,
            part::form::{FormPage, Ticks, version_after},
            said,
            words::words,
        },
        form::{Errors, Field, Tick},
        text::Text,
        visit::{Posted, Visit, refusal_of},
    },
    surface::Failure,
};

/// What is typed: boxes are named as the permissions are, and one that is not ticked is not sent.
type Sent = Vec<(String, String)>;

/// What is typed, read.
#[derive(Debug, Clone, Default)]
struct Form {
    name: String,
    description: String,
    /// About the organisation.
    ticked: Vec<String>,
    /// For applications.
    words: String,
    version: String,
}

impl Form {
    fn read(sent: &Sent) -> Self {
        let one = |name: &str| {
            let found = sent.iter().find(|(field, _)| field == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let ticked = sent.iter().filter(|(field, _)| field.starts_with("org:"));
        Self {
            name: one("name").trim().to_owned(),
            description: one("description"),
            ticked: ticked.map(|(field, _)| field.clone()).collect(),
            words: one("permissions"),
            version: one("version"),
        }
    }

    fn of(role: &Role) -> Self {
        let (ticked, words): (Vec<_>, Vec<_>) =
            role.permissions.iter().cloned().partition(|one| one.starts_with("org:"));
        Self {
            name: role.name.clone(),
            description: role.description.clone(),
            ticked,
            words: words.join(" "),
            version: role.version.to_string(),
        }
    }

    /// With what was typed before and could not be taken.
    fn kept(self, visit: &Visit) -> Self {
        let Some(description) = visit.typed("description") else { return self };
        let kept = |field| visit.typed(field).unwrap_or_default().to_owned();
        let names = catalog::ORGANIZATION.iter().map(|(name, _)| *name);
        Self {
            name: visit.typed("name").map_or(self.name, str::to_owned),
            description: description.to_owned(),
            ticked: names.filter(|name| visit.typed(name).is_some()).map(str::to_owned).collect(),
            words: kept("permissions"),
            version: self.version,
        }
    }

    fn terms(&self) -> Terms {
        let permissions = self.ticked.iter().cloned().chain(words(&self.words)).collect();
        Terms { description: self.description.clone(), permissions }
    }
}

fn shell<'a>(
    operator: &Operator,
    frame: &'a crate::pages::frame::Frame,
    (scope, title): (&OrgScope, String),
    errors: &Errors,
) -> Shell<'a> {
    let mut shell = operator.shell(frame, Area::Roles, title, errors);
    shell.trail = trail_to(operator, scope);
    shell
}

/// The form; `known` is the role where there is one.
fn form<'a>(
    shell: &'a Shell<'a>,
    (scope, known): (&OrgScope, Option<&Role>),
    typed: &Form,
    errors: Errors,
) -> FormPage<'a> {
    let frame = shell.frame;
    let field = |id, label: &str, hint: &str, value: &str| {
        Field::new(id, "text", "off", frame.t(label)).hint(frame.t(hint)).value(value)
    };
    let (to, back) = match known {
        Some(role) => (format!("{}/edit", page(scope, &role.name)), page(scope, &role.name)),
        None => (format!("{}/new", place(scope)), place(scope)),
    };
    let mut form = FormPage::new(shell, to, back, errors).hidden("version", typed.version.clone());
    if known.is_none() {
        form = form.field(field("name", "roles-name", "roles-name-what", &typed.name).longest(64));
    }
    let description = field("description", "roles-description", "roles-description-what", &typed.description);
    form = form.field(description.longest(500).optional());
    if known.is_none_or(|role| !role.is_built_in) {
        let tick = |name: &'static str| Tick {
            id: name,
            label: in_words(name),
            is_ticked: typed.ticked.iter().any(|one| one == name),
        };
        let names = catalog::ORGANIZATION.iter().map(|(name, _)| *name);
        // Nobody gives what they do not hold; what is there already stays to be seen.
        let offered = names.filter(|name| scope.may(name) || typed.ticked.iter().any(|one| one == name));
        form = form.ticks(Ticks {
            id: "org_permissions",
            legend: frame.t("roles-administration"),
            hint: frame.t("roles-administration-what"),
            ticks: offered.map(tick).collect(),
            error: None,
        });
    }
    let hint = if scope.is_platform() { "roles-words-platform" } else { "roles-words-what" };
    let words = field("permissions", "roles-for-applications", hint, &typed.words);
    form.field(words.longest(8000).rows(3).optional()).button(frame.t(if known.is_some() {
        "console-save"
    } else {
        "roles-make"
    }))
}

pub(super) async fn look_new(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = orgs::enter(&operator, &org, WRITE).await?;
    if scope.org().kind == Kind::Personal {
        return Err(Code::NotFound.into());
    }
    let typed = Form::default().kept(visit);
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&operator, &frame, (&scope, frame.t("roles-new")), &errors);
    Ok(operator.show(&form(&shell, (&scope, None), &typed, errors)))
}

pub(super) async fn make(Path(org): Path<String>, posted: Posted<Sent>) -> Result<Response, Failure> {
    let path = format!("{}/{org}/roles/new", Area::Organizations.path());
    let (operator, sent) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, typed) = (&operator.visit, Form::read(&sent));
    let scope = orgs::enter(&operator, &org, WRITE).await?;
    let refusal = match roles::create(&visit.call, &scope, &typed.name, typed.terms()).await {
        Ok(role) => return Ok(said::at(visit, "did-role-made", &page(&scope, &role.name))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let shell = shell(&operator, &frame, (&scope, frame.t("roles-new")), &errors);
    Ok(visit.show_wrong(&form(&shell, (&scope, None), &typed, errors), &refusal))
}

pub(super) async fn look(Path((org, name)): Named, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = orgs::enter(&operator, &org, WRITE).await?;
    let role = role(&operator, &scope, &name).await?;
    let typed = Form::of(&role).kept(visit);
    let (frame, errors) = (visit.frame(), Errors::none());
    let title = frame.tv("console-edit-of", "name", &role.name);
    let shell = shell(&operator, &frame, (&scope, title), &errors);
    Ok(operator.show(&form(&shell, (&scope, Some(&role)), &typed, errors)))
}

pub(super) async fn save(Path((org, name)): Named, posted: Posted<Sent>) -> Result<Response, Failure> {
    let path = format!("{}/{org}/roles/{name}/edit", Area::Organizations.path());
    let (operator, sent) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, typed) = (&operator.visit, Form::read(&sent));
    let scope = orgs::enter(&operator, &org, WRITE).await?;
    let refusal = match saved(&operator, &scope, (&name, &typed)).await {
        Ok(role) => return Ok(said::at(visit, "did-role-saved", &page(&scope, &role.name))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let role = role(&operator, &scope, &name).await?;
    let version = version_after(&refusal, typed.version, role.version);
    let typed = Form { version, ..typed };
    let frame = visit.frame();
    let title = frame.tv("console-edit-of", "name", &role.name);
    let shell = shell(&operator, &frame, (&scope, title), &errors);
    Ok(visit.show_wrong(&form(&shell, (&scope, Some(&role)), &typed, errors), &refusal))
}

async fn saved(operator: &Operator, scope: &OrgScope, (name, typed): (&str, &Form)) -> Outcome<Role> {
    let seen = typed.version.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("version"))?;
    let mut terms = typed.terms();
    // The form of one that every organisation has shows no boxes.
    if permissions::BUILT_IN.contains(&name) {
        terms.permissions.retain(|one| !one.starts_with("org:"));
    }
    roles::update(&operator.visit.call, scope, name, seen, terms).await
}

/// What a refusal means for the form.
fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("name")) => ("name", "roles-name-wrong"),
        (Code::RequestInvalid, Some("description")) => ("description", "roles-description-wrong"),
        (Code::RequestInvalid, Some("permissions")) => {
            // The name at fault is in the refusal, and in no catalogue.
            let what: &str = &refusal.hint;
            return Some(Errors::one("permissions", text.with("roles-permissions-wrong", "what", what)));
        }
        (Code::ScopeMissing, _) => ("org_permissions", "roles-beyond"),
        (Code::Conflict, _) => ("name", "roles-name-taken"),
        (Code::VersionMismatch, _) => ("", "console-changed-meanwhile"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}
