//! One event, and whether the chain of all of them holds.

use axum::{extract::Path, response::Response};
use doorward_core::{
    audit::{self, of_org},
    outcome::{Code, Refusal},
};
use doorward_proto::id::{Client, Kind as _, Mail as MailKind, Org, ServiceToken, Session, User};
use serde_json::{Map, Value as Json};

use super::{Place, standing};
use crate::{
    pages::{
        console::{
            Administrator, Area, Operator,
            part::{
                Cell, Link, Standing,
                detail::{DetailPage, Panel},
            },
        },
        form::Errors,
        frame::Frame,
        when::When,
    },
    surface::Failure,
};

/// Who or what an event names, by its page where it has one here.
fn named(frame: &Frame, id: &str) -> Cell {
    let area = match id.split_once('_').map(|(kind, _)| kind) {
        Some(User::PREFIX) => Area::Users,
        Some(Org::PREFIX) => Area::Organizations,
        Some(Client::PREFIX) => Area::Applications,
        Some(Session::PREFIX) => Area::Sessions,
        Some(ServiceToken::PREFIX) => Area::ServiceTokens,
        Some(MailKind::PREFIX) => Area::Mail,
        _ => return Cell::text(Some(id), frame.t("console-none")),
    };
    Cell::Link(Link::new(format!("{}/{id}", area.path()), id))
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    page(&administrator, &Place::server(), &id).await
}

pub(super) async fn look_at(
    Path((org, id)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    page(&operator, &Place::of(&operator, &org).await?, &id).await
}

async fn page(operator: &Operator, place: &Place, id: &str) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let id = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    let entry = match &place.org {
        None => audit::find(&visit.call.realm, id).await?.ok_or(Refusal::new(Code::NotFound))?,
        Some(scope) => of_org::find(&visit.call, scope, id).await?,
    };
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = operator.shell(&frame, Area::Audit, entry.code.clone(), &errors);
    shell.trail = place.trail_to(operator);
    // Pages of people and of the like are open to administrators.
    let is_open = operator.is_administrator();
    let who = |id: &str| {
        if is_open { named(&frame, id) } else { Cell::text(Some(id), frame.t("console-none")) }
    };
    let mut facts = vec![
        (frame.t("audit-at"), Cell::When(When::new(frame.text, entry.at, visit.call.now))),
        (frame.t("audit-actor"), who(&entry.actor)),
        (frame.t("audit-subject"), who(&entry.subject)),
        (frame.t("audit-client"), who(&entry.client)),
        (frame.t("audit-org"), who(&entry.org)),
        (frame.t("audit-request"), who(&entry.request_id)),
        (
            frame.t("audit-seq"),
            Cell::text(entry.seq.map(|seq| seq.to_string()).as_deref(), frame.t("audit-unsealed")),
        ),
        (frame.t("console-id"), Cell::id(&frame, &entry.id)),
    ];
    facts.extend(members(&entry.facts));
    let mut panels = vec![Panel::new("facts", frame.t("console-facts")).facts(facts)];
    if is_open {
        let detail = Panel::new("detail", frame.t("audit-detail"));
        panels.push(match &entry.detail {
            Some(personal) => detail.facts(members(personal)),
            None => detail.what(frame.t("audit-erased")),
        });
    }
    let badge = Some(standing(frame.text, entry.outcome));
    Ok(operator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

/// Members of an event, by the names that they have in the trail.
fn members(all: &Map<String, Json>) -> Vec<(String, Cell)> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    all.iter().map(|(name, value)| (name.clone(), Cell::Text(text(value)))).collect()
}

/// Checks every link and signature now.
pub(super) async fn check(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let report = audit::verify(&visit.call.realm).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Audit, frame.t("audit-checked"), &errors);
    shell.trail = Place::server().trail_to(&administrator);
    let badge = Some(match &report.broken {
        None => Standing::good(frame.t("audit-holds")),
        Some(_) => Standing::bad(frame.t("audit-broken")),
    });
    let panels = vec![outcome(&frame, &report)];
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

fn outcome(frame: &Frame, report: &audit::Report) -> Panel {
    let number = |number: Option<i64>| {
        Cell::text(number.map(|number| number.to_string()).as_deref(), frame.t("console-none"))
    };
    let facts = vec![
        (frame.t("audit-first"), number(report.first)),
        (frame.t("audit-last"), number(report.last)),
        (frame.t("audit-events"), Cell::Text(report.events.to_string())),
        (frame.t("audit-erased-count"), Cell::Text(report.erased.to_string())),
        (frame.t("audit-checkpoints"), Cell::Text(report.checkpoints.to_string())),
        (frame.t("audit-signed-through"), number(report.signed_through)),
        (frame.t("audit-waiting"), Cell::Text(report.unsealed.to_string())),
    ];
    let what = match &report.broken {
        None => frame.t("audit-holds-what"),
        Some(broken) => {
            let seq = broken.seq.to_string();
            frame.text.with2("audit-broken-what", ("seq", &seq), ("what", broken.what))
        }
    };
    Panel::new("report", frame.t("audit-report")).what(what).facts(facts)
}
