//! One API: how its tokens look, and its scopes.

use axum::{extract::Path, response::Response};
use doorward_core::apis::{Api, Scope, of_org};

use super::{Place, format_word};
use crate::{
    pages::{
        console::{
            Area, Operator, claims, orgs,
            part::{
                Cell, Link, Row, Table,
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

pub(super) async fn look(Path(id): Path<String>, operator: Operator) -> Result<Response, Failure> {
    page(&operator, &Place::server(&operator)?, &id).await
}

pub(super) async fn look_at(
    Path((org, id)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    page(&operator, &Place::of(&operator, &org, of_org::READ).await?, &id).await
}

async fn page(operator: &Operator, place: &Place, id: &str) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let api = place.find(operator, id).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = operator.shell(&frame, Area::Apis, api.name.clone(), &errors);
    shell.trail = place.trail_to(operator);
    let panels = vec![about(visit, &frame, place, &api), scopes(&frame, &api.scopes)];
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels }))
}

fn about(visit: &Visit, frame: &Frame, place: &Place, api: &Api) -> Panel {
    let when = |at| Cell::When(When::new(frame.text, at, visit.call.now));
    let lifetime =
        api.access_ttl.map(|seconds| frame.text.with("apis-seconds", "seconds", &seconds.to_string()));
    let mut facts = vec![
        (frame.t("apis-identifier"), Cell::id(frame, &api.identifier)),
        (frame.t("apis-format"), Cell::Text(format_word(frame.text, api.token_format))),
        (frame.t("apis-alg"), Cell::Code(api.signing_alg.to_string())),
        (frame.t("apis-ttl"), Cell::text(lifetime.as_deref(), frame.t("apis-ttl-usual"))),
        (frame.t("apis-issuer"), Cell::id(frame, &visit.call.realm.issuer)),
        (frame.t("apis-keys"), Cell::id(frame, format!("{}/.well-known/jwks.json", visit.call.realm.issuer))),
    ];
    if place.org.is_none() {
        let org = api.org.to_string();
        let org = Link::new(format!("{}/{org}", Area::Organizations.path()), org);
        facts.push((frame.t("apps-org"), Cell::Link(org)));
    }
    facts.extend([
        (frame.t("apis-since"), when(api.created_at)),
        (frame.t("apps-changed"), when(api.updated_at)),
        (frame.t("console-id"), Cell::id(frame, api.id)),
    ]);
    let page = place.page(api);
    let mut panel = Panel::new("facts", frame.t("console-facts"))
        .facts(facts)
        .link(format!("{page}/connect"), frame.t("apis-connect"));
    if place.may_change() {
        panel = panel.link(format!("{page}/edit"), frame.t("console-edit"));
    }
    if place.org.as_ref().is_none_or(|scope| scope.may(claims::READ)) {
        panel = panel.link(claims::of_api(&orgs::page_of(api.org), api.id), frame.t("console-claims"));
    }
    if !place.may_change() {
        return panel;
    }
    panel.danger(format!("{page}/delete"), frame.t("apis-delete"))
}

fn scopes(frame: &Frame, scopes: &[Scope]) -> Panel {
    let row = |scope: &Scope| Row {
        page: None,
        name: scope.name.clone(),
        detail: String::new(),
        cells: vec![Cell::text(Some(&scope.description), frame.t("console-none"))],
    };
    let table =
        Table::new(frame, "apis-scopes", &["apis-scope", "apis-allows"], scopes.iter().map(row).collect());
    Panel::new("scopes", frame.t("apis-scopes")).table(table, frame.t("apis-scopes-none"))
}
