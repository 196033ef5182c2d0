//! Workspaces of an organisation: made and changed.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{
        OrgScope,
        workspaces::{self, Change, NewWorkspace, Role, Workspace},
    },
    outcome::{Code, Refusal, Result as Outcome},
};
use serde::Deserialize;

use super::{PATH, enter, page, trail_to};
use crate::{
    pages::{
        account::organizations::workspace_role,
        console::{
            Area, Operator, Shell,
            part::{
                Cell, Row, Table,
                detail::{DetailPage, Panel},
                form::{Choice, FormPage, version_after},
                list::{Asked, ListPage},
            },
            said,
            words::some,
        },
        form::{Errors, Field},
        frame::Frame,
        text::Text,
        visit::{Posted, Visit, refusal_of},
        when::When,
    },
    surface::Failure,
};

pub(super) mod members;

/// Whoever sees workspaces.
pub(super) const READ: &str = "org:workspaces:read";
/// Whoever changes them.
pub(super) const WRITE: &str = "org:workspaces:write";

/// Workspaces on the organisation's page at the most.
const FEW: usize = 10;

const COLUMNS: [&str; 3] = ["workspaces-name", "workspaces-everybody", "workspaces-id"];

/// The address of a workspace's page.
pub(super) fn place(scope: &OrgScope, workspace: &Workspace) -> String {
    format!("{}/workspaces/{}", page(scope.org()), workspace.id)
}

fn rows(frame: &Frame, scope: &OrgScope, all: &[Workspace]) -> Vec<Row> {
    let row = |one: &Workspace| Row {
        page: Some(place(scope, one)),
        name: one.name.clone(),
        detail: one.slug.clone().unwrap_or_default(),
        cells: vec![everybody(frame, one), Cell::Code(one.id.clone())],
    };
    all.iter().map(row).collect()
}

fn everybody(frame: &Frame, workspace: &Workspace) -> Cell {
    match workspace.everybody {
        Some(role) => Cell::Text(frame.t(workspace_role(role))),
        None => Cell::Soft(frame.t("workspaces-nobody")),
    }
}

/// The part of the organisation's page that is about its workspaces, for who sees them.
pub(super) async fn panel(visit: &Visit, frame: &Frame, scope: &OrgScope) -> Outcome<Option<Panel>> {
    if !scope.may(READ) || scope.org().kind == doorward_core::orgs::Kind::Personal {
        return Ok(None);
    }
    let all = workspaces::list(&visit.call, scope).await?;
    let table = Table::new(frame, "workspaces", &COLUMNS, rows(frame, scope, all.get(..FEW).unwrap_or(&all)));
    let own = page(scope.org());
    let mut panel = Panel::new("workspaces", frame.t("workspaces")).table(table, frame.t("workspaces-none"));
    if scope.may(WRITE) {
        panel = panel.link(format!("{own}/workspaces/new"), frame.t("workspaces-new"));
    }
    if all.len() > FEW {
        panel = panel.link(format!("{own}/workspaces"), frame.t("workspaces-all"));
    }
    Ok(Some(panel))
}

/// Every workspace.
pub(super) async fn list(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = enter(&operator, &org, READ).await?;
    let asked = Asked::read(visit.query(), &[])?;
    let all = workspaces::list(&visit.call, &scope).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let title = frame.tv("workspaces-of", "name", &scope.org().name);
    let mut shell = operator.shell(&frame, Area::Organizations, title, &errors);
    shell.trail = trail_to(&operator, scope.org());
    let path = format!("{}/workspaces", page(scope.org()));
    let table = Table::new(&frame, "workspaces", &COLUMNS, rows(&frame, &scope, &all));
    let list = ListPage::new(&shell, (&path, &asked), Vec::new(), table, None)
        .what("workspaces-what")
        .empty("workspaces-none", "doorward org create-workspace acme --name Design");
    Ok(operator.show(&list))
}

/// The workspace of an address.
pub(super) async fn found(operator: &Operator, scope: &OrgScope, name: &str) -> Outcome<Workspace> {
    workspaces::get(&operator.visit.call, scope, name).await
}

/// One workspace: facts, and who was made a member.
pub(super) async fn look(
    Path((org, name)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = enter(&operator, &org, READ).await?;
    let workspace = found(&operator, &scope, &name).await?;
    let asked = Asked::read(visit.query(), &[])?;
    let people = workspaces::members(&visit.call, &scope, &workspace.id, asked.page()).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = operator.shell(&frame, Area::Organizations, workspace.name.clone(), &errors);
    shell.trail = trail_to(&operator, scope.org());
    let own = place(&scope, &workspace);
    let rows = people.items.iter().map(|one| members::row(visit, (&frame, &scope), &own, one)).collect();
    let columns = ["orgs-member", "orgs-role", "orgs-member-since", "orgs-do"];
    let table = Table::new(&frame, "workspaces-members", &columns, rows);
    let mut members =
        Panel::new("members", frame.t("workspaces-members")).table(table, frame.t("workspaces-members-none"));
    if scope.may(WRITE) {
        members = members.link(format!("{own}/members/new"), frame.t("workspaces-add"));
    }
    if let Some(next) = &people.next {
        members = members.link(asked.address(&own, Some(next)), frame.t("console-next"));
    }
    let panels = vec![about(visit, (&frame, &scope), &own, &workspace), members];
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels }))
}

fn about(visit: &Visit, (frame, scope): (&Frame, &OrgScope), own: &str, workspace: &Workspace) -> Panel {
    let when = |at| Cell::When(When::new(frame.text, at, visit.call.now));
    let facts = vec![
        (frame.t("workspaces-name"), Cell::Text(workspace.name.clone())),
        (frame.t("orgs-slug"), Cell::text(workspace.slug.as_deref(), frame.t("console-none"))),
        (frame.t("workspaces-everybody"), everybody(frame, workspace)),
        (frame.t("orgs-since"), when(workspace.created_at)),
        (frame.t("orgs-changed"), when(workspace.updated_at)),
        (frame.t("workspaces-id"), Cell::id(frame, &workspace.id)),
    ];
    let panel = Panel::new("facts", frame.t("console-facts")).facts(facts);
    if !scope.may(WRITE) {
        return panel;
    }
    panel
        .link(format!("{own}/edit"), frame.t("console-edit"))
        .danger(format!("{own}/delete"), frame.t("workspaces-delete"))
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    id: String,
    name: String,
    slug: String,
    everybody: String,
    version: String,
}

impl Form {
    fn everybody(&self) -> Outcome<Option<Role>> {
        let wrong = || Refusal::new(Code::RequestInvalid).field("everybody");
        some(&self.everybody).map(|name| Role::from_name(&name).ok_or_else(|| wrong().into())).transpose()
    }
}

fn roles(frame: &Frame) -> Vec<(String, String)> {
    Role::ALL.into_iter().map(|role| (role.name().to_owned(), frame.t(workspace_role(role)))).collect()
}

fn choice(
    frame: &Frame,
    (id, label, hint): (&'static str, &str, &str),
    chosen: &str,
    none: Option<&str>,
) -> Choice {
    let none = none.map(|key| (String::new(), frame.t(key)));
    let options = none.into_iter().chain(roles(frame)).collect();
    let (label, hint) = (frame.t(label), frame.t(hint));
    Choice { id, label, hint, value: chosen.to_owned(), options, error: None }
}

fn named<'a>(form: FormPage<'a>, frame: &Frame, typed: &Form) -> FormPage<'a> {
    let field = |id, label: &str, value: &str| Field::new(id, "text", "off", frame.t(label)).value(value);
    let about = ("everybody", "workspaces-everybody", "workspaces-everybody-what");
    let slug = field("slug", "orgs-slug", &typed.slug).hint(frame.t("orgs-slug-what"));
    form.field(field("name", "workspaces-name", &typed.name).longest(100))
        .field(slug.longest(48).optional())
        .choice(choice(frame, about, &typed.everybody, Some("workspaces-nobody")))
}

fn form_new<'a>(shell: &'a Shell<'a>, scope: &OrgScope, typed: &Form, errors: Errors) -> FormPage<'a> {
    let (frame, back) = (shell.frame, page(scope.org()));
    let form = FormPage::new(shell, format!("{back}/workspaces/new"), back, errors);
    let mut form = named(form.what(frame.t("workspaces-what")), frame, typed);
    if scope.is_platform() {
        let id = Field::new("id", "text", "off", frame.t("workspaces-id")).value(&typed.id);
        form = form.field(id.hint(frame.t("workspaces-id-what")).longest(64).optional());
    }
    form.button(frame.t("workspaces-make"))
}

pub(super) async fn look_new(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = enter(&operator, &org, WRITE).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = operator.shell(&frame, Area::Organizations, frame.t("workspaces-new"), &errors);
    shell.trail = trail_to(&operator, scope.org());
    Ok(operator.show(&form_new(&shell, &scope, &Form::default(), errors)))
}

pub(super) async fn make(Path(org): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{PATH}/{org}/workspaces/new")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let scope = enter(&operator, &org, WRITE).await?;
    let made = async {
        let (id, slug) = (some(&typed.id), some(&typed.slug));
        let new = NewWorkspace { id, name: typed.name.clone(), slug, everybody: typed.everybody()? };
        workspaces::create(&visit.call, &scope, new).await
    };
    let refusal = match made.await {
        Ok(made) => return Ok(said::at(visit, "did-workspace-made", &place(&scope, &made))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let frame = visit.frame();
    let mut shell = operator.shell(&frame, Area::Organizations, frame.t("workspaces-new"), &errors);
    shell.trail = trail_to(&operator, scope.org());
    Ok(visit.show_wrong(&form_new(&shell, &scope, &typed, errors), &refusal))
}

fn show_edit(
    operator: &Operator,
    (scope, workspace): (&OrgScope, &Workspace),
    (typed, wrong): (&Form, Option<(Errors, Refusal)>),
) -> Response {
    let visit = &operator.visit;
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let title = frame.tv("console-edit-of", "name", &workspace.name);
    let mut shell = operator.shell(&frame, Area::Organizations, title, &errors);
    shell.trail = trail_to(operator, scope.org());
    let own = place(scope, workspace);
    let form = FormPage::new(&shell, format!("{own}/edit"), own, errors);
    let form = named(form.hidden("version", typed.version.clone()), &frame, typed);
    let form = form.button(frame.t("console-save"));
    match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => operator.show(&form),
    }
}

pub(super) async fn look_edit(
    Path((org, name)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let scope = enter(&operator, &org, WRITE).await?;
    let workspace = found(&operator, &scope, &name).await?;
    let typed = Form {
        name: workspace.name.clone(),
        slug: workspace.slug.clone().unwrap_or_default(),
        everybody: workspace.everybody.map(Role::name).unwrap_or_default().to_owned(),
        version: workspace.version.to_string(),
        ..Form::default()
    };
    Ok(show_edit(&operator, (&scope, &workspace), (&typed, None)))
}

pub(super) async fn save(
    Path((org, name)): Path<(String, String)>,
    posted: Posted<Form>,
) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{PATH}/{org}/workspaces/{name}/edit")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &operator.visit;
    let scope = enter(&operator, &org, WRITE).await?;
    let workspace = found(&operator, &scope, &name).await?;
    let saved = async {
        let seen = typed.version.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("version"))?;
        let everybody = typed.everybody()?;
        let change = Change { name: typed.name.clone(), slug: some(&typed.slug), everybody };
        workspaces::update(&visit.call, &scope, &workspace.id, seen, change).await
    };
    let refusal = match saved.await {
        Ok(saved) => return Ok(said::at(visit, "did-workspace-saved", &place(&scope, &saved))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    let version = version_after(&refusal, typed.version, workspace.version);
    let typed = Form { version, ..typed };
    Ok(show_edit(&operator, (&scope, &workspace), (&typed, Some((errors, refusal)))))
}

fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("name")) => ("name", "orgs-name-wrong"),
        (Code::RequestInvalid, Some("slug")) => ("slug", "orgs-slug-wrong"),
        (Code::RequestInvalid, Some("id")) => ("id", "workspaces-id-wrong"),
        (Code::RequestInvalid, Some("role")) => ("role", "workspaces-role-wrong"),
        (Code::RequestInvalid, Some("everybody")) => ("everybody", "workspaces-role-wrong"),
        (Code::RequestInvalid, Some("user_id")) => ("email", "workspaces-add-nobody"),
        (Code::Conflict, Some("slug")) => ("slug", "workspaces-slug-taken"),
        (Code::Conflict, Some("id")) => ("id", "workspaces-id-taken"),
        (Code::Conflict, _) => ("", "workspaces-conflict"),
        (Code::VersionMismatch, _) => ("", "console-changed-meanwhile"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}
