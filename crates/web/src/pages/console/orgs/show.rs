//! One organisation: facts, members, invitations, roles, and what can be done.

use axum::{extract::Path, response::Response};
use doorward_core::{
    apis,
    audit::of_org,
    branding::{Logo, logo_of_org},
    clients,
    orgs::{
        Kind, OrgScope, fields as asked,
        invitations::{self, Invitation},
        joins,
        members::{self, ListAsk, Member},
        roles::{self, Role},
    },
    page::{Page, PageAsk},
    providers, service_tokens,
};

use super::{END, MEMBERS, SEE, SETTINGS, enter, fields, members::row, page, standing, trail, workspaces};
use crate::{
    pages::{
        console::{
            Area, Operator, announcements, branding, claims,
            part::{
                Cell, Row, Send, Table,
                detail::{DetailPage, Panel},
            },
            roles::SEE as ROLES,
            usage,
        },
        form::Errors,
        frame::Frame,
        visit::Visit,
        when::When,
    },
    surface::Failure,
};

/// Members and invitations on the page at the most.
const MOST: u32 = 10;

pub(super) async fn look(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let scope = enter(&operator, &org, SEE).await?;
    let first = || PageAsk { limit: MOST, ..PageAsk::default() };
    let some = members::list(&visit.call, &scope, ListAsk { page: first(), role: None }).await?;
    let open = invitations::list(&visit.call, &scope, first()).await?;
    let roles = match scope.may(ROLES) {
        true => Some(roles::list(&visit.call, &scope).await?),
        false => None,
    };
    let asked = match fields::are_seen(&scope) {
        true => Some(asked::list(&visit.call, &scope).await?),
        false => None,
    };
    let joins = match scope.may(SETTINGS) {
        true => Some(joins::list(&visit.call, &scope).await?),
        false => None,
    };
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = operator.shell(&frame, Area::Organizations, scope.org().name.clone(), &errors);
    shell.trail = vec![trail(&operator)];
    let logo = logo_of_org(&visit.call, scope.id()).await?;
    let mut panels = vec![
        about(visit, &frame, &scope, logo),
        of_members(visit, &frame, &scope, &some),
        of_invitations(visit, &frame, &scope, &open.items),
    ];
    panels.extend(roles.map(|roles| of_roles(&frame, &scope, &roles)));
    panels.extend(asked.map(|asked| fields::panel(&frame, &scope, &asked)));
    panels.extend(joins.map(|joins| super::joins::panel(&frame, &scope, &joins)));
    panels.push(of_providers(&frame, &scope));
    panels.extend(workspaces::panel(visit, &frame, &scope).await?);
    let badge = Some(standing(frame.text, scope.org().is_active));
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

fn about(visit: &Visit, frame: &Frame, scope: &OrgScope, logo: Option<Logo>) -> Panel {
    let org = scope.org();
    let when = |at| Cell::When(When::new(frame.text, at, visit.call.now));
    let allowed = org.allowed_addresses.iter().map(ToString::to_string).collect();
    let logo = logo.map(|logo| (frame.t("brand-logo"), Cell::Picture(logo.path())));
    let mut facts: Vec<_> = logo.into_iter().collect();
    facts.extend([
        (frame.t("orgs-name"), Cell::Text(org.name.clone())),
        (frame.t("orgs-slug"), Cell::text(org.slug.as_deref(), frame.t("console-none"))),
        (frame.t("orgs-addresses"), Cell::words(allowed, frame.t("orgs-addresses-none"))),
        (frame.t("orgs-since"), when(org.created_at)),
        (frame.t("orgs-changed"), when(org.updated_at)),
        (frame.t("console-id"), Cell::id(frame, org.id)),
    ]);
    let page = page(org);
    let mut panel = Panel::new("facts", frame.t("console-facts")).facts(facts);
    if scope.may(SETTINGS) {
        panel = panel.link(format!("{page}/edit"), frame.t("console-edit"));
    }
    if branding::may_change(scope) {
        panel = panel.link(format!("{page}/branding"), frame.t("console-branding"));
    }
    if branding::may_change(scope) && org.kind == Kind::Team {
        panel = panel.link(format!("{page}/mail-templates"), frame.t("console-mail-templates"));
    }
    if scope.may(announcements::READ) && org.kind == Kind::Team {
        panel = panel.link(format!("{page}/announcements"), frame.t("console-announcements"));
    }
    if scope.may(usage::SEE) {
        panel = panel.link(format!("{page}/overview"), frame.t("console-overview"));
        panel = panel.link(format!("{page}/usage"), frame.t("console-usage"));
    }
    if scope.may(clients::of_org::READ) && (scope.is_platform() || org.kind != Kind::Instance) {
        panel = panel.link(format!("{page}/applications"), frame.t("console-applications"));
    }
    if scope.may(apis::of_org::READ) && (scope.is_platform() || org.kind != Kind::Instance) {
        panel = panel.link(format!("{page}/apis"), frame.t("console-apis"));
    }
    if scope.may(service_tokens::of_org::READ) && (scope.is_platform() || org.kind != Kind::Instance) {
        panel = panel.link(format!("{page}/service-tokens"), frame.t("console-service-tokens"));
    }
    if scope.may(claims::READ) && (scope.is_platform() || org.kind != Kind::Instance) {
        panel = panel.link(format!("{page}/claims"), frame.t("console-claims"));
    }
    if scope.may(of_org::READ) && (scope.is_platform() || org.kind != Kind::Instance) {
        panel = panel.link(format!("{page}/audit"), frame.t("console-audit"));
    }
    if org.kind != Kind::Team {
        return panel;
    }
    if scope.is_platform() {
        panel = if org.is_active {
            panel.link(format!("{page}/suspend"), frame.t("orgs-suspend"))
        } else {
            panel.send(Send::new(frame, format!("{page}/resume"), frame.t("orgs-resume")))
        };
    }
    if scope.may(END) { panel.danger(format!("{page}/delete"), frame.t("orgs-delete")) } else { panel }
}

fn of_members(visit: &Visit, frame: &Frame, scope: &OrgScope, some: &Page<Member>) -> Panel {
    let page = page(scope.org());
    let rows = some.items.iter().map(|member| row(visit, scope, member)).collect();
    let table = Table::new(frame, "orgs-members", &super::members::COLUMNS, rows);
    let mut panel = Panel::new("members", frame.t("orgs-members")).table(table, frame.t("orgs-members-none"));
    if scope.may(MEMBERS) && scope.org().kind != Kind::Personal {
        panel = panel.link(format!("{page}/invitations/new"), frame.t("orgs-invite"));
        if scope.is_platform() {
            panel = panel.link(format!("{page}/members/new"), frame.t("orgs-add"));
        }
    }
    panel.link(format!("{page}/members"), frame.t("orgs-members-all"))
}

fn of_invitations(visit: &Visit, frame: &Frame, scope: &OrgScope, open: &[Invitation]) -> Panel {
    let page = page(scope.org());
    let row = |one: &Invitation| {
        let revoke = format!("{page}/invitations/{}/revoke", one.id);
        let about = frame.tv("orgs-invitation-revoke-of", "email", &one.email);
        let send = Send::new(frame, revoke, frame.t("orgs-invitation-revoke")).about(about);
        Row {
            page: None,
            name: one.email.clone(),
            detail: String::new(),
            cells: vec![
                Cell::Text(one.role.clone()),
                Cell::When(When::new(frame.text, one.expires_at, visit.call.now)),
                if scope.may(MEMBERS) { Cell::Send(send) } else { Cell::Soft(String::new()) },
            ],
        }
    };
    let columns = ["orgs-invited", "orgs-role", "orgs-invited-until", "orgs-do"];
    let table = Table::new(frame, "orgs-invitations", &columns, open.iter().map(row).collect());
    Panel::new("invitations", frame.t("orgs-invitations")).table(table, frame.t("orgs-invitations-none"))
}

fn of_providers(frame: &Frame, scope: &OrgScope) -> Panel {
    let panel = Panel::new("providers", frame.t("console-providers")).what(frame.t("providers-of-org"));
    if scope.may(providers::of_org::READ) && scope.org().kind == Kind::Team {
        return panel.link(format!("{}/providers", page(scope.org())), frame.t("providers-all"));
    }
    panel
}

fn of_roles(frame: &Frame, scope: &OrgScope, roles: &[Role]) -> Panel {
    let all = format!("{}/roles", page(scope.org()));
    let row = |role: &Role| Row {
        page: Some(format!("{all}/{}", role.name)),
        name: role.name.clone(),
        detail: role.description.clone(),
        cells: vec![Cell::words(role.permissions.clone(), frame.t("orgs-permissions-none"))],
    };
    let columns = ["orgs-role", "orgs-permissions"];
    let table = Table::new(frame, "orgs-roles", &columns, roles.iter().map(row).collect());
    Panel::new("roles", frame.t("orgs-roles"))
        .table(table, frame.t("console-none"))
        .link(all.clone(), frame.t("roles-all"))
}
