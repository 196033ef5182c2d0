//! Every application: looked for, narrowed down, a page at a time, or all of them as a file.

use axum::response::Response;
use doorward_core::{
    clients::{
        Client,
        manage::{self, ListAsk},
    },
    outcome::{Code, Refusal, Result as Outcome},
    page::PageAsk,
    principals::Status,
};

use super::{PATH, STATES, page, standing};
use crate::{
    pages::{
        console::{
            Administrator, Area,
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

fn asked(visit: &Visit) -> Outcome<Asked> {
    Asked::read(visit.query(), &["query", "status", "org"])
}

fn ask(asked: &Asked, page: PageAsk) -> Outcome<ListAsk> {
    let org = asked.some("org").map(|org| org.parse()).transpose();
    let org = org.map_err(|_| Refusal::new(Code::RequestInvalid).field("org").hint("It is the id of one"))?;
    Ok(ListAsk { page, org, status: asked.one_of("status", STATES, Status::name)? })
}

fn row(visit: &Visit, client: &Client) -> Row {
    let (text, none) = (visit.text, visit.text.get("console-none"));
    let kind = if client.is_confidential { "apps-confidential" } else { "apps-public" };
    Row {
        page: Some(page(client)),
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

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = asked(visit)?;
    let found = manage::list(&visit.call, ask(&asked, asked.page())?).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = administrator.shell(&frame, Area::Applications, frame.t(Area::Applications.key()), &errors);
    let rows = found.items.iter().map(|client| row(visit, client)).collect();
    let states = STATES.map(|status| (status.name(), standing(frame.text, status).word));
    let any = (frame.t("apps-status"), frame.t("console-any"));
    let filters = vec![
        Filter::text(&asked, "query", frame.t("apps-search")),
        Filter::choice(&asked, "status", any, states),
        Filter::text(&asked, "org", frame.t("apps-org-search")),
    ];
    let table = Table::new(&frame, "apps-caption", &COLUMNS, rows);
    let command = "doorward client create --name Orders --type confidential \\\n  \
                   --redirect-uris https://orders.example/callback --scopes openid --scopes email";
    let list = ListPage::new(&shell, (PATH, &asked), filters, table, found.next.as_deref())
        .what("apps-what")
        .makes(format!("{PATH}/new"), "apps-new")
        .empty("apps-none", command)
        .export(asked.address("/console/applications.csv", None), "console-export");
    Ok(administrator.show(&list))
}

/// The same list, whole.
pub(super) async fn export(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = asked(visit)?;
    let read = async |page| manage::list(&visit.call, ask(&asked, page)?).await;
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
