//! Every application: looked for, narrowed down, a page at a time, or all of them as a file.

use axum::{extract::Path, response::Response};
use doorward_core::{
    clients::Client,
    outcome::{Code, Refusal, Result as Outcome},
    principals::Status,
};

use super::{AREA, At, READ, STATES, Site, WRITE, keep, page, standing};
use crate::{
    pages::{
        console::{
            Operator, orgs,
            part::{
                Cell, Row, Table,
                list::{Asked, Filter, ListPage},
                sheet::Sheet,
            },
        },
        form::Errors,
        visit::Visit,
        when::When,
    },
    surface::Failure,
};

const COLUMNS: [&str; 5] = ["apps-name", "apps-status", "apps-kind", "apps-scopes", "apps-since"];

fn asked(visit: &Visit, site: &Site) -> Outcome<(Asked, keep::Narrowed)> {
    let filters: &[_] = if site.org().is_none() { &["query", "status", "org"] } else { &["query", "status"] };
    let asked = Asked::read(visit.query(), filters)?;
    let org = asked.some("org").map(|org| org.parse()).transpose();
    let org = org.map_err(|_| Refusal::new(Code::RequestInvalid).field("org").hint("It is the id of one"))?;
    let status = asked.one_of("status", STATES, Status::name)?;
    Ok((asked, keep::Narrowed { org, status }))
}

fn row(visit: &Visit, site: &Site, client: &Client) -> Row {
    let (text, none) = (visit.text, visit.text.get("console-none"));
    let kind = if client.is_confidential { "apps-confidential" } else { "apps-public" };
    Row {
        page: Some(page(site, client)),
        name: client.name.clone(),
        detail: client.client_id.clone(),
        cells: vec![
            Cell::Badge(standing(text, client.status)),
            Cell::Text(text.get(kind)),
            Cell::words(client.metadata.scopes.clone(), none),
            Cell::When(When::new(text, client.created_at, visit.call.now)),
        ],
    }
}

/// Whoever administers no more than organisations is led to the applications of one.
pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    if at.org.is_none() && !operator.is_administrator() {
        return orgs::lead(&operator, AREA, "applications", READ).await;
    }
    let visit = &operator.visit;
    let site = Site::enter(&operator, AREA, (at.org.as_deref(), READ)).await?;
    let (asked, narrowed) = asked(visit, &site)?;
    let found = keep::list(&visit.call, &site, (asked.page(), narrowed)).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = site.shell(&operator, &frame, (site.title(&frame, "apps-of"), &errors));
    let rows = found.items.iter().map(|client| row(visit, &site, client)).collect();
    let states = STATES.map(|status| (status.name(), standing(frame.text, status).word));
    let any = (frame.t("apps-status"), frame.t("console-any"));
    let mut filters = vec![
        Filter::text(&asked, "query", frame.t("apps-search")),
        Filter::choice(&asked, "status", any, states),
    ];
    let (what, command) = if site.org().is_some() {
        let command = "doorward org create-client acme --name Orders --type public \\\n  \
                       --redirect-uri http://127.0.0.1:8765/callback --scope openid";
        ("apps-of-what", command)
    } else {
        filters.push(Filter::text(&asked, "org", frame.t("apps-org-search")));
        let command = "doorward client create --name Orders --type confidential \\\n  \
                       --redirect-uris https://orders.example/callback --scopes openid --scopes email";
        ("apps-what", command)
    };
    let table = Table::new(&frame, "apps-caption", &COLUMNS, rows);
    let mut list = ListPage::new(&shell, (site.list(), &asked), filters, table, found.next.as_deref())
        .what(what)
        .empty("apps-none", command)
        .export(asked.address(&format!("{}.csv", site.list()), None), "console-export");
    if site.may_make(WRITE) {
        list = list.makes(format!("{}/new", site.list()), "apps-new");
    }
    Ok(operator.show(&list))
}

/// The same list, whole.
pub(super) async fn export(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let site = Site::enter(&operator, AREA, (at.org.as_deref(), READ)).await?;
    let (asked, narrowed) = asked(visit, &site)?;
    let read = async |page| keep::list(&visit.call, &site, (page, narrowed)).await;
    let line = |client: &Client| {
        let metadata = &client.metadata;
        vec![
            client.id.to_string(),
            client.client_id.clone(),
            client.name.clone(),
            if client.is_confidential { "confidential" } else { "public" }.to_owned(),
            client.status.name().to_owned(),
            metadata.scopes.join(" "),
            metadata.grant_types.join(" "),
            metadata.redirect_uris.join(" "),
            client.org.to_string(),
            client.created_at.to_string(),
        ]
    };
    let columns = [
        "id",
        "client_id",
        "name",
        "type",
        "status",
        "scopes",
        "grant_types",
        "redirect_uris",
        "org_id",
        "created_at",
    ];
    Ok(Sheet::new(&columns).fill(&asked, read, line).await?.answer("applications"))
}
