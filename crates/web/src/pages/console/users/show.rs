//! One person: facts, organisations, sessions, applications, and what can be done.

use axum::{extract::Path, response::Response};
use doorward_core::{
    authorize::{self, Connected},
    orgs::{self, Membership},
    outcome::{Code, Refusal},
    page::PageAsk,
    principals::Status,
    sessions::{self, OfPerson},
    users::{self, User},
};

use super::{name, page, person, role, standing, trail};
use crate::{
    pages::{
        account::sessions::Device,
        console::{
            Administrator, Area,
            part::{
                Cell, Row, Send, Table,
                detail::{DetailPage, Panel},
            },
        },
        form::Errors,
        frame::Frame,
        visit::Visit,
        when::When,
    },
    surface::Failure,
};

/// Sessions on the page at the most.
const MOST: u32 = 50;

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let user = person(visit, &id).await?;
    let facts = users::facts(&visit.call, user.id).await?.ok_or(Refusal::new(Code::NotFound))?;
    let newest = PageAsk { limit: MOST, ..PageAsk::default() };
    let live = sessions::list_all(&visit.call, Some(user.id), newest).await?;
    let connected = authorize::connected(&visit.call, user.id).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Users, name(&user), &errors);
    shell.trail = vec![trail(&administrator)];
    let panels = vec![
        about(visit, &frame, &user),
        organisations(&frame, &facts.orgs),
        signed_in(visit, &frame, &user, &live.items),
        applications(visit, &frame, &connected),
    ];
    let badge = Some(standing(frame.text, user.status));
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

fn about(visit: &Visit, frame: &Frame, user: &User) -> Panel {
    let (text, now) = (frame.text, visit.call.now);
    let fact = |key: &str, cell| (frame.t(key), cell);
    let maybe = |value: &Option<String>| Cell::text(value.as_deref(), frame.t("console-none"));
    let proven = user.email_verified_at.map(|at| When::new(text, at, now));
    let facts = vec![
        fact("users-email", maybe(&user.email)),
        fact("users-proven", Cell::when(proven, frame.t("users-unproven"))),
        fact("users-name", maybe(&user.name)),
        fact("users-username", maybe(&user.username)),
        fact("users-role", Cell::Text(role(text, user.platform_role))),
        fact("users-roles", Cell::words(user.roles.clone(), frame.t("console-none"))),
        fact("users-locale", maybe(&user.locale)),
        fact("users-zone", maybe(&user.zone)),
        fact("users-since", Cell::When(When::new(text, user.created_at, now))),
        fact("users-changed", Cell::When(When::new(text, user.updated_at, now))),
        fact("console-id", Cell::id(frame, user.id)),
    ];
    let page = page(user);
    let mut panel = Panel::new("facts", frame.t("console-facts"))
        .facts(facts)
        .link(format!("{page}/edit"), frame.t("console-edit"));
    if user.status == Status::Suspended {
        panel = panel.send(Send::new(frame, format!("{page}/resume"), frame.t("users-resume")));
    } else {
        panel = panel.link(format!("{page}/suspend"), frame.t("users-suspend"));
        if user.email.is_some() {
            panel = panel.send(Send::new(frame, format!("{page}/send-link"), frame.t("users-send-link")));
        }
    }
    panel.danger(format!("{page}/delete"), frame.t("users-delete"))
}

fn organisations(frame: &Frame, all: &[Membership]) -> Panel {
    let row = |one: &Membership| Row {
        page: Some(format!("{}/{}", Area::Organizations.path(), one.org)),
        name: one.name.clone(),
        detail: one.org.to_string(),
        cells: vec![Cell::Text(one.role.clone())],
    };
    let columns = ["users-org", "users-org-role"];
    let shown = all.iter().filter(|one| one.kind != orgs::Kind::Personal).map(row).collect();
    let table = Table::new(frame, "users-orgs", &columns, shown);
    Panel::new("orgs", frame.t("users-orgs")).table(table, frame.t("users-orgs-none"))
}

fn signed_in(visit: &Visit, frame: &Frame, user: &User, all: &[OfPerson]) -> Panel {
    let when = |at| Cell::When(When::new(frame.text, at, visit.call.now));
    let row = |OfPerson { session, .. }: &OfPerson| Row {
        page: Some(format!("{}/{}", Area::Sessions.path(), session.id)),
        name: Device::of(session.user_agent.as_deref().unwrap_or_default()).title(frame),
        detail: session.id.to_string(),
        cells: vec![Cell::Text(session.address.clone()), when(session.seen_at), when(session.auth_time)],
    };
    let columns = ["sessions-device", "sessions-address", "sessions-last", "sessions-began"];
    let table = Table::new(frame, "users-sessions", &columns, all.iter().map(row).collect());
    let panel =
        Panel::new("sessions", frame.t("users-sessions")).table(table, frame.t("users-sessions-none"));
    if all.is_empty() {
        return panel;
    }
    let end = format!("{}/end-sessions", page(user));
    panel.send(Send::new(frame, end, frame.t("users-end-sessions")))
}

fn applications(visit: &Visit, frame: &Frame, all: &[Connected]) -> Panel {
    let row = |one: &Connected| Row {
        page: None,
        name: one.name.clone(),
        detail: one.resource.clone(),
        cells: vec![
            Cell::words(one.scope.iter().map(str::to_owned).collect(), frame.t("console-none")),
            Cell::When(When::new(frame.text, one.granted_at, visit.call.now)),
        ],
    };
    let columns = ["users-application", "users-application-scopes", "users-application-since"];
    let table = Table::new(frame, "users-applications", &columns, all.iter().map(row).collect());
    Panel::new("applications", frame.t("users-applications")).table(table, frame.t("users-applications-none"))
}
