//! What is said more in tokens, and by what of the organisation.

use std::collections::HashMap;

use axum::{extract::Path, response::Response};
use doorward_core::{
    apis,
    claims::{self, ListAsk, Mapping, Owner, WRITE, Whose},
    clients,
    outcome::{Code, Result as Outcome},
    page::Page,
};

use super::{At, Keeper, READ, target_word};
use crate::{
    pages::{
        console::{
            Operator, orgs,
            part::{
                Cell, Link, Row, Table,
                list::{Asked, Filter, ListPage},
            },
        },
        form::Errors,
        frame::Frame,
        visit::refusal_of,
    },
    surface::Failure,
};

const COLUMNS: [&str; 4] = ["claims-name", "claims-whose", "claims-expression", "claims-into"];

/// The pages of applications and APIs by what they are called, as far as whoever looks may see them.
async fn names(keeper: &Keeper<'_>, found: &[Mapping]) -> Outcome<HashMap<Owner, Link>> {
    let (call, scope, mut names) = (&keeper.visit().call, &keeper.scope, HashMap::new());
    let org = orgs::page(scope.org());
    for mapping in found {
        if names.contains_key(&mapping.owner) {
            continue;
        }
        let link = match mapping.owner {
            Owner::Client(id) if scope.may(clients::of_org::READ) => {
                let name = clients::of_org::find(call, scope, &id.to_string()).await?.name;
                Link::new(format!("{org}/applications/{id}"), name)
            }
            Owner::Api(id) if scope.may(apis::of_org::READ) => {
                let name = apis::of_org::find(call, scope, &id.to_string()).await?.name;
                Link::new(format!("{org}/apis/{id}"), name)
            }
            _ => continue,
        };
        names.insert(mapping.owner, link);
    }
    Ok(names)
}

fn row(frame: &Frame, keeper: &Keeper<'_>, (mapping, names): (&Mapping, &HashMap<Owner, Link>)) -> Row {
    let whose = match (mapping.owner, names.get(&mapping.owner)) {
        (_, Some(link)) => Cell::Link(link.clone()),
        (Owner::Org, None) => Cell::Soft(frame.t("claims-of-itself")),
        (Owner::Client(id), None) => Cell::Code(id.to_string()),
        (Owner::Api(id), None) => Cell::Code(id.to_string()),
    };
    let into = mapping.into.iter().map(|target| target_word(frame.text, *target)).collect();
    Row {
        page: keeper.scope.may(WRITE).then(|| keeper.page(mapping)),
        name: mapping.name.clone(),
        detail: String::new(),
        cells: vec![whose, Cell::Code(mapping.expression.clone()), Cell::words(into, String::new())],
    }
}

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::enter(&operator, &at, READ).await?;
    let (visit, path) = (keeper.visit(), keeper.list());
    let asked = Asked::read(visit.query(), &["client_id", "api"])?;
    let whose = Whose { client: asked.some("client_id"), api: asked.some("api") };
    let (frame, mut errors) = (visit.frame(), Errors::none());
    let found = match claims::list(&visit.call, &keeper.scope, ListAsk { page: asked.page(), whose }).await {
        Ok(found) => found,
        Err(error) => {
            let refusal = refusal_of(error)?;
            let (field, key) = match refusal.code {
                Code::NotFound if asked.some("client_id").is_some() => ("client_id", "claims-no-client"),
                Code::NotFound => ("api", "claims-no-api"),
                Code::RequestInvalid if refusal.field.as_deref() == Some("api") => ("api", "claims-not-both"),
                _ => return Err(refusal.into()),
            };
            errors = Errors::one(field, frame.t(key));
            Page { items: Vec::new(), next: None }
        }
    };
    let names = names(&keeper, &found.items).await?;
    let title = frame.tv("claims-of", "name", &keeper.scope.org().name);
    let shell = keeper.shell(&frame, title, &errors);
    let rows = found.items.iter().map(|mapping| row(&frame, &keeper, (mapping, &names))).collect();
    let filters = vec![
        Filter::text(&asked, "client_id", frame.t("claims-client")),
        Filter::text(&asked, "api", frame.t("claims-api")),
    ];
    let table = Table::new(&frame, "claims-caption", &COLUMNS, rows);
    let command = "doorward org create-claim acme --name tier \\\n  \
                   --expression \"org.role == 'owner' ? 'gold' : 'plain'\" --into access_token";
    let mut list = ListPage::new(&shell, (&path, &asked), filters, table, found.next.as_deref())
        .what("claims-what")
        .empty("claims-none", command);
    if keeper.scope.may(WRITE) {
        let test = asked.address(&format!("{path}/test"), None);
        list = list
            .makes(asked.address(&format!("{path}/new"), None), "claims-new")
            .beside(Link::new(test, frame.t("claims-test")));
    }
    if errors.is_empty() { Ok(operator.show(&list)) } else { Ok(operator.show(&list.wrong(errors))) }
}
