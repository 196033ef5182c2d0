//! Who works in a workspace: made a member of it, given another role, taken out.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{
        OrgScope,
        workspaces::{self, Member, Role, Workspace},
    },
    outcome::{Code, Refusal, Result as Outcome},
    users::{self, Email},
};
use serde::Deserialize;

use super::{PATH, WRITE, choice, enter, found, look, place, trail_to, workspace_role, wrong};
use crate::{
    pages::{
        console::{
            Area, Operator,
            part::{Cell, Row, Send, form::FormPage},
            said,
        },
        form::{Errors, Field},
        frame::Frame,
        visit::{Nothing, Posted, Visit, refusal_of},
        when::When,
    },
    surface::Failure,
};

/// A workspace, entered by whoever may change who works in it.
struct Room {
    operator: Operator,
    scope: OrgScope,
    workspace: Workspace,
}

impl Room {
    async fn enter(operator: Operator, (org, name): (&str, &str)) -> Outcome<Self> {
        let scope = enter(&operator, org, WRITE).await?;
        let workspace = found(&operator, &scope, name).await?;
        Ok(Self { operator, scope, workspace })
    }

    /// The member of an address.
    async fn member(&self, user: &str) -> Outcome<Member> {
        let user = user.parse().map_err(|_| Refusal::new(Code::NotFound))?;
        workspaces::member(&self.operator.visit.call, &self.scope, &self.workspace.id, user).await
    }

    /// Says on the workspace's page what has been done.
    fn done(&self, key: &'static str) -> Response {
        said::at(&self.operator.visit, key, &place(&self.scope, &self.workspace))
    }

    /// The form again, with what a refusal means for it.
    fn again(
        &self,
        member: Option<&Member>,
        (typed, refusal): (&MemberForm, Refusal),
    ) -> Result<Response, Failure> {
        let Some(errors) = wrong(self.operator.visit.text, &refusal) else { return Err(refusal.into()) };
        Ok(self.show(member, typed, Some((errors, refusal))))
    }

    /// Where a member's role is chosen: of somebody new, or of one who is there.
    fn show(
        &self,
        member: Option<&Member>,
        typed: &MemberForm,
        wrong: Option<(Errors, Refusal)>,
    ) -> Response {
        let Self { operator, scope, workspace } = self;
        let visit = &operator.visit;
        let frame = visit.frame();
        let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
        let name = |one: &Member| one.email.clone().unwrap_or_else(|| one.user.to_string());
        let title = member.map_or_else(|| frame.t("workspaces-add"), name);
        let mut shell = operator.shell(&frame, Area::Organizations, title, &errors);
        let own = place(scope, workspace);
        shell.trail = trail_to(operator, scope.org());
        shell.trail.push((own.clone(), workspace.name.clone()));
        let at = member.map_or_else(|| "new".to_owned(), |member| member.user.to_string());
        let mut form = FormPage::new(&shell, format!("{own}/members/{at}"), own, errors);
        if member.is_none() {
            let email = Field::new("email", "email", "off", frame.t("users-email")).value(&typed.email);
            form = form.field(email.hint(frame.t("workspaces-add-what")));
        }
        let about = ("role", "orgs-role", "workspaces-role-what");
        let button = if member.is_none() { "workspaces-add" } else { "console-save" };
        let form = form.choice(choice(&frame, about, &typed.role, None)).button(frame.t(button));
        match refusal {
            Some(refusal) => visit.show_wrong(&form, &refusal),
            None => operator.show(&form),
        }
    }
}

/// A member as the page of the workspace shows them.
pub(in crate::pages::console::orgs) fn row(
    visit: &Visit,
    (frame, scope): (&Frame, &OrgScope),
    own: &str,
    member: &Member,
) -> Row {
    let name = member.email.clone().unwrap_or_else(|| member.user.to_string());
    let about = frame.tv("workspaces-take-out-of", "name", &name);
    let take =
        Send::new(frame, format!("{own}/members/{}/remove", member.user), frame.t("workspaces-take-out"));
    let is_mine = scope.may(WRITE);
    Row {
        page: is_mine.then(|| format!("{own}/members/{}", member.user)),
        name,
        detail: member.name.clone().unwrap_or_default(),
        cells: vec![
            Cell::Text(frame.t(workspace_role(member.role))),
            Cell::When(When::new(frame.text, member.since, visit.call.now)),
            if is_mine { Cell::Send(take.about(about)) } else { Cell::Soft(String::new()) },
        ],
    }
}

/// Whom, and as what.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages::console::orgs) struct MemberForm {
    email: String,
    role: String,
}

impl MemberForm {
    fn role(&self) -> Outcome<Role> {
        let wrong = || Refusal::new(Code::RequestInvalid).field("role").into();
        Role::from_name(&self.role).ok_or_else(wrong)
    }
}

pub(in crate::pages::console::orgs) async fn look_add(
    Path((org, name)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let room = Room::enter(operator, (&org, &name)).await?;
    Ok(room.show(None, &MemberForm::default(), None))
}

pub(in crate::pages::console::orgs) async fn add(
    Path((org, name)): Path<(String, String)>,
    posted: Posted<MemberForm>,
) -> Result<Response, Failure> {
    let path = format!("{PATH}/{org}/workspaces/{name}/members/new");
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let room = Room::enter(operator, (&org, &name)).await?;
    let call = &room.operator.visit.call;
    let added = async {
        // Whether somebody has an account who does not belong here is not told.
        let nobody = || Refusal::new(Code::RequestInvalid).field("user_id");
        let email = Email::parse(&typed.email).map_err(|_| nobody())?;
        let person = users::find_by_email(call, &email).await?.ok_or_else(nobody)?;
        workspaces::add(call, &room.scope, &room.workspace.id, person.id, typed.role()?).await
    };
    match added.await {
        Ok(_) => Ok(room.done("did-workspace-member-added")),
        Err(error) => room.again(None, (&typed, refusal_of(error)?)),
    }
}

pub(in crate::pages::console::orgs) async fn look_member(
    Path((org, name, user)): Path<(String, String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let room = Room::enter(operator, (&org, &name)).await?;
    let member = room.member(&user).await?;
    let typed = MemberForm { role: member.role.name().to_owned(), ..MemberForm::default() };
    Ok(room.show(Some(&member), &typed, None))
}

pub(in crate::pages::console::orgs) async fn save_member(
    Path((org, name, user)): Path<(String, String, String)>,
    posted: Posted<MemberForm>,
) -> Result<Response, Failure> {
    let path = format!("{PATH}/{org}/workspaces/{name}/members/{user}");
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let room = Room::enter(operator, (&org, &name)).await?;
    let member = room.member(&user).await?;
    let saved = async {
        let (call, role) = (&room.operator.visit.call, typed.role()?);
        workspaces::set_role(call, &room.scope, &room.workspace.id, member.user, role).await
    };
    match saved.await {
        Ok(_) => Ok(room.done("did-member-saved")),
        Err(error) => room.again(Some(&member), (&typed, refusal_of(error)?)),
    }
}

/// Takes somebody out, by one button.
pub(in crate::pages::console::orgs) async fn take_out(
    Path((org, name, user)): Path<(String, String, String)>,
    posted: Posted<Nothing>,
) -> Result<Response, Failure> {
    let (operator, _) = match Operator::of(posted, &format!("{PATH}/{org}/workspaces/{name}")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let room = Room::enter(operator, (&org, &name)).await?;
    let user = user.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    match workspaces::take_out(&room.operator.visit.call, &room.scope, &room.workspace.id, user).await {
        // Taken out already, by a second click.
        Err(error) if error.code() == Some(Code::NotFound) => {}
        other => other?,
    }
    Ok(room.done("did-workspace-member-removed"))
}

/// The button stands on the workspace's page.
pub(in crate::pages::console::orgs) async fn look_out(
    Path((org, name, _)): Path<(String, String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    look(Path((org, name)), operator).await
}
