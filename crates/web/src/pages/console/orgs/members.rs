//! Who belongs to an organisation, as what, and giving a member another role.

use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs::{
        OrgScope, fields,
        members::{self, ListAsk, Member},
    },
    outcome::{Code, Refusal, Result as Outcome},
};
use serde::Deserialize;

use super::{MEMBERS, SEE, enter, page, role_choice, trail_to};
use crate::{
    pages::{
        console::{
            Area, Operator,
            part::{
                Cell, Row, Standing, Table,
                form::FormPage,
                list::{Asked, Filter, ListPage},
                sheet::Sheet,
            },
            said,
        },
        form::Errors,
        text::Text,
        visit::{Posted, Visit, refusal_of},
        when::When,
    },
    surface::Failure,
};

pub(in crate::pages::console) const COLUMNS: [&str; 4] =
    ["orgs-member", "orgs-role", "users-status", "orgs-member-since"];

/// A member as lists show them.
pub(in crate::pages::console) fn row(visit: &Visit, scope: &OrgScope, member: &Member) -> Row {
    let text = visit.text;
    let standing = match member.status {
        doorward_core::principals::Status::Active => Standing::good(text.get("users-active")),
        _ => Standing::bad(text.get("users-suspended")),
    };
    Row {
        page: scope.may(MEMBERS).then(|| format!("{}/members/{}", page(scope.org()), member.user)),
        name: called(member),
        detail: member.name.clone().unwrap_or_default(),
        cells: vec![
            Cell::Text(member.role.clone()),
            Cell::Badge(standing),
            Cell::When(When::new(text, member.since, visit.call.now)),
        ],
    }
}

/// What a member is called where there is room for one word.
pub(super) fn called(member: &Member) -> String {
    member.email.clone().unwrap_or_else(|| member.user.to_string())
}

/// The member of an address.
pub(super) async fn member(operator: &Operator, scope: &OrgScope, user: &str) -> Outcome<Member> {
    let user = user.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    members::get(&operator.visit.call, scope, user).await
}

pub(super) async fn look(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = enter(&operator, &org, SEE).await?;
    let asked = Asked::read(visit.query(), &["query", "role"])?;
    let ask = ListAsk { page: asked.page(), role: asked.some("role") };
    let found = members::list(&visit.call, &scope, ask).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let title = frame.tv("orgs-members-of", "name", &scope.org().name);
    let mut shell = operator.shell(&frame, Area::Organizations, title, &errors);
    shell.trail = trail_to(&operator, scope.org());
    let rows = found.items.iter().map(|member| row(visit, &scope, member)).collect();
    let filters = vec![
        Filter::text(&asked, "query", frame.t("orgs-member-search")),
        Filter::text(&asked, "role", frame.t("orgs-role")),
    ];
    let path = format!("{}/members", page(scope.org()));
    let table = Table::new(&frame, "orgs-members", &COLUMNS, rows);
    let list = ListPage::new(&shell, (&path, &asked), filters, table, found.next.as_deref())
        .what("orgs-members-what")
        .empty(
            "orgs-members-none",
            "doorward org create-invitation acme --email bob@example.com --role member",
        )
        .export(asked.address(&format!("{path}.csv"), None), "console-export");
    Ok(operator.show(&list))
}

/// The same list, whole.
pub(super) async fn export(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = enter(&operator, &org, SEE).await?;
    let asked = Asked::read(visit.query(), &["query", "role"])?;
    let (call, role) = (visit.call.clone(), asked.some("role"));
    let read = move |page| {
        let (call, scope, role) = (call.clone(), scope.clone(), role.clone());
        async move { members::list(&call, &scope, ListAsk { page, role }).await }
    };
    let line = |member: &Member| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            member.user.to_string(),
            text(&member.email),
            text(&member.name),
            member.role.clone(),
            member.status.name().to_owned(),
            member.since.to_string(),
        ]
    };
    let columns = ["id", "email", "name", "role", "status", "joined_at"];
    Ok(Sheet::new(&columns).send(("members", asked), read, line).await?)
}

/// What is chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    role: String,
}

async fn show(
    operator: &Operator,
    scope: &OrgScope,
    member: &Member,
    (role, wrong): (&str, Option<(Errors, Refusal)>),
) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let mut shell = operator.shell(&frame, Area::Organizations, called(member), &errors);
    shell.trail = trail_to(operator, scope.org());
    let back = page(scope.org());
    let own = format!("{back}/members/{}", member.user);
    let mut form = FormPage::new(&shell, own.clone(), back, errors).what(frame.tv(
        "orgs-member-what",
        "name",
        &scope.org().name,
    ));
    for answer in fields::of_member(&visit.call, scope, member.user).await? {
        if let Some(value) = &answer.value {
            let value = fields::typed(value);
            let said = (("label", answer.field.label.as_str()), ("value", value.as_str()));
            form = form.what(frame.text.with2("org-fields-answer", said.0, said.1));
        }
    }
    let form = form
        .choice(role_choice(operator, (&frame, scope), role).await?)
        .button(frame.t("console-save"))
        .aside(format!("{own}/remove"), frame.t("orgs-remove"));
    Ok(match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => operator.show(&form),
    })
}

pub(super) async fn look_one(
    Path((org, user)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let scope = enter(&operator, &org, MEMBERS).await?;
    let member = member(&operator, &scope, &user).await?;
    show(&operator, &scope, &member, (&member.role, None)).await
}

pub(super) async fn save(
    Path((org, user)): Path<(String, String)>,
    posted: Posted<Form>,
) -> Result<Response, Failure> {
    let path = format!("{}/{org}/members/{user}", super::PATH);
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let scope = enter(&operator, &org, MEMBERS).await?;
    let member = member(&operator, &scope, &user).await?;
    if let Err(elsewhere) = operator.must_be_fresh(&path) {
        return Ok(elsewhere);
    }
    let visit = &operator.visit;
    let refusal = match members::set_role(&visit.call, &scope, member.user, &typed.role).await {
        Ok(_) => return Ok(said::at(visit, "did-member-saved", &page(scope.org()))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal) else { return Err(refusal.into()) };
    show(&operator, &scope, &member, (&typed.role, Some((errors, refusal)))).await
}

/// What a refusal means for a form about a member.
pub(super) fn wrong(text: Text, refusal: &Refusal) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::LastOwner, _) => ("", "orgs-last-owner"),
        (Code::ScopeMissing, _) => ("role", "orgs-role-beyond"),
        (Code::RequestInvalid, Some("role")) => ("role", "orgs-role-wrong"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}
